"""The shim named vllm: where programs look for what."""

import importlib
import io
import pathlib
import sys
import unittest
from contextlib import redirect_stdout

import sparrow

from .support import model_path, shared_llm

SHIM = pathlib.Path(__file__).resolve().parents[2] / "python-vllm-shim"

# Of vLLM's examples, and of lm-eval's vllm back-end.
NAMES = {
    "vllm": "LLM SamplingParams TokensPrompt EngineArgs RequestOutput PoolingParams PoolingOutput AsyncLLMEngine",
    "vllm.engine.arg_utils": "EngineArgs AsyncEngineArgs",
    "vllm.entrypoints.chat_utils": "resolve_hf_chat_template",
    "vllm.entrypoints.llm": "LLM",
    "vllm.inputs": "TextPrompt TokensPrompt",
    "vllm.logprobs": "Logprob",
    "vllm.lora.request": "LoRARequest",
    "vllm.outputs": "RequestOutput CompletionOutput EmbeddingRequestOutput",
    "vllm.pooling_params": "PoolingParams",
    "vllm.renderers.hf": "resolve_chat_template",
    "vllm.sampling_params": "SamplingParams BeamSearchParams RequestOutputKind StructuredOutputsParams",
    "vllm.tokenizers": "get_tokenizer",
    "vllm.transformers_utils.tokenizer": "get_tokenizer",
    "vllm.utils": "FlexibleArgumentParser",
    "vllm.utils.argparse_utils": "FlexibleArgumentParser",
    "vllm.utils.print_utils": "print_embeddings",
    "vllm.v1.engine.async_llm": "AsyncLLM",
}


class ShimTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sys.path.insert(0, str(SHIM))
        cls.addClassCleanup(sys.path.remove, str(SHIM))

    def test_every_name_is_where_programs_import_it(self):
        for module, names in NAMES.items():
            for name in names.split():
                with self.subTest(f"{module}.{name}"):
                    found = getattr(importlib.import_module(module), name)
                    self.assertIs(found, getattr(sparrow, name, found))

    def test_its_version_says_what_it_is(self):
        self.assertIn("+sparrow." + sparrow.__version__, importlib.import_module("vllm").__version__)

    def test_a_chat_template_is_the_models_or_the_callers(self):
        resolve = importlib.import_module("vllm.renderers.hf").resolve_chat_template
        tokenizer = importlib.import_module("vllm.tokenizers").get_tokenizer(model_path())
        own = resolve(tokenizer, None, None, model_config=shared_llm().llm_engine.model_config)
        self.assertEqual(own, tokenizer.chat_template)
        self.assertEqual(resolve(tokenizer=tokenizer, chat_template="{{ 1 }}", tools=None, model_config=None), "{{ 1 }}")

    def test_embeddings_are_printed_short(self):
        out = io.StringIO()
        with redirect_stdout(out):
            importlib.import_module("vllm.utils.print_utils").print_embeddings([0.5] * 20)
        self.assertEqual(out.getvalue(), f"Embeddings: [{', '.join(['0.5'] * 16)}, ...] (size=20)\n")


if __name__ == "__main__":
    unittest.main()
