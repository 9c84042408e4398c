"""The numbers that all competitors get: predictions and group codes, drawn with a fixed seed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Batch", "draw"]


class Batch(NamedTuple):
    """Predictions to be projected.

    Attributes:
        predictions: (n,) float32 in [0, 1]; group k scores higher than group k - 1.
        codes: (n,) int32 in [0, groups), every group occurs.
        groups: how many.
        tolerance: how far the groups' means may be apart.
        upstream: (n,) float32, a gradient to send back.
    """

    predictions: np.ndarray
    codes: np.ndarray
    groups: int
    tolerance: float
    upstream: np.ndarray


def draw(size: int, groups: int = 2, tolerance: float = 0.02, seed: int = 0) -> Batch:
    """A batch whose means are about 0.18 apart, so that the projection has work to do."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, groups, size)
    codes[:groups] = np.arange(groups)
    scores = rng.beta(0.8, 1.6, size) + 0.2 * codes / max(groups - 1, 1)
    predictions = np.clip(scores, 0.0, 1.0).astype("float32")
    upstream = rng.normal(size=size).astype("float32")
    return Batch(predictions, codes.astype("int32"), groups, tolerance, upstream)
