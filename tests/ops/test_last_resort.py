"""Corners in which the dual alone finds no answer: saturated predictions, weights decades apart, stiff
rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.inputs.domain import check_domain
from keras_fair.ops import Outcome, project, project_rows
from keras_fair.ops.projection.dual import Dual
from keras_fair.ops.projection.last_resort import last_resort
from keras_fair.ops.projection.problem_from_rows import make_problem, structure_of
from keras_fair.ops.projection.rows_together import solve_together
from keras_fair.ops.projection.settings import DOUBLE
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.linear import rows_from_matrix
from tests.engines import both_engines
from tests.gradients import gradient_of, weighted_sum
from tests.reference import solve_reference

DTYPE = working_dtype()
double_only = pytest.mark.skipif(DTYPE != "float64", reason="single precision does not hold these numbers")
INF = np.inf

SATURATED = np.array([1e-8, 0, 1, 0, 1, 1, 0, 1.0])
GROUPS = np.arange(8) % 3
HALVES = np.arange(8) // 2 % 2
SATURATED_TEXT = "spread(E[y | g=*]) <= .02; E[y | h=1] <= .3; .05 <= E[y] <= .25"


@both_engines
@pytest.mark.parametrize("r", [1.0, 1.0 - 2.0**-53, 1.0 - 1e-14, 1.0 - 1e-12, 1.0 - 1e-8, 0.999])
def test_one_prediction_next_to_one_comes_down(r: float, project: Any) -> None:
    rows = rows_from_matrix(np.array([[1.0]]), lower=[-INF], upper=[0.1])
    projection = project(np.array([r], DTYPE), rows, divergence="binary_crossentropy")
    assert projection.outcome is Outcome.SOLVED
    np.testing.assert_allclose(projection.y, [0.1], atol=1e-5)
    if DTYPE != "float64" and 0.0 < 1.0 - r < 1e-6:
        return  # see docs/backends.md: single precision does not tell the answers of these to a price apart
    mirrored = rows_from_matrix(np.array([[1.0]]), lower=[0.9], upper=[INF])
    projection = project(np.array([1.0 - r], DTYPE), mirrored, divergence="binary_crossentropy")
    assert projection.outcome is Outcome.SOLVED
    np.testing.assert_allclose(projection.y, [0.9], atol=1e-5)


def saturated_rows() -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows = kf.parse(SATURATED_TEXT).rows({"g": GROUPS.astype(str), "h": HALVES})
    means = np.array([(g == GROUPS) / np.sum(g == GROUPS) for g in range(3)])
    differences = [means[a] - means[b] for a, b in ((0, 1), (0, 2), (1, 2))]
    matrix = np.array([*differences, (HALVES == 1) / 4.0, np.full(8, 1 / 8)])
    lower = np.array([-0.02, -0.02, -0.02, -INF, 0.05])
    upper = np.array([0.02, 0.02, 0.02, 0.3, 0.25])
    return rows, matrix, lower, upper, means


@both_engines
def test_saturated_predictions_in_overlapping_rows(project: Any) -> None:
    rows, matrix, lower, upper, _ = saturated_rows()
    projection = project(SATURATED.astype(DTYPE), rows, divergence="binary_crossentropy")
    assert projection.outcome is Outcome.SOLVED
    assert projection.violation.max() <= 1e-5
    _, expected, _ = solve_reference(SATURATED, matrix, lower, upper, divergence="binary_crossentropy")
    np.testing.assert_allclose(projection.y, expected, atol=1e-4)


def test_the_answer_is_the_limit_of_clipped_predictions() -> None:
    rows = saturated_rows()[0]
    exact = project(SATURATED, rows, divergence="binary_crossentropy").y
    for eps in (1e-3, 1e-5, 1e-7):
        clipped = project(np.clip(SATURATED, eps, 1.0 - eps), rows, divergence="binary_crossentropy")
        assert clipped.outcome is Outcome.SOLVED
        assert np.abs(clipped.y - exact).max() <= 20.0 * eps


@both_engines
@pytest.mark.parametrize("saturated", [0.0, 1.0, 1.0 - 1e-12])
def test_groups_of_saturated_predictions(saturated: float, project: Any) -> None:
    sex = np.array(["a", "b"] * 500)
    rows = kf.parse("E[y | sex=a] == E[y | sex=b] +- 0.02").rows({"sex": sex})
    y = np.where(sex == "a", saturated, 0.5).astype(DTYPE)
    projection = project(y, rows, divergence="binary_crossentropy")
    assert projection.outcome is Outcome.SOLVED
    gap = projection.y[sex == "a"].mean() - projection.y[sex == "b"].mean()
    assert abs(gap) == pytest.approx(0.02, abs=1e-5)


@both_engines
def test_predictions_strictly_inside_are_those_of_the_dual(project: Any, rng: np.random.Generator) -> None:
    y = rng.uniform(0.05, 0.95, 40)
    g = rng.integers(0, 3, 40).astype(str)
    rows = kf.parse("spread(E[y | g=*]) <= .02; E[y] <= 0.4").rows({"g": g})
    projection = project(y.astype(DTYPE), rows, divergence="binary_crossentropy")
    assert projection.outcome is Outcome.SOLVED
    assert projection.iterations < 20


def test_gradients_of_saturated_predictions() -> None:
    rows = saturated_rows()[0]
    weights = np.linspace(-1.0, 2.0, 8)

    def loss(r: Any) -> Any:
        return weighted_sum(project_rows(r, rows, divergence="binary_crossentropy").y, weights.astype(DTYPE))

    gradient = gradient_of(loss, SATURATED.astype(DTYPE))
    assert np.all(np.isfinite(gradient))
    if DTYPE != "float64":
        return
    step = 1e-4
    for i, value in enumerate(SATURATED):
        inwards = -step if value > 0.5 else step
        ends = []
        for part in (1.0, 2.0):
            moved = SATURATED.copy()
            moved[i] += part * inwards
            ends.append(np.sum(project(moved, rows, divergence="binary_crossentropy").y * weights))
        start = np.sum(project(SATURATED, rows, divergence="binary_crossentropy").y * weights)
        one_sided = (4.0 * ends[0] - 3.0 * start - ends[1]) / (2.0 * inwards)
        assert gradient[i] == pytest.approx(one_sided, abs=2e-3)


@double_only
@both_engines
@pytest.mark.parametrize("divergence", ["euclidean", "binary_crossentropy"])
def test_weights_three_decades_apart(divergence: str, project: Any) -> None:
    r = np.array([0.575, 0.941, 0.632, 0.517, 0.717])
    weights = np.array([4.4, 134.0, 0.65, 0.1, 0.23])
    matrix = np.array([[0, -0.0208, 1, -0.9792, 0], [0, 0.0208, 0, 0.9792, 0]])
    lower, upper = np.array([-INF, -0.01]), np.array([1.02, 0.01])
    rows = rows_from_matrix(matrix, lower=lower, upper=upper)
    projection = project(r, rows, sample_weight=weights, divergence=divergence)
    assert projection.outcome is Outcome.SOLVED
    assert projection.violation.max() <= 1e-10
    _, expected, _ = solve_reference(r, matrix, lower, upper, weights=weights, divergence=divergence)
    np.testing.assert_allclose(projection.y, expected, atol=1e-5)


@double_only
@pytest.mark.parametrize("decades", [3, 6, 9, 12])
def test_weights_many_decades_apart(decades: int, rng: np.random.Generator) -> None:
    for _ in range(10):
        r, weights = rng.random(8), 10.0 ** rng.uniform(-decades / 2, decades / 2, 8)
        member = rng.random((2, 3, 8)) < 0.5
        means = member / np.maximum(member.sum(axis=2, keepdims=True), 1)
        matrix = means[0] - means[1]
        inside = matrix @ rng.random(8)
        rows = rows_from_matrix(matrix, lower=inside - 0.01, upper=inside + 0.01)
        projection = project(r, rows, sample_weight=weights)
        assert projection.outcome is Outcome.SOLVED
        assert projection.violation.max() <= 1e-10


@double_only
@both_engines
@pytest.mark.parametrize("stiffness", [1e6, 1e11])
def test_hard_rows_beside_stiff_ones(stiffness: float, project: Any, rng: np.random.Generator) -> None:
    r = rng.random(9)
    matrix = rng.normal(size=(4, 9)) / 9.0
    inside = matrix @ rng.random(9)
    prices = np.array([INF, stiffness, INF, stiffness])
    rows = rows_from_matrix(matrix, lower=inside, upper=inside + 0.01)
    projection = project(r, rows, stiffness=prices)
    assert projection.outcome is Outcome.SOLVED
    hard = project(r, rows)
    assert projection.violation[::2].max() <= 1e-10
    np.testing.assert_allclose(projection.y, hard.y, atol=30.0 / stiffness + 1e-7)


@pytest.mark.filterwarnings("ignore:RELAXED", "ignore:ITERATION_LIMIT", "ignore:NOT_CLOSEST")
@double_only
@pytest.mark.parametrize("conflict", [1e-8, 1e-4, 0.1])
def test_rows_that_contradict_each_other_a_little(conflict: float, rng: np.random.Generator) -> None:
    row = rng.normal(size=6) / 6.0
    middle = float(row @ rng.random(6))
    rows = rows_from_matrix(np.array([row, row]), lower=[-INF, middle + conflict], upper=[middle, INF])
    projection = project(rng.random(6), rows, sample_weight=10.0 ** rng.uniform(-3, 3, 6))
    assert projection.outcome is Outcome.RELAXED
    assert np.linalg.norm(projection.violation) == pytest.approx(conflict / np.sqrt(2.0), rel=1e-3)


@double_only
def test_the_outcome_says_what_is_missing() -> None:
    r = np.array([0.9, 0.8, 0.7, 0.1])
    rows = rows_from_matrix(np.array([[1.0, 1, 0, 0], [0, 1, 1, 0]]), lower=[0, 0], upper=[0.9, 0.8])
    domain = check_domain((0.0, 1.0))
    problem = make_problem(r, rows, domain, None, INF)
    dual = Dual.of(problem, structure_of(rows, domain, "euclidean"))
    outcomes = []
    with np.errstate(all="ignore"):
        for steps in range(1, 30):
            ended = last_resort(dual._replace(settings=replace(DOUBLE, central_steps=steps)))
            outcomes.append(Outcome(int(ended.outcome)))
            met = np.all(ended.rows <= [0.9 + 1e-10, 0.8 + 1e-10])
            assert met == (outcomes[-1] is not Outcome.ITERATION_LIMIT)
    assert outcomes[0] is Outcome.ITERATION_LIMIT
    assert outcomes[-1] is Outcome.SOLVED
    assert Outcome.NOT_CLOSEST in outcomes
    assert "rows were not met" in Outcome.ITERATION_LIMIT.message
    assert "all rows hold" in Outcome.NOT_CLOSEST.message


@double_only
@pytest.mark.parametrize("divergence", ["euclidean", "binary_crossentropy"])
def test_the_outcome_says_what_is_missing_without_a_last_resort_too(
    divergence: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As compiled programs of hard rows, where the dual comes to its limit of passes."""
    r = rng.uniform(0.05, 0.95, 40)
    matrix = rng.normal(size=(4, 40)) / 40.0
    rows = rows_from_matrix(matrix, lower=np.full(4, -INF), upper=matrix @ r - 0.005)
    domain = check_domain((0.0, 1.0))
    problem = make_problem(r, rows, domain, None, INF)
    structure = structure_of(rows, domain, divergence)._replace(last_resort=False)
    whole, outcomes = Dual.of, []
    with np.errstate(all="ignore"):
        for passes in range(1, 12):
            few = replace(DOUBLE, passes=passes)
            monkeypatch.setattr(Dual, "of", lambda p, s, few=few: whole(p, s)._replace(settings=few))
            ended = solve_together(problem, structure, np.full(4, 2.0))  # more than it takes
            outcomes.append(Outcome(int(ended.outcome)))
            if outcomes[-1] is Outcome.ITERATION_LIMIT:
                assert (ended.rows > rows.upper).any()
            else:
                assert (ended.rows <= rows.upper + 1e-9).all()
    assert outcomes[0] is Outcome.NOT_CLOSEST
    assert outcomes[-1] is Outcome.SOLVED


