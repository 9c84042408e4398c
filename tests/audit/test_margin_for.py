"""`kf.margin_for`: where the gap lies a margin inside its bound, audits say satisfied as often as asked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import keras_fair as kf

Sample = tuple[np.ndarray, dict[str, np.ndarray]]


def shifted(groups: str, places: tuple[float, ...], shares: tuple[float, ...]) -> Callable[..., Sample]:
    """People of several groups whose mean scores are 0.5 plus `places` times the gap."""

    def people(count: int, gap: float, rng: np.random.Generator) -> Sample:
        group = rng.choice(len(groups), count, p=shares)
        y = rng.beta(4, 4, count) + gap * np.array(places)[group]
        return y, {"group": np.array(list(groups))[group]}

    return people


def rates(count: int, gap: float, rng: np.random.Generator) -> Sample:
    """People of two groups with rates of 0.3 and 0.3 plus the gap."""
    group = rng.choice(2, count, p=(0.4, 0.6))
    y = (rng.uniform(size=count) < 0.3 + gap * group).astype(float)
    return y, {"group": np.array(["a", "b"])[group]}


DIFFERENCE = "E[y | group=b] == E[y | group=a] +- 0.1"
DIFFERENCE_NAME = str(kf.parse(DIFFERENCE))  # as a statement without a name is called
PAIRS = "for g, h in group: E[y | group=g] - E[y | group=h] <= 0.15"
# text, upper bound of the gap, people, number of people in an audit, the most that may be satisfied
CASES = (
    (DIFFERENCE, 0.1, shifted("ab", (0, 1), (0.3, 0.7)), 500, 0.98),
    ("E[y] <= 0.55", 0.05, shifted("a", (1,), (1.0,)), 200, 0.98),  # the gap is E[y] - 0.5
    ("abs(E[y | group=b] - E[y | group=a]) <= 0.1", 0.1, shifted("ab", (0, 1), (0.5, 0.5)), 500, 0.98),
    ("P[y >= 0.5 | group=b] == P[y >= 0.5 | group=a] +- 0.15", 0.15, rates, 800, 0.99),
    ("spread(E[y | group=*]) <= 0.15", 0.15, shifted("abc", (0, 0.5, 1), (0.3, 0.3, 0.4)), 600, 0.995),
    ("spread(E[y | group=*]) <= 0.15", 0.15, shifted("abcd", (0, 0, 1, 1), (0.25,) * 4), 800, 1.0),
    (PAIRS, 0.15, shifted("abc", (0, 0.5, 1), (0.3, 0.3, 0.4)), 600, 1.0),
    ("E[y | group=b] <= 1.2 * E[y | group=a]", None, shifted("ab", (0, 1), (0.5, 0.5)), 800, 0.985),
)  # fmt: skip


def share_satisfied(
    text: str, people: Callable[..., Sample], gap: float, count: int, audits: int, **options: Any
) -> float:
    rng = np.random.default_rng(11)
    satisfied = 0
    for _ in range(audits):
        y, columns = people(count, gap, rng)
        satisfied += kf.audit(text, y, columns, **options).satisfied
    return satisfied / audits


@pytest.mark.parametrize(("text", "bound", "people", "count", "most"), CASES)
def test_audits_are_satisfied_as_often_as_asked(
    text: str, bound: float | None, people: Callable[..., Sample], count: int, most: float
) -> None:
    bound = 0.1 if bound is None else bound  # E[y | a] is 0.5, so that b may lie 0.1 above
    sample, columns = people(30_000, 0.8 * bound, np.random.default_rng(5))
    found = kf.margin_for(text, sample, columns, people=count, domain=None)
    (margin,) = found.margins.values()
    assert 0 < margin < bound
    share = share_satisfied(text, people, bound - margin, count, 500)
    error = math.sqrt(0.95 * 0.05 / 500)
    assert 0.95 - 2.5 * error <= share <= most + 1e-9
    # on the bound itself an audit is hardly ever satisfied
    assert share_satisfied(text, people, bound, count, 60) <= 0.15


def test_between_two_near_bounds_both_are_kept() -> None:
    """The gap lies in the middle: an interval may cross either bound."""
    people, text = shifted("ab", (0, 1), (0.5, 0.5)), "E[y | group=b] == E[y | group=a] +- 0.05"
    sample, columns = people(30_000, 0.0, np.random.default_rng(5))
    lacking = kf.margin_for(text, sample, columns, people=100, domain=None).statements[0]
    assert math.isnan(lacking.margin)
    assert lacking.people is not None
    enough = lacking.people
    (margin,) = kf.margin_for(text, sample, columns, people=enough, domain=None).margins.values()
    assert 0.04 < margin <= 0.05
    share = share_satisfied(text, people, 0.05 - margin, enough, 500)
    assert 0.925 <= share <= 0.985
    fewer = kf.margin_for(text, sample, columns, people=int(enough * 0.97), domain=None)
    assert math.isnan(fewer.statements[0].margin)


def test_the_stated_probability_and_confidence_count() -> None:
    people = shifted("ab", (0, 1), (0.5, 0.5))
    sample, columns = people(30_000, 0.08, np.random.default_rng(5))
    options = {"people": 500, "domain": None}
    usual = kf.margin_for(DIFFERENCE, sample, columns, **options).margins[DIFFERENCE_NAME]
    rarer = kf.margin_for(DIFFERENCE, sample, columns, probability=0.8, **options).margins[DIFFERENCE_NAME]
    surer = kf.margin_for(DIFFERENCE, sample, columns, confidence=0.99, **options).margins[DIFFERENCE_NAME]
    assert rarer < usual < surer
    error = 0.1667 * 2 / math.sqrt(500)  # of the difference of two means of a Beta(4, 4)
    assert [usual, rarer, surer] == pytest.approx([3.605 * error, 2.802 * error, 4.221 * error], rel=0.03)
    share = share_satisfied(DIFFERENCE, people, 0.1 - rarer, 500, 400)
    assert 0.75 <= share <= 0.86
    own = kf.margin_for(f"{DIFFERENCE} with confidence 99%", sample, columns, **options)
    assert next(iter(own.margins.values())) == pytest.approx(surer)


def test_it_is_the_margin_of_a_projection() -> None:
    """Held on everyone with the margin, audits of some are satisfied; held without it, they are not."""
    rng = np.random.default_rng(2)
    group = rng.choice(["a", "b"], 20_000)
    y = rng.beta(4, 4, 20_000) * 0.7 + 0.25 * (group == "b")
    text = "parity: E[y | group=b] == E[y | group=a] +- 0.1"
    rows = kf.parse(text).rows({"group": group})
    first = kf.project(y, rows).y
    found = kf.margin_for(text, first, {"group": group}, people=1000)
    held = kf.project(y, rows, margin=found.margins).y
    satisfied = {"bound": 0, "margin": 0}
    for _ in range(200):
        some = rng.choice(20_000, 1000, replace=False)
        for name, fair in (("bound", first), ("margin", held)):
            satisfied[name] += kf.audit(text, fair[some], {"group": group[some]}).satisfied
    assert satisfied["bound"] <= 20
    assert satisfied["margin"] >= 182


def test_where_no_margin_is_enough_it_says_how_many_people_it_takes() -> None:
    rng = np.random.default_rng(0)
    sex = rng.choice(["F", "M"], 3000, p=(0.02, 0.98))
    y = rng.beta(4, 4, 3000)
    text = (
        "near: E[y | sex=F] == E[y | sex=M] +- 0.02; level: E[y] <= 0.6; same: E[y | sex=F] == E[y | sex=M]"
    )
    found = kf.margin_for(text, y, {"sex": sex}, people=500)
    near, level, same = found.statements
    assert math.isnan(near.margin)
    assert math.isnan(same.margin)
    assert level.margin == pytest.approx((1.96 + 1.645) * 0.1667 / math.sqrt(500), rel=0.03)
    assert near.people == pytest.approx((3.92 * 0.1667 / 0.02) ** 2 / 0.02 / 0.98, rel=0.2)
    assert same.people is None
    with pytest.raises(
        ValueError, match="near: no margin for 500 people; it takes about .*; same: no margin"
    ):
        _ = found.margins
    lines = str(found).splitlines()
    assert lines[1] == f"level: margin {level.margin:.3g} for 500 people"
    assert "no number of people is enough: its bounds leave nothing" in lines[2]


@pytest.mark.parametrize(
    ("y", "sex", "note"),
    [
        ([0.5], ["F"], "few samples in 'sex=F' (1)"),
        (np.linspace(0, 1, 29), ["F"] * 9 + ["M"] * 20, "few samples in 'sex=F' (9)"),
        ([0.5] * 20 + [0.1, 0.9] * 20, ["F"] * 20 + ["M"] * 40, "all values are the same in 'sex=F'"),
    ],
)
def test_a_sample_that_says_too_little_gives_no_margin(y: Any, sex: list[str], note: str) -> None:
    found = kf.margin_for("E[y | sex=F] <= 0.9", y, {"sex": sex}, people=5000)
    (only,) = found.statements
    assert math.isnan(only.margin)
    assert only.people is None
    assert only.note.startswith(f"the sample says too little: {note}")


def test_small_groups_take_more_people() -> None:
    """However wide its bounds, an audit with fewer than ten people in a group is never satisfied."""
    rng = np.random.default_rng(0)
    sex = np.array(["F"] * 30 + ["M"] * 970)
    found = kf.margin_for("E[y | sex=F] <= 0.99", rng.beta(4, 4, 1000), {"sex": sex}, people=300)
    (only,) = found.statements
    assert math.isnan(only.margin)
    assert only.people is not None
    assert 450 < only.people < 700  # a Poisson number of mean 15.7 is below 10 in 5 of 100 audits


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"people": 0}, "people=0"),
        ({"people": True}, "people=True"),
        ({"people": 10.5}, "people=10.5"),
        ({"people": 100, "probability": 1.0}, "probability=1.0"),
        ({"people": 100, "probability": 0.4}, "probability=0.4"),
        ({"people": 100, "confidence": None}, "confidence"),
        ({"people": 100, "confidence": 2.0}, "confidence=2.0"),
    ],
)
def test_malformed_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kf.margin_for("E[y] <= 0.6", [0.1, 0.2], {}, **options)


def test_what_it_returns_holds_the_margin_and_is_none_itself() -> None:
    rule, y = "E[y] <= 0.6", np.linspace(0.1, 0.9, 200)
    needed = kf.margin_for(rule, y, {}, people=100_000)
    assert kf.project(y, rule, margin=needed.margins).y.mean() < 0.6
    with pytest.raises(ValueError, match=r"margin=needed\.margins"):
        kf.project(y, rule, margin=needed)
