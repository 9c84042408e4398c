"""Exact tests of rates: their size by enumeration, their power, and what the bounds of pieces promise."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from keras_fair.postprocessing.rate_tests import rate_p_value, rates_below, rates_p_value

GAMMA = 1e-4
ROWS = [(1.0, 0.0), (1.0, 0.1), (1.0, -0.2), (0.8, 0.0), (1.25, 0.05), (0.5, 0.4)]
SIZES = [(7, 9), (20, 20), (6, 25), (25, 6)]


def probabilities(rates: np.ndarray, people: int) -> np.ndarray:
    """(k, people + 1)."""
    return stats.binom.pmf(np.arange(people + 1), people, rates[:, None])


def chance(region: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The probability of outcomes (n_a + 1, n_b + 1) at rates (k,) each."""
    people_a, people_b = region.shape[0] - 1, region.shape[1] - 1
    return np.einsum("ki,ij,kj->k", probabilities(a, people_a), region * 1.0, probabilities(b, people_b))


def line(factor: float, bound: float, points: int = 2001) -> tuple[np.ndarray, np.ndarray]:
    """Rates with `p_a - factor p_b = bound`."""
    b = np.linspace(max(0.0, -bound / factor), min(1.0, (1 - bound) / factor), points)
    return np.clip(factor * b + bound, 0.0, 1.0), b


@cache
def rejected(people_a: int, people_b: int, factor: float, bound: float, level: float) -> np.ndarray:
    """Which outcomes (n_a + 1, n_b + 1) pass."""
    return np.array(
        [
            [
                rates_below(i, people_a, j, people_b, factor=factor, bound=bound, level=level)
                for j in range(people_b + 1)
            ]
            for i in range(people_a + 1)
        ]
    )


def order(row: tuple[int, int, float, float]) -> np.ndarray:
    """The statistic of all outcomes, as the module says."""
    people_a, people_b, factor, bound = row
    i, j = np.meshgrid(np.arange(people_a + 1), np.arange(people_b + 1), indexing="ij")
    d = i / people_a - factor * j / people_b - bound
    low, high = max(0.0, -bound / factor), min(1.0, (1 - bound) / factor)
    trim = (high - low) / (people_a + people_b + 2)
    q = j / people_b + factor * people_a / (factor**2 * people_a + people_b) * d
    q = np.clip(q, low + trim, high - trim)
    p = factor * q + bound
    trifle = 1e-8 * (1 + factor) ** 2 * (1 / people_a + 1 / people_b)
    return d / np.sqrt(p * (1 - p) / people_a + factor**2 * q * (1 - q) / people_b + trifle)


@pytest.mark.parametrize(("factor", "bound"), ROWS)
@pytest.mark.parametrize(("people_a", "people_b"), SIZES)
def test_size_is_at_most_the_level_for_all_rates(people_a, people_b, factor, bound) -> None:
    region = rejected(people_a, people_b, factor, bound, 0.05)
    assert chance(region, *line(factor, bound)).max() <= 0.05
    a, b = (x.ravel() for x in np.meshgrid(np.linspace(0, 1, 41), np.linspace(0, 1, 41)))
    violated = a - factor * b >= bound
    assert chance(region, a[violated], b[violated]).max() <= 0.05


@pytest.mark.parametrize(("factor", "bound"), ROWS)
def test_passing_is_monotone_in_hits(factor, bound) -> None:
    region = rejected(20, 20, factor, bound, 0.05).astype(int)
    assert (np.diff(region, axis=0) <= 0).all()
    assert (np.diff(region, axis=1) >= 0).all()


