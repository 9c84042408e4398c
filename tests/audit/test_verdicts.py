"""Verdicts: what an interval says against the bounds, and that small and empty groups pass nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from keras_fair.audit import Audit, Verdict, audit
from keras_fair.rows import Vocabulary

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- {}"


def scores(women: int, men: int, shift: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Scores spread evenly, those of men higher by `shift`."""
    y = np.concatenate([np.linspace(0.1, 0.5, women), np.linspace(0.1, 0.5, men) + shift])
    return y, {"sex": np.repeat(["Female", "Male"], [women, men])}


@pytest.mark.parametrize(
    ("shift", "verdict", "words"),
    [
        (0.0, Verdict.SATISFIED, ""),
        (0.1, Verdict.UNDECIDED, "95% interval crosses a bound"),
        (0.3, Verdict.VIOLATED, ""),
    ],
)
def test_the_interval_decides(shift, verdict, words) -> None:
    (relation,) = audit(PARITY.format(0.1), *scores(100, 100, shift))
    assert relation.verdict is verdict
    assert words in relation.note
    assert (relation.note == "") == (words == "")
    assert relation.violation == pytest.approx(max(shift - 0.1, 0.0), abs=1e-12)


def test_without_intervals_the_gap_decides() -> None:
    for shift, verdict in ((0.1, Verdict.SATISFIED), (0.101, Verdict.VIOLATED)):
        found = audit(PARITY.format(0.1), *scores(100, 100, shift), confidence=None)
        assert found.relations[0].verdict is verdict
        assert (found.confidence, found.relations[0].interval) == (None, None)


def test_the_text_has_its_own_confidence() -> None:
    text = f"{PARITY.format(0.1)} with confidence 50%; {PARITY.format(0.1)}"
    found = audit(text, *scores(100, 100, 0.08))
    assert [relation.interval.confidence for relation in found] == [0.5, 0.95]
    assert [relation.verdict for relation in found] == [Verdict.SATISFIED, Verdict.UNDECIDED]
    assert all(relation.interval is None for relation in audit(text, *scores(9, 9, 0), confidence=None))


def test_intervals_of_one_constraint_hold_together_when_asked(rng: np.random.Generator) -> None:
    y, columns = rng.random(300), {"race": rng.choice(["a", "b", "c"], 300)}
    text = "for g in race: E[y | race=g] <= 0.6; E[y] <= 0.6"
    alone, together = (audit(text, y, columns, simultaneous=choice) for choice in (False, True))
    bonferroni = audit(text, y, columns, confidence=1 - 0.05 / 3)
    for place in range(3):
        assert together.relations[place].interval.high == pytest.approx(
            bonferroni.relations[place].interval.high
        )
        assert together.relations[place].interval.high > alone.relations[place].interval.high
        assert together.relations[place].interval.confidence == 0.95
        assert together.relations[place].statistics == alone.relations[place].statistics
    assert together.relations[3] == alone.relations[3]
    assert (alone.simultaneous, together.simultaneous) == (False, True)


def test_an_equality_without_tolerance_is_never_confirmed() -> None:
    (relation,) = audit("E[y | sex=Female] == E[y | sex=Male]", *scores(500, 500, 0.0))
    assert relation.verdict is Verdict.UNDECIDED
    assert "without a tolerance" in relation.note


def test_small_groups_are_named_and_pass_nothing() -> None:
    y = np.full(103, 0.3)  # no scatter: the interval is a point
    sex = np.repeat(["Female", "Male"], [3, 100])
    found = audit(PARITY.format(0.1), y, {"sex": sex})
    assert found.relations[0].verdict is Verdict.UNDECIDED
    assert found.relations[0].note == "few samples in 'sex=Female' (3)"
    assert not found.satisfied
    (relation,) = audit("E[y | sex=Female] >= 0.9", y, {"sex": sex})
    assert relation.verdict is Verdict.VIOLATED
    assert "few samples" in relation.note


