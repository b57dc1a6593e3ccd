"""LoRA adapters, named per request."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from typing import Dict, Optional

from .engine import Engine


@dataclasses.dataclass(frozen=True)
class LoRARequest:
    """An adapter in a GGUF file (llama.cpp's convert_lora_to_gguf.py makes one of Hugging Face's).

    lora_int_id: a number of its own, at least 1, as vLLM has it; two requests with one number name one
    adapter.
    """

    lora_name: str
    lora_int_id: int
    lora_path: str = ""

    def __post_init__(self) -> None:
        if self.lora_int_id < 1:
            raise ValueError(f"lora_int_id must be at least 1, got {self.lora_int_id}")
        if not self.lora_path:
            raise ValueError("lora_path must name a GGUF file, got ''")

    @property
    def path(self) -> str:
        """The file."""
        return self.lora_path


_owners = itertools.count()


class Adapters:
    """What one LLM has loaded into its engine, each file once. Others may share the engine, and mean
    other files by the same numbers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._paths: Dict[int, str] = {}
        self._owner = next(_owners)

    def name_of(self, request: Optional[LoRARequest]) -> Optional[str]:
        """The engine's name of a request's adapter, loaded if it is new. Raises what loading raises."""
        if request is None:
            return None
        if not isinstance(request, LoRARequest):
            raise TypeError(f"lora_request must be a LoRARequest, got {request!r}")
        name = f"lora {self._owner}.{request.lora_int_id}"
        with self._lock:
            if self._paths.get(request.lora_int_id) != request.lora_path:
                self._engine.load_adapter(name, request.lora_path)
                self._paths[request.lora_int_id] = request.lora_path
        return name
