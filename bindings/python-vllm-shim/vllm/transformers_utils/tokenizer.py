"""vllm.transformers_utils.tokenizer: older programs look here."""

from sparrow.tokenizers import get_tokenizer  # noqa: F401
