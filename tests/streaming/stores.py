"""Stores in memory, also such that behave badly, and what tests ask of what is in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import keras_fair as kf
from keras_fair.streaming import StreamState
from keras_fair.streaming.state_document import StateDocument
from tests.streaming.conftest import EXACT, PARITY, SEX


class InMemory:
    """A store of one process."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.swaps = 0

    def load(self) -> str | None:
        return self.text

    def compare_and_swap(self, before: str | None, after: str) -> bool:
        if self.text != before:
            return False
        self.text = after
        self.swaps += 1
        return True


class Losing(InMemory):
    """Some answers get lost after the swap was made, and others before it is."""

    def __init__(self, says: Callable[[], str]) -> None:
        super().__init__()
        self.says = says

    def compare_and_swap(self, before: str | None, after: str) -> bool:
        fate = self.says()
        if fate == "asked in vain":
            raise ConnectionError("no answer")
        done = super().compare_and_swap(before, after)
        if fate == "answer lost":
            raise ConnectionError("no answer")
        # A driver that asks again finds its own text there.
        return super().compare_and_swap(before, after) if fate == "asked twice" else done


class Overtaken(InMemory):
    """Others come in between, before each of the first swaps."""

    def __init__(self, others: list[Callable[[], None]]) -> None:
        super().__init__()
        self.others = others

    def compare_and_swap(self, before: str | None, after: str) -> bool:
        if self.others:
            self.others.pop(0)()
        return super().compare_and_swap(before, after)


def parity(store: Any, **arguments: Any) -> kf.StreamingFairness:
    return kf.StreamingFairness(PARITY, vocabulary=SEX, state=store, **arguments)


def content(store: InMemory) -> StreamState:
    (state,) = StateDocument.read(store.text or "").states.values()
    return state


def pooled(y: list, sex: list, text: str = PARITY) -> dict[str, tuple]:
    """Sum and weight of each term, of predictions counted as they are."""
    empty = StreamState(str(kf.parse(text)), [0.0, 1.0], 1, kf.Vocabulary(SEX).get_config())
    return {key: numbers[:2] for key, numbers in empty.add(y, {"sex": sex}).terms.items()}


def assert_sums(store: InMemory, y: list, sex: list, text: str = PARITY) -> None:
    found = content(store)
    for key, numbers in pooled(y, sex, text).items():
        assert found.terms[key][:2] == pytest.approx(numbers, abs=EXACT)
    assert found.arrivals == len(y)
    assert found.moments[0] == pytest.approx(len(y))
