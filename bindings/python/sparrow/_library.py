"""The C ABI (sparrow/c_api.h) as ctypes sees it. Loaded on first use, so that importing is cheap."""

from __future__ import annotations

import ctypes
import functools
import os
import pathlib
import sys
from ctypes import POINTER, c_bool, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from typing import List

OnProgress = ctypes.CFUNCTYPE(c_bool, c_char_p, c_uint64, c_uint64, c_void_p)


class EngineOptions(ctypes.Structure):
    """sparrow_engine_options."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("context_length", c_int64),
        ("kv_cache_type", c_char_p),
        ("kv_cache_bytes", c_int64),
        ("max_sequences", c_int64),
        ("thread_count", c_int32),
        ("may_pull", c_bool),
        ("activations", c_char_p),
        ("prefill_chunk", c_int64),
        ("on_progress", OnProgress),
        ("user", c_void_p),
        ("rope_scaling", c_char_p),
    ]


class PoolOptions(ctypes.Structure):
    """sparrow_pool_options."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("memory_bytes", c_int64),
        ("max_models", c_int64),
        ("keep_alive_ms", c_int64),
    ]


class TokenLogprob(ctypes.Structure):
    """sparrow_token_logprob."""

    _fields_ = [("id", c_int32), ("logprob", c_float)]


class Token(ctypes.Structure):
    """sparrow_token."""

    _fields_ = [
        ("id", c_int32),
        ("logprob", c_float),
        ("rank", c_int64),
        ("top", POINTER(TokenLogprob)),
        ("top_count", c_size_t),
    ]


class Delta(ctypes.Structure):
    """sparrow_delta."""

    _fields_ = [
        ("text", c_void_p),
        ("text_size", c_size_t),
        ("tokens", POINTER(Token)),
        ("token_count", c_size_t),
        ("prompt_tokens", POINTER(Token)),
        ("prompt_token_count", c_size_t),
        ("finish_reason", c_int),
        ("error_status", c_int),
        ("error", c_char_p),
        ("stop_string", c_char_p),
        ("stop_token", c_int32),
        ("embedding", POINTER(c_float)),
        ("embedding_size", c_size_t),
        ("receipt", c_char_p),
    ]


class SubmitOptions(ctypes.Structure):
    """sparrow_submit_options."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("is_batch", c_bool),
        ("adapter", c_char_p),
        ("adapter_scale", c_float),
        ("pooling", c_int),
        ("normalize", c_bool),
        ("context_length", c_int64),
        ("context_policy", c_char_p),
        ("rope_scaling", c_char_p),
        ("score_from", c_int64),
        ("receipt", c_int),
    ]


class RequestStats(ctypes.Structure):
    """sparrow_request_stats."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("prompt_tokens", c_int64),
        ("cached_tokens", c_int64),
        ("output_tokens", c_int64),
        ("preemption_count", c_int64),
        ("seed", c_int64),
        ("queue_seconds", c_double),
        ("prefill_seconds", c_double),
        ("decode_seconds", c_double),
        ("dropped_begin", c_int64),
        ("dropped_tokens", c_int64),
        ("queue_position", c_int64),
    ]


_Text = POINTER(c_void_p)  # char**, for sparrow_free
_Ids = POINTER(POINTER(c_int32))

