"""How far the distributions of groups lie apart: Kolmogorov's distance, and its interval.

    D = max over pairs of groups, and t, of |F_a(t) - F_b(t)|

The estimate is that of the empirical distributions. It is too large by chance, most of all where the
truth is 0. So the interval is made of a band that holds the differences at all t, of all pairs, together:

    |F_a(t) - F_b(t) - truth|  <=  c s_ab + k,      s_ab^2 = 1/n_a + 1/n_b

and is `[max_ab (D_ab - c s_ab - k), max_ab (D_ab + c s_ab + k)]`, cut at 0 and 1. `c` is a quantile of
the largest of the processes in draws with normal multipliers: those of one group are

    B(t) = sum_i w_i e_i (1[y_i <= t] - F(t)) / sum_i w_i,      e_i standard normal,

which have the variances and the correlations of the empirical process, whatever the weights and ties are.
Half a sample is added at either end, so that a group in which nobody has a score above t is not taken to
be sure of it. `k = 0.58 / n` of the smaller group: a process that is looked at n times misses so much of
its largest value (Chernoff, "Sequential tests for the mean of a normal process IV", 1965). With more than
`MOST_PAIRED` groups the band is one of each group, which is wider for pairs.

Where the truth is 0 the lower end is above 0 as often as the confidence says. Elsewhere the interval
holds the truth more often than that.

Sources: Kolmogorov 1933; van der Vaart and Wellner, "Weak convergence and empirical processes" (1996),
2.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

__all__ = ["MOST_PAIRED", "Scores", "distance", "distance_ends"]

MOST_PAIRED = 10
_POINTS = 512  # at which the processes are drawn
_FEWEST_DRAWS, _MOST_DRAWS = 1000, 8000
_BLOCK = 2_000_000  # numbers that are looked at together
_MISSED = 0.5826


@dataclass(frozen=True)
class Scores:
    """The scores of a group.

    Args:
        scores: `(k,)` ascending, each once; size, weight, squared: `(k,)` sums over the samples of each.
    """

    scores: np.ndarray
    size: np.ndarray
    weight: np.ndarray
    squared: np.ndarray

    @property
    def effective(self) -> float:
        """The number of samples of equal weight that say as much."""
        return float(self.weight.sum() ** 2 / self.squared.sum())

    def shares(self, points: np.ndarray) -> np.ndarray:
        """The share of the weight up to each point, `(points,)`."""
        reached = self._reached
        return reached[np.searchsorted(self.scores, points, side="right")] / reached[-1]

    @cached_property
    def _reached(self) -> np.ndarray:
        """The weight below each score and, last, all of it."""
        return np.concatenate([[0.0], np.cumsum(self.weight)])


def distance(groups: Sequence[Scores]) -> float:
    """The largest distance between any two of several distributions."""
    points, largest = _points(groups), 0.0
    block = max(1, _BLOCK // len(groups))
    for start in range(0, len(points), block):
        shares = np.stack([group.shares(points[start : start + block]) for group in groups])
        largest = max(largest, float((shares.max(axis=0) - shares.min(axis=0)).max()))
    return largest


def distance_ends(sets: Sequence[Sequence[Scores]], alpha: float, seed: int) -> tuple[float, float]:
    """The interval of the largest distance within several sets of groups.

    Args:
        sets: groups that are compared with each other, two or more in each; no sample is in two sets.
        alpha: one minus the confidence.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    draws = int(np.clip(40 / alpha, _FEWEST_DRAWS, _MOST_DRAWS))
    paired = all(len(groups) <= MOST_PAIRED for groups in sets)
    largest = np.zeros(draws)
    for groups in sets:
        errors = [1.0 / group.effective for group in groups]
        if not paired:
            for group, error in zip(groups, errors, strict=True):
                process = _process(group, _at_most(group.scores, [group]), draws, generator)
                largest = np.maximum(largest, np.abs(process).max(axis=1) / np.sqrt(error))
            continue
        points = _at_most(_points(groups), groups)
        drawn = [_process(group, points, draws, generator) for group in groups]
        for a, b in combinations(range(len(groups)), 2):
            scaled = np.abs(drawn[a] - drawn[b]).max(axis=1) / np.sqrt(errors[a] + errors[b])
            largest = np.maximum(largest, scaled)
    critical = float(np.quantile(largest, 1 - alpha))
    low = high = 0.0
    for groups in sets:
        ends = _of_pairs(groups, critical) if paired else _of_each(groups, critical)
        low, high = max(low, ends[0]), max(high, ends[1])
    return float(max(low, 0.0)), float(min(high, 1.0))


def _of_pairs(groups: Sequence[Scores], critical: float) -> tuple[float, float]:
    ends = []
    for one, other in combinations(groups, 2):
        between, sizes = distance((one, other)), (one.effective, other.effective)
        reach = critical * np.sqrt(1 / sizes[0] + 1 / sizes[1]) + _MISSED / min(sizes)
        ends.append((between - reach, between + reach))
    return max(low for low, _ in ends), max(high for _, high in ends)


def _of_each(groups: Sequence[Scores], critical: float) -> tuple[float, float]:
    """From a band of each group: the least and the largest difference that two of them allow."""
    sizes = np.array([group.effective for group in groups])
    reach = (critical / np.sqrt(sizes) + _MISSED / sizes)[:, None]
    points, low, high = _points(groups), 0.0, 0.0
    block = max(1, _BLOCK // len(groups))
    for start in range(0, len(points), block):
        shares = np.stack([group.shares(points[start : start + block]) for group in groups])
        below, above = shares - reach, shares + reach
        low = max(low, float((below.max(axis=0) - above.min(axis=0)).max()))
        top, bottom = above.argmax(axis=0), below.argmin(axis=0)
        columns = np.arange(shares.shape[1])
        second_top, second_bottom = above.copy(), below.copy()
        second_top[bottom, columns], second_bottom[top, columns] = -np.inf, np.inf
        either = np.where(
            top == bottom,
            np.maximum(
                above.max(axis=0) - second_bottom.min(axis=0), second_top.max(axis=0) - below.min(axis=0)
            ),
            above.max(axis=0) - below.min(axis=0),
        )
        high = max(high, float(either.max()))
    return low, high


def _points(groups: Sequence[Scores]) -> np.ndarray:
    return np.unique(np.concatenate([group.scores for group in groups]))


def _at_most(points: np.ndarray, groups: Sequence[Scores]) -> np.ndarray:
    """Points that divide the groups about evenly, the last one among them; all where they are few."""
    if len(points) <= _POINTS:
        return points
    shares = np.mean([group.shares(points) for group in groups], axis=0)
    places = np.searchsorted(shares, np.arange(1, _POINTS) / _POINTS)
    return points[np.unique(np.append(places, len(points) - 1))]


def _process(group: Scores, points: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    """Draws of the error of the distribution of a group at some points, `(draws, points)`."""
    shares = group.shares(points)
    squares = np.concatenate([[0.0], np.cumsum(group.squared)])
    up_to = squares[np.searchsorted(group.scores, points, side="right")]
    half = 0.5 * squares[-1] / max(float(group.size.sum()), 1.0)
    spread = np.sqrt(np.concatenate([[half], np.maximum(np.diff(up_to, prepend=0.0), 0.0), [half]]))
    noise = np.cumsum(generator.standard_normal((draws, len(spread))) * spread, axis=1)
    return (noise[:, 1:-1] - shares * noise[:, -1:]) / float(group.weight.sum())
