"""vllm.entrypoints.llm."""

from sparrow import LLM  # noqa: F401
