"""A margin is the same as the tightened text, and what is reported stays that of the text as written."""

from __future__ import annotations

import math

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.rows.margins import held_rows, with_margin

N = 60
RNG = np.random.default_rng(3)
SEX = RNG.choice(["F", "M"], N)
RACE = RNG.choice(["a", "b", "c"], N)
AGE = RNG.uniform(20, 60, N)
LABEL = (RNG.uniform(size=N) < np.where(SEX == "M", 0.6, 0.4)).astype(float)
Y = np.clip(RNG.uniform(0.1, 0.6, N) + 0.3 * (SEX == "M") + 0.1 * (RACE == "c"), 0, 1)
COLUMNS = {"sex": SEX, "race": RACE, "age": AGE}
VALUES = {"sex": ["F", "M"], "race": ["a", "b", "c"]}

# text, its bound, a margin, and the bound with which the text holds the gap by the margin inside
KINDS = (
    ("E[y | sex=F] == E[y | sex=M] +- ...", "0.1", 0.04, "0.06"),
    ("E[y | sex=F] == E[y | sex=M] +- ...", "0.1", 0.1, "0"),
    ("E[y] <= ...", "0.4", 0.05, "0.35"),
    ("E[y | sex=F] >= ...", "0.5", 0.05, "0.55"),
    ("E[y] in ...", "[0.2, 0.4]", 0.05, "[0.25, 0.35]"),
    ("E[y] == 0.3 +- ...", "0.1", 0.1, "0"),
    ("E[y | sex=F] - E[y | sex=M] >= ...", "0", 0.05, "0.05"),
    ("E[y | label=1, sex=F] >= 0.9 * E[y | label=1] + ...", "0", 0.02, "0.02"),
    ("E[y * label | sex=F] == E[y * label | sex=M] +- ...", "0.1", 0.03, "0.07"),
    ("spread(E[y | race=*]) <= ...", "0.1", 0.04, "0.06"),
    ("spread(E[y | sex=*]) + spread(E[y | race=*]) <= ...", "0.2", 0.05, "0.15"),
    ("abs(E[y | sex=F] - E[y | sex=M]) <= ...", "0.1", 0.04, "0.06"),
    ("max(E[y | race=*]) <= ...", "0.5", 0.05, "0.45"),
    ("min(E[y | sex=*]) >= 0.8 * max(E[y | sex=*]) + ...", "0", 0.03, "0.03"),
    ("cov(y, age) in ...", "[-0.5, 0.5]", 0.2, "[-0.3, 0.3]"),
    ("equalized_odds(sex) <= ...", "0.1", 0.03, "0.07"),
    ("for a, b in race: E[y | race=a] == E[y | race=b] +- ...", "0.08", 0.03, "0.05"),
    ("E[y | sex=F] <= ...", "0.7 * P[label=1]", 0.05, "0.7 * P[label=1] - 0.05"),
    ("E[y] in ...", "[P[label=1] - 0.25, 0.4]", 0.05, "[P[label=1] - 0.2, 0.35]"),
)  # fmt: skip
QUOTIENT = ("E[y | sex=F] / E[y | sex=M] >= 0.8", 0.03, "E[y | sex=F] - 0.8 * E[y | sex=M] >= 0.03")
WRITTEN = [(text.replace("...", old), margin, text.replace("...", new)) for text, old, margin, new in KINDS]
WRITTEN.append(QUOTIENT)
CASES = [(*kind, "euclidean") for kind in WRITTEN] + [(*kind, "binary_crossentropy") for kind in WRITTEN[::6]]


@pytest.mark.parametrize(("text", "margin", "tighter", "divergence"), CASES)
def test_a_margin_is_the_tightened_text(text: str, margin: float, tighter: str, divergence: str) -> None:
    written, by_hand = (kf.parse(one).rows(COLUMNS, LABEL) for one in (text, tighter))
    with_it = kf.project(Y, written, margin=margin, divergence=divergence)
    wanted = kf.project(Y, by_hand, divergence=divergence)
    assert with_it.outcome.name == wanted.outcome.name == "SOLVED"
    np.testing.assert_allclose(with_it.y, wanted.y, atol=1e-6)
    np.testing.assert_allclose(with_it.violation, 0.0, atol=1e-7)
    # what is reported is that of the text as written
    held = with_margin(written, margin)
    for name in ("gap_lower", "gap_upper", "lower", "upper"):
        np.testing.assert_array_equal(getattr(held, name), getattr(written, name))
    inside = np.minimum(held.gaps(with_it.y) - held.gap_lower, held.gap_upper - held.gaps(with_it.y))
    assert inside.min() == pytest.approx(margin, abs=1e-6)
    np.testing.assert_array_equal(held.relation_violation(Y), written.relation_violation(Y))
    np.testing.assert_array_equal(held.violation(Y), written.violation(Y))


def test_violation_of_a_projection_is_that_of_the_text() -> None:
    """A finite stiffness leaves the tightened row violated; only what is outside the text's bound counts."""
    rows = kf.parse("E[y] <= 0.4").rows({"sex": SEX})
    soft = kf.project(Y, rows, margin=0.05, stiffness=50.0)
    mean = float(soft.y.mean())
    assert mean > 0.35
    np.testing.assert_allclose(soft.violation, [max(mean - 0.4, 0.0)], atol=1e-7)
    hand = kf.project(Y, kf.parse("E[y] <= 0.35").rows({"sex": SEX}), stiffness=50.0)
    np.testing.assert_allclose(soft.y, hand.y, atol=1e-7)


