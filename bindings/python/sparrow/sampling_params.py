"""SamplingParams with vLLM's names, defaults and checks, and how they become sparrow's own."""

from __future__ import annotations

import copy
import dataclasses
import enum
import math
import operator
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Union

# How many of the most likely tokens the engine reports at most.
MAX_LOGPROBS = 20

_LARGEST_INT = 2**31 - 1
_LONGEST = 1 << 24


class RequestOutputKind(enum.Enum):
    """What a streamed RequestOutput holds: all so far, what is new, or only the finished answer."""

    CUMULATIVE = 0
    DELTA = 1
    FINAL_ONLY = 2


@dataclass
class StructuredOutputsParams:
    """A constraint on the answer. Accepted as a value; a request that uses it is refused for now."""

    json: Union[str, Dict[str, Any], None] = None
    regex: Optional[str] = None
    choice: Optional[List[str]] = None
    grammar: Optional[str] = None
    json_object: Optional[bool] = None
    disable_any_whitespace: bool = False
    disable_additional_properties: bool = False
    whitespace_pattern: Optional[str] = None
    structural_tag: Optional[str] = None


GuidedDecodingParams = StructuredOutputsParams

# Parameters that would change the answer and that nothing here does yet: refused, never ignored.
_REFUSED = {
    "structured_outputs": "constrained decoding is not there yet",
    "guided_decoding": "constrained decoding is not there yet",
    "logits_processors": "the sampler runs outside Python and calls no Python function",
    "logprob_token_ids": f"logprobs of chosen tokens are not there yet; logprobs reports up to {MAX_LOGPROBS} of the "
    "most likely",
    "prompt_logprob_token_ids": "logprobs of chosen tokens are not there yet; prompt_logprobs reports the prompt's",
    "prompt_logprob_start": "prompt_logprobs always begins with the second token of the prompt",
    "thinking_token_budget": "a budget for thinking is not there yet",
    "repetition_detection": "detecting repetitions is not there yet; the dry_* fields of extra_args penalise them",
    "trace_decode_token_ids": "forcing tokens is not there; prompt_logprobs scores given ones",
    "flat_logprobs": "logprobs are lists of dicts only",
    "best_of": "vLLM has removed it; n gives several answers",
}

# Those of sparrow's samplers that vLLM does not have, at the value that switches each off, and the
# penalties as vLLM counts them: over everything, presence and frequency over the answer only.
_OFF = {
    "typical_p": 1.0,
    "top_n_sigma": -1.0,
    "penalty_window": -1,
    "penalize_prompt": False,
    "dry_multiplier": 0.0,
    "xtc_probability": 0.0,
    "mirostat": 0,
}

# Fields that have the same name and meaning on both sides.
_SAME = (
    "temperature",
    "top_p",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "stop_token_ids",
    "ignore_eos",
    "min_tokens",
)

# The engine's fields that a SamplingParams sets by its own; extra_args takes all others.
_OWN = frozenset(_SAME) | {
    "repeat_penalty",
    "top_k",
    "max_tokens",
    "seed",
    "stop",
    "logit_bias",
    "allowed_token_ids",
    "bad_words",
    "logprobs",
    "prompt_logprobs",
}


