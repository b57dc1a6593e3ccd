"""vllm.engine.arg_utils."""

from sparrow import AsyncEngineArgs, EngineArgs  # noqa: F401
