"""Many threads: what they leave is what the same arrivals leave one after the other."""

from __future__ import annotations

import threading

import numpy as np

import keras_fair as kf
from keras_fair.streaming.running_stream import RunningStream
from tests.streaming.conftest import PARITY, SEX, people, state_of

THREADS, EACH = 8, 100


def test_threads_leave_what_one_after_the_other_leaves(monkeypatch) -> None:
    y, sex = people(THREADS * EACH)
    taken: list[tuple[float, str]] = []
    answers: dict[int, float] = {}
    project = RunningStream.project

    def noted(self, values, attributes, *arguments):
        taken.append((float(values[0]), str(attributes["sex"][0])))  # inside the lock
        return project(self, values, attributes, *arguments)

    stream = kf.StreamingFairness(PARITY, vocabulary=SEX)
    faults: list[BaseException] = []

    def serve(first: int) -> None:
        try:
            for k in range(first, THREADS * EACH, THREADS):
                answers[k] = float(stream.project(y[k : k + 1], {"sex": sex[k : k + 1].tolist()})[0])
                if k % 50 == 0:
                    stream.report()
        except BaseException as fault:
            faults.append(fault)

    with monkeypatch.context() as patch:
        patch.setattr(RunningStream, "project", noted)
        workers = [threading.Thread(target=serve, args=(k,)) for k in range(THREADS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(timeout=300)
    assert not faults
    assert len(answers) == len(taken) == stream.report().arrivals == THREADS * EACH
    again = kf.StreamingFairness(PARITY, vocabulary=SEX)
    fair = [float(again.project([value], {"sex": [group]})[0]) for value, group in taken]
    assert state_of(again) == state_of(stream)
    assert sorted(fair) == sorted(answers.values())
    audit = kf.audit(PARITY, [answers[k] for k in range(len(y))], {"sex": sex}, confidence=None)
    np.testing.assert_allclose(next(iter(stream.report())).gap, audit.relations[0].gap, atol=1e-9)


def test_two_streams_merge_each_other_without_waiting_for_ever() -> None:
    left, right = (kf.StreamingFairness(PARITY, vocabulary=SEX) for _ in range(2))
    for stream in (left, right):
        stream.project([0.5], {"sex": ["Male"]})
    merged: list[int] = []

    def merge(one, other) -> None:
        for _ in range(20):
            merged.append(one.merge(other).report().arrivals)

    workers = [threading.Thread(target=merge, args=pair) for pair in ((left, right), (right, left))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=120)
    assert merged == [2] * 40
