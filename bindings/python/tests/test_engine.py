"""The C ABI as Python objects: what LLM has no name for."""

import json
import math
import unittest

from sparrow import InvalidArgument

from .support import load, shared_llm


def run(engine, prompt, params, **options):
    """The deltas of a request, read to the end."""
    stream = engine.submit(prompt, params, **options)
    deltas = []
    while (delta := stream.next()) is not None:
        deltas.append(delta)
    return deltas


class ScoringTest(unittest.TestCase):
    def test_a_continuation_has_the_sum_of_its_tokens_log_probabilities(self):
        found = shared_llm().engine.log_likelihood([1, 2, 3], [40, 41])
        self.assertAlmostEqual(found["logprob"], sum(found["token_logprobs"]), places=5)
        self.assertEqual(len(found["token_logprobs"]), 2)
        self.assertFalse(found["is_greedy"])
        with self.assertRaises(InvalidArgument):
            shared_llm().engine.log_likelihood([1], [])

    def test_labels_share_all_of_the_probability(self):
        engine = shared_llm().engine
        shares = engine.classify([1, 2, 3], [[40, 41], [50], [60]])
        self.assertAlmostEqual(sum(shares), 1)
        ratio = engine.log_likelihood([1, 2, 3], [50])["logprob"] - engine.log_likelihood([1, 2, 3], [60])["logprob"]
        self.assertAlmostEqual(math.log(shares[1] / shares[2]), ratio, places=6)

    def test_scores_begin_where_they_are_wanted(self):
        deltas = run(shared_llm().engine, list(range(20)), {"max_tokens": 0, "prompt_logprobs": 0}, score_from=15)
        self.assertEqual([token.id for delta in deltas for token in delta.prompt_tokens], [15, 16, 17, 18, 19])


class ReceiptTest(unittest.TestCase):
    def test_an_answer_is_made_again_from_its_receipt(self):
        params = {"max_tokens": 10, "temperature": 1.2, "ignore_eos": True}
        receipt = run(shared_llm().engine, [5, 6, 7], params, receipt="full", rope_scaling="linear:2")[-1].receipt
        self.assertEqual(json.loads(receipt)["answer"]["tokens"], 10)
        self.assertTrue(shared_llm().engine.replay(receipt)["is_same"])
        digests = run(shared_llm().engine, [5, 6, 7], params, receipt="digests")[-1].receipt
        self.assertTrue(shared_llm().engine.replay(digests, [5, 6, 7])["is_same"])
        with self.assertRaises(InvalidArgument):
            shared_llm().engine.replay(digests)
        with self.assertRaisesRegex(ValueError, "receipt must be digests or full, got 'all'"):
            shared_llm().engine.submit([1], params, receipt="all")


class RopeScalingTest(unittest.TestCase):
    def test_a_scaled_context_is_longer(self):
        scaling = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 400}
        llm = load(max_model_len=1500, hf_overrides={"rope_scaling": scaling})
        self.assertEqual(llm.engine.info["model_context_length"], 1600)
        llm.shutdown()
        with self.assertRaisesRegex(ValueError, "none, linear, yarn or llama3, got 'longrope'"):
            load(rope_scaling={"rope_type": "longrope"})


if __name__ == "__main__":
    unittest.main()