@both_engines
@pytest.mark.parametrize("domain", [(0.0, None), (None, 0.0), (5.0, None), (None, 1e6)])
def test_an_end_of_the_domain_may_be_passed_by_rounding(domain: tuple[Any, Any], project: Any) -> None:
    end = domain[0] if domain[1] is None else domain[1]
    bounds = tuple((-INF, INF)[k] if side is None else side for k, side in enumerate(domain))
    outwards = -INF if domain[1] is None else INF
    y = np.array([end, end], DTYPE) + np.array([0.0, 1.0 if domain[1] is None else -1.0], DTYPE)
    y[0] = np.nextafter(y[0], np.asarray(outwards, DTYPE))
    projection = project(y, rows_from_matrix(np.ones((1, 2)), lower=[-INF], upper=[INF]), domain=bounds)
    assert projection.y[0] == end
    with pytest.raises(ValueError, match="expected predictions"):
        project(
            y + np.sign(outwards) * 0.01 * max(1.0, abs(end)),
            rows_from_matrix(np.ones((1, 2)), lower=[-INF], upper=[INF]),
            domain=bounds,
        )


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "bool"])
def test_the_violation_of_whole_numbers_is_that_of_what_is_returned(dtype: str) -> None:
    y = np.array([0, 1, 1, 1]).astype(dtype)
    rows = kf.parse("E[y | s=a] == E[y | s=b] +- 0.1").rows({"s": np.array(list("aabb"))})
    projection = project(y, rows)
    assert projection.y.dtype == "float64"
    np.testing.assert_array_equal(projection.violation, rows.violation(projection.y))
    assert projection.violation.max() <= 1e-11
