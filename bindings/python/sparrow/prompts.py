"""The forms a prompt may have: text, token ids, or a dict of either."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence, TypedDict, TypeVar, Union

from .errors import ContextFull, InvalidArgument, SparrowError
from .tokenizer import Tokenizer


class TextPrompt(TypedDict, total=False):
    """Raw text in which control tokens count."""

    prompt: str
    cache_salt: str


class TokensPrompt(TypedDict, total=False):
    """Token ids, as the model reads them."""

    prompt_token_ids: List[int]
    prompt: str
    cache_salt: str


PromptType = Union[str, List[int], TextPrompt, TokensPrompt]

_Item = TypeVar("_Item")


@dataclass
class Prompt:
    """A prompt as it is submitted."""

    text: Optional[str]
    ids: List[int]


def at_index(index: int, error: Exception) -> Exception:
    """The same error, saying which of several prompts it is about."""
    if isinstance(error, SparrowError) or type(error) in (ValueError, TypeError):
        return type(error)(f"prompt {index}: {error}")
    return error


def as_list(prompts: Any) -> List[Any]:
    """One prompt or several, as a list of prompts."""
    if isinstance(prompts, (str, Mapping)):
        return [prompts]
    prompts = list(prompts)
    is_one = bool(prompts) and all(hasattr(token, "__index__") for token in prompts)
    return [prompts] if is_one else prompts


def for_each(name: str, value: Union[_Item, Sequence[_Item], None], count: int) -> List[Optional[_Item]]:
    """One value for all prompts, or a list with one for each. Raises ValueError for another length."""
    if not isinstance(value, (list, tuple)):
        return [value] * count  # type: ignore[list-item]
    if len(value) != count:
        raise ValueError(f"{name} must be as many as the prompts, {count}, got {len(value)}")
    return list(value)


def read_prompt(prompt: Any, tokenizer: Tokenizer) -> Prompt:
    """Raises TypeError or ValueError for what is no prompt."""
    text: Any = None
    ids: Any = None
    if isinstance(prompt, str):
        text = prompt
    elif isinstance(prompt, Mapping):
        text, ids = prompt.get("prompt"), prompt.get("prompt_token_ids")
        for name in ("multi_modal_data", "prompt_embeds", "encoder_prompt"):
            if prompt.get(name) is not None:
                raise ValueError(f"{name} is not supported: prompts are texts or token ids")
    else:
        ids = prompt
    if ids is None:
        if not isinstance(text, str):
            raise TypeError(
                f"a prompt is a str, a list of token ids, or a dict of prompt or prompt_token_ids, got {prompt!r}"
            )
        ids = tokenizer.encode(text)
    try:
        return Prompt(text, [operator.index(token) for token in ids])
    except TypeError:
        raise TypeError(f"a prompt's token ids are integers, got {ids!r}") from None


def check_prompt(ids: Sequence[int], tokenizer: Tokenizer) -> None:
    """What the engine would refuse, before anything is submitted."""
    if not ids:
        raise InvalidArgument("the prompt is empty: it must hold at least one token")
    lowest, highest, size = min(ids), max(ids), tokenizer.vocab_size
    if lowest < 0 or highest >= size:
        wrong = lowest if lowest < 0 else highest
        raise InvalidArgument(f"prompt token {ids.index(wrong)} must be a token id in [0, {size}), got {wrong}")
    room = tokenizer.model_max_length
    if len(ids) + 1 > room:
        raise ContextFull(f"the prompt is too long: {len(ids)} tokens, and the context of {room} must hold it and an answer")
