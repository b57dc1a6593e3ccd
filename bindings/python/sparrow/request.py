"""One request on its way: n streams of the engine, gathered into a RequestOutput."""

from __future__ import annotations

import random
import time
from typing import Dict, List, Optional, Sequence

from .engine import Delta, Engine, RequestStats, Stream, Token
from .lora import Adapters, LoRARequest
from .outputs import CompletionOutput, Logprob, PromptLogprobs, RequestMetrics, RequestOutput
from .prompts import Prompt
from .sampling_params import RequestOutputKind, SamplingParams
from .tokenizer import Tokenizer


class Model:
    """What all requests of one LLM share."""

    def __init__(self, engine: Engine, seed: Optional[int]) -> None:
        self.engine = engine
        self.tokenizer = Tokenizer(engine)
        self.adapters = Adapters(engine)
        self._seeds = None if seed is None else random.Random(seed)
        self._token_texts: Dict[int, str] = {}

    def token_text(self, token_id: int) -> str:
        """The text of one token by itself, remembered."""
        text = self._token_texts.get(token_id)
        if text is None:
            text = self._token_texts[token_id] = self.engine.decode([token_id], with_control=True)
        return text

    def draw_seed(self) -> int:
        """The next seed for a request without one; -1: the engine draws it."""
        return -1 if self._seeds is None else self._seeds.getrandbits(62)

    def logprobs(self, token: Token) -> Dict[int, Logprob]:
        """The token first, then the most likely in their order."""
        found = {token.id: Logprob(token.logprob, token.rank, self.token_text(token.id))}
        for rank, (token_id, logprob) in enumerate(token.top, start=1):
            if token_id != token.id:
                found[token_id] = Logprob(logprob, rank, self.token_text(token_id))
        return found


class Answer:
    """One of the n answers, read from its stream."""

    def __init__(
        self,
        model: Model,
        prompt: Sequence[int],
        params: SamplingParams,
        index: int,
        stream: Stream,
        adapter: Optional[str] = None,
    ) -> None:
        self._model = model
        self._adapter = adapter
        self._prompt = prompt
        self._params = params
        self._stream = stream
        self._ending: Optional[Delta] = None  # kept while its token is scored
        self._score: Optional[Token] = None
        self._plain_text = ""
        self._stats: Optional[RequestStats] = None
        self._given_text = 0  # what DELTA outputs have given out
        self._given_tokens = 0
        self.prompt_tokens: List[Token] = []
        self.error: Optional[Exception] = None
        self.output = CompletionOutput(index=index, text="", token_ids=[])
        if params.logprobs is not None:
            self.output.logprobs = []
            self.output.cumulative_logprob = 0.0

    @property
    def is_finished(self) -> bool:
        """Whether the whole answer was read."""
        return self.output.finish_reason is not None or self.error is not None

    @property
    def token_count(self) -> int:
        """Tokens read so far."""
        return len(self.output.token_ids)

    def cancel(self) -> None:
        """Ends it with finish_reason "abort"."""
        self._stream.cancel()

    def close(self) -> None:
        """Cancels it and frees its stream."""
        self._stream.close()

    def stats(self) -> RequestStats:
        """Of the answer's own request."""
        return self._stats or self._stream.stats()

    def read(self, timeout_ms: int) -> bool:
        """Takes what has come; false if nothing did within `timeout_ms`."""
        delta = self._stream.next(timeout_ms)
        if delta is None:
            return False
        if self._ending is not None:
            self._read_score(delta)
            return True
        self.prompt_tokens += delta.prompt_tokens
        self._plain_text += delta.text
        self._append(delta.tokens)
        if delta.error is not None:
            self.error = delta.error
            self.close()
        elif delta.finish_reason is None:
            self._set_text(None)
        else:
            self._end(delta)
        return True

    def _append(self, tokens: Sequence[Token]) -> None:
        self.output.token_ids += [token.id for token in tokens]
        if self.output.logprobs is not None and self.output.cumulative_logprob is not None:
            for token in tokens:
                self.output.logprobs.append(self._model.logprobs(token))
                self.output.cumulative_logprob += token.logprob

    def _end(self, delta: Delta) -> None:
        self._stats = self._stream.stats()
        self.close()
        if delta.stop_token < 0 or self.output.logprobs is None:
            if delta.stop_token >= 0:
                self.output.token_ids.append(delta.stop_token)
            self._finish(delta)
            return
        # vLLM's lists hold the token that ended the answer too, and the engine does not report its
        # logprob: it is read as the last token of a prompt, where the value is the same.
        self._ending = delta
        fields = SamplingParams(max_tokens=1, prompt_logprobs=self._params.logprobs).engine_fields()
        fields["max_tokens"] = 0
        self._stream = self._model.engine.submit(
            [*self._prompt, *self.output.token_ids, delta.stop_token], fields, adapter=self._adapter
        )

    def _read_score(self, delta: Delta) -> None:
        if delta.prompt_tokens:
            self._score = delta.prompt_tokens[-1]
        if delta.finish_reason is None:
            return
        self.close()
        if delta.error is not None:
            self.error = delta.error
        elif delta.finish_reason == "abort":
            self._finish(delta)
        else:
            assert self._score is not None and self._ending is not None
            self._append([self._score])
            self._finish(self._ending)

    def _finish(self, delta: Delta) -> None:
        self._set_text(delta)
        if delta.stop_string:
            self.output.stop_reason = delta.stop_string
        elif delta.stop_token >= 0:
            is_end = delta.stop_token in self._model.tokenizer.end_of_generation and not self._params.ignore_eos
            self.output.stop_reason = None if is_end else delta.stop_token
        self.output.finish_reason = delta.finish_reason

    def _set_text(self, ending: Optional[Delta]) -> None:
        params = self._params
        if not params.detokenize:
            return
        text = self._plain_text if params.skip_special_tokens else self._text_with_control(ending)
        if ending is not None and params.include_stop_str_in_output:
            if ending.stop_string:
                text += ending.stop_string
            elif ending.stop_token >= 0:
                text += self._model.engine.decode([ending.stop_token], with_control=not params.skip_special_tokens)
        self.output.text = text

    def _text_with_control(self, ending: Optional[Delta]) -> str:
        """The engine's text leaves control tokens out, so this is made of the ids, and cut as the
        engine cuts its own."""
        decode = self._model.engine.decode
        ids = self.output.token_ids
        if ending is None:
            text = decode(ids, True).rstrip("\ufffd")
            held_back = max((len(stop) for stop in self._params.stop or []), default=1) - 1
            return text[: max(len(text) - held_back, len(self.output.text))]
        if ending.stop_token >= 0 and ids and ids[-1] == ending.stop_token:
            ids = ids[:-1]
        text = decode(ids, True)
        if ending.stop_string:
            start = max(0, len(decode(ids[:-1], True)) - len(ending.stop_string))
            found = text.find(ending.stop_string, start)
            text = text if found < 0 else text[:found]
        return text

    def view(self, is_delta: bool) -> CompletionOutput:
        """A copy that later reads do not change: all so far, or what came since the last delta."""
        whole = self.output
        text_from = self._given_text if is_delta else 0
        tokens_from = self._given_tokens if is_delta else 0
        self._given_text = len(whole.text)
        self._given_tokens = len(whole.token_ids)
        return CompletionOutput(
            index=whole.index,
            text=whole.text[text_from:],
            token_ids=whole.token_ids[tokens_from:],
            cumulative_logprob=whole.cumulative_logprob,
            logprobs=None if whole.logprobs is None else whole.logprobs[tokens_from:],
            finish_reason=whole.finish_reason,
            stop_reason=whole.stop_reason,
        )


