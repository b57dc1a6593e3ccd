"""The C ABI as Python objects: a loaded model, and the stream of one request.

This is the layer under `LLM`, and can be used by itself: it has sparrow's own names and parameters.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import operator
import threading
import weakref
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set

from . import _library
from ._library import library
from .errors import InvalidArgument, SparrowError, error_of

_POOLINGS = ("", "mean", "last", "cls")
_RECEIPTS = ("", "digests", "full")
_FINISH_REASONS = {0: None, 1: "stop", 2: "length", 3: "abort", 4: "error"}


@dataclass
class Token:
    """One token, with logprobs where they were asked for: of the raw softmax over the vocabulary."""

    id: int
    logprob: float = 0.0
    rank: int = 0
    top: List["tuple[int, float]"] = field(default_factory=list)


@dataclass
class Delta:
    """What has come of an answer since the last read."""

    text: str
    tokens: List[Token]
    prompt_tokens: List[Token]
    finish_reason: Optional[str]
    error: Optional[SparrowError]
    stop_string: str
    stop_token: int
    embedding: List[float]
    receipt: str


@dataclass
class RequestStats:
    """Counts, and times in seconds, of one request; complete when it has finished."""

    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    preemption_count: int
    seed: int
    queue_seconds: float
    prefill_seconds: float
    decode_seconds: float
    dropped_begin: int
    dropped_tokens: int
    queue_position: int  # 1: the next to run; 0: it runs, or has


class _Call:
    """Runs one function of the ABI and raises what it reports."""

    def __init__(self) -> None:
        self.error = ctypes.c_void_p()

    def __call__(self, status: int) -> None:
        if status != 0:
            raise error_of(status, _take_text(self.error))


def _take_text(pointer: ctypes.c_void_p, size: Optional[int] = None) -> str:
    """The text of a char* that belongs to us, which is freed."""
    if not pointer.value:
        return ""
    try:
        data = ctypes.string_at(pointer.value) if size is None else ctypes.string_at(pointer.value, size)
    finally:
        library().sparrow_free(pointer)
    return data.decode("utf-8", "replace")


def _to_bytes(text: str) -> bytes:
    """UTF-8; lone surrogates become U+FFFD, as the tokenizers of Hugging Face have it."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode("utf-8")


def sampling_fields() -> List[Dict[str, Any]]:
    """Every sampling parameter of the engine: name, default, range and doc."""
    call, text = _Call(), ctypes.c_void_p()
    call(library().sparrow_sampling_fields(ctypes.byref(text), ctypes.byref(call.error)))
    fields: List[Dict[str, Any]] = json.loads(_take_text(text))
    return fields


def version() -> str:
    """The version of the shared library."""
    found: bytes = library().sparrow_version()
    return found.decode()


def _id_array(ids: Sequence[int]) -> Any:
    """A C array. ctypes would cut a number that is too large without a word."""
    numbers = [operator.index(number) for number in ids]
    for index, number in enumerate(numbers):
        if not 0 <= number < 2**31:
            raise InvalidArgument(f"token {index} must be a token id in [0, 2147483647], got {number}")
    return (ctypes.c_int32 * len(numbers))(*numbers)


def _free_engine(handle: ctypes.c_void_p, adapters: Set[str]) -> None:
    """The model may live on with others, who have no use for these adapters."""
    for name in adapters:
        library().sparrow_unload_adapter(handle, name.encode(), None)
    library().sparrow_engine_free(handle)


class EnginePool:
    """The models that are loaded, within one memory budget: Engine(model, pool=…) shares one that is
    loaded already with the same options. Any thread may call any method."""

    def __init__(self, memory_bytes: int = 0, max_models: int = 0, keep_alive_ms: int = 300_000) -> None:
        """memory_bytes: of all models together; 0: what the machine has. max_models: loaded at once; 0:
        as many as memory holds. keep_alive_ms: of a model after its last use; below 0: for good."""
        lib, call, handle = library(), _Call(), ctypes.c_void_p()
        native = _library.PoolOptions(ctypes.sizeof(_library.PoolOptions), memory_bytes, max_models, keep_alive_ms)
        call(lib.sparrow_pool_create(ctypes.byref(native), ctypes.byref(handle), ctypes.byref(call.error)))
        self.handle = handle
        self._close = weakref.finalize(self, lib.sparrow_pool_free, handle)

    def unload(self, model: str) -> bool:
        """As soon as nobody uses it, with whatever options. False: it was not loaded."""
        call, was_loaded, path = _Call(), ctypes.c_bool(), _to_bytes(model)
        out = (ctypes.byref(was_loaded), ctypes.byref(call.error))
        call(library().sparrow_pool_unload(self.handle, path, len(path), *out))
        return was_loaded.value

    def list(self) -> List[Dict[str, Any]]:
        """The most recently used first: name, path, context_length, kv_cache_type, bytes, is_used and
        time_left_ms (None: it stays)."""
        call, text = _Call(), ctypes.c_void_p()
        call(library().sparrow_pool_list(self.handle, ctypes.byref(text), ctypes.byref(call.error)))
        models: List[Dict[str, Any]] = json.loads(_take_text(text))
        return models


