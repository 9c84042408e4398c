"""Which points no other one dominates, against the definition taken word for word."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_fair.fronts.dominance import undominated

NUMBERS = st.one_of(st.sampled_from([0.0, 0.1, 0.2, 0.3, math.nan, math.inf]), st.integers(0, 3).map(float))


@st.composite
def tables(draw: st.DrawFn) -> list[list[float]]:
    axes = draw(st.integers(1, 4))
    return draw(st.lists(st.lists(NUMBERS, min_size=axes, max_size=axes), min_size=1, max_size=12))


def dominates(one: list[float], other: list[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


@given(tables())
def test_as_defined(table: list[list[float]]) -> None:
    known = [row for row in table if not any(map(math.isnan, row))]
    expected = [row in known and not any(dominates(other, row) for other in known) for row in table]
    assert undominated(table).tolist() == expected


@given(tables(), st.randoms())
def test_the_order_of_points_does_not_matter(table: list[list[float]], random) -> None:
    places = list(range(len(table)))
    random.shuffle(places)
    kept = undominated(table)
    assert undominated([table[place] for place in places]).tolist() == kept[places].tolist()


@given(tables())
def test_each_dominated_point_is_dominated_by_an_undominated_one(table: list[list[float]]) -> None:
    kept = undominated(table)
    best = [row for row, on in zip(table, kept, strict=True) if on]
    for row, on in zip(table, kept, strict=True):
        if not on and not any(map(math.isnan, row)):
            assert any(dominates(other, row) for other in best)


def test_equal_points_are_both_kept() -> None:
    assert undominated([[0.1, 0.2], [0.1, 0.2], [0.1, 0.3]]).tolist() == [True, True, False]


def test_rounding_makes_no_point_better() -> None:
    assert undominated([[0.2, 4e-13], [0.3, 0.0]]).tolist() == [True, False]
    assert undominated([[0.2, 4e-8], [0.3, 0.0]]).tolist() == [True, True]


@pytest.mark.parametrize("axes", [1, 3])
def test_no_points(axes: int) -> None:
    assert undominated(np.zeros((0, axes))).tolist() == []