@settings(max_examples=60, deadline=None)
@given(
    people_a=st.integers(1, 30),
    people_b=st.integers(1, 30),
    part_a=st.floats(0, 1),
    part_b=st.floats(0, 1),
    factor=st.floats(0.3, 2.0),
    part=st.floats(0.01, 0.99),
)
@example(people_a=1, people_b=30, part_a=0.0, part_b=1.0, factor=1.0, part=0.5)
@example(people_a=30, people_b=30, part_a=0.0, part_b=0.0, factor=1.0, part=0.5)
@example(people_a=30, people_b=30, part_a=1.0, part_b=1.0, factor=0.3, part=0.99)
def test_p_value_is_not_below_the_supremum_on_a_dense_grid(
    people_a, people_b, part_a, part_b, factor, part
) -> None:
    bound = -factor + part * (1 + factor)
    hits_a, hits_b = round(part_a * people_a), round(part_b * people_b)
    t = order((people_a, people_b, factor, bound))
    region = t <= t[hits_a, hits_b] + 1e-12
    a, b = line(factor, bound)
    inside = np.ones(len(b), dtype=bool)
    for rates, hits, people in ((a, hits_a, people_a), (b, hits_b, people_b)):
        inside &= stats.binom.cdf(hits, people, rates) > GAMMA / 4
        inside &= stats.binom.sf(hits - 1, people, rates) > GAMMA / 4
    value = rates_p_value(hits_a, people_a, hits_b, people_b, factor=factor, bound=bound, gamma=GAMMA)
    supremum = chance(region, a, b)[inside].max(initial=0.0) + GAMMA
    assert min(1.0, supremum) <= value * (1 + 1e-9)


@pytest.mark.parametrize(("people_a", "people_b", "hits_a", "hits_b"), [(30, 30, 6, 13), (40, 200, 3, 40)])
@pytest.mark.parametrize(("factor", "bound"), [(1.0, 0.0), (0.8, 0.02)])
def test_p_value_is_within_2_percent_of_the_supremum(
    people_a, people_b, hits_a, hits_b, factor, bound
) -> None:
    t = order((people_a, people_b, factor, bound))
    supremum = chance(t <= t[hits_a, hits_b] + 1e-12, *line(factor, bound)).max()
    value = rates_p_value(hits_a, people_a, hits_b, people_b, factor=factor, bound=bound, gamma=GAMMA)
    assert value <= 1.02 * supremum + 1.02 * GAMMA


@pytest.mark.parametrize(("people_a", "people_b"), [(20, 20), (12, 25)])
def test_power_is_comparable_to_boschloo_and_barnard(people_a, people_b) -> None:
    region = rejected(people_a, people_b, 1.0, 0.0, 0.05)
    others = [np.zeros_like(region), np.zeros_like(region)]
    for i in range(people_a + 1):
        for j in range(people_b + 1):
            if i / people_a < j / people_b:
                counts = [[i, j], [people_a - i, people_b - j]]
                for other, test in zip(others, (stats.boschloo_exact, stats.barnard_exact), strict=True):
                    other[i, j] = test(counts, alternative="less", n=16).pvalue <= 0.05
    a, b = np.array([0.1, 0.4, 0.7, 0.02]), np.array([0.4, 0.7, 0.95, 0.25])
    own, boschloo, barnard = (chance(each, a, b) for each in (region, *others))
    assert (own >= boschloo - 0.06).all()
    assert (own >= barnard - 0.01).all()
    assert own.mean() >= boschloo.mean() - 0.02


def test_decision_is_the_one_of_the_p_value() -> None:
    for bound in np.linspace(0.0, 0.12, 25):
        value = rates_p_value(300, 1000, 180, 600, bound=bound, gamma=1e-3 * 0.05)
        if abs(value - 0.05) > 1e-3:
            assert rates_below(300, 1000, 180, 600, bound=bound, level=0.05) == (value <= 0.05)


def test_p_value_falls_with_the_bound() -> None:
    values = [
        rates_p_value(300, 1000, 180, 600, bound=bound, gamma=1e-6) for bound in np.linspace(0, 0.1, 21)
    ]
    assert (np.diff(values) <= 0.01 * np.array(values[:-1])).all()
    assert values[-1] < 1e-4 < 0.4 < values[0]


@pytest.mark.parametrize("people", [5_000, 200_000, 1_000_000])
@pytest.mark.parametrize("rate", [0.01, 0.3, 0.97])
def test_of_many_people_it_is_the_z_test(people, rate) -> None:
    hits = round(rate * people)
    bound = 2.0 * math.sqrt(2 * rate * (1 - rate) / people)
    value = rates_p_value(hits, people, hits, people, bound=bound, gamma=1e-6)
    assert value == pytest.approx(stats.norm.sf(2.0), rel=0.25 if people == 5_000 else 0.06)