class Request:
    """A prompt with its n answers."""

    def __init__(
        self,
        model: Model,
        request_id: str,
        prompt: Prompt,
        params: SamplingParams,
        is_batch: bool = False,
        lora_request: Optional[LoRARequest] = None,
    ) -> None:
        """Submits it. Raises what the engine refuses."""
        self._model = model
        self.request_id = request_id
        self.prompt = prompt
        self.params = params
        self._arrival_time = time.time()
        self._queued_ts = time.monotonic()
        self._scored_prompt: PromptLogprobs = [None]
        self.answers: List[Answer] = []
        self._lora_request = lora_request
        adapter = model.adapters.name_of(lora_request)
        seed = model.draw_seed() if params.seed in (None, -1) else params.seed
        try:
            for index in range(params.n):
                fields = params.engine_fields(index)
                if seed is not None and seed >= 0:
                    fields["seed"] = (seed + index) % 2**63
                stream = model.engine.submit(prompt.ids, fields, is_batch=is_batch, adapter=adapter)
                self.answers.append(Answer(model, prompt.ids, params, index, stream, adapter))
        except BaseException:
            self.close()
            raise

    @property
    def is_finished(self) -> bool:
        """Whether every answer was read."""
        return all(answer.is_finished for answer in self.answers)

    def read(self, timeout_ms: int) -> List[Answer]:
        """Takes what has come and gives the answers that it came for. Waits for the first unfinished
        one only."""
        changed = []
        for answer in self.answers:
            if answer.is_finished:
                continue
            if answer.read(timeout_ms):
                changed.append(answer)
                if answer.error is not None:
                    self.close()
                    raise answer.error
            timeout_ms = 0
        return changed

    def fail(self, error: Exception) -> None:
        """Counts as finished from now on."""
        for answer in self.answers:
            answer.error = answer.error or error
        self.close()

    def cancel(self) -> None:
        """Every answer ends with finish_reason "abort"."""
        for answer in self.answers:
            answer.cancel()

    def close(self) -> None:
        """Cancels what has not finished, and frees the streams."""
        for answer in self.answers:
            answer.close()

    def output(self, answers: Optional[Sequence[Answer]] = None) -> RequestOutput:
        """What is there of these answers, or of all."""
        first = self.answers[0]
        is_delta = self.params.output_kind == RequestOutputKind.DELTA
        return RequestOutput(
            request_id=self.request_id,
            prompt=self.prompt.text,
            prompt_token_ids=self.prompt.ids,
            prompt_logprobs=self._prompt_logprobs(),
            outputs=[answer.view(is_delta) for answer in (self.answers if answers is None else answers)],
            finished=self.is_finished,
            lora_request=self._lora_request,
            metrics=self._metrics(first) if first.is_finished else None,
            num_cached_tokens=first.stats().cached_tokens if first.is_finished else None,
        )

    def _prompt_logprobs(self) -> Optional[PromptLogprobs]:
        """Made as far as the prompt is scored, and kept for the next output."""
        if self.params.prompt_logprobs is None:
            return None
        made = self._scored_prompt
        made += [self._model.logprobs(token) for token in self.answers[0].prompt_tokens[len(made) - 1 :]]
        return list(made)

    def _metrics(self, answer: Answer) -> RequestMetrics:
        stats = answer.stats()
        scheduled = self._queued_ts + stats.queue_seconds
        first = scheduled + stats.prefill_seconds
        return RequestMetrics(
            arrival_time=self._arrival_time,
            queued_ts=self._queued_ts,
            scheduled_ts=scheduled,
            first_token_ts=first,
            last_token_ts=first + stats.decode_seconds,
            first_token_latency=first - self._queued_ts,
            num_generation_tokens=stats.output_tokens,
            num_preemptions=stats.preemption_count,
        )
