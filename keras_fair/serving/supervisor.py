"""The parent of the workers: it holds the port, starts them, starts anew whoever dies, and stops them.

It binds the port and leaves listening to workers that are warm, so nobody is let in before there is somebody
to answer. A connection waits in the one queue of the port until a worker takes it: those that nobody has
taken yet outlive the death of any worker.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Any

from keras_fair.postprocessing.frozen_fairness import FrozenFairness
from keras_fair.serving.counts import Counts
from keras_fair.serving.exposition import counts_text, family
from keras_fair.serving.promise_watch import PromiseWatch
from keras_fair.serving.settings import ServiceSettings
from keras_fair.serving.worker import work
from keras_fair.serving.worker_log import logged_to_stderr

__all__ = ["ServiceFault", "run"]

_TICK = 0.2  # seconds between two looks at the workers
_LONGEST_PAUSE = 30.0  # seconds before a worker that dies again and again is started anew

_logger = logging.getLogger("keras_fair.serving")


class ServiceFault(Exception):
    """What is to be served is at fault: a file, a text, a port. The message is for who started it."""


def run(settings: ServiceSettings, around: Callable[[], AbstractContextManager[Any]] = nullcontext) -> int:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: what to serve, and where.
        around: a context in which each worker imports Keras and loads the model; it must be a function of a
            module, since workers are new processes.

    Returns:
        0 where all workers ended in order, 3 where one had to be killed or failed at its end.

    Raises:
        ServiceFault: it can't be served.
        ValueError: settings do not go together.
    """
    settings.check()
    if os.name != "posix":
        raise ServiceFault("a service needs signals and sockets of POSIX: run it on Linux, or in a container")
    with (
        logged_to_stderr(),
        _bound(settings) as listening,
        tempfile.NamedTemporaryFile(prefix="keras_fair_turns_") as turns,
    ):
        return _Supervisor(replace(settings, turns=turns.name), listening, around).run()


@dataclass
class _Place:
    """The place of one worker.

    Attributes:
        number: of the place.
        process, line: of the worker that is there now.
        ready: whether it answers.
        counts: what it has counted.
        failures: how often the ones before it died without ever answering.
        start_at: when the next one is started, where none is there.
    """

    number: int
    process: Any = None
    line: Connection | None = None
    ready: bool = False
    counts: Counts = field(default_factory=Counts)
    failures: int = 0
    start_at: float = 0.0


