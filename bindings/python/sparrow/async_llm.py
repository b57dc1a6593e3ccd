"""AsyncLLM: answers as they come, for asyncio."""

from __future__ import annotations

import asyncio
import atexit
import dataclasses
import threading
from typing import Any, AsyncIterator, Callable, Dict, List, Optional, Sequence, Union

from .lora import LoRARequest
from .engine import Engine
from .engine_args import EngineArgs
from .llm import load_model
from .model_pool import ModelPool
from .outputs import PoolingRequestOutput, RequestOutput
from .pooling import PoolingParams, PoolingRequest, pooling_type
from .prompts import PromptType, check_prompt, read_prompt
from .request import Answer, Request
from .sampling_params import RequestOutputKind, SamplingParams
from .tokenizer import Tokenizer

# The longest that a token may lie in the engine while another request is waited for.
_POLL_MS = 10


@dataclasses.dataclass
class _Reader:
    """A request, and the loop and queue that its outputs go to."""

    request: Union[Request, PoolingRequest]
    loop: asyncio.AbstractEventLoop
    queue: "asyncio.Queue[Any]"
    held: List[Answer] = dataclasses.field(default_factory=list)
    given_tokens: int = -1  # at the last output; -1: none yet

    def put(self, item: Any) -> None:
        """From the reading thread to the loop; nothing if the loop has ended."""
        try:
            self.loop.call_soon_threadsafe(self.queue.put_nowait, item)
        except RuntimeError:
            pass


