"""What a score tells about the group: mutual information, corrected for what chance alone shows.

    I = sum over g and b of  p_gb log(p_gb / (p_g p_b)),     b: bins by the deciles of all groups together

The plug-in estimate of a table of counts is too large, by about `(B - 1)(G - 1) / (2 n)`. From it the
mean is taken that it has when scores and groups are paired anew at random (`PERMUTATIONS` times, the
margins kept); what is left is cut at 0.

Its interval follows from the distribution of the plug-in: `2 n I / k` is a noncentral chi-squared
variable with `f = (B - 1)(G - 1)` degrees of freedom, whose noncentrality is `2 n` times the truth, near
independence exactly so for large n; `k` is the mean of `2 n I / f` over the permutations, 1 for large
counts. Far from independence its variance is another one than `2 f + 4 * noncentrality`, and the distance
of the ends from the estimate is widened by the root of the quotient. With unequal weights n is the
effective size.

Sources: Kullback, "Information theory and statistics" (1959), chapter 8; Miller 1955 for the bias.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from keras_fair.audit.distances import Scores

__all__ = ["BINS", "PERMUTATIONS", "Information", "information_of", "plug_in"]

BINS = 10
PERMUTATIONS = 200
_LARGE = 2_000.0  # from here on the noncentral chi-squared is taken as normal


class Information:
    """The mutual information of the bins of a score and of a group.

    Args:
        table: `(groups, bins)` weights; none empty along either axis.
        effective: the number of samples of equal weight that say as much.
        seed: of the permutations.
    """

    def __init__(self, table: np.ndarray, effective: float, seed: int) -> None:
        self.shares = table / table.sum()
        self.effective = effective
        self.plug_in = plug_in(table)
        self.by_chance = self._by_chance(seed)

    @property
    def value(self) -> float:
        """The estimate, in nats."""
        return max(0.0, self.plug_in - self.by_chance)

    def ends(self, alpha: float) -> tuple[float, float]:
        """Its interval."""
        groups, bins = self.shares.shape
        freedom, twice = (groups - 1) * (bins - 1), 2 * self.effective
        if freedom == 0:
            return 0.0, 0.0
        scale = twice * self.by_chance / freedom if self.by_chance > 0 else 1.0
        found = twice * self.plug_in / scale
        centre = max(found - freedom, 0.0)
        low, high = _noncentrality(found, freedom, 1 - alpha / 2), _noncentrality(found, freedom, alpha / 2)
        wider = math.sqrt(max(self._overdispersion(), 1.0))
        low, high = centre - wider * (centre - low), centre + wider * (high - centre)
        return max(0.0, low * scale / twice), max(0.0, high * scale / twice)

    def _by_chance(self, seed: int) -> float:
        """The mean of the plug-in over random pairings of scores and groups."""
        from scipy.stats import random_table

        total = max(round(self.effective), 2)
        rows, columns = (_rounded(self.shares.sum(axis=axis), total) for axis in (1, 0))
        drawn = random_table(rows[rows > 0], columns[columns > 0]).rvs(
            size=PERMUTATIONS, random_state=np.random.default_rng(seed)
        )
        return float(np.mean([plug_in(table) for table in drawn.reshape(PERMUTATIONS, *drawn.shape[-2:])]))

    def _overdispersion(self) -> float:
        """The variance of the log ratios over twice their mean, which is 1 near independence."""
        ratio = self.shares / (self.shares.sum(axis=1, keepdims=True) * self.shares.sum(axis=0))
        logs = np.log(np.where(self.shares > 0, ratio, 1.0))
        variance = float((self.shares * logs**2).sum() - self.plug_in**2)
        return variance / (2 * self.plug_in) if self.plug_in > 0 else 1.0


def information_of(groups: Sequence[Scores], seed: int) -> Information:
    """The mutual information of some groups' scores.

    Args:
        groups: each with some weight.
        seed: of the permutations.
    """
    scores = np.concatenate([group.scores for group in groups])
    weighed = np.concatenate([group.weight for group in groups])
    points, place = np.unique(scores, return_inverse=True)
    every = np.cumsum(np.bincount(place.reshape(-1), weighed))
    reached = np.searchsorted(every, np.arange(1, BINS) / BINS * every[-1] * (1 - 1e-12))
    ends = points[np.unique(np.append(reached, len(points) - 1))]  # the last score of each bin
    weights = np.array([group.weight.sum() for group in groups])
    table = weights[:, None] * np.diff([group.shares(ends) for group in groups], prepend=0.0, axis=1)
    squared = sum(float(group.squared.sum()) for group in groups)
    size = sum(float(group.size.sum()) for group in groups)
    # A sample that is in several groups by its probabilities is still one.
    return Information(np.maximum(table, 0.0), min(float(weights.sum() ** 2 / squared), size), seed)


def plug_in(table: np.ndarray) -> float:
    """The mutual information of the rows and the columns of a table of weights, in nats.

    Example:

    >>> import numpy as np
    >>> round(plug_in(np.array([[1.0, 0.0], [0.0, 1.0]])), 6)
    0.693147
    """
    shares = table / table.sum()
    expected = shares.sum(axis=1, keepdims=True) * shares.sum(axis=0)
    there = shares > 0
    return max(0.0, float((shares[there] * np.log(shares[there] / expected[there])).sum()))


def _rounded(shares: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers in proportion to shares that add up to a total."""
    exact = shares * total
    whole = np.floor(exact + 1e-9).astype(int)
    lacking = total - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:lacking]] += 1
    return whole


def _noncentrality(found: float, freedom: float, chance: float) -> float:
    """The noncentrality at which a value up to `found` has this chance; 0 where it is smaller already."""
    if special.chdtr(freedom, found) <= chance:
        return 0.0
    if found > _LARGE:  # found = f + m + z sqrt(2 f + 4 m)
        z = float(special.ndtri(chance))
        root = -z + math.sqrt(z**2 + found - freedom / 2)  # of m + f / 2
        return max(root**2 - freedom / 2, 0.0)
    low, high = 0.0, max(found, 1.0)
    while special.chndtr(found, freedom, high) > chance:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if special.chndtr(found, freedom, middle) > chance else (low, middle)
    return (low + high) / 2
