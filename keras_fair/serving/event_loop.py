"""The event loop of a worker: it answers until it is told to stop.

Its line to the parent carries what it counted and whom it used the rule on, and brings back the metrics of
all workers. When the line breaks, the parent is gone, and the worker stops as if it were told to.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

import uvicorn

from keras_fair.serving.app import Worker, application
from keras_fair.serving.counts import Counts
from keras_fair.serving.loading import Loaded
from keras_fair.serving.rule_correction import RuleCorrection
from keras_fair.serving.settings import ServiceSettings

__all__ = ["Served", "withhold_warnings"]

_EVERY = 0.5  # seconds between two messages to the parent
_WAITING = 2048  # connections that wait for a worker


class Served:
    """The event loop of a worker.

    Args:
        settings: what to serve.
        listening: bound; all workers take connections from it.
        line: to the parent.
        shown: one number, the warnings so far.
    """

    def __init__(
        self, settings: ServiceSettings, listening: socket.socket, line: Connection, shown: list[int]
    ) -> None:
        self._settings, self._listening, self._line, self._shown = settings, listening, line, shown
        self._asked: deque[asyncio.Future[str]] = deque()

    async def run(self, ready: Loaded) -> bool:
        """Answer until it is told to stop.

        Returns:
            Whether all that came is saved.
        """
        self._speaking = asyncio.Lock()
        self._worker = Worker(ready, self._settings, self._shared)
        config = uvicorn.Config(
            application(self._worker),
            loop="asyncio",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            # asyncio takes as many connections in one go as may wait. With one, workers share them.
            backlog=1,
            timeout_graceful_shutdown=max(1, int(self._settings.grace)),
        )
        self._server = _Server(config, self._worker)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._line.fileno(), self._hear)
        correction = ready.correction
        document = correction.rule.to_json() if isinstance(correction, RuleCorrection) else None
        self._server.listens = lambda: self._line.send(("ready", document, correction.name))
        telling = loop.create_task(self._tell())
        try:
            await self._server.serve([self._listening])
        finally:
            telling.cancel()
            loop.remove_reader(self._line.fileno())
            with contextlib.suppress(OSError):  # the parent is gone
                self._line.send(("seen", self._counts(), None if ready.seen is None else ready.seen.take()))
        return not self._worker.unsaved

    async def _shared(self) -> str:
        """The metrics of all workers."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked.append(future)
        await self._say("metrics", self._counts())
        return await future

    async def _tell(self) -> None:
        """Tell the parent what was counted, again and again."""
        while True:
            await asyncio.sleep(_EVERY)
            seen = self._worker.loaded.seen
            await self._say("seen", self._counts(), None if seen is None else seen.take())

    async def _say(self, *message: Any) -> None:
        async with self._speaking:  # the parent may be busy, so the loop does not wait for it
            loop = asyncio.get_running_loop()
            with contextlib.suppress(OSError):  # it is gone, which `_hear` finds out
                await loop.run_in_executor(None, self._line.send, message)

    def _hear(self) -> None:
        try:
            text = self._line.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(self._line.fileno())
            self._server.should_exit = True
            return
        if self._asked:
            future = self._asked.popleft()
            if not future.done():
                future.set_result(text)

    def _counts(self) -> Counts:
        counts = self._worker.counts
        correction = self._worker.loaded.correction
        counts.unknown = correction.unknown if isinstance(correction, RuleCorrection) else 0
        counts.warnings = self._shown[0]
        return counts


class _Server(uvicorn.Server):
    """A server that says when it listens, and ends without raising the signal that ended it.

    Args:
        config: of uvicorn.
        worker: is told that it stops.
    """

    def __init__(self, config: uvicorn.Config, worker: Worker) -> None:
        super().__init__(config)
        self._worker = worker
        self.listens: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        for each in sockets or ():
            each.listen(_WAITING)
        self.listens()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM of the parent ends it."""
        signal.signal(signal.SIGTERM, self.handle_exit)
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop taking requests, answer those that are there, save, and end."""
        self._worker.stopping = True
        self.should_exit = True


def withhold_warnings(shown: list[int]) -> None:
    """Count warnings instead of showing them: their texts may hold data."""

    def count(*_: Any, **__: Any) -> None:
        shown[0] += 1

    warnings.simplefilter("always")
    warnings.showwarning = count
