"""Beam search against a search over everything."""

import unittest

from sparrow import BeamSearchParams, LoRARequest, SamplingParams

from .support import IM_END, adapter_path, shared_llm


class BeamSearchTest(unittest.TestCase):
    def test_a_beam_of_one_is_the_greedy_answer(self):
        llm = shared_llm()
        params = SamplingParams(temperature=0, max_tokens=6, logprobs=0, ignore_eos=True)
        greedy = llm.generate("hello", params, use_tqdm=False)[0]
        beam = llm.beam_search(["hello"], BeamSearchParams(beam_width=1, max_tokens=6, ignore_eos=True))[0].sequences[0]
        self.assertEqual(beam.tokens, greedy.prompt_token_ids + greedy.outputs[0].token_ids)
        self.assertAlmostEqual(beam.cum_logprob, greedy.outputs[0].cumulative_logprob, places=5)
        self.assertEqual(beam.text, "hello" + llm.get_tokenizer().decode(greedy.outputs[0].token_ids))
        self.assertEqual((len(beam.logprobs), beam.finish_reason), (6, "length"))

    def test_the_best_come_first_and_no_two_are_the_same(self):
        llm = shared_llm()
        params = BeamSearchParams(beam_width=4, max_tokens=5)
        outputs = llm.beam_search(["hello", {"prompt": "there"}, {"prompt_token_ids": [1, 2]}], params)
        self.assertEqual(len(outputs), 3)
        for output in outputs:
            beams = output.sequences
            self.assertEqual(len({tuple(beam.tokens) for beam in beams}), 4)
            scores = [beam.cum_logprob / (len(beam.tokens) - (beam.tokens[-1] == IM_END)) for beam in beams]
            self.assertEqual(scores, sorted(scores, reverse=True))

    def test_two_steps_find_what_a_search_over_everything_finds(self):
        llm = shared_llm()
        step = SamplingParams(temperature=0, max_tokens=1, logprobs=20, ignore_eos=True)
        ids = llm.get_tokenizer().encode("hello")
        first = llm.generate([ids], step, use_tqdm=False)[0].outputs[0].logprobs[0]
        pairs = {}
        for token, entry in first.items():
            for following, next_entry in (
                llm.generate([[*ids, token]], step, use_tqdm=False)[0].outputs[0].logprobs[0].items()
            ):
                pairs[(token, following)] = entry.logprob + next_entry.logprob
        best = sorted(pairs, key=pairs.get, reverse=True)[:3]
        beams = llm.beam_search(["hello"], BeamSearchParams(beam_width=10, max_tokens=2, ignore_eos=True))[0].sequences
        self.assertEqual([tuple(beam.tokens[-2:]) for beam in beams[:3]], best)

    def test_a_full_context_ends_the_beams(self):
        llm = shared_llm()
        output = llm.beam_search([[1] * 398], BeamSearchParams(beam_width=2, max_tokens=50))[0]
        self.assertTrue(all(len(beam.tokens) <= 400 for beam in output.sequences))

    def test_the_beams_of_an_adapter_are_its_own(self):
        llm = shared_llm()
        adapter = LoRARequest("tiny", 1, adapter_path())
        params = BeamSearchParams(beam_width=1, max_tokens=6, ignore_eos=True)
        greedy = SamplingParams(temperature=0, max_tokens=6, ignore_eos=True)
        outputs = llm.beam_search(["hello there"] * 2, params, lora_request=[adapter, None])
        answers = llm.generate(["hello there"] * 2, greedy, use_tqdm=False, lora_request=[adapter, None])
        for output, answer in zip(outputs, answers):
            self.assertEqual(output.sequences[0].tokens, answer.prompt_token_ids + answer.outputs[0].token_ids)
        self.assertNotEqual(outputs[0].sequences[0].tokens, outputs[1].sequences[0].tokens)
        self.assertEqual([output.sequences[0].lora_request for output in outputs], [adapter, None])
        with self.assertRaisesRegex(ValueError, "lora_request must be as many as the prompts, 1, got 2"):
            llm.beam_search(["hello"], params, lora_request=[adapter, None])

    def test_a_bad_prompt_is_named_by_its_index(self):
        with self.assertRaisesRegex(ValueError, "prompt 1: the prompt is empty"):
            shared_llm().beam_search(["a", ""], BeamSearchParams(beam_width=2, max_tokens=2))


if __name__ == "__main__":
    unittest.main()
