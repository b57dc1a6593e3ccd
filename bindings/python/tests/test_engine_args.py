"""vLLM's engine arguments: used, noted or refused."""

import json
import logging
import pathlib
import tempfile
import unittest

from sparrow import LLM, EngineArgs, NotFound, SparrowError
from sparrow.engine_args import ENGINE_ARGUMENTS, _noted, engine_options

from .support import load, model_path


class EngineArgumentsTest(unittest.TestCase):
    def test_an_argument_without_meaning_is_noted_once(self):
        _noted.clear()
        with self.assertLogs("sparrow", logging.INFO) as log:
            for _ in range(2):
                engine_options({"model": "m", "gpu_memory_utilization": 0.9, "enforce_eager": True, "swap_space": 4})
        self.assertEqual(len(log.output), 3)
        self.assertIn("gpu_memory_utilization has no meaning here: there is no GPU here", log.output[0])

    def test_an_argument_that_would_change_answers_is_refused_with_the_reason(self):
        cases = {
            "tensor_parallel_size": 2,
            "pipeline_parallel_size": 2,
            "quantization": "awq",
            "rope_theta": 1,
            "load_format": "safetensors",
            "runner": "draft",
            "tokenizer": "another",
            "enable_lora_bias": True,
            "logprobs_mode": "processed_logits",
            "max_logprobs": 21,
        }
        for name, value in cases.items():
            reason = ENGINE_ARGUMENTS[name].reason
            with self.subTest(name), self.assertRaises(ValueError) as raised:
                engine_options({"model": "m", name: value})
            self.assertEqual(str(raised.exception), f"{name}={value!r} is not supported: {reason}")

    def test_the_values_that_say_what_happens_anyway_are_taken(self):
        engine_options(
            {
                "model": "m",
                "tokenizer": "m",
                "quantization": None,
                "load_format": "gguf",
                "runner": "generate",
                "task": "auto",
                "hf_overrides": {},
                "enable_lora": True,
                "revision": "main",
                "tensor_parallel_size": 1,
                "dtype": "bfloat16",
                "enable_prefix_caching": True,
                "generation_config": "vllm",
            }
        )

    def test_of_hugging_faces_configuration_only_the_rope_scaling_may_be_another(self):
        scaling = {"rope_type": "yarn", "factor": 4.0}
        for arguments in ({"rope_scaling": scaling}, {"hf_overrides": {"rope_parameters": scaling}}):
            options = engine_options({"model": "m", **arguments})
            self.assertEqual(json.loads(options["rope_scaling"]), scaling)
        for arguments, message in (
            ({"rope_scaling": "yarn"}, "must be a dict"),
            ({"hf_overrides": {"rope_theta": 1}}, "hf_overrides of rope_theta is not supported"),
        ):
            with self.subTest(message), self.assertRaisesRegex(ValueError, message):
                engine_options({"model": "m", **arguments})

    def test_an_unknown_argument_is_a_type_error(self):
        with self.assertRaisesRegex(TypeError, "unexpected keyword argument 'max_model_length'"):
            LLM("m", max_model_length=5)

    def test_values_become_the_engines_options(self):
        options = engine_options(
            {"max_model_len": 100, "kv_cache_dtype": "bfloat16", "max_num_seqs": 4, "kv_cache_memory_bytes": 1 << 20}
        )
        self.assertEqual(
            options,
            {"context_length": 100, "kv_cache_type": "bf16", "max_sequences": 4, "kv_cache_bytes": 1 << 20},
        )
        for name in ("max_model_len", "max_num_seqs", "kv_cache_memory_bytes"):
            message = f"{name} must be an integer, at least 1, got 0"
            with self.subTest(name), self.assertRaisesRegex(ValueError, message):
                engine_options({name: 0})
        with self.assertRaisesRegex(ValueError, "dtype must be one of auto, .*, got 'int8'"):
            engine_options({"dtype": "int8"})

    def test_what_the_engine_refuses_is_pythons_own_kind_of_error(self):
        with self.assertRaisesRegex(FileNotFoundError, "none.gguf"):
            LLM("/no/where/none.gguf")
        with self.assertRaises(NotFound):
            LLM("/no/where/none.gguf")
        with self.assertRaisesRegex(ValueError, "fp8"):
            load(kv_cache_dtype="fp8")
        self.assertTrue(issubclass(NotFound, SparrowError))

    def test_engine_args_are_a_value_that_an_llm_takes(self):
        self.assertEqual(vars(EngineArgs(model="m", max_model_len=5)), {"model": "m", "max_model_len": 5})
        with self.assertRaises(TypeError):
            EngineArgs(model="m", modle="n")

    def test_a_folder_is_its_one_file(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            with self.assertRaisesRegex(ValueError, "a folder must hold one .gguf file .* has none"):
                LLM(name)
            (folder / "config.json").write_text("{}")
            (folder / "a.gguf").symlink_to(model_path())
            with LLM(folder, max_model_len=64, thread_count=1) as llm:
                self.assertEqual(llm.llm_engine.model_config.model, name)
            (folder / "b.gguf").symlink_to(model_path())
            with self.assertRaisesRegex(ValueError, "has a.gguf, b.gguf"):
                LLM(name)

    def test_flags_are_made_of_the_table(self):
        import argparse

        parser = EngineArgs.add_cli_args(argparse.ArgumentParser())
        parser.set_defaults(model="m")
        self.assertEqual(vars(parser.parse_args([])), {"model": "m"})
        given = vars(parser.parse_args(["--max-model-len", "64", "--enforce-eager", "--kv-cache-dtype", "q8_0"]))
        self.assertEqual(given, {"model": "m", "max_model_len": 64, "enforce_eager": True, "kv_cache_dtype": "q8_0"})
        parser.add_argument("--verbose", action="store_true")
        args = EngineArgs.from_cli_args(parser.parse_args(["--seed", "3", "--verbose"]))
        self.assertEqual(vars(args), {"model": "m", "seed": 3})


if __name__ == "__main__":
    unittest.main()
