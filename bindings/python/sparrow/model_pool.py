"""ModelPool: several models within one memory budget."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from .engine import Engine, EnginePool
from .engine_args import model_file

if TYPE_CHECKING:
    from .llm import LLM


class ModelPool:
    """The models that are loaded, each once, within one memory budget.

        with ModelPool(memory_bytes=8 << 30, keep_alive=60) as pool:
            llm = pool.acquire("qwen3-4b-instruct-2507")
            print(llm.generate("Hello")[0].outputs[0].text)

    A model is in use until every LLM of it was shut down or is garbage. Then it stays for keep_alive, or
    until another needs its room, the longest unused first. Any thread may call any method.
    """

    def __init__(
        self,
        *,
        memory_bytes: Optional[int] = None,
        max_models: Optional[int] = None,
        keep_alive: Optional[float] = 300.0,
    ) -> None:
        """An empty pool.

        Args:
            memory_bytes: for weights, caches, adapters and working memory of all models, at least 1;
                None: what the machine has.
            max_models: loaded at once, at least 1; None: as many as memory holds.
            keep_alive: seconds that a model stays after its last use, at least 0; None: for good.

        Raises:
            ValueError: a value outside its range.
        """
        for name, value in (("memory_bytes", memory_bytes), ("max_models", max_models)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} must be an integer, at least 1, or None, got {value!r}")
        self._pool: Optional[EnginePool] = EnginePool(memory_bytes or 0, max_models or 0, _milliseconds(keep_alive))

    def acquire(self, model: str, **engine_arguments: Any) -> "LLM":
        """LLM(model, **engine_arguments) in this pool: the same model with the same arguments is shared, with
        other ones it is loaded beside it. Raises what LLM() raises, OutOfMemory with the names of those
        who hold the memory, and RuntimeError after shutdown()."""
        from .llm import LLM  # pylint: disable=import-outside-toplevel

        return LLM(model, pool=self, **engine_arguments)

    def engine(self, model: str, **options: Any) -> Engine:
        """The layer below: an Engine in this pool."""
        return Engine(model_file(model), pool=self._open(), **options)

    def list(self) -> List[Dict[str, Any]]:
        """What is loaded, the most recently used first: name, path, context_length, kv_cache_type, bytes,
        is_used, and time_left, in seconds (None: it stays)."""
        models = self._open().list()
        for model in models:
            time_left_ms = model.pop("time_left_ms")
            model["time_left"] = None if time_left_ms is None else time_left_ms / 1000
        return models

    def unload(self, model: str) -> bool:
        """Ends a model as soon as nobody uses it, with whatever arguments. False: it was not loaded."""
        return self._open().unload(model_file(model))

    def shutdown(self) -> None:
        """Frees what nobody uses; what is in use goes with its last LLM. May be called again."""
        self._pool = None

    def __enter__(self) -> "ModelPool":
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()

    def _open(self) -> EnginePool:
        pool = self._pool
        if pool is None:
            raise RuntimeError("the pool was shut down")
        return pool


def _milliseconds(keep_alive: Optional[float]) -> int:
    if keep_alive is None:
        return -1
    if isinstance(keep_alive, bool) or not isinstance(keep_alive, (int, float)) or not keep_alive >= 0:
        raise ValueError(f"keep_alive must be a number of seconds, at least 0, or None for good, got {keep_alive!r}")
    return int(min(keep_alive * 1000, 2**62))


_process_pool: Optional[ModelPool] = None
_process_lock = threading.Lock()


def process_pool() -> ModelPool:
    """The pool of every LLM that was not given one: all of the process share one memory plan. As in vLLM
    a model's memory is free as soon as its last LLM is gone."""
    global _process_pool  # pylint: disable=global-statement
    with _process_lock:
        if _process_pool is None:
            _process_pool = ModelPool(keep_alive=0)
        return _process_pool


_inherited: List[Any] = []


def _begin_anew() -> None:
    """In a forked process: the parent's pool has no thread here, and is left as it is."""
    global _process_pool, _process_lock  # pylint: disable=global-statement
    _inherited.append(_process_pool)
    _process_pool, _process_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
