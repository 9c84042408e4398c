"""Processes that share one store are killed at random instants; run by test_processes.py and by a benchmark.

`KERAS_BACKEND=numpy python sharing.py sqlite:////tmp/state.db 8 40 10 5 7`: 8 processes, 40 arrivals each, 10
kills, exchanges every 5 arrivals, random seed 7. Who is killed is followed by a process that serves what is
left. Each says what it is about to bring before it does, so that it is known to the last arrival what must be
in the store. Prints JSON: what was counted, the sums in the store, and those that one process has that counts
the same predictions; and the largest gap of all that was answered, counted or not, from a tenth of it on.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
import warnings
from typing import Any

import numpy as np

import keras_fair as kf
from keras_fair.streaming import StreamState
from keras_fair.streaming.places import known

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
SEX = ("Female", "Male")


def arrival(process: int, number: int) -> tuple[float, str]:
    """The raw score and the group of an arrival."""
    rng = np.random.default_rng((process, number))
    code = int(rng.integers(0, 2))
    return float(np.clip(0.3 + 0.3 * code + 0.2 * rng.normal(), 0.0, 1.0)), SEX[code]


class Life:
    """One process, as the one that started it sees it."""

    def __init__(self, place: str, process: int, first: int, last: int, every: int) -> None:
        self.process, self.first, self.last = process, first, last
        self.answers: list[float] = []
        self.times: list[int] = []
        self.attempts: dict[int, int] = {}
        self.writer, self.waits, self.ended = "", 0.0, False
        self._rest = b""
        self.pipe, writable = os.pipe()
        self.id = os.fork()
        if self.id == 0:
            os.close(self.pipe)
            try:
                serve(place, process, first, last, every, writable)
            except BaseException as fault:
                os.write(writable, f"fault {fault!r}\n".encode())
                os._exit(1)
            os._exit(0)
        os.close(writable)

    def read(self) -> None:
        """Read what it says until it says no more for now."""
        while select.select([self.pipe], [], [], 0)[0]:
            said = os.read(self.pipe, 1 << 16)
            if not said:
                self.ended = True
                return
            *lines, self._rest = (self._rest + said).split(b"\n")
            for line in lines:
                kind, *rest = line.decode().split(" ")
                if kind == "answer":
                    self.answers.append(float(rest[0]))
                    self.times.append(int(rest[1]))
                elif kind == "attempt":
                    self.writer, self.attempts[int(rest[1])] = rest[0], int(rest[2])
                elif kind == "time":
                    self.waits += float(rest[0])
                else:
                    raise AssertionError(line)

    def counted(self, place: str) -> int:
        """How many of its arrivals are in the store, by the mark that it left there."""
        shared = known(place)[1].shared
        assert shared is not None
        turn = shared["writers"].get(self.writer, (0, 0))[0]
        return max((upto for attempt, upto in self.attempts.items() if attempt <= turn), default=0)


def serve(place: str, process: int, first: int, last: int, every: int, said: int) -> None:
    """Serve some arrivals."""
    stream = kf.StreamingFairness(PARITY, vocabulary={"sex": SEX}, state=place, sync_every=every)
    shared: Any = stream._keeper.saving._shared
    store = shared._store

    class Saying:
        load = staticmethod(store.load)

        @staticmethod
        def compare_and_swap(before: str | None, after: str) -> bool:
            counted = shared.counted.get("stream")
            mine = stream._keeper.kept.arrivals()["stream"] - (counted.arrivals if counted else 0)
            os.write(said, f"attempt {shared._writer} {shared._turn} {Saying.brought + mine}\n".encode())
            if not store.compare_and_swap(before, after):
                return False
            Saying.brought += mine
            return True

        brought = 0

    shared._store = Saying
    project = type(stream._keeper.kept.alone()).project

    def saying(self: Any, *arguments: Any) -> np.ndarray:
        fair = project(self, *arguments)
        os.write(said, f"answer {float(fair[0])!r} {time.monotonic_ns()}\n".encode())
        return fair

    type(stream._keeper.kept.alone()).project = saying  # type: ignore[method-assign]
    for number in range(first, last):
        score, sex = arrival(process, number)
        begun = time.perf_counter()
        stream.project([score], {"sex": [sex]})
        os.write(said, f"time {time.perf_counter() - begun!r}\n".encode())
    stream.save()


def gaps(answered: list[tuple[int, float, str]]) -> list[float]:
    """The pooled gap after each answer, in the order of time."""
    sums = {sex: [0.0, 0.0] for sex in SEX}
    found = []
    for _, fair, sex in sorted(answered):
        sums[sex][0] += fair
        sums[sex][1] += 1.0
        means = [total / count for total, count in sums.values() if count]
        found.append(max(means) - min(means))
    return found


def main() -> None:
    """Serve, kill, and compare."""
    warnings.simplefilter("ignore")  # of Keras on NumPy, which has no gradients
    place, processes, arrivals, kills, every, seed = sys.argv[1], *map(int, sys.argv[2:7])
    chance = random.Random(seed)
    kf.StreamingFairness(PARITY).project(np.array([0.5]), {"sex": ["Male"]})  # import all that is needed
    empty = StreamState(str(kf.parse(PARITY)), [0.0, 1.0], 1, kf.Vocabulary({"sex": SEX}).get_config())
    expected, counted, killed, lost, waits, begun = empty, 0, 0, 0, 0.0, time.perf_counter()
    answered: list[tuple[int, float, str]] = []
    lives = [Life(place, process, 0, arrivals, every) for process in range(processes)]
    left = {life.process: arrivals for life in lives}
    while lives:
        victim = chance.choice(lives) if killed < kills and sum(left.values()) else None
        time.sleep(chance.uniform(0.0, 0.05))
        if victim is not None:
            os.kill(victim.id, signal.SIGKILL)
            killed += 1
        for life in lives:
            life.read()
        if victim is not None:
            while not victim.ended:
                victim.read()
        for life in [one for one in lives if one.ended]:
            os.close(life.pipe)
            _, status = os.waitpid(life.id, 0)
            assert status == 0 or life is victim, f"a process ended with {status}"
            lives.remove(life)
            part = life.counted(place) if life.attempts else 0
            assert part <= len(life.answers)
            lost += len(life.answers) - part
            people = [arrival(life.process, life.first + k)[1] for k in range(len(life.answers))]
            answered += zip(life.times, life.answers, people, strict=True)
            if part:
                expected = expected.add(life.answers[:part], {"sex": people[:part]})
            counted, waits = counted + part, waits + life.waits
            left[life.process] = life.last - (life.first + len(life.answers))
            if left[life.process]:
                lives.append(Life(place, life.process, life.first + len(life.answers), life.last, every))
    (state,) = known(place)[1].states.values()
    print(
        json.dumps(
            {
                "counted": counted,
                "in the store": state.arrivals,
                "lost with who was killed": lost,
                "kills": killed,
                "terms": {key: numbers[:2] for key, numbers in state.terms.items()},
                "expected": {key: numbers[:2] for key, numbers in expected.terms.items()},
                "gap": next(iter(state.result())).gap,
                "largest gap": max(gaps(answered)[len(answered) // 10 :]),
                "seconds a call": waits / max(counted, 1),
                "seconds": time.perf_counter() - begun,
            }
        )
    )


if __name__ == "__main__":
    main()
