"""Corrections over tolerances: warm starts change no answer, and each point is `kf.project` of its text."""

from __future__ import annotations

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.fronts.correction import corrections
from keras_fair.rows.margins import with_tolerances
from tests.fronts.made import people

MADE = people()
TEXTS = ["demographic_parity(sex)", "demographic_parity(race)"]
SOLVER = 1e-8  # rows are met to 1e-11 of their reach; predictions follow through their curvature


@pytest.mark.parametrize("divergence", ["euclidean", "binary_crossentropy"])
@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        ["equalized_odds(sex)"],
        ["E[y | sex=Female] - E[y | sex=Male]", "E[y | race=a] - 0.4"],
        ["max(abs(E[label - y | race=*]))", "demographic_parity(sex)"],
        ["for g in race: E[y | race=g] - E[y]"],
        ["2 * demographic_parity(sex) + demographic_parity(race)"],
    ],
)
def test_each_point_is_the_projection_of_its_text(texts: list[str], divergence: str) -> None:
    front = kf.Front(texts, MADE.attributes, MADE.label)
    front.correct(MADE.y, [0.03, 0.0, 0.1, 0.06], divergence=divergence)
    assert [point.setting for point in front] == [
        each if len(texts) == 1 else (each, each) for each in (0.03, 0.0, 0.1, 0.06)
    ]
    for point in front:
        cold = kf.project(MADE.y, point.constraints, MADE.attributes, MADE.label, divergence=divergence)
        assert point.outcome is cold.outcome is kf.Outcome.SOLVED
        assert np.abs(point.predictions - cold.y).max() <= SOLVER
        tolerance = np.ravel(point.setting)[0]
        assert max(gap.value for gap in point.gaps.values()) <= tolerance + 1e-9


def test_warm_starts_take_fewer_passes_and_give_the_same_duals() -> None:
    rows = kf.parse([f"{text} <= 0" for text in TEXTS]).rows(MADE.attributes)
    cold, warm, duals = [], [], None
    for tolerance in np.linspace(0.2, 0.0, 21):
        held = with_tolerances(rows, [tolerance, tolerance])
        one = kf.project(MADE.y, held)
        other = kf.project(MADE.y, held, start=duals)
        duals = other.duals
        cold.append(one.iterations)
        warm.append(other.iterations)
        assert np.abs(one.y - other.y).max() <= SOLVER
        assert other.outcome is one.outcome
    assert sum(warm) < sum(cold)


def test_tolerances_of_their_own_and_texts_that_are_not_held() -> None:
    front = kf.Front(TEXTS, MADE.attributes, MADE.label)
    front.correct(MADE.y, [(0.05, None), (0.02, 0.1), (None, 0.01)])
    names = [point.name for point in front]
    assert names[0] == "corrected, tolerance 0.05, none"
    assert front[names[0]].constraints == "demographic_parity(sex) <= 0.05"
    assert front[names[1]].constraints == "demographic_parity(sex) <= 0.02; demographic_parity(race) <= 0.1"
    for point in front:
        cold = kf.project(MADE.y, point.constraints, MADE.attributes, MADE.label)
        assert np.abs(point.predictions - cold.y).max() <= SOLVER
    assert front[names[2]].gaps[TEXTS[1]].value <= 0.01 + 1e-9 < front[names[2]].gaps[TEXTS[0]].value
    assert front.to_dict()["points"][0]["setting"] == [0.05, None]


@pytest.mark.parametrize("texts", [["E[y | sex=Female]", "E[y | race=a] - E[y | race=b]"], TEXTS])
def test_neither_saturated_predictions_nor_texts_let_go_spoil_the_next_start(texts: list[str]) -> None:
    front = kf.Front(texts, MADE.attributes, MADE.label)
    front.correct(MADE.y, [(0.2, 0.0), (0.1, 0.1), (None, 0.0), (0.0, None), (0.05, None), (0.0, 0.3)])
    for point in front:
        cold = kf.project(MADE.y, point.constraints, MADE.attributes)
        assert point.outcome is cold.outcome is kf.Outcome.SOLVED
        assert np.abs(point.predictions - cold.y).max() <= SOLVER


def test_a_tolerance_above_the_gap_changes_nothing() -> None:
    front = kf.Front(TEXTS, MADE.attributes, MADE.label).correct(MADE.y, [0.9]).add("plain", MADE.y)
    assert np.array_equal(front["corrected, tolerance 0.9"].predictions, MADE.y)
    assert all(point.undominated for point in front)


