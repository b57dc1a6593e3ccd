"""vllm.v1.engine.async_llm."""

from sparrow import AsyncLLM  # noqa: F401
