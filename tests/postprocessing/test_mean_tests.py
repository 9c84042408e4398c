"""Tests of means: they reject too often nowhere, and nearly as soon as the t-test."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from keras_fair.postprocessing.betting import p_value, stakes_towards
from keras_fair.postprocessing.mean_samples import MeanSample
from keras_fair.postprocessing.mean_tests import mean_p_value, means_below, means_p_value

Draw = Callable[[np.random.Generator, int], np.ndarray]
LEVEL = 0.05

DISTRIBUTIONS: dict[str, tuple[Draw, float]] = {
    "beta": (lambda rng, n: rng.beta(2, 3, n), 0.4),
    "skewed": (lambda rng, n: rng.beta(0.2, 1.8, n), 0.1),
    "rare": (lambda rng, n: (rng.random(n) < 0.03) * 1.0, 0.03),
    "rarely 0": (lambda rng, n: (rng.random(n) < 0.97) * 1.0, 0.97),
    "half": (lambda rng, n: (rng.random(n) < 0.5) * 1.0, 0.5),
    "constant": (lambda rng, n: np.full(n, 0.3), 0.3),
}


def allowed(draws: int) -> float:
    """A share of rejections that a valid test exceeds once in ten thousand."""
    return stats.binom.ppf(1 - 1e-4, draws, LEVEL) / draws


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("people", [30, 400])
def test_one_mean_is_rarely_rejected_at_its_bound(name, people, rng) -> None:
    draw, mean = DISTRIBUTIONS[name]
    passed = [mean_p_value(draw(rng, people), mean) <= LEVEL for _ in range(400)]
    assert np.mean(passed) <= allowed(400)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize(
    ("people_a", "people_b", "factor"), [(200, 200, 1.0), (150, 90, 0.8), (40, 300, 1.2)]
)
def test_two_means_are_rarely_rejected_at_their_bound(name, people_a, people_b, factor, rng) -> None:
    draw, mean = DISTRIBUTIONS[name]
    bound = mean * (1 - factor)
    passed = [
        means_below(draw(rng, people_a), draw(rng, people_b), factor=factor, bound=bound, level=LEVEL)
        for _ in range(400)
    ]
    assert np.mean(passed) <= allowed(400)


def weighted(draw: Draw, rng: np.random.Generator, people: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers with weights that depend on them, so that the weighted mean is another than the mean."""
    x = draw(rng, people)
    return x, np.where(rng.random(people) < 0.2, 0.0, 0.5 + 1.5 * x)


def weighted_mean(draw: Draw) -> float:
    x = draw(np.random.default_rng(0), 2_000_000)
    return float(((0.5 + 1.5 * x) * x).mean() / (0.5 + 1.5 * x).mean())


@pytest.mark.parametrize("name", ["beta", "skewed", "half"])
def test_weighted_means_are_rarely_rejected_at_their_bound(name, rng) -> None:
    draw, _ = DISTRIBUTIONS[name]
    mean = weighted_mean(draw)
    one = two = 0
    for _ in range(400):
        (x_a, w_a), (x_b, w_b) = weighted(draw, rng, 200), weighted(draw, rng, 150)
        one += mean_p_value(x_a, mean, weight=w_a, weight_bound=2.0) <= LEVEL
        two += means_below(x_a, x_b, bound=0.0, level=LEVEL, weight_a=w_a, weight_b=w_b, weight_bound=2.0)
    assert one / 400 <= allowed(400)
    assert two / 400 <= allowed(400)


def test_weights_of_one_group_that_differ_and_of_the_other_that_do_not(rng) -> None:
    x_a, x_b = rng.beta(2, 3, 3000), rng.beta(2, 3, 3000)
    for weights in ({"weight_a": rng.uniform(0.5, 1, 3000)}, {"weight_b": rng.uniform(0.5, 1, 3000)}):
        assert means_below(x_a, x_b, bound=0.05, level=LEVEL, weight_bound=1.0, **weights)
        assert not means_below(x_a, x_b, bound=-0.02, level=LEVEL, weight_bound=1.0, **weights)


@pytest.mark.parametrize("name", ["beta", "skewed", "half"])
@pytest.mark.parametrize("with_weights", [False, True])
def test_5000_people_pass_at_1_3_times_the_width_of_the_z_test(name, with_weights, rng) -> None:
    """At `1.3 z` errors below the bound the z-test passes 69% of the time; this one at least half."""
    draw, mean = DISTRIBUTIONS[name]
    people = 2500
    passed = 0
    if with_weights:
        mean = weighted_mean(draw)
        x, w = weighted(draw, rng, 500_000)
        error = float((w * (x - mean)).std() / w.mean()) * (2 / people) ** 0.5
    else:
        error = float(draw(rng, 500_000).std()) * (2 / people) ** 0.5
    bound = 1.3 * float(stats.norm.isf(LEVEL)) * error
    for _ in range(80):
        if with_weights:
            (x_a, w_a), (x_b, w_b) = weighted(draw, rng, people), weighted(draw, rng, people)
            weights = {"weight_a": w_a, "weight_b": w_b, "weight_bound": 2.0}
        else:
            x_a, x_b, weights = draw(rng, people), draw(rng, people), {}
        passed += means_below(x_a, x_b, bound=bound, level=LEVEL, **weights)
    assert passed / 80 >= 0.5


