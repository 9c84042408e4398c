"""The best point that meets a text, against an audit of each."""

from __future__ import annotations

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.fronts import NoPointMeets
from tests.fronts.made import people

MADE = people(2000)
TEXT = "demographic_parity(sex)"


@pytest.fixture(scope="module")
def front() -> kf.Front:
    made = kf.Front(TEXT, MADE.attributes, MADE.label, objectives=["balanced_error", "log_loss"])
    return made.correct(MADE.y, np.linspace(0, 0.2, 11)).add("sharp", (MADE.y >= 0.5) * 0.98 + 0.01)


@pytest.mark.parametrize("text", [f"{TEXT} <= 0.03", f"{TEXT} <= 0.0401; equal_opportunity(sex) <= 0.1"])
@pytest.mark.parametrize("prefer", ["balanced_error", "log_loss"])
@pytest.mark.parametrize("sure", [False, True])
def test_the_best_that_meets_the_text(front: kf.Front, text: str, prefer: str, sure: bool) -> None:
    meeting = [
        point
        for point in front
        if kf.audit(
            text, point.predictions, MADE.attributes, MADE.label, confidence=0.95 if sure else None
        ).satisfied
    ]
    if not meeting:
        with pytest.raises(NoPointMeets):
            front.pick(text, prefer, sure=sure)
        return
    chosen = front.pick(text, prefer, sure=sure)
    assert chosen.name in {point.name for point in meeting}
    assert chosen.scores[prefer].value == min(point.scores[prefer].value for point in meeting)


def test_the_whole_interval_asks_for_more(front: kf.Front) -> None:
    loose, sure = front.pick(f"{TEXT} <= 0.06"), front.pick(f"{TEXT} <= 0.06", sure=True)
    assert loose.setting == pytest.approx(0.06)
    assert sure.gaps[TEXT].high <= 0.06 < loose.gaps[TEXT].high


def test_the_first_objective_is_preferred_where_none_is_named(front: kf.Front) -> None:
    assert front.pick(f"{TEXT} <= 0.1").name == front.pick(f"{TEXT} <= 0.1", prefer="balanced_error").name


def test_a_text_about_other_groups_is_taken(front: kf.Front) -> None:
    text = "demographic_parity(race) <= 0.2"
    chosen = front.pick(text, prefer="log_loss")
    assert kf.audit(text, chosen.predictions, MADE.attributes, confidence=None).satisfied


def test_ties_go_to_the_other_numbers() -> None:
    made = kf.Front(TEXT, MADE.attributes, MADE.label)
    squeezed = np.where(MADE.y >= 0.5, 0.5 + 0.1 * MADE.y, 0.1 * MADE.y)
    made.add("wide", np.where(MADE.y >= 0.5, 1.0, 0.0)).add("narrow", squeezed)
    assert made["wide"].scores == made["narrow"].scores
    assert made.pick(f"{TEXT} <= 0.9").name == "narrow"


def test_no_point_meets_it_and_the_nearest_are_named(front: kf.Front) -> None:
    with pytest.raises(NoPointMeets, match="no point of 12 meets 'E.y. <= 0.2'") as refused:
        front.pick("E[y] <= 0.2")
    message = str(refused.value)
    distances = {point.name: abs(np.mean(point.predictions) - 0.2) for point in front}
    nearest = min(distances, key=distances.__getitem__)
    assert f"{nearest!r} misses by {distances[nearest]:.4g} (balanced_error " in message
    assert message.count("misses by") == 3


def test_no_point_surely_meets_it(front: kf.Front) -> None:
    with pytest.raises(NoPointMeets, match="with the whole interval.*'corrected, tolerance 0' misses by 0.0"):
        front.pick(f"{TEXT} <= 0.0001", sure=True)


def test_none_can_be_estimated() -> None:
    vocabulary = {"sex": ["Female", "Male", "X"], "race": ["a", "b", "c"]}
    made = kf.Front(TEXT, MADE.attributes, MADE.label, vocabulary=vocabulary).add("a", MADE.y)
    with pytest.raises(NoPointMeets, match="of 1 points none can be estimated; no samples in 'sex=X'"):
        made.pick("E[y | sex=X] <= 0.5")
    with pytest.raises(NoPointMeets, match="the front has no points"):
        kf.Front(TEXT, MADE.attributes, MADE.label).pick("E[y] <= 0.5")


def test_a_point_without_the_preferred_number_is_not_picked() -> None:
    def odd(label: object, y: np.ndarray) -> float:
        return np.nan if y[0] == 0.25 else 1.0

    made = kf.Front(TEXT, MADE.attributes, MADE.label, objectives=odd)
    made.add("unknown", np.full(len(MADE), 0.25)).add("known", MADE.y)
    assert made.pick("E[y] <= 0.9").name == "known"
