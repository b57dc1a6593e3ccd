"""Beam search as vLLM does it: steps of one token, of which the 2 * beam_width most likely go on.

The beams of a step share what is computed of their common beginning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence

from .engine import Stream, Token
from .lora import LoRARequest
from .outputs import BeamSearchOutput, BeamSearchSequence, Logprob
from .progress import progress_bar
from .prompts import Prompt, at_index
from .request import Model
from .sampling_params import BeamSearchParams, SamplingParams


@dataclass
class _Search:
    """The beams of one prompt."""

    beams: List[BeamSearchSequence]
    adapter: Optional[str]
    completed: List[BeamSearchSequence] = field(default_factory=list)


def search_beams(
    model: Model,
    prompts: Sequence[Prompt],
    params: BeamSearchParams,
    lora_requests: Sequence[Optional[LoRARequest]],
    use_tqdm: Any,
) -> List[BeamSearchOutput]:
    """The best beams of each prompt, which were checked before; each by its adapter, or None."""
    tokenizer = model.tokenizer
    ends = set(tokenizer.end_of_generation)
    # The end of generation is never sampled here, as that would end the request; it is still among
    # the most likely tokens, which are of the raw logits.
    one_token = SamplingParams(temperature=0, max_tokens=1, logprobs=2 * params.beam_width, ignore_eos=True)
    fields = one_token.engine_fields()
    searches = [
        _Search([BeamSearchSequence(tokens=list(prompt.ids), lora_request=each)], model.adapters.name_of(each))
        for prompt, each in zip(prompts, lora_requests)
    ]

    def score(beam: BeamSearchSequence) -> float:
        length = len(beam.tokens) - (beam.tokens[-1] in ends)
        return beam.cum_logprob / float(max(length, 1) ** params.length_penalty)

    bar = progress_bar(use_tqdm, params.max_tokens, "Beam search steps")
    try:
        for _ in range(params.max_tokens):
            for search in searches:
                _retire_full(search, tokenizer.model_max_length)
            if not any(search.beams for search in searches):
                break
            steps = iter(_step(model, searches, fields))
            for search in searches:
                grown: List[BeamSearchSequence] = []
                for beam in search.beams:
                    for longer in _continuations(model, beam, next(steps)):
                        if longer.tokens[-1] in ends and not params.ignore_eos:
                            longer.finish_reason, longer.stop_reason = "stop", longer.tokens[-1]
                            search.completed.append(longer)
                        else:
                            grown.append(longer)
                search.beams = sorted(grown, key=score, reverse=True)[: params.beam_width]
            bar.update(1)
    finally:
        bar.close()

    outputs = []
    for search in searches:
        best = sorted(search.completed + search.beams, key=score, reverse=True)[: params.beam_width]
        for beam in best:
            beam.text = tokenizer.decode(beam.tokens)
            beam.finish_reason = beam.finish_reason or "length"
        outputs.append(BeamSearchOutput(sequences=best))
    return outputs


def _retire_full(search: _Search, context_length: int) -> None:
    """Beams that fill the context cannot go on."""
    search.completed += [beam for beam in search.beams if len(beam.tokens) >= context_length]
    search.beams = [beam for beam in search.beams if len(beam.tokens) < context_length]


def _continuations(model: Model, beam: BeamSearchSequence, token: Token) -> List[BeamSearchSequence]:
    logprobs: Dict[int, Logprob] = {
        token_id: Logprob(logprob, rank, model.token_text(token_id))
        for rank, (token_id, logprob) in enumerate(token.top, start=1)
    }
    return [
        BeamSearchSequence(
            tokens=[*beam.tokens, token_id],
            logprobs=[*beam.logprobs, logprobs],
            lora_request=beam.lora_request,
            cum_logprob=beam.cum_logprob + entry.logprob,
        )
        for token_id, entry in logprobs.items()
    ]


def _step(model: Model, searches: Sequence[_Search], fields: Dict[str, Any]) -> List[Token]:
    """The next token of every beam, all run together."""
    streams: List["tuple[int, Stream]"] = []
    try:
        for index, search in enumerate(searches):
            for beam in search.beams:
                streams.append((index, model.engine.submit(beam.tokens, fields, adapter=search.adapter)))
        return [_read_token(index, stream) for index, stream in streams]
    finally:
        for _, stream in streams:
            stream.close()


def _read_token(index: int, stream: Stream) -> Token:
    token: Optional[Token] = None
    while not stream.is_finished:
        delta = stream.next(100)
        if delta is None:
            continue
        if delta.error is not None:
            raise at_index(index, delta.error)
        if delta.tokens:
            token = delta.tokens[0]
    if token is None:
        raise RuntimeError("the engine was shut down")
    return token
