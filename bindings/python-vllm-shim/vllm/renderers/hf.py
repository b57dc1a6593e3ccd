"""vllm.renderers.hf, as far as programs ask it for a chat template."""

from typing import Any, Optional


def resolve_chat_template(
    tokenizer: Any, chat_template: Optional[str] = None, tools: Any = None, *, model_config: Any = None
) -> str:
    """`chat_template`, or the model's own."""
    del model_config
    return tokenizer.get_chat_template(chat_template, tools=tools)