@dataclass
class SamplingParams:
    """How an answer is sampled: vLLM's class, field by field.

    A value out of range raises ValueError that names it, at construction and, since fields may be
    set afterwards, again when a request is made. What the engine cannot do yet raises too.

    Args:
        n: answers to each prompt, at least 1; more than 1 needs a temperature above 0. Answer i has
            the seed `seed + i`.
        presence_penalty: in [-2, 2]; of tokens that the answer holds.
        frequency_penalty: in [-2, 2]; for each time that the answer holds a token.
        repetition_penalty: in (0, 100]; divides the logits of tokens of prompt and answer; 1: off.
        temperature: in [0, 100]; 0 always takes the most likely token.
        top_p: in (0, 1]; 1: off.
        top_k: at least 1, or 0 or -1: off.
        min_p: in [0, 1]; 0: off.
        seed: at least 0; None or -1: drawn from the seed of the LLM.
        stop: up to 16 texts of 1 to 256 bytes; the answer ends before the first of them.
        stop_token_ids: up to 1024 ids; the answer ends with one of them.
        ignore_eos: never ends with the model's own end of generation.
        max_tokens: at least 1; None: until the context is full.
        min_tokens: at least 0, at most max_tokens.
        logprobs: in [0, 20]; of each token of the answer, and of so many most likely ones.
        prompt_logprobs: in [0, 20]; the same of the prompt. The whole prompt is then computed.
        detokenize: False leaves the text empty.
        skip_special_tokens: False shows control tokens in the text.
        spaces_between_special_tokens: accepted; control tokens stand as the model wrote them.
        include_stop_str_in_output: the text ends with what stopped it.
        output_kind: what AsyncLLM yields.
        stream_interval: AsyncLLM yields after so many new tokens, at least 1.
        logit_bias: up to 1024 biases in [-100, 100] by token id.
        allowed_token_ids: the answer is of these ids alone; at least one.
        bad_words: up to 128 texts whose last token is never sampled where the others stand.
        extra_args: sparrow's own sampling fields, which vLLM has not: typical_p, top_n_sigma, dry_*,
            xtc_*, mirostat*, penalty_window, penalize_prompt (docs/sampling.md). Off unless given.
        skip_reading_prefix_cache, skip_clone: accepted; they change no token.
        structured_outputs, logits_processors, …: refused with the reason.
    """

    n: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: Optional[int] = None
    stop: Union[str, List[str], None] = None
    stop_token_ids: Optional[List[int]] = None
    ignore_eos: bool = False
    max_tokens: Optional[int] = 16
    min_tokens: int = 0
    logprobs: Optional[int] = None
    prompt_logprobs: Optional[int] = None
    prompt_logprob_token_ids: Optional[List[int]] = None
    prompt_logprob_start: Optional[int] = None
    logprob_token_ids: Optional[List[int]] = None
    flat_logprobs: bool = False
    detokenize: bool = True
    skip_special_tokens: bool = True
    spaces_between_special_tokens: bool = True
    include_stop_str_in_output: bool = False
    output_kind: RequestOutputKind = RequestOutputKind.CUMULATIVE
    stream_interval: Optional[int] = None
    skip_clone: bool = False
    structured_outputs: Optional[StructuredOutputsParams] = None
    logit_bias: Optional[Dict[int, float]] = None
    allowed_token_ids: Optional[List[int]] = None
    extra_args: Optional[Dict[str, Any]] = None
    bad_words: Optional[List[str]] = None
    skip_reading_prefix_cache: Optional[bool] = None
    thinking_token_budget: Optional[int] = None
    repetition_detection: Optional[Any] = None
    routed_experts_prompt_start: int = 0
    trace_decode_token_ids: Optional[List[int]] = None
    guided_decoding: Optional[Any] = None
    logits_processors: Optional[Any] = None
    best_of: Optional[int] = None

    def __post_init__(self) -> None:
        if self.seed == -1:
            self.seed = None
        self.stop = [self.stop] if isinstance(self.stop, str) else list(self.stop or [])
        self.stop_token_ids = list(dict.fromkeys(self.stop_token_ids or []))
        for name in ("logprobs", "prompt_logprobs"):
            if getattr(self, name) is True:
                setattr(self, name, 1)
        self.bad_words = list(self.bad_words or [])
        self.verify()

    @classmethod
    def from_optional(cls, **fields: Any) -> "SamplingParams":
        """The same, where None means the default; biases are cut to [-100, 100]."""
        given = {name: value for name, value in fields.items() if value is not None}
        if "max_tokens" in fields:
            given["max_tokens"] = fields["max_tokens"]
        if "logit_bias" in given:
            given["logit_bias"] = {
                int(token): min(100.0, max(-100.0, bias)) for token, bias in given["logit_bias"].items()
            }
        return cls(**given)

    def clone(self) -> "SamplingParams":
        """A deep copy."""
        return copy.deepcopy(self)

    def verify(self) -> None:
        """Raises ValueError naming the first field that cannot be taken, its value and its range."""
        for name, reason in _REFUSED.items():
            if getattr(self, name) not in (None, False) and getattr(self, name) != []:
                raise ValueError(f"{name} is not supported: {reason}, got {getattr(self, name)!r}")
        _check_int("n", self.n, 1, 16384)
        _check_float("presence_penalty", self.presence_penalty, -2, 2)
        _check_float("frequency_penalty", self.frequency_penalty, -2, 2)
        _check_float("repetition_penalty", self.repetition_penalty, 0, 100, is_open=True)
        _check_float("temperature", self.temperature, 0, 100)
        _check_float("top_p", self.top_p, 0, 1, is_open=True)
        _check_int("top_k", self.top_k, -1, _LARGEST_INT)
        _check_float("min_p", self.min_p, 0, 1)
        if self.seed is not None and self.seed != -1:
            _check_int("seed", self.seed, 0, 2**63 - 1)
        _check_texts("stop", self.stop or [], 16, 256)
        _check_ids("stop_token_ids", self.stop_token_ids or [])
        _check_texts("bad_words", self.bad_words or [], 128, 256)
        if self.allowed_token_ids is not None:
            if len(self.allowed_token_ids) == 0:
                raise ValueError("allowed_token_ids must hold at least one id, got []")
            _check_ids("allowed_token_ids", self.allowed_token_ids)
        if self.max_tokens is not None:
            _check_int("max_tokens", self.max_tokens, 1, _LONGEST)
        _check_int("min_tokens", self.min_tokens, 0, _LONGEST)
        if self.max_tokens is not None and self.min_tokens > self.max_tokens:
            raise ValueError(f"min_tokens must be at most max_tokens = {self.max_tokens}, got {self.min_tokens}")
        for name in ("logprobs", "prompt_logprobs"):
            value = getattr(self, name)
            if value is not None:
                if value == -1 or (_is_int(value) and value > MAX_LOGPROBS):
                    raise ValueError(
                        f"{name} must be in [0, {MAX_LOGPROBS}], got {value}: the engine reports no more of the "
                        "most likely tokens yet"
                    )
                _check_int(name, value, 0, MAX_LOGPROBS)
        if self.stream_interval is not None:
            _check_int("stream_interval", self.stream_interval, 1, _LARGEST_INT)
        if not isinstance(self.output_kind, RequestOutputKind):
            raise ValueError(f"output_kind must be a RequestOutputKind, got {self.output_kind!r}")
        if self.stop and not self.detokenize:
            raise ValueError("stop needs detokenize=True, got False")
        if self.n > 1 and self.temperature == 0:
            raise ValueError(f"n must be 1 when temperature is 0, got {self.n}: all answers would be the same")
        self._verify_logit_bias()
        self._verify_extra_args()

    def _verify_logit_bias(self) -> None:
        if self.logit_bias is None:
            return
        if not isinstance(self.logit_bias, Mapping) or len(self.logit_bias) > 1024:
            raise ValueError(f"logit_bias must be a dict of at most 1024 token ids, got {self.logit_bias!r}")
        for token, bias in self.logit_bias.items():
            try:
                token = int(token)
            except (TypeError, ValueError):
                raise ValueError(f"logit_bias must be by token id, got {token!r}") from None
            _check_int("an id of logit_bias", token, 0, _LARGEST_INT)
            _check_float(f"logit_bias[{token}]", bias, -100, 100)

    def _verify_extra_args(self) -> None:
        if self.extra_args is None:
            return
        if not isinstance(self.extra_args, Mapping):
            raise ValueError(f"extra_args must be a dict, got {self.extra_args!r}")
        for name in self.extra_args:
            if name in _OWN:
                raise ValueError(f"extra_args must not hold {name}: SamplingParams has it")

    def engine_fields(self, index: int = 0) -> Dict[str, Any]:
        """sparrow's own parameters for answer `index` of n, as JSON has them (docs/sampling.md)."""
        fields: Dict[str, Any] = dict(_OFF)
        fields.update(self.extra_args or {})
        for name in _SAME:
            fields[name] = getattr(self, name)
        fields["repeat_penalty"] = self.repetition_penalty
        fields["top_k"] = max(self.top_k, 0)
        fields["max_tokens"] = -1 if self.max_tokens is None else self.max_tokens
        # Seeds wrap around before the largest number that JSON's readers take.
        fields["seed"] = -1 if self.seed in (None, -1) else (self.seed + index) % 2**63
        fields["stop"] = [self.stop] if isinstance(self.stop, str) else list(self.stop or [])
        fields["stop_token_ids"] = list(self.stop_token_ids or [])
        fields["allowed_token_ids"] = list(self.allowed_token_ids or [])
        fields["bad_words"] = list(self.bad_words or [])
        fields["logit_bias"] = {str(int(token)): float(bias) for token, bias in (self.logit_bias or {}).items()}
        fields["logprobs"] = -1 if self.logprobs is None else self.logprobs
        fields["prompt_logprobs"] = -1 if self.prompt_logprobs is None or index > 0 else self.prompt_logprobs
        return fields

    @classmethod
    def from_engine_fields(cls, fields: Mapping[str, Any]) -> "SamplingParams":
        """From sparrow's own parameters; what vLLM has no name for goes into extra_args."""
        given = {name: fields[name] for name in _SAME if name in fields}
        given["repetition_penalty"] = fields.get("repeat_penalty", 1.0)
        given["top_k"] = fields.get("top_k", 0)
        given["stop"] = fields.get("stop") or None
        given["allowed_token_ids"] = fields.get("allowed_token_ids") or None
        given["bad_words"] = fields.get("bad_words") or None
        given["seed"] = fields.get("seed")
        given["logit_bias"] = {int(token): bias for token, bias in fields.get("logit_bias", {}).items()} or None
        # Without a length of its own vLLM takes 16, whatever the model.
        if fields.get("max_tokens", -1) > 0:
            given["max_tokens"] = fields["max_tokens"]
        for name in ("logprobs", "prompt_logprobs"):
            if fields.get(name, -1) >= 0:
                given[name] = fields[name]
        extra = {name: value for name, value in fields.items() if name not in _OWN and value != _OFF.get(name)}
        given["extra_args"] = _without_idle(extra) or None
        return cls(**given)