def test_statements_by_name() -> None:
    text = "level: E[y] <= 0.4; spread(E[y | race=*]) <= 0.1; E[y | sex=F] == E[y | sex=M]"
    tight = "E[y] <= 0.38; spread(E[y | race=*]) <= 0.07; E[y | sex=F] == E[y | sex=M]"
    margin = {"level": 0.02, "spread(E[y | race=*]) <= 0.1": 0.03}
    fair = kf.project(Y, kf.parse(text).rows(COLUMNS), margin=margin)
    np.testing.assert_allclose(fair.y, kf.project(Y, kf.parse(tight).rows(COLUMNS)).y, atol=1e-6)


REFUSED = (
    ("E[y] <= 0.4", -0.1, "margin >= 0"),
    ("E[y] <= 0.4", math.nan, "margin >= 0"),
    ("E[y] <= 0.4", math.inf, "margin >= 0"),
    ("E[y] <= 0.4", True, "margin >= 0"),
    ("E[y] <= 0.4", "0.1", "margin >= 0"),
    ("E[y] <= 0.4", None, "margin >= 0"),
    ("level: E[y] <= 0.4", {"level": -1.0}, "margin=-1.0 for statement 'level'"),
    ("level: E[y] <= 0.4", {"level": "much"}, "margin='much' for statement 'level'"),
    ("level: E[y] <= 0.4", {"levle": 0.1}, "received 'levle'; did you mean 'level'"),
    (
        "level: E[y] <= 0.4",
        0.5,
        "statement 'level' can lie at most 0.4 inside its bound, received margin=0.5",
    ),
    ("d: E[y | sex=F] == E[y | sex=M]", 0.01, "statement 'd' is an equality without a tolerance"),
    ("d: E[y | sex=F] == E[y | sex=M] +- 0.1", 0.11, "'d' lie 0.2 apart, received margin=0.11"),
    ("d: E[y] in [0.2, 0.3]", 0.06, "'d' lie 0.1 apart, received margin=0.06"),
    ("d: E[y] in [0.25, 0.25]", 0.06, "statement 'd' is an equality without a tolerance"),
    ("spread(E[y | race=*]) <= 0.1", 0.11, "at most 0.1 inside its bound, received margin=0.11"),
    ("abs(E[y | sex=F] - E[y | sex=M]) <= 0.1", 0.11, "at most 0.1 inside its bound"),
    ("E[y | sex=F] >= 0.9", 0.2, "at most 0.1 inside its bound"),
)


@pytest.mark.parametrize(("text", "margin", "message"), REFUSED)
def test_refused_before_any_data(text: str, margin: object, message: str) -> None:
    with pytest.raises(ValueError, match="margin") as refused:
        kf.FairProjection(text, margin=margin)
    assert message in str(refused.value)
    with pytest.raises(ValueError, match="margin") as refused:
        kf.project(Y, kf.parse(text).rows(COLUMNS), margin=margin)
    assert message in str(refused.value)


def test_refused_where_the_data_leave_too_little() -> None:
    text = "d: E[y] in [0.5 * P[label=1], 0.6 * P[label=1]]"
    with pytest.raises(ValueError, match="bounds of statement 'd' lie 0.05 apart, received margin=0.03"):
        kf.project(Y, kf.parse(text).rows({}, np.tile([0.0, 1.0], N // 2)), margin=0.03)


def test_rows_without_statements_have_no_margin() -> None:
    rows = kf.rows.rows_from_matrix(np.ones((1, N)) / N, lower=[0.0], upper=[0.4])
    assert kf.project(Y, rows, margin=0).outcome.name == "SOLVED"
    with pytest.raises(ValueError, match="rows made from constraints"):
        kf.project(Y, rows, margin=0.1)


def test_where_the_data_leave_too_little_a_layer_holds_the_middle() -> None:
    layer = kf.FairProjection("E[y] in [0.5 * P[label=1], 0.6 * P[label=1]]", margin=0.03)
    label = np.tile([0.0, 1.0], N // 2)
    with pytest.warns(
        UserWarning, match="at least one batch: no predictions inside the domain meet all rows"
    ):
        fair = np.asarray(layer(Y, label=label))
    assert fair.mean() == pytest.approx(0.275, abs=1e-6)
    assert max(layer.record().violation.values()) < 1e-6


def test_a_bound_that_ties_a_row_to_an_auxiliary_scalar_stays() -> None:
    rows = kf.parse("spread(E[y | race=*]) <= 0.1").rows(COLUMNS)
    held = held_rows(with_margin(rows, 0.04))
    np.testing.assert_allclose(held.upper, 0.06)
    np.testing.assert_allclose(held.lower, 0.0)


def test_an_inactive_row_stays_without_bounds() -> None:
    rows = kf.parse("E[y | sex=F] <= 0.1; E[y | sex=M] <= 0.9").rows(
        {"sex": ["M", "M"]}, vocabulary={"sex": ["F", "M"]}
    )
    np.testing.assert_allclose(held_rows(with_margin(rows, 0.05)).upper, [np.inf, 0.85])