def test_numpy_tolerances_names_and_tiny_ones() -> None:
    front = kf.Front(TEXTS, MADE.attributes, MADE.label)
    front.correct(MADE.y, np.array([0.00001, 0.1], "float32"), name="net")
    assert [point.name for point in front] == ["net, tolerance 1e-05", "net, tolerance 0.1"]
    assert kf.parse(front["net, tolerance 1e-05"].constraints)
    front.correct(1 - MADE.y, [0.1], name="other")
    assert len(front) == 3


def test_one_output_of_several_and_weights() -> None:
    y = np.stack([MADE.y, 1 - MADE.y], axis=1)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(MADE))
    front = kf.Front(
        "spread(E[y[0] | sex=*])", MADE.attributes, None, weight, objectives={"moved": _moved(MADE.y)}
    ).correct(y, [0.02])
    (point,) = front
    cold = kf.project(y, point.constraints, MADE.attributes, sample_weight=weight)
    assert np.abs(point.predictions - cold.y).max() <= SOLVER


def _moved(before: np.ndarray):
    return lambda label, y: (y[:, 0] - before) ** 2


def test_what_no_predictions_meet_is_said_once_and_kept() -> None:
    front = kf.Front(["E[y | sex=Male]", "abs(E[y] - 0.9)"], MADE.attributes, MADE.label)
    with pytest.warns(UserWarning, match="at 2 of 3 tolerances: .*") as caught:
        front.correct(MADE.y, [0.0, 0.1, 0.8])
    assert len(caught) == 1
    assert [point.outcome for point in front] == [
        kf.Outcome.RELAXED,
        kf.Outcome.RELAXED,
        kf.Outcome.SOLVED,
    ]
    for point in front.points[:2]:
        cold = _projected(point)
        assert np.abs(point.predictions - cold.y).max() <= 1e-4


def _projected(point: kf.fronts.FrontPoint) -> kf.Projection:
    with pytest.warns(UserWarning, match="RELAXED|relaxed"):
        return kf.project(MADE.y, point.constraints, MADE.attributes, MADE.label)


def test_rates_of_decisions_are_refused_at_their_place() -> None:
    front = kf.Front("spread(P[y >= 0.5 | sex=*])", MADE.attributes, MADE.label)
    with pytest.raises(kf.ConstraintError, match="affine"):
        front.correct(MADE.y, [0.1])
    assert len(front) == 0


def test_a_name_that_is_taken_is_seen_before_anything_is_solved() -> None:
    front = kf.Front(TEXTS, MADE.attributes, MADE.label).add("corrected, tolerance 0.1", MADE.y)
    with pytest.raises(ValueError, match="name='corrected, tolerance 0.1'"):
        front.correct(MADE.y, [0.2, 0.1])
    assert len(front) == 1


def test_rules_are_learnt_elsewhere_and_measured_here() -> None:
    other = people(800, seed=1)
    front = kf.Front("spread(P[y >= 0.5 | sex=*])", MADE.attributes, MADE.label)
    front.rules(
        MADE.y, [0.02, 0.1], calibration=(other.y, other.attributes, other.label), utility="balanced_accuracy"
    )
    assert [point.name for point in front] == ["rule, tolerance 0.02", "rule, tolerance 0.1"]
    for point in front:
        rule = kf.FrozenFairness(point.constraints, confidence=None, utility="balanced_accuracy")
        rule.fit(other.y, other.attributes, other.label)
        assert np.array_equal(point.predictions, rule(MADE.y, MADE.attributes))
        assert isinstance(point.model, kf.FrozenFairness)
        assert point.constraints.startswith("spread(P[y >= 0.5 | sex=*]) <= ")


def test_rules_that_promise_too_much_are_an_error_and_add_nothing() -> None:
    other = people(200, seed=1)
    front = kf.Front("spread(P[y >= 0.5 | sex=*])", MADE.attributes, MADE.label)
    with pytest.raises(kf.Unpromised):
        front.rules(
            MADE.y, [0.5, 0.01], calibration=(other.y, other.attributes, other.label), confidence=0.95
        )
    assert len(front) == 0
    with pytest.raises(ValueError, match=r"calibration=\(scores, attributes\).*ndarray"):
        front.rules(MADE.y, [0.5], calibration=other.y)  # type: ignore[arg-type]


def test_corrections_come_in_the_order_that_was_asked_for() -> None:
    from keras_fair.inputs.domain import check_domain

    front = kf.Front("demographic_parity(sex)", MADE.attributes, MADE.label)
    made = corrections(
        front._people, [(0.05,), (0.2,), (0.0,)], MADE.y, domain=check_domain((0, 1)), divergence="euclidean"
    )
    assert [each.tolerances for each in made] == [(0.05,), (0.2,), (0.0,)]
