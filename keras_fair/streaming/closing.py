"""What is not saved yet is saved when a stream is let go, and when the interpreter ends.

An end by a signal or by `os._exit`, as of a process that `multiprocessing` forked, runs nothing of this.
What goes wrong here has no caller who could catch it: it is logged, by the logger `keras_fair`, which shows
on stderr unless the program says otherwise.
"""

from __future__ import annotations

import atexit
import logging
import sys
import weakref
from typing import Any, Protocol

from keras_fair.streaming.saving import Saving

__all__ = ["close", "close_at_exit", "close_others"]

_SECONDS = 10.0  # to wait for a thread that is about to save

_logger = logging.getLogger("keras_fair")


class _Closable(Protocol):
    """A `Keeper`, as it is seen from here."""

    lock: Any
    saving: Saving | None

    def save_rest(self) -> None:
        """Save what is not saved yet."""


_open: weakref.WeakSet[_Closable] = weakref.WeakSet()


def close_at_exit(keeper: _Closable) -> None:
    """Save what is not saved when the interpreter ends."""
    _open.add(keeper)


def close(keeper: _Closable) -> None:
    """Save what is not saved yet; log why it can't be."""
    saving = getattr(keeper, "saving", None)  # none where it was not made to the end
    if saving is None or sys.is_finalizing():
        return
    if not keeper.lock.acquire(timeout=_SECONDS):
        _logger.error("can't save the state in %s: another thread is still using the stream", saving)
        return
    try:
        keeper.save_rest()
    except Exception as fault:
        _logger.error("arrivals of a stream were not saved: %s", fault)
    finally:
        keeper.lock.release()


def close_others(keeper: _Closable) -> None:
    """Save what other streams of this process have not saved yet, should it be in the file that this one is
    about to read: it would miss their arrivals, and find the file changed when they save."""
    for other in list(_open):
        if other is not keeper and other.saving is not None and keeper.saving is not None:
            path = keeper.saving.path
            if path is not None and other.saving.path == path:
                close(other)


def _close_all() -> None:
    for keeper in list(_open):
        close(keeper)


atexit.register(_close_all)
