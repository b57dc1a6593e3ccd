"""A bar for what takes long: tqdm's where it is installed, else one line on stderr."""

from __future__ import annotations

import sys
import time
from typing import Any, Callable, Union


class _Line:
    """`Processed prompts: 3/10` on one line of a terminal; elsewhere only the last."""

    def __init__(self, total: int, desc: str) -> None:
        self._total = total
        self._desc = desc
        self._count = 0
        self._postfix = ""
        self._began_at = time.monotonic()
        self._show()

    def _show(self, end: str = "") -> None:
        if end or sys.stderr.isatty():
            seconds = time.monotonic() - self._began_at
            sys.stderr.write(f"\r{self._desc}: {self._count}/{self._total} [{seconds:.1f} s]{self._postfix}{end}")
            sys.stderr.flush()

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        """What stands behind the count."""
        self._postfix = f", {text}"
        if refresh:
            self._show()

    def update(self, count: int = 1) -> None:
        """So many more are done."""
        self._count += count
        self._show()

    def close(self) -> None:
        """Ends the line."""
        self._show("\n")


class _Nothing:
    """No bar."""

    def update(self, count: int = 1) -> None:
        """Nothing."""

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def progress_bar(use_tqdm: Union[bool, Callable[..., Any]], total: int, desc: str) -> Any:
    """A bar with update(), set_postfix_str() and close(). `use_tqdm` may be a class like tqdm's."""
    if not use_tqdm:
        return _Nothing()
    if callable(use_tqdm):
        return use_tqdm(total=total, desc=desc, dynamic_ncols=True)
    try:
        from tqdm.auto import tqdm  # pylint: disable=import-outside-toplevel
    except ImportError:
        return _Line(total, desc)
    return tqdm(total=total, desc=desc, dynamic_ncols=True)