class Engine:
    """A loaded model that answers. Any thread may call any method."""

    def __init__(
        self,
        model: str,
        *,
        pool: Optional[EnginePool] = None,
        keep_alive_ms: Optional[int] = None,
        on_progress: Optional[Callable[[str, int, int], None]] = None,
        **options: Any,
    ) -> None:
        """Loads `model`: a .gguf file, or a name, alias or hub's id of the catalog.

        `options` are the fields of sparrow_engine_options: context_length, kv_cache_type,
        kv_cache_bytes, max_sequences, thread_count, may_pull, activations, prefill_chunk, rope_scaling.
        `on_progress(status, completed_bytes, total_bytes)` may raise to stop the loading. With a `pool`
        one that is loaded there is shared; `keep_alive_ms` holds from now on for this model, None: as it is.
        """
        lib = library()
        native = _library.EngineOptions()
        lib.sparrow_engine_options_init(ctypes.byref(native), ctypes.sizeof(native))
        for name, value in options.items():
            setattr(native, name, value.encode() if isinstance(value, str) else value)
        raised: List[BaseException] = []

        def report(status: bytes, completed: int, total: int, _user: Any) -> bool:
            try:
                if on_progress is not None:
                    on_progress(status.decode(), completed, total)
                return True
            except BaseException as error:  # pylint: disable=broad-except
                raised.append(error)  # no exception may cross the C ABI; it goes on below
                return False

        native.on_progress = _library.OnProgress(report)
        call, handle, path = _Call(), ctypes.c_void_p(), _to_bytes(model)
        out = (ctypes.byref(handle), ctypes.byref(call.error))
        if pool is None:
            status = lib.sparrow_engine_load(path, len(path), ctypes.byref(native), *out)
        else:
            keep_alive = None if keep_alive_ms is None else ctypes.byref(ctypes.c_int64(keep_alive_ms))
            status = lib.sparrow_pool_acquire(
                pool.handle, path, len(path), ctypes.byref(native), keep_alive, *out
            )
        self._adapters: Set[str] = set()
        if status == 0:
            self._close = weakref.finalize(self, _free_engine, handle, self._adapters)
        if raised:
            raise raised[0]
        call(status)
        self._handle = handle
        self._changed = threading.Condition()
        self._call_count = 0
        self.is_closed = False
        self.info: Dict[str, Any] = self._json(lib.sparrow_engine_info)

    def close(self) -> None:
        """Ends what is in flight as cancelled, takes back its adapters, and frees the model unless
        somebody shares it. May be called again."""
        with self._changed:
            self.is_closed = True
            while self._call_count > 0:
                self._changed.wait()
            self._close()

    @contextlib.contextmanager
    def _open(self) -> Iterator[ctypes.c_void_p]:
        """The handle, which close() leaves alone until the call is over."""
        with self._changed:
            if self.is_closed:
                raise RuntimeError("the engine was shut down")
            self._call_count += 1
        try:
            yield self._handle
        finally:
            with self._changed:
                self._call_count -= 1
                self._changed.notify_all()

    def _json(self, function: Any) -> Dict[str, Any]:
        call, text = _Call(), ctypes.c_void_p()
        with self._open() as handle:
            call(function(handle, ctypes.byref(text), ctypes.byref(call.error)))
        found: Dict[str, Any] = json.loads(_take_text(text))
        return found

    def stats(self) -> Dict[str, int]:
        """waiting_count, running_count, block_count, free_block_count, cached_block_count, preemption_count,
        adapter_bytes, step_count, computed_rows, step_seconds, forward_seconds."""
        return self._json(library().sparrow_engine_stats)

    def default_sampling(self) -> Dict[str, Any]:
        """The sampling parameters that this model is best used with."""
        return self._json(library().sparrow_default_sampling)

    def _ids(self, function: Any, *arguments: Any) -> List[int]:
        call, ids, count = _Call(), ctypes.POINTER(ctypes.c_int32)(), ctypes.c_size_t()
        with self._open() as handle:
            call(function(handle, *arguments, ctypes.byref(ids), ctypes.byref(count), ctypes.byref(call.error)))
        try:
            return ids[: count.value]
        finally:
            library().sparrow_free(ids)

    def encode(self, text: str, is_plain: bool = False) -> List[int]:
        """Token ids. Control tokens in the text count and the model's BOS stands in front, unless `is_plain`."""
        data = _to_bytes(text)
        return self._ids(library().sparrow_encode, data, len(data), is_plain)

    def encode_chat(self, request: Dict[str, Any]) -> List[int]:
        """The ids of a conversation by the model's template: messages, tools, add_generation_prompt,
        continue_final_message, chat_template, chat_template_kwargs."""
        data = json.dumps(request).encode()
        return self._ids(library().sparrow_encode_chat, data, len(data))

    def decode(self, ids: Sequence[int], with_control: bool = False) -> str:
        """The text of whole ids; bytes that are no UTF-8 become U+FFFD."""
        call, text, size = _Call(), ctypes.c_void_p(), ctypes.c_size_t()
        out = (ctypes.byref(text), ctypes.byref(size), ctypes.byref(call.error))
        with self._open() as handle:
            call(library().sparrow_decode(handle, _id_array(ids), len(ids), with_control, *out))
        return _take_text(text, size.value)

    def submit(
        self,
        prompt: Sequence[int],
        params: Dict[str, Any],
        *,
        is_batch: bool = False,
        adapter: Optional[str] = None,
        adapter_scale: float = 1.0,
        pooling: str = "",
        normalize: bool = True,
        context_length: int = 0,
        context_policy: str = "error",
        rope_scaling: Optional[str] = None,
        score_from: int = 0,
        receipt: str = "",
    ) -> "Stream":
        """Queues a request.

        Args:
            params: sampling fields; what is left out has the general default.
            is_batch: whatever is not comes first.
            adapter: a name given to load_adapter(); None: the base model.
            adapter_scale: a finite number.
            pooling: "mean", "last" or "cls" of the final hidden states: an embedding in the last delta
                instead of an answer.
            normalize: the embedding to length 1.
            context_length: of this request, prompt and answer together; 0: the engine's.
            context_policy: of a prompt that is too long: error, drop_oldest or drop_middle; stats()
                says what was dropped.
            rope_scaling: "yarn:4", or a JSON object with Hugging Face's names; None: the engine's.
            score_from: prompt_logprobs are of the prompt's tokens from this one on.
            receipt: "digests" or "full": the last delta tells how the answer was made (docs/receipts.md).
        """
        if pooling not in _POOLINGS:
            raise ValueError(f"pooling must be mean, last or cls, got {pooling!r}")
        if receipt not in _RECEIPTS:
            raise ValueError(f"receipt must be digests or full, got {receipt!r}")
        options = _library.SubmitOptions()
        library().sparrow_submit_options_init(ctypes.byref(options), ctypes.sizeof(options))
        options.is_batch = is_batch
        options.adapter = None if adapter is None else adapter.encode()
        options.adapter_scale = adapter_scale
        options.pooling = _POOLINGS.index(pooling)
        options.normalize = normalize
        options.context_length = context_length
        options.context_policy = context_policy.encode()
        options.rope_scaling = None if rope_scaling is None else rope_scaling.encode()
        options.score_from = score_from
        options.receipt = _RECEIPTS.index(receipt)
        call, stream, data = _Call(), ctypes.c_void_p(), json.dumps(params).encode()
        out = (ctypes.byref(options), ctypes.byref(stream), ctypes.byref(call.error))
        with self._open() as handle:
            call(library().sparrow_submit(handle, _id_array(prompt), len(prompt), data, len(data), *out))
        return Stream(stream)

    def log_likelihood(self, context: Sequence[int], continuation: Sequence[int]) -> Dict[str, Any]:
        """How likely the model finds ids after others, both at least one: logprob, the sum in nats,
        is_greedy, whether each was the likeliest, and token_logprobs."""
        call, text = _Call(), ctypes.c_void_p()
        with self._open() as handle:
            call(
                library().sparrow_log_likelihood(
                    handle,
                    _id_array(context),
                    len(context),
                    _id_array(continuation),
                    len(continuation),
                    ctypes.byref(text),
                    ctypes.byref(call.error),
                )
            )
        found: Dict[str, Any] = json.loads(_take_text(text))
        return found

    def classify(self, prompt: Sequence[int], labels: Sequence[Sequence[int]]) -> List[float]:
        """The probabilities of at least two labels among themselves, by their log likelihoods after the
        prompt: "yes" and "no" judge a statement."""
        arrays = [_id_array(label) for label in labels]
        pointers = (ctypes.POINTER(ctypes.c_int32) * len(arrays))(
            *(ctypes.cast(array, ctypes.POINTER(ctypes.c_int32)) for array in arrays)
        )
        sizes = (ctypes.c_size_t * len(arrays))(*(len(label) for label in labels))
        shares = (ctypes.c_double * len(arrays))()
        call = _Call()
        with self._open() as handle:
            call(
                library().sparrow_classify(
                    handle,
                    _id_array(prompt),
                    len(prompt),
                    pointers,
                    sizes,
                    len(arrays),
                    shares,
                    ctypes.byref(call.error),
                )
            )
        return list(shares)

    def replay(self, receipt: str, prompt: Optional[Sequence[int]] = None) -> Dict[str, Any]:
        """Makes an answer again: is_same, first_difference (-1: none, or not known), differences of the
        engines, text and receipt. `prompt`: where the receipt is of digests alone."""
        call, text, data = _Call(), ctypes.c_void_p(), receipt.encode()
        ids = [] if prompt is None else prompt
        out = (ctypes.byref(text), ctypes.byref(call.error))
        with self._open() as handle:
            call(library().sparrow_replay(handle, data, len(data), _id_array(ids), len(ids), *out))
        found: Dict[str, Any] = json.loads(_take_text(text))
        return found

    def reset_prefix_cache(self) -> bool:
        """What no request uses of the cached prefixes is free from now on. False: requests in flight share
        some, which stay."""
        call, is_empty = _Call(), ctypes.c_bool()
        with self._open() as handle:
            call(library().sparrow_reset_prefix_cache(handle, ctypes.byref(is_empty), ctypes.byref(call.error)))
        return is_empty.value

    def load_adapter(self, name: str, path: str) -> None:
        """A LoRA adapter in a GGUF file, for requests to name, also of others who share the model; one of
        the same name is replaced."""
        call = _Call()
        with self._open() as handle:
            call(library().sparrow_load_adapter(handle, name.encode(), str(path).encode(), ctypes.byref(call.error)))
            self._adapters.add(name)

    def unload_adapter(self, name: str) -> None:
        """Requests in flight keep it."""
        call = _Call()
        with self._open() as handle:
            call(library().sparrow_unload_adapter(handle, name.encode(), ctypes.byref(call.error)))
            self._adapters.discard(name)