class AsyncLLM:
    """A language model that streams.

        llm = AsyncLLM(model="qwen3-4b-instruct-2507")
        async for output in llm.generate("Hello", SamplingParams(max_tokens=50), "request-1"):
            print(output.outputs[0].text)

    Requests run together. Any thread and any loop may call; one thread of its own reads the engine.
    """

    def __init__(self, model: str, *, pool: Optional[ModelPool] = None, **engine_arguments: Any) -> None:
        """As LLM(): the same arguments and errors."""
        self._pooling = pooling_type(
            engine_arguments.get("pooler_config") or engine_arguments.get("override_pooler_config")
        )
        self._model, self._defaults = load_model(model, {"seed": 0, **engine_arguments}, pool)
        self._readers: Dict[str, _Reader] = {}
        self._changed = threading.Condition()
        self._is_shut_down = False
        self._thread = threading.Thread(target=self._read, name="sparrow-reader", daemon=True)
        self._thread.start()
        # Before the streams are freed, which the thread may be reading.
        atexit.register(self.shutdown)

    @classmethod
    def from_engine_args(cls, engine_args: EngineArgs, **_: Any) -> "AsyncLLM":
        """From a value, as vLLM has it."""
        return cls(**vars(engine_args))

    @property
    def engine(self) -> Engine:
        """The layer below, with sparrow's own names."""
        return self._model.engine

    @property
    def is_running(self) -> bool:
        """Whether requests are taken."""
        return not self._is_shut_down

    async def get_tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return self._model.tokenizer

    async def reset_prefix_cache(self, reset_running_requests: bool = False, reset_connector: bool = False) -> bool:
        """As LLM.reset_prefix_cache()."""
        del reset_connector  # there is none
        if reset_running_requests:
            raise ValueError("reset_running_requests=True is not supported: running requests keep their blocks")
        return await asyncio.get_running_loop().run_in_executor(None, self._model.engine.reset_prefix_cache)

    def get_default_sampling_params(self) -> SamplingParams:
        """What the model is best used with."""
        return self._defaults.clone()

    def generate(
        self,
        prompt: PromptType,
        sampling_params: Optional[SamplingParams],
        request_id: str,
        *,
        lora_request: Optional[LoRARequest] = None,
        priority: int = 0,
    ) -> AsyncIterator[RequestOutput]:
        """The answer as it grows; the last output is finished.

        Args:
            prompt: as for LLM.generate(), one.
            sampling_params: None: the model's defaults. output_kind says what an output holds: all so
                far (CUMULATIVE), what is new (DELTA), or one output at the end (FINAL_ONLY). With n
                above 1 an output holds the answers that something came for.
            request_id: not that of a running request.
            priority: above 0: after all others.

        Raises:
            ValueError, TypeError, SparrowError: as LLM.generate().

        Leaving the loop, or cancelling the task, cancels the request.
        """
        params = self._defaults if sampling_params is None else sampling_params
        if not isinstance(params, SamplingParams):
            raise TypeError(f"sampling_params must be SamplingParams, got {params!r}")
        params.verify()
        read = read_prompt(prompt, self._model.tokenizer)
        check_prompt(read.ids, self._model.tokenizer)

        def submit() -> Request:
            return Request(self._model, request_id, read, params.clone(), priority > 0, lora_request)

        return self._outputs(request_id, submit)

    def encode(
        self,
        prompt: PromptType,
        pooling_params: Optional[PoolingParams],
        request_id: str,
        *,
        lora_request: Optional[LoRARequest] = None,
        priority: int = 0,
    ) -> AsyncIterator[PoolingRequestOutput]:
        """One output: the vector of a prompt, as LLM.encode() gives it.

        Args:
            prompt, request_id, priority: as for generate(). pooling_params: None: normalized, whole.

        Raises:
            ValueError, TypeError, SparrowError: as LLM.encode(). Cancelled: the request was aborted.
        """
        params = PoolingParams() if pooling_params is None else pooling_params
        if not isinstance(params, PoolingParams):
            raise TypeError(f"pooling_params must be PoolingParams, got {params!r}")
        read = read_prompt(prompt, self._model.tokenizer)
        check_prompt(read.ids, self._model.tokenizer)

        def submit() -> PoolingRequest:
            return PoolingRequest(self._model, request_id, read, self._pooling, params, priority > 0, lora_request)

        return self._outputs(request_id, submit)

    async def _outputs(
        self, request_id: str, submit: Callable[[], Union[Request, PoolingRequest]]
    ) -> AsyncIterator[Any]:
        """Submits a request and gives its outputs, the last of which is finished."""
        loop = asyncio.get_running_loop()
        with self._changed:
            if self._is_shut_down:
                raise RuntimeError("the engine was shut down")
            if request_id in self._readers:
                raise ValueError(f"request_id {request_id!r} is running already")
            request = submit()
            reader = _Reader(request, loop, asyncio.Queue())
            self._readers[request_id] = reader
            self._changed.notify()
        try:
            while True:
                item = await reader.queue.get()
                if isinstance(item, Exception):
                    raise item
                yield item
                if item.finished:
                    return
        finally:
            with self._changed:
                if request.is_finished:
                    self._forget(reader)
                elif self._readers.get(request_id) is reader:
                    request.cancel()

    async def abort(self, request_id: Union[str, Sequence[str]]) -> None:
        """Ends requests: their last output has finish_reason "abort". Unknown ids are ignored."""
        for each in [request_id] if isinstance(request_id, str) else request_id:
            with self._changed:
                reader = self._readers.get(each)
                if reader is not None:
                    reader.request.cancel()

    def shutdown(self) -> None:
        """Ends what is in flight as aborted, and frees the model unless another LLM shares it. May be
        called again."""
        with self._changed:
            self._is_shut_down = True
            for reader in self._readers.values():
                reader.request.cancel()
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._model.engine.close()
        atexit.unregister(self.shutdown)

    def __enter__(self) -> "AsyncLLM":
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()

    def _read(self) -> None:
        """The reading thread: waits for the request that gave something last, and looks at all others."""
        waited_for: Optional[_Reader] = None
        while True:
            with self._changed:
                while not self._readers and not self._is_shut_down:
                    self._changed.wait()
                if not self._readers:
                    return
                readers = list(self._readers.values())
            if waited_for not in readers:
                waited_for = readers[0]
            next_one = None
            for reader in sorted(readers, key=lambda each: each is not waited_for):
                if self._read_one(reader, _POLL_MS if reader is waited_for else 0):
                    next_one = reader
                if reader.request.is_finished:
                    self._forget(reader)
            waited_for = next_one or readers[(readers.index(waited_for) + 1) % len(readers)]

    def _forget(self, reader: _Reader) -> None:
        """Frees the request's id; by whoever is first to see its end, so that the id may be used again at once."""
        with self._changed:
            if self._readers.get(reader.request.request_id) is reader:
                del self._readers[reader.request.request_id]

    def _read_one(self, reader: _Reader, timeout_ms: int) -> bool:
        request = reader.request
        try:
            changed = request.read(timeout_ms)
            if isinstance(request, PoolingRequest):
                if request.is_finished:
                    reader.put(request.output())
                    request.close()
            elif changed:
                self._give(reader, request, changed)
            return bool(changed)
        except Exception as error:  # pylint: disable=broad-except
            request.fail(error)
            reader.put(error)
            return True

    def _give(self, reader: _Reader, request: Request, changed: Sequence[Answer]) -> None:
        params = request.params
        if params.output_kind == RequestOutputKind.FINAL_ONLY:
            if request.is_finished:
                reader.put(request.output())
            return
        for answer in changed:
            if answer not in reader.held:
                reader.held.append(answer)
        count = sum(answer.token_count for answer in request.answers)
        is_due = reader.given_tokens < 0 or count - reader.given_tokens >= (params.stream_interval or 1)
        if is_due or request.is_finished:
            reader.put(request.output(reader.held))
            reader.held = []
            reader.given_tokens = count
