"""Requests that are there at the same time, answered together.

Nobody waits for others to come: what is there is answered, and what comes meanwhile is the next round. So one
call of the model, and one exchange with a store, are for as many requests as the load makes.
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
        self._people, self._busy = 0, False

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
        if not self._busy:
            self._busy = True
            loop.call_soon(self._begin, loop)
        return await future

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer what is there."""
        round_, size = [], 0
        while self._waiting and (not round_ or size + self._waiting[0][0].size <= _MOST_AT_ONCE):
            round_.append(self._waiting.pop(0))
            size += round_[-1][0].size
        self._people -= size
        requests = [people for people, _ in round_]
        if self._executor is None:
            done: asyncio.Future[list[Answer | Refused]] = loop.create_future()
            try:
                done.set_result(self._answer(requests))
            except Exception as fault:
                done.set_exception(fault)
            self._end(round_, done)
        else:
            running = loop.run_in_executor(self._executor, self._answer, requests)
            running.add_done_callback(lambda done: self._end(round_, done))

    def _end(
        self,
        round_: list[tuple[People, asyncio.Future[Answer]]],
        done: asyncio.Future[list[Answer | Refused]],
    ) -> None:
        """Tell who asked, and go on with those who came meanwhile."""
        fault = done.exception()
        answers: Sequence[Answer | Refused | BaseException] = done.result() if fault is None else [fault] * len(round_)
        for (_, future), answer in zip(round_, answers, strict=True):
            if future.done():  # who asked has gone
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        if self._waiting:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._begin, loop)
        else:
            self._busy = False
