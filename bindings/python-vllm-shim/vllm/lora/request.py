"""vllm.lora.request."""

from sparrow import LoRARequest  # noqa: F401