# name: (result, arguments)
_FUNCTIONS = {
    "sparrow_version": (c_char_p, []),
    "sparrow_free": (None, [c_void_p]),
    "sparrow_engine_options_init": (None, [POINTER(EngineOptions), c_size_t]),
    "sparrow_engine_load": (c_int, [c_char_p, c_size_t, POINTER(EngineOptions), POINTER(c_void_p), _Text]),
    "sparrow_engine_free": (None, [c_void_p]),
    "sparrow_pool_options_init": (None, [POINTER(PoolOptions), c_size_t]),
    "sparrow_pool_create": (c_int, [POINTER(PoolOptions), POINTER(c_void_p), _Text]),
    "sparrow_pool_free": (None, [c_void_p]),
    "sparrow_pool_acquire": (
        c_int,
        [c_void_p, c_char_p, c_size_t, POINTER(EngineOptions), POINTER(c_int64), POINTER(c_void_p), _Text],
    ),
    "sparrow_pool_unload": (c_int, [c_void_p, c_char_p, c_size_t, POINTER(c_bool), _Text]),
    "sparrow_pool_list": (c_int, [c_void_p, _Text, _Text]),
    "sparrow_reset_prefix_cache": (c_int, [c_void_p, POINTER(c_bool), _Text]),
    "sparrow_engine_info": (c_int, [c_void_p, _Text, _Text]),
    "sparrow_engine_stats": (c_int, [c_void_p, _Text, _Text]),
    "sparrow_encode": (c_int, [c_void_p, c_char_p, c_size_t, c_bool, _Ids, POINTER(c_size_t), _Text]),
    "sparrow_encode_chat": (c_int, [c_void_p, c_char_p, c_size_t, _Ids, POINTER(c_size_t), _Text]),
    "sparrow_decode": (c_int, [c_void_p, POINTER(c_int32), c_size_t, c_bool, _Text, POINTER(c_size_t), _Text]),
    "sparrow_default_sampling": (c_int, [c_void_p, _Text, _Text]),
    "sparrow_sampling_fields": (c_int, [_Text, _Text]),
    "sparrow_load_adapter": (c_int, [c_void_p, c_char_p, c_char_p, _Text]),
    "sparrow_unload_adapter": (c_int, [c_void_p, c_char_p, _Text]),
    "sparrow_submit_options_init": (None, [POINTER(SubmitOptions), c_size_t]),
    "sparrow_submit": (
        c_int,
        [c_void_p, POINTER(c_int32), c_size_t, c_char_p, c_size_t, POINTER(SubmitOptions), POINTER(c_void_p), _Text],
    ),
    "sparrow_stream_next": (POINTER(Delta), [c_void_p, c_int64]),
    "sparrow_stream_cancel": (None, [c_void_p]),
    "sparrow_stream_stats": (None, [c_void_p, POINTER(RequestStats)]),
    "sparrow_stream_free": (None, [c_void_p]),
    "sparrow_log_likelihood": (
        c_int,
        [c_void_p, POINTER(c_int32), c_size_t, POINTER(c_int32), c_size_t, _Text, _Text],
    ),
    "sparrow_classify": (
        c_int,
        [
            c_void_p,
            POINTER(c_int32),
            c_size_t,
            POINTER(POINTER(c_int32)),
            POINTER(c_size_t),
            c_size_t,
            POINTER(c_double),
            _Text,
        ],
    ),
    "sparrow_replay": (c_int, [c_void_p, c_char_p, c_size_t, POINTER(c_int32), c_size_t, _Text, _Text]),
}


def _candidates() -> List[pathlib.Path]:
    """Where the library may be: the one named, the wheel's own, and a built source tree's."""
    named = os.environ.get("SPARROW_LIBRARY")
    if named:
        return [pathlib.Path(named)]
    name = "libsparrow.dylib" if sys.platform == "darwin" else "libsparrow.so"
    package = pathlib.Path(__file__).resolve().parent
    found = [package / name]
    if len(package.parents) > 2:
        found.append(package.parents[2] / "build" / name)
    return found


def library_path() -> str:
    """The shared library's file. Raises ImportError naming the places that were looked at."""
    candidates = _candidates()
    for path in candidates:
        if path.exists():
            return str(path)
    places = ", ".join(str(path) for path in candidates)
    raise ImportError(f"sparrow's shared library is not at {places}; SPARROW_LIBRARY may name it")


@functools.lru_cache(maxsize=None)
def library() -> ctypes.CDLL:
    """The shared library, loaded once. Raises ImportError."""
    loaded = ctypes.CDLL(library_path())
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(loaded, name)
        function.restype = result
        function.argtypes = arguments
    return loaded
