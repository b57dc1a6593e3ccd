"""The messages of a conversation in the form that its chat template reads.

OpenAI's API has a content as text or as a list of parts. Some templates walk over the parts, most put
one text together and know no lists; vLLM looks at the template, and so does this.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional, Sequence

_FORMATS = ("auto", "string", "openai")
# A loop over message.content or message['content'].
_READS_PARTS = re.compile(r"\bfor\s+\w+\s+in\s+\w+\s*(\.\s*content\b|\[\s*['\"]content['\"]\s*\])")


def read_conversation(
    messages: Sequence[Mapping[str, Any]], template: str, content_format: Optional[str] = "auto"
) -> List[Dict[str, Any]]:
    """The messages with contents of text, or of parts where the template reads these.

    Args:
        messages: not changed.
        template: its Jinja source.
        content_format: string, openai (parts) or auto: as the template is.

    Raises:
        ValueError: for parts that are not text, and for another format.
    """
    content_format = content_format or "auto"
    if content_format not in _FORMATS:
        raise ValueError(f"chat_template_content_format must be auto, string or openai, got {content_format!r}")
    if content_format == "auto":
        content_format = "openai" if _READS_PARTS.search(template) else "string"
    return [
        {**message, "content": _content(message["content"], content_format)} if "content" in message else {**message}
        for message in messages
    ]


def _content(content: Any, content_format: str) -> Any:
    if not isinstance(content, (list, tuple)):
        return content
    texts = [_text_of(part) for part in content]
    if content_format == "openai":
        return [{"type": "text", "text": text} for text in texts]
    return "\n".join(texts)


def _text_of(part: Any) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type", "text") if isinstance(part, Mapping) else type(part).__name__
    if kind not in ("text", "input_text", "output_text", "refusal"):
        raise ValueError(f"a part of a message's content must be text, got {kind!r}: only text is read")
    text = part.get("refusal" if kind == "refusal" else "text")
    if not isinstance(text, str):
        raise ValueError(f"a part of a message's content must hold a text, got {part!r}")
    return text
