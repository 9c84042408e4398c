"""Requests that are there together are answered together, and each gets its own answer."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from keras_fair.serving.answers import Answer
from keras_fair.serving.faults import Problem, Refused
from keras_fair.serving.gathering import Gathering
from keras_fair.serving.people import People


def person(number: float) -> People:
    return People({"x": [number]}, 1, alone=True)


@pytest.mark.parametrize("threads", [0, 1])
def test_rounds(threads) -> None:
    rounds: list[int] = []

    def answer(requests: list[People]) -> list[Answer | Refused]:
        rounds.append(len(requests))
        refusal = Refused(422, Problem("x", "another", "13"))
        numbers = [request.columns["x"][0] for request in requests]
        return [refusal if number == 13 else Answer(np.array([number])) for number in numbers]

    async def run() -> list:
        executor = ThreadPoolExecutor(1) if threads else None
        gathering = Gathering(answer, executor)
        found = []
        for _ in range(3):
            asked = [gathering.ask(person(k)) for k in range(20)]
            found += await asyncio.gather(*asked, return_exceptions=True)
        found.append(await gathering.ask(person(99)))
        if executor is not None:
            executor.shutdown()
        return found

    found = asyncio.run(run())
    assert isinstance(found[13], Refused)
    assert [each.y[0] for each in found[:13]] == list(range(13))
    assert found[-1].y[0] == 99
    assert sum(rounds) == 61
    assert len(rounds) <= 10


def test_a_fault_of_the_program_reaches_who_asked_and_ends_nothing() -> None:
    fails = [True]

    def answer(requests: list[People]) -> list[Answer | Refused]:
        if fails.pop():
            raise ZeroDivisionError
        return [Answer(np.zeros(1)) for _ in requests]

    async def run() -> None:
        gathering = Gathering(answer, None)
        with pytest.raises(ZeroDivisionError):
            await gathering.ask(person(1))
        fails.append(False)
        assert (await gathering.ask(person(1))).y[0] == 0

    asyncio.run(run())


def test_too_many_are_turned_away() -> None:
    async def run() -> None:
        gathering = Gathering(lambda requests: [Answer(np.zeros(each.size)) for each in requests], None)
        crowd = [People({"x": [0.0] * 6000}, 6000, alone=False)] * 2
        first, second = await asyncio.gather(*map(gathering.ask, crowd), return_exceptions=True)
        assert isinstance(first, Answer)
        assert isinstance(second, Refused)
        assert (second.status, second.retry) == (503, 1)

    asyncio.run(run())


def test_the_next_is_read_while_one_waits_for_the_disk() -> None:
    """Rounds are handed on before the first has ended, one is carried out at a time, and all are answered."""
    may_end, at_once, most = threading.Event(), [0], [0]

    def answer(requests: list[People]) -> list[Answer | Refused]:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        assert may_end.wait(60)
        at_once[0] -= 1
        return [Answer(np.array(request.columns["x"])) for request in requests]

    async def run() -> list:
        with ThreadPoolExecutor(1) as executor:
            gathering = Gathering(answer, executor)
            asked = []
            for k in range(5):
                asked.append(asyncio.ensure_future(gathering.ask(person(k))))
                await asyncio.sleep(0.01)
            assert len(gathering._waiting) == 2
            may_end.set()
            return await asyncio.gather(*asked)

    assert [each.y[0] for each in asyncio.run(run())] == [0, 1, 2, 3, 4]
    assert most == [1]