class Stream:
    """The answer to one request, read by one thread at a time. Any thread may cancel it, and dropping
    it does."""

    def __init__(self, handle: ctypes.c_void_p) -> None:
        self._handle = handle
        self._close = weakref.finalize(self, library().sparrow_stream_free, handle)
        self._closing = threading.Lock()  # a stream may be cancelled while its reader frees it
        self.is_finished = False

    def next(self, timeout_ms: int = -1) -> Optional[Delta]:
        """The next delta; the last one has a finish_reason. None after `timeout_ms` (below 0: never)
        and after the last."""
        pointer = library().sparrow_stream_next(self._handle, timeout_ms)
        if not pointer:
            return None
        native = pointer.contents
        finish_reason = _FINISH_REASONS[native.finish_reason]
        self.is_finished = finish_reason is not None
        error = None
        if finish_reason == "error":
            error = error_of(native.error_status, native.error.decode("utf-8", "replace"))
        return Delta(
            text=ctypes.string_at(native.text, native.text_size).decode("utf-8", "replace"),
            tokens=_tokens(native.tokens, native.token_count),
            prompt_tokens=_tokens(native.prompt_tokens, native.prompt_token_count),
            finish_reason=finish_reason,
            error=error,
            stop_string=native.stop_string.decode("utf-8", "replace"),
            stop_token=native.stop_token,
            embedding=native.embedding[: native.embedding_size] if native.embedding_size else [],
            receipt=native.receipt.decode(),
        )

    def cancel(self) -> None:
        """The request ends within one step of the engine."""
        with self._closing:
            if self._close.alive:
                library().sparrow_stream_cancel(self._handle)

    def close(self) -> None:
        """Cancels what has not finished, and frees the stream. May be called again."""
        with self._closing:
            self._close()

    def stats(self) -> RequestStats:
        """Complete once the last delta was read."""
        native = _library.RequestStats(struct_size=ctypes.sizeof(_library.RequestStats))
        library().sparrow_stream_stats(self._handle, ctypes.byref(native))
        return RequestStats(**{name: getattr(native, name) for name in RequestStats.__dataclass_fields__})


def _tokens(tokens: Any, count: int) -> List[Token]:
    found = []
    for index in range(count):
        token = tokens[index]
        top = [(entry.id, entry.logprob) for entry in token.top[: token.top_count]] if token.top_count else []
        found.append(Token(token.id, token.logprob, token.rank, top))
    return found
