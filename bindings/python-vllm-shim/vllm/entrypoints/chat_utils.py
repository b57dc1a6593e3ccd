"""vllm.entrypoints.chat_utils: older programs look here."""

from ..renderers.hf import resolve_chat_template as resolve_hf_chat_template  # noqa: F401
