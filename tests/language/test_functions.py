"""A function of the language is one entry of a table: a new one is known to every pass."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.errors import ConstraintError, Reason
from keras_fair.language import from_json, parse_statements, to_json, to_text
from keras_fair.language.functions import FUNCTIONS, FunctionRule
from keras_fair.language.prose import in_words

PLAIN: dict[str, Any] = {
    "abs": lambda values: abs(values[0]),
    "max": max,
    "min": min,
    "spread": lambda values: max(values) - min(values),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_ranges_hold_every_value(name: str) -> None:
    rule = FUNCTIONS[name]
    generator = np.random.default_rng(0)
    for _ in range(50):
        count = rule.most or int(generator.integers(rule.least, 4))
        ends = [tuple(sorted(generator.integers(-3, 4, 2).tolist())) for _ in range(count)]
        low, high = rule.range([(float(one), float(other)) for one, other in ends])
        grid = [np.linspace(one, other, 1 + 2 * (other - one)) for one, other in ends]
        values = [PLAIN[name](chosen) for chosen in product(*grid)]
        assert low <= min(values)
        assert max(values) <= high
        if len(rule.maxima) == 1 or count == 1:  # a sum of two maxima of the same arguments may be wider
            assert (low, high) == pytest.approx((min(values), max(values)))


def test_signs_follow_from_the_parts() -> None:
    assert {name: rule.sign for name, rule in FUNCTIONS.items()} == {
        "abs": 1,
        "max": 0,
        "min": 0,
        "spread": 1,
    }
    never_positive = FunctionRule(maxima=((1, -1),), concave=True)
    assert never_positive.sign == -1
    assert never_positive.range([(-1.0, 2.0)]) == (-2.0, 0.0)


@pytest.fixture
def excess(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that the language does not have: how far the largest of several lies above 0, twice."""
    rule = FunctionRule(
        maxima=((1,), (1,)),
        among_groups="twice the highest {}",
        of_several="twice the largest of {}",
    )
    monkeypatch.setitem(FUNCTIONS, "twice_max", rule)


@pytest.mark.usefixtures("excess")
def test_a_new_function_is_one_entry_of_the_table() -> None:
    text = "twice_max(E[y | sex=*]) <= 0.9"
    statements = parse_statements(text)
    assert to_text(statements) == text
    assert from_json(to_json(statements)) == statements
    assert in_words(statements[0]) == (
        "Twice the highest mean prediction across the groups of sex must be at most 0.9."
    )
    scores = np.array([0.2, 0.4, 0.5, 0.7])
    columns = {"sex": ["f", "m", "f", "m"]}
    gap = 2 * max(0.35, 0.55)
    rows = kf.parse(text).rows(columns)
    assert np.asarray(rows.gaps(scores)) == pytest.approx([gap])
    (relation,) = kf.audit(text, scores, columns, confidence=None).relations
    assert relation.gap == pytest.approx(gap)
    assert not math.isnan(relation.violation)
    corrected = kf.project(scores, rows)
    assert float(np.asarray(rows.gaps(np.asarray(corrected.y)))[0]) <= 0.9 + 1e-6


@pytest.mark.usefixtures("excess")
def test_the_checks_know_a_new_function() -> None:
    with pytest.raises(ConstraintError, match="twice_max is convex in y") as caught:
        parse_statements("twice_max(E[y | sex=*]) >= 0.1")
    assert caught.value.reason is Reason.NOT_CONVEX
    with pytest.raises(ConstraintError, match="max, min, spread and twice_max take statistics"):
        parse_statements("E[twice_max(y)] <= 0.1")


def test_a_function_of_one_expression_takes_one() -> None:
    with pytest.raises(ConstraintError, match=r"found ','|takes 1 expression"):
        parse_statements("abs(E[y], E[label]) <= 0.1")
