"""The tokenizer of a model by its name, as vLLM's get_tokenizer gives it."""

from __future__ import annotations

import weakref
from typing import Any, Optional

from .engine import Engine
from .engine_args import check_engine_arguments
from .model_pool import process_pool
from .tokenizer import Tokenizer

# Engines that are loaded, by the name of the model that they were loaded with.
_loaded: "weakref.WeakValueDictionary[str, Engine]" = weakref.WeakValueDictionary()


def remember_engine(model: str, engine: Engine) -> None:
    """For get_tokenizer(), as long as something else uses the engine."""
    _loaded[str(model)] = engine


def get_tokenizer(
    tokenizer_name: str,
    *,
    tokenizer_mode: str = "auto",
    trust_remote_code: bool = False,
    revision: Optional[str] = None,
    download_dir: Optional[str] = None,
    add_bos_token: Optional[bool] = None,
    **arguments: Any,
) -> Tokenizer:
    """The tokenizer of a model by the name that an LLM was made with; of another one its file is
    loaded for it, with a small context.

    Args:
        add_bos_token: whether a BOS stands in front; None: as the model's file says.
        arguments: use_fast, padding_side and truncation_side are accepted: nothing is padded or cut.

    Raises:
        ValueError: for a mode or revision that the file does not have. TypeError: for other arguments.
    """
    check_engine_arguments(
        {
            "tokenizer_mode": tokenizer_mode,
            "trust_remote_code": trust_remote_code,
            "tokenizer_revision": revision,
            "download_dir": download_dir,
        }
    )
    for name in arguments:
        if name not in ("use_fast", "padding_side", "truncation_side"):
            raise TypeError(f"get_tokenizer() got an unexpected keyword argument '{name}'")
    engine = _loaded.get(str(tokenizer_name))
    if engine is None or engine.is_closed:
        engine = process_pool().engine(tokenizer_name, context_length=256, max_sequences=1, thread_count=1)
    return Tokenizer(engine, add_bos_token)
