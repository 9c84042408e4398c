"""One worker process: it loads, warms, answers until it is told to stop, and saves.

The modules that need Keras are imported inside `around`, which may keep its notes off the terminal.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from typing import Any

from keras_fair.serving.settings import ServiceSettings
from keras_fair.serving.worker_log import log_to_stderr
from keras_fair.streaming.state_document import StateError

__all__ = ["work"]

_logger = logging.getLogger("keras_fair.serving")


def work(
    settings: ServiceSettings,
    listening: socket.socket,
    line: Connection,
    around: Callable[[], AbstractContextManager[Any]],
) -> None:
    """Be a worker.

    Args:
        settings: what to serve.
        listening: bound; all workers take connections from it.
        line: to the parent.
        around: a context in which Keras is imported and the model loaded.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the parent says when to stop
    log_to_stderr()
    _share_cores(settings.workers)
    try:
        with around():
            from keras_fair.serving.event_loop import Served, withhold_warnings
            from keras_fair.serving.loading import loaded

            ready = loaded(settings)
    except (ValueError, OSError, StateError, ImportError) as fault:
        line.send(("fault", str(fault)))
        return
    shown = [0]
    withhold_warnings(shown)
    try:
        saved = asyncio.run(Served(settings, listening, line, shown).run(ready))
    except Exception as fault:
        last = traceback.extract_tb(fault.__traceback__)[-1]
        _logger.error("the worker failed: %s at %s:%s", type(fault).__name__, last.filename, last.lineno)
        sys.exit(3)
    if not saved:
        sys.exit(3)


def _share_cores(workers: int) -> None:
    """Let each worker use its share of the cores, unless the environment says otherwise."""
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, threads)
