"""vllm.utils."""
