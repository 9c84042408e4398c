"""Labels that come later: then the sums are those of a stream that had them from the start."""

from __future__ import annotations

import math

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.streaming.state import StreamState
from tests.streaming.conftest import OPPORTUNITY, SEX, people, served, state_of

IDS = np.array([f"person {k}" for k in range(24)])
EXACT = 1e-9


def stream_of(**arguments) -> kf.StreamingFairness:
    return kf.StreamingFairness(OPPORTUNITY, vocabulary=SEX, **arguments)


def truth(
    fair: np.ndarray, sex: np.ndarray, label: np.ndarray, half_life: float = math.inf
) -> dict[str, tuple]:
    """Sum and weight of each group of positives, for these predictions."""
    fade = 0.5 ** (np.arange(len(fair))[::-1] / half_life)
    return {
        group: tuple(float((fade * label * (sex == group) * x).sum()) for x in (fair, np.ones(len(fair))))
        for group in SEX["sex"]
    }


def sums(stream: kf.StreamingFairness) -> dict[str, tuple]:
    (state,) = state_of(stream).values()
    return {
        group: tuple(next(n for key, n in state["terms"].items() if f"sex={group}" in key)[:2])
        for group in SEX["sex"]
    }


def assert_same(counted: dict[str, tuple], expected: dict[str, tuple]) -> None:
    for group, numbers in expected.items():
        assert counted[group] == pytest.approx(numbers, abs=EXACT)


@pytest.mark.parametrize("half_life", [None, 6.0])
@pytest.mark.parametrize("restart", [False, True])
def test_true_labels_take_the_place_of_probabilities(half_life, restart, tmp_path) -> None:
    y, sex = people(24)
    label = np.random.default_rng(1).integers(0, 2, 24)
    stream = stream_of(half_life=half_life, state=tmp_path / "state.json")
    first = served(stream, y[:16], sex[:16], ids=IDS[:16])
    assert stream.report().waiting == 16
    if restart:
        stream = kf.StreamingFairness.load(tmp_path / "state.json")
    order = np.random.default_rng(2).permutation(16)
    assert stream.observe(IDS[order[:10]], label[order[:10]]) == 10
    then = served(stream, y[16:], sex[16:], ids=IDS[16:])
    assert stream.observe(IDS, label) == 14
    assert stream.observe(IDS, label) == 0
    fair = np.concatenate([first, then])
    assert_same(sums(stream), truth(fair, sex, label, half_life or math.inf))
    assert stream.report().waiting == 0
    assert_same(sums(kf.StreamingFairness.load(tmp_path / "state.json")), sums(stream))


def test_the_window_is_bounded() -> None:
    y, sex = people(12)
    label = np.ones(12, int)
    stream = stream_of(window=5)
    fair = served(stream, y, sex, ids=IDS[:12])
    assert stream.report().waiting == 5
    assert stream.observe(IDS[:12], label) == 5  # the oldest have left, and their probability stays
    stood_in = np.where(np.arange(12) < 7, y, 1.0)
    assert_same(sums(stream), truth(fair, sex, stood_in))


def test_weights_and_whole_numbers_as_ids() -> None:
    stream = stream_of()
    weight = np.array([2.0, 0.5, 1.0])
    fair = stream.project([0.2, 0.4, 0.6], {"sex": ["Male"] * 3}, sample_weight=weight, ids=[1, 2, 3])
    assert stream.observe([2, 99], [1, 1]) == 1
    label = np.array([0.2, 1.0, 0.6])
    assert sums(stream)["Male"] == pytest.approx(
        (float((weight * label * fair).sum()), (weight * label).sum())
    )


def test_wrong_labels_change_nothing() -> None:
    stream = stream_of()
    with pytest.raises(ValueError, match="labels first"):
        kf.StreamingFairness("spread(E[y | sex=*, label=1]) <= 0.1").observe(["a"], [1])
    stream.project([0.2], {"sex": ["Male"]}, ids=["a"])
    before = state_of(stream)
    for ids, labels, words in (
        (["a"], [1, 0], "one label for each"),
        (["a"], [math.nan], "missing|finite"),
        (["a"], ["yes"], "numbers|labels|label"),
        (["a"], [0.5], "0 or 1"),
    ):
        with pytest.raises(ValueError, match=words):
            stream.observe(ids, labels)
        assert state_of(stream) == before
    for ids, words in (
        (["a"], "wait for a label already"),
        (["b", "c"], "one of ids"),
        ([1.5], "text or whole"),
    ):
        with pytest.raises(ValueError, match=words):
            stream.project([0.2], {"sex": ["Male"]}, ids=ids)
        assert state_of(stream) == before


def test_merged_streams_wait_for_the_labels_of_both() -> None:
    y, sex = people(10)
    label = np.random.default_rng(3).integers(0, 2, 10)
    left, right = stream_of(half_life=4.0), stream_of(half_life=4.0)
    first, then = served(left, y[:6], sex[:6], ids=IDS[:6]), served(right, y[6:], sex[6:], ids=IDS[6:10])
    merged = left.merge(right)
    assert merged.observe(IDS[:10], label) == 10
    mine, theirs = truth(first, sex[:6], label[:6], 4.0), truth(then, sex[6:], label[6:], 4.0)
    assert_same(sums(merged), {group: tuple(np.add(mine[group], theirs[group])) for group in mine})
    with pytest.raises(ValueError, match="in both"):
        left.merge(left)


def test_a_state_keeps_who_waits() -> None:
    stream = stream_of()
    stream.project([0.2], {"sex": ["Male"]}, ids=["a"])
    (state,) = state_of(stream).values()
    assert StreamState.from_dict(state).to_dict() == state
    assert [entry["id"] for entry in state["waiting"]] == ["a"]
