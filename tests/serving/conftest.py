"""What the tests of a service share: a rule, people, and how requests look."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import keras_fair as kf


def arrivals(size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores `(size,)` float32, and sex; men have higher ones."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Female", "Male"], size)
    return np.clip(rng.normal(0.4 + 0.15 * (sex == "Male"), 0.2), 0, 1).astype("float32"), sex


@pytest.fixture(scope="session")
def rule() -> kf.FrozenFairness:
    """A rule for decisions about women and men."""
    scores, sex = arrivals(4000, 1)
    return kf.FrozenFairness("parity: demographic_parity(sex) <= 0.1 at y >= 0.5").fit(scores, {"sex": sex})


def body(*people: dict[str, Any]) -> bytes:
    """A request of one person, or of several."""
    return json.dumps(people[0] if len(people) == 1 else people).encode()