def test_a_group_of_one_has_no_interval() -> None:
    y, sex = np.linspace(0.2, 0.4, 51), np.repeat(["Female", "Male"], [1, 50])
    for text in (PARITY.format(0.9), "spread(E[y | sex=*]) <= 0.9", "E[y | sex=Female] == E[y] +- 0.9"):
        (relation,) = audit(text, y, {"sex": sex})
        assert relation.verdict is Verdict.UNDECIDED
        assert relation.interval is None
        assert "'sex=Female' (1)" in relation.note
    (relation,) = audit("P[y >= 0.5 | sex=Female] <= 0.99", y, {"sex": sex})
    assert relation.interval.high == pytest.approx(0.975)  # a rate has one


def empty(text: str, **keywords: object) -> Audit:
    y, columns = scores(100, 100, 0.0)
    vocabulary = Vocabulary({"sex": ["Female", "Male", "Other"]})
    return audit(text, y, columns, vocabulary=vocabulary, **keywords)


@pytest.mark.parametrize("confidence", [0.95, None])
@pytest.mark.parametrize(
    "text",
    [
        "E[y | sex=Other] <= 1",
        "spread(E[y | sex=*]) <= 0.3",
        "max(E[y | sex=*]) <= 1",
        "disparate_impact(sex) >= 80%",
        "max(E[y | sex=Male], 0.5 * E[y | sex=Other]) <= E[y | sex=Female] + 0.3",
    ],
)
def test_empty_groups_are_named_and_pass_nothing(text, confidence) -> None:
    found = empty(text, confidence=confidence)
    (relation,) = found
    assert (relation.verdict, relation.note) == (Verdict.UNESTIMABLE, "no samples in 'sex=Other'")
    assert math.isnan(relation.gap)
    assert math.isnan(relation.violation)
    assert relation.interval is None
    assert not found.satisfied


@pytest.mark.parametrize("confidence", [0.95, None])
def test_what_the_other_groups_violate_is_violated_whoever_is_missing(confidence) -> None:
    y, columns = scores(100, 100, 0.4)
    vocabulary = Vocabulary({"sex": ["Female", "Male", "Other"]})
    text = "spread(E[y | sex=*]) <= 0.3; disparate_impact(sex) >= 80%"
    for relation in audit(text, y, columns, vocabulary=vocabulary, confidence=confidence):
        assert (relation.verdict, relation.note) == (Verdict.VIOLATED, "no samples in 'sex=Other'")
        assert relation.violation > 0


@pytest.mark.parametrize("confidence", [0.95, None])
def test_a_group_without_one_of_the_labels_passes_no_equalized_odds(confidence, rng) -> None:
    race = np.repeat(["a", "b", "c"], 100)
    label = np.where(race == "c", 0, rng.integers(0, 2, 300))
    found = audit(
        "equalized_odds(race) <= 0.5", rng.random(300), {"race": race}, label, confidence=confidence
    )
    (relation,) = found
    assert (relation.verdict, relation.note) == (Verdict.UNESTIMABLE, "no samples in 'race=c, label=1'")
    assert not found.satisfied


def test_a_group_whose_mean_has_no_value_passes_nothing() -> None:
    y, columns = scores(100, 100, 0.0)
    columns["hours"] = np.repeat([2.0, 0.0], 100)
    (relation,) = audit("max(E[y / hours | sex=*]) <= 1", y, columns)
    assert relation.verdict is Verdict.UNESTIMABLE
    assert "no value of E[y / hours | sex=Male]" in relation.note


def test_a_quotient_by_nothing_is_unestimable() -> None:
    y, columns = scores(100, 100, 0.0)
    (relation,) = audit("E[y] / P[y >= 2] <= 1", y, columns)
    assert relation.verdict is Verdict.SATISFIED or relation.verdict is Verdict.UNDECIDED
    (relation,) = audit("E[y] / P[label=1] <= 1", y, columns, np.zeros(200))
    assert (relation.verdict, relation.note) == (Verdict.UNESTIMABLE, "the gap has no value")


