"""Rows that share no prediction, against bisection, and what is left to the solver of all rows together."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import keras_fair as kf
from tests.engines import both_engines, project_tensors

SINGLE = keras.backend.backend() == "jax"  # JAX computes in single precision unless it is told otherwise
TOLERANCE = 2e-5 if SINGLE else 1e-9
SIZE = 64


def bisected(r: np.ndarray, a: np.ndarray, lower: float, upper: float) -> np.ndarray:
    """The Euclidean projection onto one row, by halving the bracket of its price."""
    row = float(a @ r)
    if lower <= row <= upper:
        return r
    bound = upper if row > upper else lower
    least, most = -1e4, 1e4
    for _ in range(200):
        middle = 0.5 * (least + most)
        if a @ np.clip(r - middle * a, 0.0, 1.0) > bound:
            least = middle
        else:
            most = middle
    return np.clip(r - most * a, 0.0, 1.0)


@both_engines
@pytest.mark.parametrize("seed", range(12))
def test_two_groups_as_by_bisection(seed: int, project: Any) -> None:
    rng = np.random.default_rng(seed)
    sex = rng.permutation(np.repeat(["Female", "Male"], [3 + 4 * (seed % 4), SIZE - 3 - 4 * (seed % 4)]))
    r = rng.beta(0.3, 0.3 + 0.4 * (sex == "Male"))
    r[: seed % 5] = rng.integers(0, 2, seed % 5)  # exactly at the bounds of the domain
    rows = kf.parse("E[y | sex=Female] - E[y | sex=Male] in [-0.01, 0.02]").rows({"sex": sex})
    projection = project(r, rows)
    female = sex == "Female"
    a = female / female.sum() - ~female / (~female).sum()
    assert projection.outcome is kf.Outcome.SOLVED
    assert float(projection.violation.max()) <= TOLERANCE
    np.testing.assert_allclose(projection.y, bisected(r, a, -0.01, 0.02), atol=100 * TOLERANCE)


@both_engines
def test_each_row_is_solved_by_itself(project: Any) -> None:
    rng = np.random.default_rng(7)
    group, r = rng.permutation(np.arange(SIZE) % 3), rng.uniform(size=SIZE)
    names = np.array(["a", "b", "c"])[group]
    text = "E[y | group=a] <= 0.3; E[y | group=b] >= 0.7; E[y | group=c] in [0, 1]"
    projection = project(r, kf.parse(text).rows({"group": names}))
    for code, (lower, upper) in enumerate([(-np.inf, 0.3), (0.7, np.inf), (0.0, 1.0)]):
        members = group == code
        a = np.full(members.sum(), 1.0 / members.sum())
        np.testing.assert_allclose(
            projection.y[members], bisected(r[members], a, lower, upper), atol=100 * TOLERANCE
        )
    kept = r.astype("float32") if SINGLE and project is project_tensors else r
    np.testing.assert_array_equal(projection.y[group == 2], kept[group == 2])


@pytest.mark.filterwarnings("ignore:RELAXED", "ignore:ITERATION_LIMIT", "ignore:NOT_CLOSEST")
@both_engines
def test_what_no_price_meets_is_left_to_the_other_solver(project: Any) -> None:
    sex = np.repeat(["Female", "Male"], SIZE // 2)
    r = np.linspace(0.1, 0.9, SIZE)
    rows = kf.parse("E[y | sex=Female] - E[y | sex=Male] >= 1.5").rows({"sex": sex}, domain=None)
    projection = project(r, rows)
    assert projection.outcome is kf.Outcome.RELAXED
    np.testing.assert_allclose(
        projection.y, np.where(sex == "Female", 1.0, 0.0), atol=1e-4 if SINGLE else 1e-8
    )
    np.testing.assert_allclose(projection.violation, [0.5], atol=1e-4 if SINGLE else 1e-8)
