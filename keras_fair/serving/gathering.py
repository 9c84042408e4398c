"""Requests that are there at the same time, answered together.

What is there is answered, and what comes meanwhile is the next round. So one call of the model, and one
exchange with a store, are for as many requests as the load makes. Where a round waits for a disk, others are
under way: the next is read and the one before is told meanwhile, though the store meets one after the other.
Nor does a round begin with the first of those who are about to ask again: it waits for as many as were in the
round before, at most a quarter of what that took. Who asks alone never waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from keras_fair.serving.answers import Answer
from keras_fair.serving.faults import Problem, Refused
from keras_fair.serving.people import People

__all__ = ["Gathering"]

_MOST_WAITING = 10_000  # people
_PART = 0.25  # of the time of a round
_ROUNDS = 3  # under way at a time
_MOST_AT_ONCE = 2_000  # people of one round, so that it ends soon; a request is never divided


class Gathering:
    """The requests of one process.

    Args:
        answer: gives an answer for each request.
        executor: with one thread, where answers wait for a disk; None: they are given at once.
    """

    def __init__(
        self, answer: Callable[[Sequence[People]], list[Answer | Refused]], executor: Executor | None
    ) -> None:
        self._answer, self._executor = answer, executor
        self._waiting: list[tuple[People, asyncio.Future[Answer]]] = []
        self._people, self._rounds, self._scheduled = 0, 0, False
        self._expected, self._patience = 1, 0.0  # requests of the last round, and a part of the time it took
        self._timer: asyncio.TimerHandle | None = None

    async def ask(self, people: People) -> Answer:
        """The answer for a request.

        Raises:
            Refused: there is none; too many are waiting.
        """
        if self._people + people.size > _MOST_WAITING:
            problem = Problem("(service)", f"at most {_MOST_WAITING:,} people that wait", "more")
            raise Refused(503, problem, retry=1)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((people, future))
        self._people += people.size
        self._schedule(loop)
        return await future

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin, now or when as many have come as are expected."""
        if self._scheduled or self._rounds >= _ROUNDS:
            return
        if self._executor is None or len(self._waiting) >= self._expected:
            self._scheduled = True
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            loop.call_soon(self._begin, loop)
        elif self._timer is None:
            self._timer = loop.call_later(self._patience, self._run_out, loop)

    def _run_out(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._waiting and self._rounds < _ROUNDS:
            self._scheduled = True
            self._begin(loop)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer what is there."""
        round_: list[tuple[People, asyncio.Future[Answer]]] = []
        size = 0
        while self._waiting and (not round_ or size + self._waiting[0][0].size <= _MOST_AT_ONCE):
            round_.append(self._waiting.pop(0))
            size += round_[-1][0].size
        self._people -= size
        self._scheduled, self._rounds = False, self._rounds + 1
        self._expected, begun = len(round_), loop.time()
        requests = [people for people, _ in round_]
        if self._executor is None:
            done: asyncio.Future[list[Answer | Refused]] = loop.create_future()
            try:
                done.set_result(self._answer(requests))
            except Exception as fault:
                done.set_exception(fault)
            self._end(round_, begun, done)
        else:
            running = loop.run_in_executor(self._executor, self._answer, requests)
            running.add_done_callback(lambda done: self._end(round_, begun, done))

    def _end(
        self,
        round_: list[tuple[People, asyncio.Future[Answer]]],
        begun: float,
        done: asyncio.Future[list[Answer | Refused]],
    ) -> None:
        """Tell who asked, and go on with those who came meanwhile."""
        fault = done.exception()
        answers: Sequence[Answer | Refused | BaseException]
        answers = done.result() if fault is None else [fault] * len(round_)
        for (_, future), answer in zip(round_, answers, strict=True):
            if future.done():  # who asked has gone
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        loop = asyncio.get_running_loop()
        self._patience, self._rounds = _PART * (loop.time() - begun), self._rounds - 1
        if self._waiting:
            self._schedule(loop)
