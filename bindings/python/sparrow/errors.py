"""What can go wrong: each status of the C ABI as an exception that is also Python's own kind."""

from __future__ import annotations

from typing import Dict, Type


class SparrowError(Exception):
    """Any failure that the library reports. `str(error)` says what was wrong and what would be right."""


class InvalidArgument(SparrowError, ValueError):
    """A value that cannot be taken."""


class InvalidFile(SparrowError, ValueError):
    """A model file, template or vocabulary that breaks its format."""


class Unsupported(SparrowError, NotImplementedError):
    """Well-formed, but nothing here runs it."""


class NotFound(SparrowError, FileNotFoundError):
    """No such file or model."""


class DiskFailed(SparrowError, OSError):
    """The disk failed."""


class NetworkFailed(SparrowError, ConnectionError):
    """No source answered, or a download broke."""


class OutOfMemory(SparrowError, MemoryError):
    """More memory than there is."""


class ContextFull(SparrowError, ValueError):
    """The prompt does not fit the context."""


class Cancelled(SparrowError):
    """The caller asked to stop."""


class Internal(SparrowError, RuntimeError):
    """A bug in sparrow."""


# By sparrow_status.
_BY_STATUS: Dict[int, Type[SparrowError]] = {
    1: InvalidArgument,
    2: InvalidFile,
    3: Unsupported,
    4: NotFound,
    5: DiskFailed,
    6: NetworkFailed,
    7: OutOfMemory,
    8: ContextFull,
    9: Cancelled,
    10: Internal,
}


def error_of(status: int, message: str) -> SparrowError:
    """The exception for a status other than 0."""
    return _BY_STATUS.get(status, Internal)(message)
