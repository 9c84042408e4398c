"""The numbers of one group, in blocks: sums, what the blocks before say, and an interval of the mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["MeanSample"]


@dataclass(frozen=True)
class MeanSample:
    """The numbers of one group.

    Attributes:
        x: (n,).
        weight: (n,), ones without weights.
        most: what no weight can be above.
        weighted: whether weights differ.
        low: what no number can be below.
        high: what no number can be above.
    """

    x: np.ndarray
    weight: np.ndarray
    most: float
    weighted: bool
    low: float
    high: float

    @classmethod
    def of(
        cls, x: Any, weight: Any, weight_bound: float | None, low: float, high: float, name: str
    ) -> MeanSample:
        """Checked; `name` is what the caller calls the numbers."""
        x = np.asarray(x, dtype=float)
        if x.ndim != 1 or not ((x >= low) & (x <= high)).all():
            raise ValueError(f"expected {name} of shape (n,) in [{low}, {high}], received {name}={x}")
        if weight is None:
            return cls(x, np.ones(len(x)), 1.0, False, low, high)
        weight = np.asarray(weight, dtype=float)
        if weight_bound is None or not (weight_bound > 0 and math.isfinite(weight_bound)):
            raise ValueError(
                f"expected a weight_bound above 0, known before the weights, received {weight_bound=}"
            )
        if weight.shape != x.shape or not ((weight >= 0) & (weight <= weight_bound)).all():
            raise ValueError(f"expected weights of shape {x.shape} in [0, {weight_bound}], received {weight}")
        return cls(x, weight, weight_bound, True, low, high)

    @property
    def people(self) -> int:
        return len(self.x)

    def _starts(self, blocks: int) -> np.ndarray:
        return np.arange(blocks + 1) * self.people // blocks

    def sizes(self, blocks: int) -> np.ndarray:
        """The people in each block, (blocks,)."""
        return np.diff(self._starts(blocks)).astype(float)

    def sums(self, blocks: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The sums of `w` and `w x` in each block, (blocks,)."""
        order = np.random.default_rng(seed).permutation(self.people)
        starts = self._starts(blocks)[:-1]
        weight = self.weight[order]
        return np.add.reduceat(weight, starts), np.add.reduceat(weight * self.x[order], starts)

    def expected(self, weights: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """The mean weight before each block; the largest one stands for a person before the first."""
        if not self.weighted:
            return np.full(len(weights), self.most)
        return (self.most + _before(weights)) / (1 + _before(sizes))

    def guessed(self, weights: np.ndarray, products: np.ndarray) -> np.ndarray:
        """The mean before each block."""
        prior = 1e-3 * self.most
        return (prior * (self.low + self.high) / 2 + _before(products)) / (prior + _before(weights))

    def interval(self, weights: np.ndarray, products: np.ndarray, gamma: float) -> tuple[float, float]:
        """An interval that holds the mean with probability `1 - gamma`.

        For each end the capital of a plain bet, which grows with the distance of m: m is outside where it
        reaches `2 / gamma`. It need not be sharp.
        """
        most = self.sizes(len(weights)) * self.most * (self.high - self.low)
        residuals = (products - self.guessed(weights, products) * weights) ** 2
        variance = (most**2 / 4 + _before(residuals)) / np.arange(1.0, len(weights) + 1)
        wanted = math.log(2 / gamma)
        stakes = np.minimum(np.sqrt(2 * wanted / (len(weights) * variance)), 0.5 / most)
        ends = []
        for sign, end in ((-1.0, self.low), (1.0, self.high)):
            refuted, kept = end, self.low + self.high - end
            if np.log1p(sign * stakes * (refuted * weights - products)).sum() < wanted:
                ends.append(end)
                continue
            for _ in range(30):
                middle = (refuted + kept) / 2
                if np.log1p(sign * stakes * (middle * weights - products)).sum() < wanted:
                    kept = middle
                else:
                    refuted = middle
            ends.append(refuted)
        return ends[0], ends[1]


def _before(values: np.ndarray) -> np.ndarray:
    """The sum of all earlier ones."""
    return np.concatenate([[0.0], np.cumsum(values)[:-1]])