class _Supervisor:
    def __init__(
        self,
        settings: ServiceSettings,
        listening: socket.socket,
        around: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self._settings, self._listening, self._around = settings, listening, around
        self._context = multiprocessing.get_context("spawn")  # TensorFlow does not outlive a fork
        self._places = [_Place(number) for number in range(settings.workers)]
        self._gone = Counts()
        self._restarts = 0
        self._served = self._stopping = False
        self._unclean = False
        self._watch: PromiseWatch | None = None
        self._fault = ""

    def run(self) -> int:
        """Serve until a signal."""
        with self._signals():
            while not self._stopping:
                self._start()
                self._hear(_TICK)
                self._bury()
                if self._fault:
                    break
            self._stop()
        if self._watch is not None:
            self._watch.save()
        if self._fault:
            raise ServiceFault(self._fault)
        _logger.info("stopped%s", "" if not self._unclean else ", not in order")
        return 3 if self._unclean else 0

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(*_: Any) -> None:
            self._stopping = True

        before = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _start(self) -> None:
        """Start workers where none is."""
        for place in self._places:
            if place.process is not None or time.monotonic() < place.start_at:
                continue
            mine, theirs = self._context.Pipe()
            place.process = self._context.Process(
                target=work,
                args=(self._settings, self._listening, theirs, self._around),
                name=f"keras-fair worker {place.number}",
            )
            place.process.start()
            theirs.close()
            place.line, place.ready, place.counts = mine, False, Counts()

    def _hear(self, timeout: float) -> None:
        lines = {place.line: place for place in self._places if place.line is not None}
        ends = [place.process.sentinel for place in self._places if place.process is not None]
        for each in wait([*lines, *ends], timeout):
            place = lines.get(each)  # type: ignore[call-overload]
            if place is not None:
                self._take(place)

    def _take(self, place: _Place) -> None:
        """One message of a worker."""
        assert place.line is not None
        try:
            kind, *rest = place.line.recv()
        except (EOFError, OSError):
            place.line.close()
            place.line = None
            return
        if kind == "ready":
            self._became_ready(place, *rest)
        elif kind == "fault":
            if self._served:
                _logger.error("worker %d can't begin: %s", place.number, rest[0])
            else:
                self._fault = rest[0]
        else:
            place.counts = rest[0]
            if kind == "metrics":
                with contextlib.suppress(OSError):  # it died meanwhile
                    place.line.send(self._metrics())
            elif rest[1] is not None and self._watch is not None:
                self._watch.observe(rest[1])

    def _became_ready(self, place: _Place, rule: str | None, correction: str) -> None:
        place.ready, place.failures = True, 0
        _logger.info("worker %d of %d is ready", place.number + 1, len(self._places))
        if rule is not None and self._watch is None:
            try:
                self._watch = PromiseWatch(
                    FrozenFairness.from_json(rule), self._settings.alpha, self._settings.watched
                )
            except (ValueError, OSError) as fault:
                self._fault = f"can't go on with the watch: {fault}"
                return
        if not self._served and all(each.ready for each in self._places):
            self._served = True
            host, port = self._listening.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            _logger.info("serving at http://%s:%d, correction: %s", shown, port, correction)

    def _metrics(self) -> str:
        counts = self._gone
        for place in self._places:
            counts = counts.merged(place.counts)
        ready = sum(place.ready for place in self._places)
        return "".join(
            [
                counts_text(counts),
                family("workers", "gauge", "Workers that answer.", [("", {}, ready)]),
                family("restarts_total", "counter", "Workers that died.", [("", {}, self._restarts)]),
                "" if self._watch is None else self._watch.text(),
            ]
        )

    def _bury(self) -> None:
        """Take note of workers that have ended."""
        for place in self._places:
            process = place.process
            if process is None or process.exitcode is None:
                continue
            while place.line is not None and place.line.poll():
                self._take(place)
            if place.line is not None:
                place.line.close()
                place.line = None
            process.join()
            self._gone = self._gone.merged(place.counts)
            place.counts, place.process = Counts(), None
            if self._stopping or self._fault:
                told_while_it_loaded = not place.ready and process.exitcode == -signal.SIGTERM
                self._unclean |= process.exitcode != 0 and not told_while_it_loaded
                continue
            self._restarts += 1
            how = f"by signal {-process.exitcode}" if process.exitcode < 0 else f"with {process.exitcode}"
            if not self._served:
                self._fault = f"a worker ended {how} before it answered"
            place.failures += not place.ready
            pause = min(2.0**place.failures - 1.0, _LONGEST_PAUSE)
            place.ready, place.start_at = False, time.monotonic() + pause
            _logger.error("worker %d ended %s; it is started anew", place.number + 1, how)

    def _stop(self) -> None:
        """Ask all workers to end, and end those that don't."""
        self._stopping = True
        for place in self._places:
            if place.process is not None and place.process.is_alive():
                place.process.terminate()
        until = time.monotonic() + self._settings.grace + 5.0
        while any(place.process is not None for place in self._places) and time.monotonic() < until:
            self._hear(_TICK)
            self._bury()
        for place in self._places:
            if place.process is not None:
                _logger.error("worker %d did not end in time and is killed", place.number + 1)
                self._unclean = True
                place.process.kill()
                place.process.join()


@contextlib.contextmanager
def _bound(settings: ServiceSettings) -> Iterator[socket.socket]:
    """The port, bound and not listening yet."""
    try:
        family_, kind, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family_, kind)
    except OSError as fault:
        raise ServiceFault(f"can't listen at {settings.host}: {fault.strerror}") from fault
    with listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
        except OSError as fault:
            where = f"{settings.host}:{settings.port}"
            raise ServiceFault(f"can't listen at {where}: {fault.strerror}") from fault
        yield listening
