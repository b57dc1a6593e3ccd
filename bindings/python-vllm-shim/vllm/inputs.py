"""vllm.inputs."""

from sparrow import PromptType, TextPrompt, TokensPrompt  # noqa: F401
