"""vllm.tokenizers."""

from sparrow.tokenizers import get_tokenizer  # noqa: F401
