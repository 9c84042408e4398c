"""The proof behind `RELAXED`: it holds where it is given, and it is not given where it does not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

from keras_fair.inputs.arrays import on_host
from keras_fair.inputs.domain import check_domain
from keras_fair.ops import Outcome, project
from keras_fair.ops.projection.certificate import violation_above_least
from keras_fair.ops.projection.dual import Dual
from keras_fair.ops.projection.problem_from_rows import make_problem, structure_of
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.linear import rows_from_matrix

DTYPE = working_dtype()
PROVEN = 1e-4 if DTYPE == "float64" else 1e-2
MEAN = np.full((1, 4), 0.25)
R = np.array([0.2, 0.4, 0.6, 0.8], dtype=DTYPE)
TENSOR = on_host(ops.convert_to_tensor(R))  # as the solver meets it


def gap_of(y: np.ndarray, rows: Any, domain: Any, t: float | None = None) -> float:
    where = check_domain(domain)
    problem = make_problem(TENSOR, rows, where, None, np.inf)
    dual = Dual.of(problem, structure_of(rows, where, "euclidean"))
    y = on_host(ops.convert_to_tensor(y.astype(DTYPE)))
    moved = problem.moments.rows(y) + problem.offset
    scalars = on_host(ops.convert_to_tensor(np.zeros(0 if t is None else 1, DTYPE) + (t or 0.0)))
    return float(violation_above_least(dual, y, moved, scalars))


def padded(y: np.ndarray, rows: Any, domain: Any) -> np.ndarray:
    """`y` with as many entries as the solver computes with."""
    size = int(make_problem(TENSOR, rows, check_domain(domain), None, np.inf).r.shape[0])
    return np.concatenate([y, np.zeros(size - len(y))])


def test_the_least_violation_has_no_gap() -> None:
    rows = rows_from_matrix(MEAN, lower=[1.5], upper=[2.0])
    assert gap_of(padded(np.ones(4), rows, (0.0, 1.0)), rows, (0.0, 1.0)) <= 1e-6


def test_more_than_the_least_has_its_gap() -> None:
    rows = rows_from_matrix(MEAN, lower=[1.5], upper=[2.0])
    # The mean is 0.5, one short of the bound; half of that is the least.
    assert gap_of(padded(np.full(4, 0.5), rows, (0.0, 1.0)), rows, (0.0, 1.0)) == pytest.approx(0.5, abs=1e-6)


def test_rows_that_can_be_met_are_never_proven_infeasible() -> None:
    rows = rows_from_matrix(MEAN, lower=[0.7], upper=[0.8])
    assert gap_of(padded(np.full(4, 0.5), rows, (0.0, 1.0)), rows, (0.0, 1.0)) >= 1.0


def test_an_unbounded_domain_is_covered_a_long_way() -> None:
    conflict = rows_from_matrix(np.repeat(MEAN, 2, axis=0), lower=[0.2, 0.4], upper=[0.2, 0.4])
    assert gap_of(padded(np.full(4, 0.3), conflict, None), conflict, None) <= PROVEN
    assert gap_of(padded(np.full(4, 0.2), conflict, None), conflict, None) >= 1.0


def test_an_auxiliary_scalar_must_suit_the_rows() -> None:
    rows = rows_from_matrix(
        np.repeat(MEAN, 2, axis=0), lower=[0.0, 0.5], upper=[0.1, 0.6], aux=-np.ones((2, 1))
    )
    y = padded(np.full(4, 0.5), rows, (0.0, 1.0))
    # Both rows have the value 0.5 - t: t = 0.2 violates each by 0.2, which is the least; no other t does.
    assert gap_of(y, rows, (0.0, 1.0), t=0.2) <= 1e-6
    assert gap_of(y, rows, (0.0, 1.0), t=0.3) > 0.1


@pytest.mark.filterwarnings("ignore:RELAXED", "ignore:ITERATION_LIMIT", "ignore:NOT_CLOSEST")
@pytest.mark.parametrize("divergence", ["euclidean", "binary_crossentropy"])
@pytest.mark.parametrize("seed", range(12))
def test_relaxed_is_said_with_a_proof(seed: int, divergence: str) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(2, 8)) / 8.0
    far = np.abs(matrix).sum(axis=1) + 0.1
    rows = rows_from_matrix(matrix, lower=far, upper=far + 1.0)
    projection = project(rng.uniform(0.05, 0.95, 8).astype(DTYPE), rows, divergence=divergence)
    assert projection.outcome is not Outcome.SOLVED
    if DTYPE == "float64":
        assert projection.outcome is Outcome.RELAXED
        assert projection.residual <= PROVEN
    # The best of all corners of the box bounds the least violation from above.
    corners = np.array(np.meshgrid(*[[0.0, 1.0]] * 8)).reshape(8, -1)
    least = np.sqrt(np.sum((far[:, None] - matrix @ corners) ** 2, axis=0).min())
    violation = np.sqrt(np.sum((far - matrix @ projection.y.astype("float64")) ** 2))
    if projection.outcome is Outcome.RELAXED:
        assert violation * (1.0 - projection.residual) <= least + 1e-6
