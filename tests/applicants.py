"""People who apply, for tests of rules: two sexes, three districts, and calibrated scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Applicants", "applicants"]


class Applicants(NamedTuple):
    """Scores, attributes and labels of n people."""

    scores: np.ndarray
    attributes: dict[str, np.ndarray]
    label: np.ndarray

    def part(self, people: np.ndarray) -> Applicants:
        """Some of them, as often as they are named."""
        columns = {name: column[people] for name, column in self.attributes.items()}
        return Applicants(self.scores[people], columns, self.label[people])


def applicants(n: int, seed: int = 0, *, atoms: int | None = None) -> Applicants:
    """Draw people. With `atoms` only so many different scores occur, and few."""
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(n) < 0.33, "Female", "Male")
    district = rng.choice(["East", "North", "West"], n, p=[0.6, 0.28, 0.12])
    logit = 1.5 * (rng.normal(size=n) + 0.8 * (sex == "Male") - 0.3 * (district == "North") - 1.0)
    scores = 1 / (1 + np.exp(-logit))
    label = (rng.random(n) < scores).astype(float)
    if atoms is not None:
        scores = np.round(scores * atoms) / atoms
    return Applicants(scores, {"sex": sex, "district": district}, label)
