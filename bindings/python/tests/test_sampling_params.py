"""SamplingParams: vLLM's names, defaults and checks, and sparrow's fields for them."""

import unittest

import sparrow
from sparrow import BeamSearchParams, RequestOutputKind, SamplingParams, StructuredOutputsParams


class SamplingParamsTest(unittest.TestCase):
    def test_defaults_are_those_of_vllm(self):
        params = SamplingParams()
        expected = {
            "n": 1,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "repetition_penalty": 1.0,
            "temperature": 1.0,
            "top_p": 1.0,
            "top_k": 0,
            "min_p": 0.0,
            "seed": None,
            "stop": [],
            "stop_token_ids": [],
            "ignore_eos": False,
            "max_tokens": 16,
            "min_tokens": 0,
            "logprobs": None,
            "prompt_logprobs": None,
            "detokenize": True,
            "skip_special_tokens": True,
            "spaces_between_special_tokens": True,
            "include_stop_str_in_output": False,
            "output_kind": RequestOutputKind.CUMULATIVE,
            "structured_outputs": None,
            "logit_bias": None,
            "allowed_token_ids": None,
            "bad_words": [],
        }
        self.assertEqual({name: getattr(params, name) for name in expected}, expected)

    def test_a_value_out_of_range_is_named_with_its_range(self):
        cases = [
            ({"n": 0}, r"n must be an integer in \[1, 16384\], got 0"),
            ({"n": 2, "temperature": 0}, "n must be 1 when temperature is 0, got 2"),
            ({"presence_penalty": 2.5}, r"presence_penalty must be in \[-2, 2\], got 2.5"),
            ({"frequency_penalty": -3}, r"frequency_penalty must be in \[-2, 2\], got -3"),
            ({"repetition_penalty": 0}, r"repetition_penalty must be in \(0, 100\], got 0"),
            ({"temperature": -0.1}, r"temperature must be in \[0, 100\], got -0.1"),
            ({"temperature": float("nan")}, "temperature must be in .*, got nan"),
            ({"temperature": "0.7"}, "temperature must be in .*, got '0.7'"),
            ({"top_p": 0}, r"top_p must be in \(0, 1\], got 0"),
            ({"top_p": 1.7}, r"top_p must be in \(0, 1\], got 1.7"),
            ({"top_k": -2}, "top_k must be an integer in .*, got -2"),
            ({"top_k": 1.5}, "top_k must be an integer in .*, got 1.5"),
            ({"min_p": 2}, r"min_p must be in \[0, 1\], got 2"),
            ({"seed": -2}, "seed must be an integer in .*, got -2"),
            ({"stop": [""]}, "each of stop must be a text of 1 to 256 bytes, got ''"),
            ({"stop": ["x"] * 17}, "stop must hold at most 16 texts, got 17"),
            ({"stop": "x", "detokenize": False}, "stop needs detokenize=True"),
            ({"stop_token_ids": [-1]}, "each of stop_token_ids must be an integer in .*, got -1"),
            ({"max_tokens": 0}, r"max_tokens must be an integer in \[1, 16777216\], got 0"),
            ({"max_tokens": True}, "max_tokens must be an integer in .*, got True"),
            ({"min_tokens": 17}, "min_tokens must be at most max_tokens = 16, got 17"),
            ({"logprobs": 21}, r"logprobs must be in \[0, 20\], got 21"),
            ({"prompt_logprobs": -1}, r"prompt_logprobs must be in \[0, 20\], got -1"),
            ({"logit_bias": {1: 101}}, r"logit_bias\[1\] must be in \[-100, 100\], got 101"),
            ({"logit_bias": {"a": 1}}, "logit_bias must be by token id, got 'a'"),
            ({"output_kind": 1}, "output_kind must be a RequestOutputKind, got 1"),
            ({"extra_args": {"top_k": 1}}, "extra_args must not hold top_k"),
        ]
        for fields, message in cases:
            with self.subTest(fields), self.assertRaisesRegex(ValueError, message):
                SamplingParams(**fields)

    def test_what_the_engine_cannot_do_yet_is_refused_with_a_reason(self):
        cases = [
            ({"structured_outputs": StructuredOutputsParams(choice=["a"])}, "constrained decoding is not there yet"),
            ({"guided_decoding": {"regex": "a"}}, "constrained decoding is not there yet"),
            ({"bad_words": [""]}, "bad_words"),
            ({"allowed_token_ids": []}, "allowed_token_ids must hold at least one id"),
            ({"allowed_token_ids": [-1]}, "allowed_token_ids"),
            ({"logprob_token_ids": [1]}, "logprob_token_ids is not supported"),
            ({"flat_logprobs": True}, "flat_logprobs is not supported"),
            ({"thinking_token_budget": 5}, "thinking_token_budget is not supported"),
        ]
        for fields, message in cases:
            with self.subTest(fields), self.assertRaisesRegex(ValueError, message):
                SamplingParams(**fields)
        with self.assertRaises(TypeError):
            SamplingParams(temprature=1)

    def test_every_sampler_that_vllm_has_not_is_off(self):
        fields = SamplingParams(repetition_penalty=1.5, top_k=-1, max_tokens=None).engine_fields()
        expected = {
            "repeat_penalty": 1.5,
            "penalty_window": -1,
            "penalize_prompt": False,
            "top_k": 0,
            "typical_p": 1,
            "top_n_sigma": -1,
            "dry_multiplier": 0,
            "xtc_probability": 0,
            "mirostat": 0,
            "max_tokens": -1,
            "logprobs": -1,
            "seed": -1,
        }
        self.assertEqual({name: fields[name] for name in expected}, expected)
        # A sampler added to the engine must be switched off here too.
        known = set(fields) | {"dry_base", "dry_allowed_length", "dry_window", "dry_sequence_breakers"}
        known |= {"xtc_threshold", "mirostat_tau", "mirostat_eta"}
        self.assertLessEqual({field["name"] for field in sparrow.sampling_fields()}, known)

    def test_extra_args_reach_the_engines_own_samplers(self):
        self.assertEqual(SamplingParams(extra_args={"dry_multiplier": 0.8}).engine_fields()["dry_multiplier"], 0.8)

    def test_answers_of_one_prompt_have_seeds_in_a_row(self):
        params = SamplingParams(n=3, seed=7, prompt_logprobs=0)
        self.assertEqual([params.engine_fields(index)["seed"] for index in range(3)], [7, 8, 9])
        self.assertEqual([params.engine_fields(index)["prompt_logprobs"] for index in range(3)], [0, -1, -1])

    def test_one_stop_string_is_a_list_and_a_seed_of_minus_one_is_none(self):
        params = SamplingParams(stop="x", seed=-1, logprobs=True)
        self.assertEqual((params.stop, params.seed, params.logprobs), (["x"], None, 1))

    def test_from_optional_takes_none_for_the_default(self):
        params = SamplingParams.from_optional(top_p=None, max_tokens=None, logit_bias={"5": 1000})
        self.assertEqual((params.top_p, params.max_tokens, params.logit_bias), (1.0, None, {5: 100.0}))

    def test_a_beam_is_as_wide_as_the_logprobs_reach(self):
        with self.assertRaisesRegex(ValueError, r"beam_width must be in \[1, 10\], got 11"):
            BeamSearchParams(beam_width=11, max_tokens=5)
        with self.assertRaisesRegex(ValueError, "max_tokens"):
            BeamSearchParams(beam_width=2, max_tokens=0)


if __name__ == "__main__":
    unittest.main()
