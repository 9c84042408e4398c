"""One prediction with soft rows, against the solver of all problems, and what is left to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fair.inputs.domain import check_domain
from keras_fair.ops import Outcome
from keras_fair.ops.projection.answer import project_problem
from keras_fair.ops.projection.one_prediction import project_one
from keras_fair.ops.projection.problem_from_rows import make_problem, structure_of
from keras_fair.rows.linear import rows_from_matrix

DOMAINS = [(0.0, 1.0), (-2.0, 0.5), None]


def problem_of(
    seed: int, rows: int, scalars: int, decades: float, domain: Any = (0.0, 1.0)
) -> tuple[Any, Any]:
    """A problem of one prediction: pooled rows that it moves little or not at all, some without a bound."""
    rng = np.random.default_rng(seed)
    where = check_domain(domain)
    low, high = np.clip(where.bounds, -3.0, 3.0)
    matrix = rng.normal(size=(rows, 1)) * rng.choice([0.0, 1e-3, 1.0], (rows, 1))
    centre, width = rng.normal(size=rows) * 0.5, rng.choice([0.0, 0.02, 0.5], rows)
    lower = np.where(rng.random(rows) < 0.3, -np.inf, centre - width)
    upper = np.where(rng.random(rows) < 0.3, np.inf, centre + width)
    aux = -np.ones((rows, scalars)) * (rng.integers(0, scalars + 1, rows)[:, None] == np.arange(scalars))
    made = rows_from_matrix(matrix, lower=lower, upper=upper, offset=rng.normal(size=rows) * 0.2, aux=aux)
    stiffness = 10.0 ** rng.uniform(-decades, decades, rows)
    weight = rng.uniform(0.2, 3.0, 1) if rng.random() < 0.5 else None
    r = rng.uniform(low, high, 1)
    return structure_of(made, where, "euclidean"), make_problem(r, made, where, weight, stiffness)


@pytest.mark.parametrize("domain", DOMAINS)
@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 7), scalars=st.integers(0, 2))
def test_it_agrees_with_the_solver_of_all_problems(seed: int, rows: int, scalars: int, domain: Any) -> None:
    structure, problem = problem_of(seed, rows, scalars, 2.0, domain)
    quick = project_one(structure, problem)
    with np.errstate(all="ignore"):
        whole = project_problem(structure, problem)
    if quick is None or whole.outcome != Outcome.SOLVED:
        return
    np.testing.assert_allclose(quick.y, whole.y, atol=1e-9)
    np.testing.assert_allclose(quick.rows, whole.rows, atol=1e-9)
    np.testing.assert_allclose(quick.lam, whole.lam, atol=1e-7 * max(1.0, np.abs(whole.lam).max()))


def test_it_seldom_has_to_ask() -> None:
    """Of problems as streams have them, with stiffnesses over four decades."""
    found = [project_one(*problem_of(seed, 1 + seed % 7, seed % 3, 2.0)) for seed in range(500)]
    assert sum(answer is None for answer in found) <= 25


def test_the_conditions_of_a_least_point_hold() -> None:
    for seed in range(200):
        structure, problem = problem_of(seed, 5, 1, 4.0)
        answer = project_one(structure, problem)
        if answer is None:
            continue
        a = problem.moments.rows(np.ones(1))
        w = 1.0 if problem.weights is None else problem.weights[0]
        assert answer.y[0] == pytest.approx(np.clip(problem.r[0] - a @ answer.lam / w, 0.0, 1.0), abs=1e-15)
        pulls = problem.border[:, 0] * answer.lam
        assert abs(pulls.sum()) <= 1e-11 * max(1.0, np.abs(pulls).sum())


@pytest.mark.parametrize("change", ["hard", "two", "crossentropy"])
def test_other_problems_are_left_to_it(change: str) -> None:
    structure, problem = problem_of(0, 3, 1, 1.0)
    if change == "hard":
        problem = problem._replace(softness=problem.softness * [0.0, 1.0, 1.0])
    elif change == "two":
        problem = problem._replace(r=np.array([0.2, 0.3]))
    else:
        structure = structure._replace(divergence="binary_crossentropy")
    assert project_one(structure, problem) is None
