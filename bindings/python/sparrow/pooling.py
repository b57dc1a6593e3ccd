"""Embeddings: how prompts become vectors, and how alike two of them are."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, List, Optional, Sequence

from .errors import Cancelled
from .lora import LoRARequest
from .outputs import PoolingOutput, PoolingRequestOutput
from .prompts import Prompt
from .request import Model

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


class PoolingRequest:
    """A prompt on its way to a vector."""

    def __init__(
        self,
        model: Model,
        request_id: str,
        prompt: Prompt,
        pooling: str,
        params: PoolingParams,
        is_batch: bool = False,
        lora_request: Optional[LoRARequest] = None,
    ) -> None:
        """Submits it. Raises what the engine refuses."""
        self.request_id = request_id
        self.prompt = prompt
        self._params = params
        self._vector: Optional[List[float]] = None
        self.error: Optional[Exception] = None
        self._stream = model.engine.submit(
            prompt.ids,
            {},
            is_batch=is_batch,
            adapter=model.adapters.name_of(lora_request),
            pooling=pooling,
            normalize=params.is_normalized and params.dimensions is None,
        )

    @property
    def is_finished(self) -> bool:
        """Whether its vector or an error was read."""
        return self._vector is not None or self.error is not None

    def read(self, timeout_ms: int) -> bool:
        """Takes what has come; false if nothing did within `timeout_ms`. Raises what went wrong."""
        delta = self._stream.next(timeout_ms)
        if delta is None:
            return False
        if delta.finish_reason is None:
            return True
        try:
            if delta.error is not None:
                raise delta.error
            if delta.finish_reason == "abort":
                raise Cancelled("the request was aborted")
            self._vector = self._cut(delta.embedding)
        except Exception as error:
            self.fail(error)
            raise
        return True

    def _cut(self, vector: List[float]) -> List[float]:
        """As many dimensions as are wanted."""
        params = self._params
        if params.dimensions is None:
            return vector
        if params.dimensions > len(vector):
            raise ValueError(f"dimensions must be in [1, {len(vector)}], got {params.dimensions}")
        vector = vector[: params.dimensions]
        length = math.sqrt(sum(value * value for value in vector)) if params.is_normalized else 1.0
        return [value / length for value in vector] if length > 0 else vector

    def fail(self, error: Exception) -> None:
        """Counts as finished from now on."""
        self.error = self.error or error
        self.close()

    def cancel(self) -> None:
        """Ends it with an error."""
        self._stream.cancel()

    def close(self) -> None:
        """Cancels what has not finished, and frees the stream; output() is had before."""
        self._stream.close()

    def output(self) -> PoolingRequestOutput:
        """Once it has finished."""
        assert self._vector is not None
        return PoolingRequestOutput(
            request_id=self.request_id,
            outputs=PoolingOutput(self._vector),
            prompt_token_ids=self.prompt.ids,
            num_cached_tokens=self._stream.stats().cached_tokens,
        )


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """The cosine of the angle between two vectors; 0 where one has no length."""
    lengths = math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b)) / lengths if lengths > 0 else 0.0
