r"""The projection as its solver sees it: flat tensors, static facts, unknowns.

    y = argmin over y in the domain of  sum_i w_i D(y_i, r_i)   subject to   lower <= A y + V t + c <= upper

`keras_fair.ops.projection.problem_from_rows` makes it from rows and predictions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.moments import Moments
from keras_fair.ops.projection.settings import settings_for
from keras_fair.ops.working_precision import rounding

__all__ = ["Problem", "Reach", "Structure", "Unknowns", "reach_of"]


class Structure(NamedTuple):
    """What is known before any data arrive; hashable.

    Attributes:
        divergence: one of `keras_fair.ops.projection.divergences.DIVERGENCES`.
        simplex: whether predictions are probability vectors along the last axis.
        outputs: the number of outputs of a sample.
        diagonal: whether no prediction is in two rows, so that `A G A^T` is diagonal.
        last_resort: whether `keras_fair.ops.projection.last_resort` is asked where the dual finds no answer.
    """

    divergence: str
    simplex: bool
    outputs: int
    diagonal: bool
    last_resort: bool


class Problem(NamedTuple):
    """One projection. All floats in the working precision.

    Attributes:
        r: (N,) predictions, N = n * outputs.
        weights: (N,) objective weights `w` > 0, or None for ones.
        moments: `A`, the linear map from predictions to rows.
        border: (m, p) `V`, the coefficients of the auxiliary scalars, or None.
        offset: (m,) `c`.
        lower, upper: (m,), may be infinite.
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

    def lifted(self, rows: Any, t: Any) -> Any:
        """`rows + V t`, (m,)."""
        return rows if self.border is None else rows + ops.matmul(self.border, t)

    def over_weights(self, x: Any) -> Any:
        """`x / w`, (N,)."""
        return x if self.weights is None else x / self.weights


class Unknowns(NamedTuple):
    """Duals `lam` (m,) and auxiliary scalars `t` (p,)."""

    lam: Any
    t: Any


class Reach(NamedTuple):
    """How far rows move where each prediction moves by one.

    Attributes:
        net: (m,) `sum_i |A_ji|`.
        gross: (m,) the same before the sums that coefficients are take anything away: what their rounding is
            relative to.
    """

    net: Any
    gross: Any

    @property
    def cancelled(self) -> Any:
        """(m,) bool, rows whose coefficients are nothing but rounding: a covariance with a constant, or over
        one person."""
        dtype = self.net.dtype
        return self.net <= settings_for(dtype).coefficient_roundings * rounding(dtype) * self.gross


def reach_of(problem: Problem) -> Reach:
    """The reach of the rows of a problem."""
    gross = problem.moments.gross_reach() if problem.reach is None else problem.reach
    return Reach(problem.moments.net_reach() if problem.moments.cancels else gross, gross)
