"""How many people a promise takes, and which bound the people at hand could promise.

These numbers plan: they are not promises themselves. They ask the tests what they would say of counts, or of
samples, that are as expected. With another power than 1/2 the counts are shifted: `p_a` up and `p_b` down, by

    z(power) e_a^2 / e,   z(power) factor e_b^2 / e,   e^2 = e_a^2 + factor^2 e_b^2

with the standard errors of the rates. That moves `p_a - factor p_b` by `z(power) e`, in the likeliest way.
Samples are quantiles of a beta distribution with the given mean and standard deviation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from keras_fair.postprocessing.mean_tests import means_below
from keras_fair.postprocessing.rate_tests import rates_below

__all__ = ["bound_for_means", "bound_for_rates", "people_for_means", "people_for_rates"]

TESTED = 10**8  # above, the normal formula is as good
SAMPLED = 10**6
ORDERS = 5  # of the people; the test must pass in most


def people_for_rates(
    p_a: float,
    p_b: float,
    share_a: float,
    share_b: float,
    *,
    factor: float = 1.0,
    bound: float,
    level: float,
    power: float = 0.5,
) -> int | None:
    """How many people in all until `rates_below` passes with this probability.

    Args:
        p_a: the rate of group a in the population.
        p_b: the rate of group b.
        share_a: the share of all people who are of group a, in (0, 1]. For a rate that is conditional on a
            label it is the share of those with this group and label.
        share_b: likewise.
        factor: above 0.
        bound: of the row `p_a - factor p_b <= bound`.
        level: of the test, in (0, 1).
        power: the probability to pass, in (0, 1).

    Returns:
        The number, within a few percent; None where the rates violate the row, so that no number is enough.

    Example:

    >>> people_for_rates(0.3, 0.3, 0.5, 0.5, bound=0.05, level=0.05) // 100
    9
    """
    errors = (p_a * (1 - p_a), p_b * (1 - p_b))

    def passes(people: int) -> bool:
        people_a, people_b = round(people * share_a), round(people * share_b)
        if not (people_a and people_b):
            return False
        variances = (errors[0] / people_a, errors[1] / people_b)
        a, b = _shifted((p_a, p_b), variances, factor, power, 0.0, 1.0)
        hits_a, hits_b = math.ceil(a * people_a - 1e-9), math.floor(b * people_b + 1e-9)
        return rates_below(hits_a, people_a, hits_b, people_b, factor=factor, bound=bound, level=level)

    margin = bound - (p_a - factor * p_b)
    variance = errors[0] / share_a + factor**2 * errors[1] / share_b
    return _fewest(passes, margin, variance, level, power, TESTED)


def people_for_means(
    mu_a: float,
    mu_b: float,
    sd_a: float,
    sd_b: float,
    share_a: float,
    share_b: float,
    *,
    factor: float = 1.0,
    bound: float,
    level: float,
    low: float = 0.0,
    high: float = 1.0,
    power: float = 0.5,
) -> int | None:
    """How many people in all until `means_below` passes with this probability.

    Args:
        mu_a: the mean of group a in the population.
        mu_b: the mean of group b.
        sd_a: the standard deviation in group a.
        sd_b: the standard deviation in group b.
        share_a: the share of all people who are of group a, in (0, 1].
        share_b: likewise.
        factor: above 0.
        bound: of the row `mu_a - factor mu_b <= bound`.
        level: of the test, in (0, 1).
        low: what no number can be below.
        high: what no number can be above.
        power: the probability to pass, in (0, 1).

    Returns:
        The number; None where the means violate the row.

    Example:

    >>> people_for_means(0.4, 0.4, 0.2, 0.2, 0.5, 0.5, bound=0.03, level=0.05) // 100
    5
    """

    def passes(people: int) -> bool:
        people_a, people_b = round(people * share_a), round(people * share_b)
        if not (people_a and people_b):
            return False
        variances = (sd_a**2 / people_a, sd_b**2 / people_b)
        a, b = _shifted((mu_a, mu_b), variances, factor, power, low, high)
        x_a, x_b = _sample(a, sd_a, people_a, low, high), _sample(b, sd_b, people_b, low, high)
        row: dict[str, Any] = {"factor": factor, "bound": bound, "low": low, "high": high, "level": level}
        return sum(means_below(x_a, x_b, seed=seed, **row) for seed in range(ORDERS)) > ORDERS / 2

    variance = sd_a**2 / share_a + factor**2 * sd_b**2 / share_b
    return _fewest(passes, bound - (mu_a - factor * mu_b), variance, level, power, SAMPLED)


def bound_for_rates(
    hits_a: int, people_a: int, hits_b: int, people_b: int, *, factor: float = 1.0, level: float
) -> float:
    """The smallest bound with `rates_below`: an upper limit of `p_a - factor p_b`.

    Args:
        hits_a: how many of group a.
        people_a: of how many.
        hits_b: how many of group b.
        people_b: of how many.
        factor: above 0.
        level: of the test, in (0, 1).

    Returns:
        A bound that passes. A thousandth of its distance to the estimate below it there is one that doesn't.
        Where nothing can be said it is slightly above 1.

    Example:

    >>> bound_for_rates(300, 1000, 300, 1000, level=0.05)
    0.034
    """
    least = hits_a / people_a - factor * hits_b / people_b if people_a and people_b else -factor
    return _smallest(
        lambda bound: rates_below(
            hits_a, people_a, hits_b, people_b, factor=factor, bound=bound, level=level
        ),
        least,
        math.nextafter(1.0, 2.0),
    )


def bound_for_means(
    x_a: Any,
    x_b: Any,
    *,
    factor: float = 1.0,
    level: float,
    low: float = 0.0,
    high: float = 1.0,
    seed: int = 0,
) -> float:
    """A small bound with `means_below`.

    Args:
        x_a: (n_a,) numbers in [low, high].
        x_b: (n_b,) likewise.
        factor: above 0.
        level: of the test, in (0, 1).
        low: what no number can be below.
        high: what no number can be above.
        seed: of the order of people.
    """
    x_a, x_b = np.asarray(x_a, dtype=float), np.asarray(x_b, dtype=float)
    least = float(x_a.mean() - factor * x_b.mean()) if len(x_a) and len(x_b) else low - factor * high
    most = high - factor * low
    row: dict[str, Any] = {"factor": factor, "low": low, "high": high, "level": level, "seed": seed}
    return _smallest(
        lambda bound: means_below(x_a, x_b, bound=bound, **row), least, math.nextafter(most, math.inf)
    )


def _shifted(
    means: tuple[float, float],
    variances: tuple[float, float],
    factor: float,
    power: float,
    low: float,
    high: float,
) -> tuple[float, float]:
    """The means that counts or samples show with this power."""
    error = math.sqrt(variances[0] + factor**2 * variances[1])
    shift = float(special.ndtri(power)) / error if error else 0.0
    return (
        min(max(means[0] + shift * variances[0], low), high),
        min(max(means[1] - shift * factor * variances[1], low), high),
    )


def _sample(mean: float, sd: float, people: int, low: float, high: float) -> np.ndarray:
    """Quantiles of a beta distribution on [low, high], moved so that their mean is the given one."""
    width = high - low
    centre = min(max((mean - low) / width, 1e-9), 1 - 1e-9)
    total = max(centre * (1 - centre) / max(sd / width, 1e-9) ** 2 - 1, 1e-3)
    x = special.betaincinv(centre * total, (1 - centre) * total, (np.arange(people) + 0.5) / people)
    return np.clip(low + width * (x + centre - x.mean()), low, high)


def _fewest(
    passes: Callable[[int], bool], margin: float, variance: float, level: float, power: float, most: int
) -> int | None:
    """The fewest people who pass: doubled from what the normal formula says, then bisected to 1%."""
    if margin <= 0:
        return None
    z = float(special.ndtri(power) - special.ndtri(level))
    guess = variance * max(z, 0.1) ** 2 / margin**2
    if guess > most:
        return math.ceil(guess)
    failed, passed = 1, max(2, math.ceil(guess))
    while not passes(passed):
        if passed > 4 * most:
            return math.ceil(guess)
        failed, passed = passed, math.ceil(1.25 * passed)
    if failed == 1:
        failed = passed // 2
        while failed > 1 and passes(failed):
            failed, passed = failed // 2, failed
    while passed - failed > max(1, passed // 100):
        middle = (failed + passed) // 2
        if passes(middle):
            passed = middle
        else:
            failed = middle
    return passed


def _smallest(passes: Callable[[float], bool], least: float, most: float) -> float:
    """The smallest bound that passes, between one that doesn't and one that always does."""
    failed, passed = least, most
    while passed - failed > 1e-3 * (passed - least) and passed - failed > 1e-9:
        middle = (failed + passed) / 2
        if passes(middle):
            passed = middle
        else:
            failed = middle
    return passed
