"""The projection as its solver sees it: flat tensors, and the two questions that a set of duals is asked.

`answer` gives the predictions that a set of duals calls for, `curvature_of_rows` how the rows would move with
the duals.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from keras_fair.ops.precision import rounding
from keras_fair.ops.projection.divergences import Response, respond
from keras_fair.ops.projection.moments import Moments

__all__ = ["ROUNDINGS", "DualProblem", "Structure", "answer", "cancelled", "curvature_of_rows", "reach_of"]

# Coefficients that are sums of opposite numbers are known to so many times the rounding of these.
ROUNDINGS = 16.0


class Structure(NamedTuple):
    """What is known before any data arrive; hashable.

    Attributes:
        divergence: one of `keras_fair.ops.projection.divergences.DIVERGENCES`.
        simplex: whether predictions are probability vectors along the last axis.
        outputs: the number of outputs of a sample.
        diagonal: whether no prediction is in two rows, so that `A G A^T` is diagonal.
    """

    divergence: str
    simplex: bool
    outputs: int
    diagonal: bool


class DualProblem(NamedTuple):
    """One projection. All floats in the working precision.

    Attributes:
        r: (N,) predictions, N = n * outputs.
        weights: (N,) objective weights > 0, or None for ones.
        moments: the linear map from predictions to rows.
        border: (m, p) coefficients of the auxiliary scalars, or None.
        offset, lower, upper: (m,).
        softness: (m,) `1 / rho`, zero for hard rows.
        low, high: the domain, scalars.
        reach: (m,) `sum_i |A_ji|` where it is known beforehand, else None.
    """

    r: Any
    weights: Any
    moments: Moments
    border: Any
    offset: Any
    lower: Any
    upper: Any
    softness: Any
    low: Any
    high: Any
    reach: Any = None


def answer(problem: DualProblem, structure: Structure, lam: Any) -> Response:
    """The predictions' response to duals `lam`, all flattened to (N,)."""
    price = problem.moments.adjoint(lam)
    price = price if problem.weights is None else price / problem.weights
    if not structure.simplex:
        return respond(structure.divergence, False, problem.r, price, problem.low, problem.high)
    shape = (-1, structure.outputs)
    there = respond(
        structure.divergence, True, ops.reshape(problem.r, shape), ops.reshape(price, shape), 0.0, 1.0
    )
    return Response(*(ops.reshape(part, (-1,)) for part in there))


def curvature_of_rows(problem: DualProblem, structure: Structure, curvature: Any) -> Any:
    """`A (-dy/db) A^T / w`: (m, m), or its diagonal where the structure says it has nothing else."""
    weighted = curvature if problem.weights is None else curvature / problem.weights
    if structure.diagonal:
        return problem.moments.gram_diagonal(weighted)
    gram = problem.moments.gram(weighted)
    if not structure.simplex:
        return gram
    # On the simplex a common shift of a sample's outputs changes nothing: take that direction out.
    total = ops.sum(ops.reshape(weighted, (-1, structure.outputs)), axis=1)
    seen = problem.moments.per_sample(weighted, structure.outputs)
    safe = ops.where(total > 0, total, ops.ones_like(total))
    return gram - ops.matmul(ops.transpose(seen), seen / safe[:, None])


def reach_of(problem: DualProblem) -> tuple[Any, Any]:
    """`sum_i |A_ji|`, (m,), and before anything is taken away in the sums that coefficients are."""
    parts = problem.moments.reach() if problem.reach is None else problem.reach
    return (problem.moments.left() if problem.moments.cancels else parts), parts


def cancelled(reach: Any, parts: Any) -> Any:
    """(m,) rows whose coefficients are nothing but rounding: a covariance with a constant, or over one
    person.

    Args:
        reach, parts: of `reach_of`.
    """
    return reach <= ROUNDINGS * rounding(reach.dtype) * parts