def test_bounds_that_depend_on_the_data_have_their_own_uncertainty(rng: np.random.Generator) -> None:
    y = rng.random(200)
    label = y + 0.02 * rng.normal(size=200)
    text = "E[y] in [E[label] - 0.01, E[label] + 0.01]"
    (relation,) = audit(text, y, {}, label)
    assert relation.verdict is Verdict.SATISFIED  # though the mean alone is known to 0.04 only
    assert relation.interval.high - relation.interval.low > 0.05
    assert audit(text, y, {}, label + 0.2).relations[0].verdict is Verdict.VIOLATED
    assert audit(text, y, {}, label + 0.01).relations[0].verdict is Verdict.UNDECIDED


def test_a_ratio_of_a_negative_denominator_keeps_its_sign(rng: np.random.Generator) -> None:
    y, columns = -1 - rng.random(200), {"sex": np.repeat(["Female", "Male"], 100)}
    (relation,) = audit("E[y | sex=Female] / E[y | sex=Male] >= 0.8", y, columns)
    assert relation.verdict is Verdict.SATISFIED
    assert relation.interval.low <= relation.gap <= relation.interval.high


@pytest.mark.parametrize(
    "text",
    [
        "E[y | sex=Female] / E[y | sex=Male] >= 0.8",
        "E[y | sex=Female] / E[y | sex=Male] <= 0.8",
        "0.1 <= E[label | sex=Female] / E[label | sex=Male] <= 900",
        "spread(E[label | sex=*] / E[label | sex=Male]) <= 0.1",
    ],
)
@pytest.mark.parametrize("mean", [-0.02, 0.02])
def test_a_ratio_whose_divisor_may_be_0_is_undecided(text, mean) -> None:
    y = np.concatenate([np.linspace(0.3, 0.5, 100), mean + np.linspace(-1, 1, 100)])
    sex = {"sex": np.repeat(["Female", "Male"], 100)}
    (relation,) = audit(text, y, sex, y)
    assert relation.verdict is Verdict.UNDECIDED
    divisor = "E[label | sex=Male]" if "label" in text else "E[y | sex=Male]"
    assert relation.note == f"it divides by {divisor}, which may be 0 or of the other sign"
    assert audit(text, y, sex, y, confidence=None).relations[0].verdict is not Verdict.UNDECIDED


def test_a_ratio_whose_divisor_is_a_rate_is_judged() -> None:
    y, columns = scores(100, 100, 0.0)
    label = np.arange(200) % 2
    (relation,) = audit("E[y | sex=Female] / P[label=1 | sex=Male] >= 0.1", y, columns, label)
    assert relation.verdict is Verdict.SATISFIED


@pytest.mark.parametrize(
    ("size", "verdict"), [(20, Verdict.UNDECIDED), (99, Verdict.UNDECIDED), (100, Verdict.SATISFIED)]
)
@pytest.mark.parametrize(
    "text",
    ["E[y | sex=Female] <= -0.95", "E[y | sex=Female] <= E[y | sex=Male]", "cov(y, z | sex=Female) <= 0.1"],
)
def test_a_small_group_without_scatter_passes_nothing_where_others_scatter(text, size, verdict) -> None:
    """Of scores -1 and 1 the second may be rare: 50 of -1 say little of a mean, and nothing of its error."""
    y = np.concatenate([np.full(size, -1.0), np.tile([-1.0, 1.0], 100)])
    columns = {"sex": np.repeat(["Female", "Male"], [size, 200]), "z": np.arange(size + 200) % 7}
    (relation,) = audit(text, y, columns)
    assert relation.verdict is verdict
    note = f"all values are the same in 'sex=Female' ({size}), too few to show how they scatter"
    assert relation.note == (note if verdict is Verdict.UNDECIDED else "")
    assert audit(text, y, columns, confidence=None).satisfied
    assert "all values" not in audit(text, np.full(size + 200, -1.0), columns).relations[0].note


def test_small_groups_of_0_and_1_have_intervals_that_know_of_scatter() -> None:
    y = np.concatenate([np.zeros(60), np.tile([0.0, 1.0], 100)])
    (relation,) = audit("E[y | sex=Female] <= 0.1", y, {"sex": np.repeat(["Female", "Male"], [60, 200])})
    assert (relation.verdict, relation.note) == (Verdict.SATISFIED, "")
    assert relation.interval.high == pytest.approx(1 - 0.025 ** (1 / 60))
