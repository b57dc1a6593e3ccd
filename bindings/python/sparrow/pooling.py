"""Embeddings: how prompts become vectors, and how alike two of them are."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, List, Optional, Sequence

from .engine import Engine
from .prompts import Prompt, at_index

# vLLM's names of pooling types, and the engine's.
POOLING_TYPES = {"LAST": "last", "MEAN": "mean", "CLS": "cls"}


@dataclasses.dataclass
class PoolingParams:
    """What of a prompt's vector is wanted.

    dimensions: only the first so many numbers, at least 1, normalized anew; None: all.
    normalize, use_activation: whether the vector has length 1; None: yes.
    """

    dimensions: Optional[int] = None
    normalize: Optional[bool] = None
    use_activation: Optional[bool] = None
    task: Optional[str] = None

    def __post_init__(self) -> None:
        if self.dimensions is not None and self.dimensions < 1:
            raise ValueError(f"dimensions must be at least 1, got {self.dimensions}")
        if self.task not in (None, "embed"):
            raise ValueError(f"task must be embed: the model has no head for {self.task!r}")

    @property
    def is_normalized(self) -> bool:
        """Whether the vector has length 1."""
        return self.normalize is not False and self.use_activation is not False


def pooling_type(pooler_config: Any) -> str:
    """The engine's name of a pooler_config's pooling_type; LAST if it names none. Raises ValueError."""
    if pooler_config is None:
        return "last"
    is_dict = isinstance(pooler_config, dict)
    name = pooler_config.get("pooling_type") if is_dict else getattr(pooler_config, "pooling_type", None)
    name = name or "LAST"
    if str(name).upper() not in POOLING_TYPES:
        raise ValueError(f"pooling_type must be LAST, MEAN or CLS, got {name!r}")
    return POOLING_TYPES[str(name).upper()]


@dataclasses.dataclass
class Embedding:
    """One prompt's vector, and how much of the prompt was found in the cache."""

    vector: List[float]
    cached_tokens: int


def embed_all(
    engine: Engine,
    prompts: Sequence[Prompt],
    pooling: str,
    params: PoolingParams,
    adapter: Optional[str],
    bar: Any,
) -> List[Embedding]:
    """The vectors of prompts, in their order. Cancels all if one fails."""
    is_whole = params.dimensions is None
    streams: List[Any] = []
    try:
        for index, prompt in enumerate(prompts):
            try:
                streams.append(
                    engine.submit(
                        prompt.ids, {}, adapter=adapter, pooling=pooling, normalize=params.is_normalized and is_whole
                    )
                )
            except Exception as error:  # pylint: disable=broad-except
                raise at_index(index, error) from None
        embeddings = []
        for index, stream in enumerate(streams):
            delta = None
            while not stream.is_finished:
                delta = stream.next(100) or delta
            assert delta is not None
            if delta.error is not None:
                raise at_index(index, delta.error)
            vector = delta.embedding
            if not is_whole:
                if params.dimensions > len(vector):
                    raise ValueError(f"dimensions must be in [1, {len(vector)}], got {params.dimensions}")
                vector = vector[: params.dimensions]
                length = math.sqrt(sum(value * value for value in vector)) if params.is_normalized else 1.0
                vector = [value / length for value in vector] if length > 0 else vector
            embeddings.append(Embedding(vector, stream.stats().cached_tokens))
            bar.update(1)
        return embeddings
    finally:
        for stream in streams:
            stream.close()


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """The cosine of the angle between two vectors; 0 where one has no length."""
    lengths = math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b)) / lengths if lengths > 0 else 0.0
