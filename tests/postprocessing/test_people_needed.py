"""How many people a promise takes: about as many as simulations need."""

from __future__ import annotations

import numpy as np
import pytest

from keras_fair.postprocessing.mean_tests import means_below
from keras_fair.postprocessing.people_needed import (
    bound_for_means,
    bound_for_rates,
    people_for_means,
    people_for_rates,
)
from keras_fair.postprocessing.rate_tests import rates_below

LEVEL = 0.05


@pytest.mark.parametrize(
    ("rates", "shares", "factor", "bound", "power"),
    [
        ((0.3, 0.3), (0.5, 0.5), 1.0, 0.05, 0.5),
        ((0.3, 0.3), (0.5, 0.5), 1.0, 0.05, 0.9),
        ((0.1, 0.12), (0.8, 0.1), 0.8, 0.05, 0.5),
        ((0.02, 0.03), (0.3, 0.3), 1.0, 0.02, 0.7),
    ],
)
def test_rates_pass_with_the_power_that_was_asked_for(rates, shares, factor, bound, power, rng) -> None:
    row = {"factor": factor, "bound": bound, "level": LEVEL}
    needed = people_for_rates(*rates, *shares, power=power, **row)

    def passed(people: float) -> float:
        n_a, n_b = round(people * shares[0]), round(people * shares[1])
        hits = rng.binomial(n_a, rates[0], 200), rng.binomial(n_b, rates[1], 200)
        return np.mean([rates_below(a, n_a, b, n_b, **row) for a, b in zip(*hits, strict=True)])

    assert passed(needed / 1.3) <= power + 0.05
    assert passed(needed * 1.3) >= power - 0.05


@pytest.mark.parametrize(("mean", "sd", "power"), [(0.4, 0.2, 0.5), (0.15, 0.12, 0.5), (0.4, 0.2, 0.8)])
def test_means_pass_with_the_power_that_was_asked_for(mean, sd, power, rng) -> None:
    needed = people_for_means(mean, mean, sd, sd, 0.6, 0.4, bound=0.03, level=LEVEL, power=power)
    total = mean * (1 - mean) / sd**2 - 1

    def passed(people: float) -> float:
        sizes = round(people * 0.6), round(people * 0.4)
        draws = [[rng.beta(mean * total, (1 - mean) * total, n) for n in sizes] for _ in range(150)]
        return np.mean([means_below(*x, bound=0.03, level=LEVEL) for x in draws])

    assert passed(needed / 1.35) <= power + 0.1
    assert passed(needed * 1.35) >= power - 0.1


def test_no_number_is_enough_where_the_row_is_violated() -> None:
    assert people_for_rates(0.4, 0.3, 0.5, 0.5, bound=0.1, level=LEVEL) is None
    assert people_for_means(0.4, 0.3, 0.1, 0.1, 0.5, 0.5, bound=0.05, level=LEVEL) is None


def test_a_hopeless_margin_is_planned_by_the_normal_formula() -> None:
    needed = people_for_rates(0.3, 0.3, 0.5, 0.5, bound=1e-5, level=LEVEL)
    assert needed == pytest.approx(4 * 0.21 * 1.645**2 / 1e-10, rel=0.01)


def test_certain_rates_need_few() -> None:
    needed = people_for_rates(0.0, 0.0, 0.5, 0.5, bound=0.1, level=LEVEL)
    assert 58 <= needed <= 100  # 0.9 ** 29 = 0.047
    assert 10 <= people_for_means(0.5, 0.5, 0.0, 0.0, 0.5, 0.5, bound=0.2, level=LEVEL) <= 200


def test_other_ranges_need_as_many() -> None:
    one = people_for_means(0.4, 0.4, 0.2, 0.2, 0.5, 0.5, bound=0.03, level=LEVEL, power=0.8)
    two = people_for_means(40.0, 40.0, 20.0, 20.0, 0.5, 0.5, bound=3.0, level=LEVEL, power=0.8, high=100.0)
    assert two == pytest.approx(one, rel=0.02)


@pytest.mark.parametrize("counts", [(300, 1000, 280, 900), (0, 40, 3, 60), (50, 50, 20, 30)])
@pytest.mark.parametrize("factor", [1.0, 0.8])
def test_bound_for_rates_passes_and_one_below_does_not(counts, factor) -> None:
    bound = bound_for_rates(*counts, factor=factor, level=LEVEL)
    estimate = counts[0] / counts[1] - factor * counts[2] / counts[3]
    assert rates_below(*counts, factor=factor, bound=bound, level=LEVEL)
    assert not rates_below(*counts, factor=factor, bound=bound - 0.01 * (bound - estimate), level=LEVEL)


def test_bound_of_nobody_is_always_true() -> None:
    assert bound_for_rates(0, 0, 3, 10, level=LEVEL) == pytest.approx(1.0)
    assert bound_for_means([], [0.5], level=LEVEL) == pytest.approx(1.0)


def test_bound_for_means_passes(rng) -> None:
    x_a, x_b = rng.beta(2, 3, 900), rng.beta(2, 3, 700)
    bound = bound_for_means(x_a, x_b, level=LEVEL)
    assert means_below(x_a, x_b, bound=bound, level=LEVEL)
    assert 0.0 < bound - (x_a.mean() - x_b.mean()) < 0.05
