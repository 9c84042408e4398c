"""The projection against an independent solver, on generated problems of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fair.ops import Outcome, project
from tests.engines import project_compiled
from tests.problems import KINDS, make_case
from tests.reference import least_violation, solve_reference

EXAMPLES = 150
seeds = st.integers(0, 2**32 - 1)


def divergence_of(name: str, y: np.ndarray, r: np.ndarray) -> float:
    if name == "euclidean":
        return float(0.5 * np.sum((y - r) ** 2))
    safe = np.clip(y, 1e-300, None), np.clip(1.0 - y, 1e-300, None)
    return float(-np.sum(r * np.log(safe[0]) + (1.0 - r) * np.log(safe[1])))


@pytest.mark.filterwarnings("ignore:RELAXED", "ignore:ITERATION_LIMIT", "ignore:NOT_CLOSEST")
@pytest.mark.parametrize(
    ("kind", "in_cells", "project"),
    [(kind, in_cells, project) for kind in KINDS for in_cells in (True, False)]
    + [("arbitrary rows", True, project_compiled)],
)
def test_euclidean_agrees_with_clarabel(kind: str, in_cells: bool, project: Any) -> None:

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None)
    @given(seed=seeds)
    def check(seed: int) -> None:
        case = make_case(seed, kind, in_cells=in_cells)
        projection = project(case.r, case.rows)
        assert np.all((projection.y >= 0.0) & (projection.y <= 1.0))
        status, _, least = solve_reference(case.r, case.matrix, case.lower, case.upper, aux=case.aux)
        if status == "optimal":
            assert projection.outcome is Outcome.SOLVED
            assert case.violation(projection.y) <= 1e-9
            assert divergence_of("euclidean", projection.y, case.r) <= least * (1.0 + 1e-6) + 1e-9
        elif status == "infeasible":
            assert projection.outcome is Outcome.RELAXED
            values = case.matrix @ projection.y
            outside = np.maximum(np.maximum(values - case.upper, case.lower - values), 0.0)
            best = least_violation(case.matrix, case.lower, case.upper, (0.0, 1.0), case.aux)
            assert np.sum(outside**2) <= best * (1.0 + 1e-5) + 1e-8
            assert projection.residual <= 1e-4

    check()


@pytest.mark.parametrize(
    ("kind", "project"),
    [
        ("two groups", project),
        ("spread", project),
        ("spread", project_compiled),
        ("arbitrary rows", project),
    ],
)
def test_binary_crossentropy_agrees_with_clarabel(kind: str, project: Any) -> None:
    @settings(max_examples=60, derandomize=True, deadline=None, database=None)
    @given(seed=seeds)
    def check(seed: int) -> None:
        case = make_case(seed, kind)
        r = np.clip(case.r, 0.01, 0.99)
        status, _, least = solve_reference(
            r, case.matrix, case.lower, case.upper, aux=case.aux, divergence="binary_crossentropy"
        )
        if status != "optimal":
            return
        projection = project(r, case.rows, divergence="binary_crossentropy")
        assert projection.outcome is Outcome.SOLVED
        assert case.violation(projection.y) <= 1e-9
        assert np.all((projection.y > 0.0) & (projection.y < 1.0))
        assert divergence_of("binary_crossentropy", projection.y, r) <= least * (1.0 + 1e-6)

    check()


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(seed=seeds, stiffness=st.sampled_from([0.1, 10.0, 1e4]))
def test_elastic_rows_agree_with_clarabel(seed: int, stiffness: float) -> None:
    case = make_case(seed, "arbitrary rows")
    status, y, _ = solve_reference(case.r, case.matrix, case.lower, case.upper, stiffness=stiffness)
    projection = project(case.r, case.rows, stiffness=stiffness)
    assert status == "optimal"
    assert projection.outcome is Outcome.SOLVED
    np.testing.assert_allclose(projection.y, y, atol=1e-5)
    np.testing.assert_allclose(projection.violation, np.abs(projection.duals) / stiffness, atol=1e-9)


@settings(max_examples=40, derandomize=True, deadline=None, database=None)
@given(seed=seeds)
def test_objective_weights_agree_with_clarabel(seed: int) -> None:
    case = make_case(seed, "two groups")
    weights = np.random.default_rng(seed).uniform(0.1, 3.0, case.r.size)
    status, y, _ = solve_reference(case.r, case.matrix, case.lower, case.upper, weights=weights)
    projection = project(case.r, case.rows, sample_weight=weights)
    if status == "optimal":
        np.testing.assert_allclose(projection.y, y, atol=1e-5)


@pytest.mark.parametrize(
    ("divergence", "project"),
    [
        ("euclidean", project),
        ("categorical_crossentropy", project),
        ("categorical_crossentropy", project_compiled),
    ],
)
def test_simplex_agrees_with_clarabel(divergence: str, project: Any, rng: np.random.Generator) -> None:
    from keras_fair.rows.linear import rows_from_matrix

    samples, outputs = 12, 3
    for _ in range(30):
        r = rng.dirichlet(np.ones(outputs), samples)
        group = np.arange(samples) % 2 == 0
        matrix = np.zeros((2, samples, outputs))
        matrix[0, group, 0], matrix[0, ~group, 0] = 2.0 / samples, -2.0 / samples
        matrix[1, :, 1] = 1.0 / samples
        lower, upper = np.array([-0.02, 0.30]), np.array([0.02, 0.35])
        rows = rows_from_matrix(matrix, lower=lower, upper=upper)
        projection = project(r, rows, domain="simplex", divergence=divergence)
        status, y, _ = solve_reference(r, matrix, lower, upper, domain="simplex", divergence=divergence)
        assert status == "optimal"
        assert projection.outcome is Outcome.SOLVED
        assert projection.violation.max() <= 1e-9
        np.testing.assert_allclose(projection.y.sum(axis=1), 1.0, atol=1e-12)
        np.testing.assert_allclose(projection.y, y, atol=1e-5)


@pytest.mark.filterwarnings("ignore:RELAXED", "ignore:ITERATION_LIMIT", "ignore:NOT_CLOSEST")
@pytest.mark.parametrize("outputs", [1, 3])
def test_least_violation_under_a_cross_entropy(outputs: int) -> None:
    """Predictions that violate rows least lie on their bounds, where a cross-entropy is infinite."""
    from keras_fair.rows.linear import rows_from_matrix

    domain, divergence = (0.0, 1.0), "binary_crossentropy"
    if outputs > 1:
        domain, divergence = "simplex", "categorical_crossentropy"
    relaxed = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        count, samples = int(rng.integers(1, 6)), 10
        shape = (samples, outputs) if outputs > 1 else (samples,)
        r = rng.dirichlet(np.ones(3), samples)
        matrix = rng.normal(size=(count, *shape)) / samples
        inside = rng.dirichlet(np.ones(3), samples)
        r, inside = (r, inside) if outputs > 1 else (r[:, 0], inside[:, 0])
        flat = matrix.reshape(count, -1)
        centre = flat @ inside.ravel() + 0.5 * rng.normal(size=count)
        lower, upper = centre - 0.01, np.where(rng.random(count) < 0.3, np.inf, centre + 0.01)
        projection = project(
            r, rows_from_matrix(matrix, lower=lower, upper=upper), domain=domain, divergence=divergence
        )
        values = flat @ projection.y.ravel()
        squares = np.sum(np.maximum(np.maximum(values - upper, lower - values), 0.0) ** 2)
        least = least_violation(matrix, lower, upper, domain)
        assert np.sqrt(squares) <= np.sqrt(max(least, 0.0)) * (1.0 + 1e-4) + 1e-5
        assert projection.outcome in (Outcome.SOLVED, Outcome.RELAXED)
        relaxed += projection.outcome is Outcome.RELAXED
    assert relaxed >= 20


@pytest.mark.filterwarnings("ignore:RELAXED", "ignore:ITERATION_LIMIT", "ignore:NOT_CLOSEST")
@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(seed=seeds, kind=st.sampled_from(["two groups", "spread", "arbitrary rows"]))
def test_projection_is_idempotent_and_ignores_order(seed: int, kind: str) -> None:
    case = make_case(seed, kind, in_cells=False)
    once = project(case.r, case.rows)
    if once.outcome is Outcome.SOLVED:
        np.testing.assert_allclose(project(once.y, case.rows).y, once.y, atol=1e-9)
    from keras_fair.rows.linear import rows_from_matrix

    order = np.random.default_rng(seed).permutation(case.r.size)
    shuffled = rows_from_matrix(case.matrix[:, order], lower=case.lower, upper=case.upper, aux=case.aux)
    np.testing.assert_allclose(project(case.r[order], shuffled).y, once.y[order], atol=1e-6)
