"""Points are measured as `keras_fair.audit` measures, and stay visible."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, log_loss

import keras_fair as kf
from tests.fronts.made import people

MADE = people()
TEXTS = ["demographic_parity(sex)", "equal_opportunity(race)"]


def made_front(texts: Any = TEXTS, **settings: Any) -> kf.Front:
    return kf.Front(texts, MADE.attributes, MADE.label, **settings)


@pytest.mark.parametrize(
    "text",
    [
        "demographic_parity(sex)",
        "equalized_odds(race)",
        "spread(P[y >= 0.5 | sex=*])",
        "max(abs(E[label - y | race=*]))",
        "abs(cov(y, label))",
        "E[y]",
    ],
)
@pytest.mark.parametrize("confidence", [0.95, 0.6, None])
def test_gaps_and_intervals_are_those_of_an_audit(text: str, confidence: float | None) -> None:
    point = made_front(text, confidence=confidence, seed=3).add("a", MADE.y)["a"]
    found = kf.audit(f"{text} <= 0", MADE.y, MADE.attributes, MADE.label, confidence=confidence, seed=3)
    (relation,) = found
    assert point.gaps[text].value == relation.gap
    assert point.gaps[text].interval == relation.interval
    assert (point.gaps[text].interval is None) == (confidence is None)


def test_a_signed_expression_is_measured_by_its_distance_from_0() -> None:
    text = "E[y | sex=Female] - E[y | sex=Male]"
    point = made_front(text).add("a", MADE.y)["a"]
    (relation,) = kf.audit(f"{text} == 0", MADE.y, MADE.attributes)
    assert relation.interval is not None
    assert max(relation.gap, relation.interval.high) < 0
    assert point.gaps[text].value == -relation.gap
    assert (point.gaps[text].low, point.gaps[text].high) == (-relation.interval.high, -relation.interval.low)


def test_an_interval_around_0_begins_at_0() -> None:
    text = "E[y | sex=Female] - E[y | sex=Male]"
    rng = np.random.default_rng(9)
    point = made_front(text).add("a", rng.random(len(MADE)))["a"]
    assert point.gaps[text].low == 0.0 < point.gaps[text].high


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("E[y | sex=Female] == E[y | sex=Male] +- 0.02", (-0.02, 0.02)),
        ("E[y | sex=Female] >= 0.9 * E[y | sex=Male]", (0.0, math.inf)),
        ("disparate_impact(sex) >= 0.8", (0.0, math.inf)),
        ("E[y] in [0.2, 0.3]", (0.2, 0.3)),
        ("E[y] <= 0.9", (-math.inf, 0.9)),
    ],
)
def test_a_text_with_a_bound_is_measured_by_its_violation(text: str, bounds: tuple[float, float]) -> None:
    point = made_front(text).add("a", MADE.y)["a"]
    (relation,) = kf.audit(text, MADE.y, MADE.attributes)
    assert (relation.lower, relation.upper) == bounds
    assert point.gaps[text].value == pytest.approx(relation.violation, abs=1e-15)
    assert relation.interval is not None
    grid = np.linspace(relation.interval.low, relation.interval.high, 1001)
    outside = np.maximum(np.maximum(bounds[0] - grid, grid - bounds[1]), 0)
    assert point.gaps[text].low == pytest.approx(outside.min(), abs=1e-12)
    assert point.gaps[text].high == pytest.approx(outside.max(), abs=1e-12)


def test_of_several_relations_the_largest_counts_and_intervals_hold_together() -> None:
    text = "for g in race: E[y | race=g] - E[y]"
    point = made_front(text).add("a", MADE.y)["a"]
    audit = kf.audit(f"{text} == 0", MADE.y, MADE.attributes, simultaneous=True)
    gaps = [abs(relation.gap) for relation in audit]
    assert len(gaps) == 3
    assert point.gaps[text].value == max(gaps)
    ends = [(relation.interval.low, relation.interval.high) for relation in audit if relation.interval]
    lows = [max(low, -high, 0.0) for low, high in ends]
    highs = [max(abs(low), abs(high)) for low, high in ends]
    assert (point.gaps[text].low, point.gaps[text].high) == (max(lows), max(highs))


def test_objectives() -> None:
    names = ["balanced_error", "error", "log_loss", "mean_squared_error"]
    point = made_front(objectives=names).add("a", MADE.y)["a"]
    decided = (MADE.y >= 0.5).astype(int)
    wanted = [
        1 - balanced_accuracy_score(MADE.label, decided),
        np.mean(decided != MADE.label),
        log_loss(MADE.label, MADE.y),
        np.mean((MADE.y - MADE.label) ** 2),
    ]
    assert [point.scores[name].value for name in names] == pytest.approx(wanted, rel=1e-12)
    for name in names:
        assert point.scores[name].low < point.scores[name].value < point.scores[name].high
    error = kf.audit("E[c] <= 0", MADE.y, {"c": (decided != MADE.label).astype(float)}).relations[0]
    assert point.scores["error"].interval == error.interval


def test_weights_and_a_threshold_reach_objectives_and_gaps() -> None:
    weight = np.random.default_rng(1).integers(1, 4, len(MADE)).astype(float)
    front = kf.Front(
        "demographic_parity(sex)", MADE.attributes, MADE.label, weight, threshold=0.7, objectives="error"
    )
    point = front.add("a", MADE.y)["a"]
    wrong = (MADE.y >= 0.7) != MADE.label
    assert point.scores["error"].value == pytest.approx(np.average(wrong, weights=weight))
    repeated = np.repeat(np.arange(len(MADE)), weight.astype(int))
    columns = {name: column[repeated] for name, column in MADE.attributes.items()}
    whole = kf.Front(
        "demographic_parity(sex)", columns, MADE.label[repeated], threshold=0.7, objectives="error"
    ).add("a", MADE.y[repeated])["a"]
    assert point.numbers == pytest.approx(whole.numbers)


def test_functions_are_objectives() -> None:
    def hinge(label: Any, y: np.ndarray) -> np.ndarray:
        return np.maximum(0, 1 - (2 * label - 1) * (2 * y - 1))

    objectives = {"hinge": hinge, "refused": lambda label, y: np.mean(y < 0.5), "mine": "error"}
    point = made_front(objectives=objectives).add("a", MADE.y)["a"]
    losses = hinge(MADE.label, MADE.y)
    assert point.scores["hinge"].value == pytest.approx(losses.mean())
    assert point.scores["hinge"].interval is not None
    assert point.scores["refused"].value == np.mean(MADE.y < 0.5)
    assert point.scores["refused"].interval is None
    assert point.scores["mine"].value == np.mean((MADE.y >= 0.5) != MADE.label)


def test_functions_need_no_label_and_take_several_outputs() -> None:
    y = np.stack([MADE.y, 1 - MADE.y], axis=1)
    front = kf.Front(
        "spread(E[y[1] | sex=*])", MADE.attributes, objectives={"far": lambda label, y: np.abs(y[:, 0] - 0.5)}
    )
    point = front.add("a", y)["a"]
    one = made_front().add("a", MADE.y)["a"]
    assert point.gaps["spread(E[y[1] | sex=*])"].value == pytest.approx(one.gaps[TEXTS[0]].value)
    assert point.scores["far"].value == pytest.approx(np.mean(np.abs(MADE.y - 0.5)))


def test_dominated_points_stay_and_are_marked() -> None:
    front = made_front(TEXTS[0]).add("good", MADE.y).add("same", MADE.y)
    front.add("bad", np.where(MADE.attributes["sex"] == "Male", 0.9, 0.1))
    assert [point.undominated for point in front] == [True, True, False]
    assert [point.name for point in front.undominated] == ["good", "same"]
    assert len(front) == 3
    assert repr(front) == "Front(3 points, 2 undominated)"


def test_what_cannot_be_estimated_is_named_and_never_undominated() -> None:
    attributes = {"sex": np.where(np.arange(len(MADE)) < 0, "Female", "Male")}
    front = kf.Front(
        "E[y | sex=Female]", attributes, MADE.label, vocabulary={"sex": ["Female", "Male"]}
    ).add("a", MADE.y)
    (point,) = front
    assert not point.undominated
    assert front.undominated == ()
    assert math.isnan(point.gaps["E[y | sex=Female]"].value)
    assert point.unknown == ("E[y | sex=Female]",)
    assert "no samples" in point.gaps["E[y | sex=Female]"].note
    assert front.to_dict()["points"][0]["gaps"]["E[y | sex=Female]"]["value"] is None


def test_small_groups_are_named() -> None:
    sex = np.where(np.arange(len(MADE)) < 4, "Female", "Male")
    point = kf.Front("demographic_parity(sex)", {"sex": sex}, MADE.label).add("a", MADE.y)["a"]
    assert point.gaps["demographic_parity(sex)"].note == "fewer than 10 samples in E[y | sex=Female] (4)"


def test_what_a_function_cannot_give_is_unknown() -> None:
    front = made_front(TEXTS[0], objectives={"none": lambda label, y: math.nan, "error": "error"})
    point = front.add("a", MADE.y)["a"]
    assert point.unknown == ("none",)
    assert not point.undominated


@pytest.mark.parametrize("kind", ["list", "column", "float32", "tensor", "series"])
def test_predictions_of_any_kind(kind: str) -> None:
    import keras
    import pandas

    given = {
        "list": MADE.y.tolist(),
        "column": MADE.y[:, None],
        "float32": MADE.y.astype("float32"),
        "tensor": keras.ops.convert_to_tensor(MADE.y.astype("float32")),
        "series": pandas.Series(MADE.y),
    }[kind]
    exact = made_front().add("a", MADE.y)["a"]
    point = made_front().add("a", given)["a"]
    assert point.numbers == pytest.approx(exact.numbers, abs=1e-6)
    assert point.predictions.shape == (len(MADE),)
    assert point.predictions.dtype == "float64"


def test_a_table_of_all_points() -> None:
    front = made_front(objectives=["error", "log_loss"]).add("a", MADE.y, setting=0.5).add("b", 1 - MADE.y)
    table = front.to_dataframe()
    named = ["error", "log_loss", *TEXTS]
    ends = [f"{name}{end}" for name in named for end in ("", "_low", "_high")]
    assert list(table.columns) == ["name", "undominated", "setting", *ends]
    assert table["name"].tolist() == ["a", "b"]
    assert table["setting"].tolist()[0] == 0.5
    for place, point in enumerate(front):
        for name, each in {**point.scores, **point.gaps}.items():
            row = table.iloc[place]
            assert (row[name], row[f"{name}_low"], row[f"{name}_high"]) == (each.value, each.low, each.high)
    assert list(made_front().to_dataframe().columns)[:3] == ["name", "undominated", "setting"]


def test_everything_as_a_dict() -> None:
    model = object()
    front = made_front().add("a", MADE.y, setting=(np.float32(0.5), "x"), model=model)
    whole = front.to_dict()
    assert json.loads(json.dumps(whole, allow_nan=False)) == json.loads(json.dumps(whole))
    assert (whole["texts"], whole["objectives"], whole["confidence"]) == (TEXTS, ["balanced_error"], 0.95)
    (point,) = whole["points"]
    assert point["setting"] == [0.5, "x"]
    assert point["gaps"][TEXTS[0]]["value"] == front["a"].gaps[TEXTS[0]].value
    assert point["gaps"][TEXTS[0]]["high"] == front["a"].gaps[TEXTS[0]].high
    assert front["a"].model is model


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(KeyError, match="no point named 'corected'.*corrected"):
        made_front().add("corrected", MADE.y)["corected"]