def test_swapping_the_groups_asks_the_same() -> None:
    """`p_a - f p_b >= c` is `(1 - p_b) - (1 - p_a) / f >= (c + f - 1) / f`."""
    factor, bound = 0.8, 0.05
    one = rates_p_value(40, 150, 35, 90, factor=factor, bound=bound, gamma=GAMMA)
    other = rates_p_value(
        55, 90, 110, 150, factor=1 / factor, bound=(bound + factor - 1) / factor, gamma=GAMMA
    )
    assert one == pytest.approx(other, rel=0.02)


def test_corners() -> None:
    row = {"gamma": GAMMA}
    assert rates_p_value(0, 0, 3, 10, bound=0.1, **row) == 1.0
    assert rates_p_value(3, 10, 0, 0, bound=0.1, **row) == 1.0
    assert rates_p_value(3, 10, 3, 10, bound=1.5, **row) == 0.0
    assert rates_p_value(0, 10, 10, 10, bound=-1.0, **row) == 1.0
    assert rates_p_value(10, 10, 0, 10, bound=1.0, **row) == 1.0
    assert rates_p_value(9, 10, 0, 10, bound=1.0, **row) == 0.0
    assert rates_p_value(0, 50, 50, 50, bound=0.0, **row) < 1e-3
    assert rates_p_value(0, 50, 0, 50, bound=0.1, **row) < 0.03
    assert rates_p_value(50, 50, 50, 50, bound=0.1, **row) < 0.03
    assert rates_p_value(50, 50, 0, 50, bound=0.1, **row) > 0.9
    assert 0.0 < rates_p_value(10**5, 10**6, 10**6, 10**6, bound=0.0, **row) < 1e-3
    assert rates_below(0, 50, 50, 50, bound=-0.5, level=0.05)
    assert not rates_below(0, 0, 50, 50, bound=-0.5, level=0.05)


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="hits_b=11, people_b=10"):
        rates_below(1, 10, 11, 10, bound=0.1, level=0.05)
    with pytest.raises(ValueError, match="factor=0"):
        rates_below(1, 10, 1, 10, factor=0, bound=0.1, level=0.05)
    with pytest.raises(ValueError, match="bound=nan"):
        rates_below(1, 10, 1, 10, bound=math.nan, level=0.05)
    with pytest.raises(ValueError, match="hits <= people"):
        rate_p_value(3, 2, 0.5)


def test_one_rate_is_the_binomial_test() -> None:
    hits = np.arange(8)
    found = rate_p_value(hits, 7, 0.3)
    wanted = [stats.binomtest(k, 7, 0.3, alternative="less").pvalue for k in hits]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    np.testing.assert_array_equal(rate_p_value(2, 7, [-0.1, 0.0, 1.0, 1.1]), [1.0, 1.0, 0.0, 0.0])
    assert rate_p_value(0, 0, 0.5) == 1.0
    assert rate_p_value(7, 7, 1.0) == 1.0
    assert rate_p_value([[1], [2]], [10, 20], 0.5).shape == (2, 2)


@pytest.mark.parametrize(
    ("counts", "factor", "bound"),
    [
        ((0, 40, 30, 40), 1.5, -1.5 + 1e-12),
        ((40, 40, 0, 40), 1.0, 1 - 1e-12),
        ((3, 1000, 7, 20), 700.0, -1e-3),
        ((1, 1, 1, 1), 1e-3, 0.5),
        ((0, 10**6, 0, 3), 1.0, 1e-9),
        ((10**6, 10**6, 2, 3), 1.0, 0.4),
    ],
)
def test_extremes_give_a_probability(counts, factor, bound) -> None:
    value = rates_p_value(*counts, factor=factor, bound=bound, gamma=GAMMA)
    assert 0.0 <= value <= 1.0
    assert rates_below(*counts, factor=factor, bound=bound, level=0.05) == (value <= 0.05)
