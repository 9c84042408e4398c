"""Processes of one machine that take turns: one at a time, and nobody polls.

A lock of the system on a file: it goes with the process that holds it, however that process ends.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # there is none on Windows: then a store's own lock is all there is
    fcntl = None  # type: ignore[assignment]

__all__ = ["Turns"]


class Turns:
    """The turn of this process.

    Args:
        path: of a file that is there, the same for all who take turns; empty: there are no others.
    """

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR) if path and fcntl is not None else None

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Inside, no other process has its turn."""
        if self._file is None:
            yield
            return
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
