"""What programs for vLLM read at LLM.llm_engine: the model's configuration and its tokenizer."""

from __future__ import annotations

import dataclasses
from typing import Any

from .request import Model
from .tokenizer import Tokenizer


@dataclasses.dataclass
class ModelConfig:
    """Of a loaded model, under vLLM's names.

    Args:
        model, tokenizer: as they were given. seed: of requests without one.
        max_model_len: tokens of prompt and answer together.
    """

    model: str
    tokenizer: str
    max_model_len: int
    seed: Any
    vocabulary_size: int
    trust_remote_code: bool = False

    def get_vocab_size(self) -> int:
        """Token ids are below it."""
        return self.vocabulary_size


class LLMEngine:
    """The parts of vLLM's class that tell what was loaded. Requests go through LLM."""

    def __init__(self, model: Model, name: str, seed: Any) -> None:
        self.tokenizer: Tokenizer = model.tokenizer
        self.model_config = ModelConfig(
            model=name,
            tokenizer=name,
            max_model_len=model.tokenizer.model_max_length,
            seed=seed,
            vocabulary_size=model.tokenizer.vocab_size,
        )

    def get_tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return self.tokenizer
