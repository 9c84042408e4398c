"""What the tests of the layer share: a batch in two groups whose predictions differ."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"


class Batch(NamedTuple):
    """Predictions, text of the attribute, its codes, a label."""

    y: np.ndarray
    sex: np.ndarray
    codes: np.ndarray
    label: np.ndarray


def make_batch(samples: int = 64, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, samples).astype("int32")
    y = np.clip(0.3 + 0.3 * codes + 0.2 * rng.normal(size=samples), 0.0, 1.0).astype("float32")
    return Batch(y, np.array(["Female", "Male"])[codes], codes, rng.integers(0, 2, samples))


@pytest.fixture
def batch() -> Batch:
    return make_batch()