def test_weights_of_1_are_no_weights_but_for_the_price_of_the_interval(rng) -> None:
    x_a, x_b = rng.beta(2, 3, 2000), rng.beta(2, 3, 2000)
    ones = np.ones(2000)
    plain = means_p_value(x_a, x_b, bound=0.02)
    same = means_p_value(x_a, x_b, bound=0.02, weight_a=ones, weight_b=ones, weight_bound=1.0)
    assert same == pytest.approx(plain, abs=0.03)


@pytest.mark.parametrize("name", ["beta", "rare", "half"])
def test_the_interval_of_a_weighted_mean_holds_it(name, rng) -> None:
    draw, _ = DISTRIBUTIONS[name]
    mean = weighted_mean(draw)
    missed = 0
    for _ in range(300):
        x, weight = weighted(draw, rng, 200)
        group = MeanSample.of(x, weight, 2.0, 0.0, 1.0, "x")
        low, high = group.interval(*group.sums(100, 0), 0.1)
        missed += not low <= mean <= high
    assert missed / 300 <= stats.binom.ppf(1 - 1e-4, 300, 0.1) / 300
    assert 0.0 <= low < high <= 1.0


def test_p_value_is_the_largest_capital_of_the_worst_gain() -> None:
    gains = np.array([[0.5, -0.5, 1.0], [0.5, 0.5, -1.0]])
    stakes = np.array([1.0, 1.0, 0.5])
    capital = np.minimum([1.5, 0.75, 1.125], [1.5, 2.25, 1.125])
    assert p_value(gains, stakes) == pytest.approx(1 / capital.max())
    assert p_value(np.array([-0.5]), np.array([1.0])) == 1.0


def test_stakes_look_at_nothing_later(rng) -> None:
    gains = rng.normal(0.02, 0.3, 200).clip(-1, 1)
    setting = {"precisions": np.ones(200), "limits": np.full(200, 0.9), "scale": 0.5}
    stakes = stakes_towards(20.0, gains, **setting)
    for place in (0, 50, 199):
        other = gains.copy()
        other[place:] = -gains[place:]
        np.testing.assert_array_equal(
            stakes_towards(20.0, other, **setting)[: place + 1], stakes[: place + 1]
        )
    assert (stakes >= 0).all()
    assert (stakes <= 0.9).all()


def test_other_ranges_are_the_same_question(rng) -> None:
    x_a, x_b = rng.beta(2, 3, 500), rng.beta(2, 3, 400)
    one = means_p_value(x_a, x_b, factor=0.8, bound=0.1)
    # y = 4 x - 2: mu_a - 0.8 mu_b = 4 (difference) - 2 + 1.6
    two = means_p_value(4 * x_a - 2, 4 * x_b - 2, factor=0.8, bound=4 * 0.1 - 0.4, low=-2.0, high=2.0)
    assert two == pytest.approx(one, rel=1e-6)


def test_order_is_fixed_by_the_seed(rng) -> None:
    x_a, x_b = rng.beta(2, 3, 500), rng.beta(2, 3, 400)
    values = [means_p_value(x_a, x_b, bound=0.02, seed=seed) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_many_people_come_in_blocks(rng) -> None:
    x_a, x_b = rng.beta(2, 3, 200_000), rng.beta(2, 3, 130_000)
    assert means_below(x_a, x_b, bound=0.003, level=LEVEL)
    assert not means_below(x_a, x_b, bound=-0.002, level=LEVEL)


def test_corners() -> None:
    x = np.linspace(0, 1, 20)
    assert means_p_value([], x, bound=0.1) == 1.0
    assert means_p_value(x, [], bound=0.1) == 1.0
    assert mean_p_value([], 0.5) == 1.0
    assert means_p_value(x, x, bound=1.1) == 0.0
    assert means_p_value(x, x, bound=-1.0) == 1.0
    assert mean_p_value(x, 1.1) == 0.0
    assert mean_p_value(x, 0.0) == 1.0
    assert mean_p_value(np.zeros(200), 0.5) < 1e-6
    assert mean_p_value(np.ones(200), 0.5) == 1.0
    assert 0.0 < mean_p_value([0.0], 0.5) <= 1.0
    zeros = np.zeros(20)
    assert means_p_value(x, x, bound=0.5, weight_a=zeros, weight_b=zeros, weight_bound=1.0) == 1.0


def test_wrong_arguments() -> None:
    x = np.linspace(0, 1, 20)
    with pytest.raises(ValueError, match=r"expected x of shape \(n,\) in \[0.0, 0.5\]"):
        mean_p_value(x, 0.2, high=0.5)
    with pytest.raises(ValueError, match="x_b"):
        means_p_value(x, np.full(20, np.nan), bound=0.1)
    with pytest.raises(ValueError, match="weight_bound=None"):
        mean_p_value(x, 0.2, weight=x)
    with pytest.raises(ValueError, match=r"expected weights of shape \(20,\)"):
        mean_p_value(x, 0.2, weight=2 * x, weight_bound=1.0)
    with pytest.raises(ValueError, match="factor=-1"):
        means_p_value(x, x, factor=-1, bound=0.1)
