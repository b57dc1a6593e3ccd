"""What a request gives back: vLLM's classes, field by field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Union


@dataclass
class Logprob:
    """The log probability of one token: of the raw softmax, before penalties, temperature and cuts.

    Args:
        logprob: at most 0.
        rank: 1 for the most likely token.
        decoded_token: its text; a part of a character is U+FFFD.
    """

    logprob: float
    rank: Optional[int] = None
    decoded_token: Optional[str] = None


# One dict a token of the answer; each holds the sampled token.
SampleLogprobs = List[Dict[int, Logprob]]
# One a token of the prompt; None for the first, which nothing predicts.
PromptLogprobs = List[Optional[Dict[int, Logprob]]]


@dataclass
class RequestMetrics:
    """When things happened to a request. Times ending in _ts are of time.monotonic(), in seconds.

    Args:
        arrival_time: of time.time().
        queued_ts: submitted. scheduled_ts: begun. first_token_ts, last_token_ts: of the answer.
        first_token_latency: from submitting to the first token.
        num_generation_tokens: of the answer, without the token that ended it.
        num_preemptions: times it gave its memory to others and was computed anew.
    """

    arrival_time: float
    queued_ts: float
    scheduled_ts: float
    first_token_ts: float
    last_token_ts: float
    first_token_latency: float
    num_generation_tokens: int
    num_preemptions: int = 0


@dataclass
class CompletionOutput:
    """One answer to a prompt.

    Args:
        index: which of the n answers.
        text: of the answer; without what stopped it, unless include_stop_str_in_output.
        token_ids: of the answer, with the token that ended it.
        cumulative_logprob: the sum over token_ids; None unless logprobs were asked for.
        logprobs: a dict for each of token_ids; None unless asked for.
        finish_reason: "stop", "length", "abort", or None while it goes on.
        stop_reason: the stop string or stop token that ended it; None for an end of generation.
    """

    index: int
    text: str
    token_ids: List[int]
    cumulative_logprob: Optional[float] = None
    logprobs: Optional[SampleLogprobs] = None
    finish_reason: Optional[str] = None
    stop_reason: Union[int, str, None] = None
    lora_request: Optional[Any] = None

    def finished(self) -> bool:
        """Whether nothing more comes."""
        return self.finish_reason is not None


@dataclass
class RequestOutput:
    """The answers to one prompt.

    Args:
        request_id: unique within the LLM.
        prompt: its text; None where token ids were given.
        prompt_token_ids: as the model read them.
        prompt_logprobs: None, then a dict for each further token; None unless asked for.
        outputs: n answers, by their index.
        finished: whether nothing more comes.
        metrics: of the first answer, once it has finished.
        num_cached_tokens: of the prompt, that need not be computed.
    """

    request_id: str
    prompt: Optional[str]
    prompt_token_ids: List[int]
    prompt_logprobs: Optional[PromptLogprobs]
    outputs: List[CompletionOutput]
    finished: bool
    metrics: Optional[RequestMetrics] = None
    lora_request: Optional[Any] = None
    encoder_prompt: Optional[str] = None
    encoder_prompt_token_ids: Optional[List[int]] = None
    num_cached_tokens: Optional[int] = None


@dataclass
class BeamSearchSequence:
    """A beam.

    Args:
        tokens: of prompt and answer. logprobs: a dict for each token of the answer.
        cum_logprob: the sum over the answer. text: of prompt and answer.
        finish_reason: "stop" at an end of generation, else "length".
    """

    tokens: List[int]
    logprobs: SampleLogprobs = field(default_factory=list)
    lora_request: Optional[Any] = None
    cum_logprob: float = 0.0
    text: Optional[str] = None
    finish_reason: Optional[str] = None
    stop_reason: Union[int, str, None] = None


@dataclass
class BeamSearchOutput:
    """The best beams of one prompt, best first, beam_width at most."""

    sequences: List[BeamSearchSequence]


@dataclass
class PoolingOutput:
    """A pooled vector, of encode()."""

    data: List[float]


@dataclass
class EmbeddingOutput:
    """A pooled vector, of embed()."""

    embedding: List[float]

    @staticmethod
    def from_base(pooling_output: PoolingOutput) -> "EmbeddingOutput":
        """Of what encode() gives."""
        return EmbeddingOutput(list(pooling_output.data))

    @property
    def hidden_size(self) -> int:
        """Its length."""
        return len(self.embedding)

    def __repr__(self) -> str:
        return f"EmbeddingOutput(hidden_size={self.hidden_size})"


@dataclass
class ClassificationOutput:
    """A probability for each class."""

    probs: List[float]

    @property
    def num_classes(self) -> int:
        """How many."""
        return len(self.probs)


@dataclass
class ScoringOutput:
    """How well two texts belong together."""

    score: float


@dataclass
class PoolingRequestOutput:
    """The pooled result of one prompt; `outputs` is one of the four above."""

    request_id: str
    outputs: Any
    prompt_token_ids: List[int]
    num_cached_tokens: int = 0
    finished: bool = True


class EmbeddingRequestOutput(PoolingRequestOutput):
    """Of LLM.embed."""

    @staticmethod
    def from_base(request_output: PoolingRequestOutput) -> "EmbeddingRequestOutput":
        """Of what encode() gives."""
        return EmbeddingRequestOutput(
            request_id=request_output.request_id,
            outputs=EmbeddingOutput.from_base(request_output.outputs),
            prompt_token_ids=request_output.prompt_token_ids,
            num_cached_tokens=request_output.num_cached_tokens,
            finished=request_output.finished,
        )


class ClassificationRequestOutput(PoolingRequestOutput):
    """Of LLM.classify."""


class ScoringRequestOutput(PoolingRequestOutput):
    """Of LLM.score."""
