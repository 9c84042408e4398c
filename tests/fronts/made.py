"""People whose scores differ by group, for the tests of fronts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Made:
    """Scores in [0, 1], attributes and labels of n people."""

    y: np.ndarray
    attributes: dict[str, np.ndarray]
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.y)


def people(n: int = 600, seed: int = 0) -> Made:
    """Two sexes, three races, labels of 0 and 1."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Female", "Male"], n, p=[0.4, 0.6])
    race = rng.choice(["a", "b", "c"], n, p=[0.2, 0.3, 0.5])
    skill = rng.normal(size=n) + 0.7 * (sex == "Male") - 0.5 * (race == "a")
    label = (skill + rng.normal(size=n) > 0.2).astype(int)
    return Made(1 / (1 + np.exp(-1.5 * skill)), {"sex": sex, "race": race}, label)
