"""The hand-written derivative against finite differences, and where it ends.

It is one source for arrays and tensors: all cases run on NumPy, some of every kind as the backend compiles
them.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_fair.inputs.domain import check_domain
from keras_fair.ops import project_rows
from keras_fair.ops.projection.derivative import gradients
from keras_fair.ops.projection.problem_from_rows import make_problem, structure_of
from keras_fair.ops.projection.projector import projector
from keras_fair.rows.linear import LinearRows, rows_from_matrix
from keras_fair.rows.terms import Family, Terms
from tests.gradients import gradient_of, weighted_sum
from tests.problems import make_case

STEP = 1e-5


def differences_of(function: Any, x: np.ndarray, given: Any = ops.convert_to_tensor) -> np.ndarray:
    """By steps of single entries; `given` makes what the function takes."""
    result = np.zeros(x.size)
    for i in range(x.size):
        step = np.zeros(x.size)
        step[i] = STEP
        step = step.reshape(x.shape)
        above, below = (float(function(given(x + sign * step))) for sign in (1.0, -1.0))
        result[i] = (above - below) / (2.0 * STEP)
    return result.reshape(x.shape)


def gradient_in_numpy(r: np.ndarray, rows: LinearRows, divergence: str, upstream: np.ndarray) -> np.ndarray:
    """The gradient of `upstream @ y` by `r`, where no backend differentiates."""
    domain = check_domain((0.0, 1.0))
    structure, problem = structure_of(rows, domain, divergence), make_problem(r, rows, domain, None, np.inf)
    duals = projector(structure)(problem).lam
    with np.errstate(all="ignore"):
        return gradients(structure, problem, duals, upstream)[0]


needs_float64 = pytest.mark.skipif(
    keras.backend.backend() == "jax" and not __import__("jax").config.jax_enable_x64,
    reason="finite differences need float64, which JAX has with jax_enable_x64",
)


@pytest.mark.parametrize("divergence", ["euclidean", "binary_crossentropy"])
@pytest.mark.parametrize(
    "kind", ["two groups", "spread", "all pairs", "bounds", "arbitrary rows", "repeated rows"]
)
@pytest.mark.parametrize("in_cells", [True, False], ids=["cells", "dense"])
def test_predictions(kind: str, divergence: str, in_cells: bool, rng: np.random.Generator) -> None:
    case = make_case(7, kind, in_cells=in_cells)
    r = np.clip(rng.random(case.r.size), 0.02, 0.98)
    weights = rng.normal(size=r.size)

    def loss(r: Any) -> Any:
        return np.sum(project_rows(r, case.rows, divergence=divergence).y * weights)

    gradient = gradient_in_numpy(r, case.rows, divergence, weights)
    np.testing.assert_allclose(gradient, differences_of(loss, r, np.asarray), atol=1e-6)


@needs_float64
@pytest.mark.parametrize(
    ("kind", "divergence", "in_cells"),
    [
        ("two groups", "euclidean", True),
        ("spread", "binary_crossentropy", False),
        ("bounds", "euclidean", False),
        # these have one program
        ("all pairs", "binary_crossentropy", True),
        ("arbitrary rows", "binary_crossentropy", True),
        ("repeated rows", "binary_crossentropy", True),
    ],
)
def test_predictions_that_are_tensors(
    kind: str, divergence: str, in_cells: bool, rng: np.random.Generator
) -> None:
    case = make_case(7, kind, in_cells=in_cells)
    r = np.clip(rng.random(case.r.size), 0.02, 0.98)
    weights = rng.normal(size=r.size)

    def loss(r: Any) -> Any:
        return weighted_sum(project_rows(r, case.rows, divergence=divergence).y, weights)

    np.testing.assert_allclose(gradient_of(loss, r, in_graph=True), differences_of(loss, r), atol=1e-6)


@needs_float64
@pytest.mark.parametrize("divergence", ["euclidean", "categorical_crossentropy"])
def test_predictions_on_the_simplex(divergence: str, rng: np.random.Generator) -> None:
    r = rng.dirichlet(np.ones(3), 6)
    matrix = np.zeros((1, 6, 3))
    matrix[0, :3, 0], matrix[0, 3:, 0] = 1 / 3, -1 / 3
    rows = rows_from_matrix(matrix, lower=[-0.01], upper=[0.01])
    weights = rng.normal(size=r.shape)

    def loss(r: Any) -> Any:
        return weighted_sum(project_rows(r, rows, domain="simplex", divergence=divergence).y, weights)

    np.testing.assert_allclose(gradient_of(loss, r, in_graph=True), differences_of(loss, r), atol=1e-6)


@needs_float64
def test_objective_weights_and_stiffness(rng: np.random.Generator) -> None:
    case = make_case(3, "two groups")
    weights = rng.normal(size=case.r.size)

    def loss(w: Any) -> Any:
        r = ops.convert_to_tensor(case.r)
        return weighted_sum(project_rows(r, case.rows, sample_weight=w, stiffness=20.0).y, weights)

    w = rng.uniform(0.5, 2.0, case.r.size)
    np.testing.assert_allclose(gradient_of(loss, w), differences_of(loss, w), atol=1e-6)


@needs_float64
def test_memberships_that_are_probabilities(rng: np.random.Generator) -> None:
    r, weights = rng.random(16), rng.normal(size=16)

    def loss(q: Any) -> Any:
        members = ops.stack([q, 1.0 - q])
        zeros = np.zeros(2)
        rows = LinearRows(
            terms=Terms((Family(2, members),), ops.convert_to_tensor(zeros), ops.sum(members, axis=1), 1),
            weights=ops.convert_to_tensor(np.array([[1.0, -1.0]])),
            aux=ops.convert_to_tensor(np.zeros((1, 0))),
            offset=ops.convert_to_tensor(zeros[:1]),
            lower=ops.convert_to_tensor(np.array([-1e-3])),
            upper=ops.convert_to_tensor(np.array([1e-3])),
            names=("gap",),
            active=ops.ones((1,), dtype="bool"),
        )
        return weighted_sum(project_rows(ops.convert_to_tensor(r), rows).y, weights)

    q = rng.uniform(0.1, 0.9, 16)
    gradient = gradient_of(loss, q)
    assert np.abs(gradient).max() > 1e-3
    np.testing.assert_allclose(gradient, differences_of(loss, q), atol=1e-6)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["equal rows", "repeated rows", "spread"])
def test_finite_everywhere(kind: str, seed: int) -> None:
    case = make_case(seed, kind)

    def loss(r: Any) -> Any:
        return ops.sum(project_rows(r, case.rows).y ** 2)

    for r in (case.r, np.zeros(case.r.size), np.ones(case.r.size)):
        assert np.all(np.isfinite(gradient_of(loss, r)))


def test_second_derivatives_are_refused() -> None:
    case = make_case(7, "two groups")

    def norm_of_gradient(r: Any) -> Any:
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            with tf.GradientTape() as tape:
                tape.watch(r)
                value = ops.sum(project_rows(r, case.rows).y ** 2)
            return ops.sum(tape.gradient(value, r) ** 2)
        if keras.backend.backend() == "torch":
            import torch

            value = ops.sum(project_rows(r, case.rows).y ** 2)
            return ops.sum(torch.autograd.grad(value, r, create_graph=True)[0] ** 2)
        import jax

        return ops.sum(jax.grad(lambda r: ops.sum(project_rows(r, case.rows).y ** 2))(r) ** 2)

    with pytest.raises(ValueError, match="second derivatives"):
        gradient_of(norm_of_gradient, case.r)