def _without_idle(extra: Dict[str, Any]) -> Dict[str, Any]:
    """Leaves out the settings of samplers that are off."""
    off = [name for name in ("dry_multiplier", "xtc_probability", "mirostat") if name not in extra]
    prefixes = tuple(name.split("_", maxsplit=1)[0] for name in off)
    return {name: value for name, value in extra.items() if not (prefixes and name.startswith(prefixes))}


@dataclass
class BeamSearchParams:
    """How LLM.beam_search searches.

    Args:
        beam_width: in [1, 10]: each step reads the 2 * beam_width most likely tokens.
        max_tokens: at least 1.
        ignore_eos: beams go on after an end of generation.
        temperature: accepted as vLLM does; beams are ranked by the raw logprobs.
        length_penalty: a beam's score is its logprob / length ** length_penalty.
        include_stop_str_in_output: accepted.
    """

    beam_width: int
    max_tokens: int
    ignore_eos: bool = False
    temperature: float = 0.0
    length_penalty: float = 1.0
    include_stop_str_in_output: bool = False

    def __post_init__(self) -> None:
        if _is_int(self.beam_width) and self.beam_width > MAX_LOGPROBS // 2:
            raise ValueError(
                f"beam_width must be in [1, {MAX_LOGPROBS // 2}], got {self.beam_width}: the engine reports "
                f"{MAX_LOGPROBS} most likely tokens, and a step reads twice the width"
            )
        _check_int("beam_width", self.beam_width, 1, MAX_LOGPROBS // 2)
        _check_int("max_tokens", self.max_tokens, 1, _LONGEST)
        _check_float("temperature", self.temperature, 0, 100)
        _check_float("length_penalty", self.length_penalty, -100, 100)


def _is_int(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        operator.index(value)
        return True
    except TypeError:
        return False


def _check_int(name: str, value: Any, minimum: int, maximum: int) -> None:
    if not _is_int(value) or not minimum <= value <= maximum:
        raise ValueError(f"{name} must be an integer in [{minimum}, {maximum}], got {value!r}")


def _check_float(name: str, value: Any, minimum: float, maximum: float, is_open: bool = False) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not minimum <= value <= maximum or (is_open and value == minimum):
        raise ValueError(f"{name} must be in {'(' if is_open else '['}{minimum:g}, {maximum:g}], got {value!r}")


def _check_ids(name: str, ids: Any) -> None:
    if len(ids) > 1024:
        raise ValueError(f"{name} must hold at most 1024 token ids, got {len(ids)}")
    for token in ids:
        _check_int(f"each of {name}", token, 0, _LARGEST_INT)


def _check_texts(name: str, texts: Any, count: int, size_bytes: int) -> None:
    texts = [texts] if isinstance(texts, str) else texts
    if len(texts) > count:
        raise ValueError(f"{name} must hold at most {count} texts, got {len(texts)}")
    for text in texts:
        if not isinstance(text, str) or not 1 <= len(text.encode("utf-8", "replace")) <= size_bytes:
            raise ValueError(f"each of {name} must be a text of 1 to {size_bytes} bytes, got {text!r}")


SAMPLING_FIELD_NAMES = tuple(field.name for field in dataclasses.fields(SamplingParams))
