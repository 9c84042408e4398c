"""The projection solved by an independent solver: cvxpy with Clarabel at tight tolerances."""

from __future__ import annotations

import warnings
from typing import Any

import cvxpy as cp
import numpy as np

TIGHT = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11, "max_iter": 500}


def solve_reference(
    r: np.ndarray,
    matrix: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    *,
    aux: np.ndarray | None = None,
    domain: tuple[float, float] | None | str = (0.0, 1.0),
    divergence: str = "euclidean",
    weights: np.ndarray | None = None,
    stiffness: float | np.ndarray = np.inf,
) -> tuple[str, np.ndarray, float]:
    """Status, minimiser and least value of the projection of `r` (n,) or (n, outputs) on the rows.

    `matrix` is (m, n) or (m, n, outputs). With a finite stiffness, one or (m,), the rows are elastic.
    """
    y = cp.Variable(r.shape)
    flat = cp.reshape(y, (r.size,), order="C")
    rows = matrix.reshape(len(matrix), -1) @ flat
    if aux is not None and aux.shape[1]:
        rows = rows + aux @ cp.Variable(aux.shape[1])
    weights = np.ones(len(r)) if weights is None else weights
    each = np.broadcast_to(weights.reshape((-1,) + (1,) * (r.ndim - 1)), r.shape)
    constraints = []
    objective: Any
    if divergence == "euclidean":
        objective = cp.sum(cp.multiply(each / 2.0, cp.square(y - r)))
    elif divergence == "binary_crossentropy":
        objective = -cp.sum(cp.multiply(each * r, cp.log(y)) + cp.multiply(each * (1.0 - r), cp.log(1.0 - y)))
    else:
        objective = -cp.sum(cp.multiply(each * r, cp.log(y)))
    if domain == "simplex":
        constraints += [y >= 0, cp.sum(y, axis=1) == 1]
    elif domain is not None:
        constraints += [y >= domain[0], y <= domain[1]]
    if np.isfinite(stiffness).all():
        slack = cp.Variable(len(matrix))
        objective = objective + cp.sum(cp.multiply(stiffness / 2.0, cp.square(slack)))
        rows = rows + slack
    above, below = np.isfinite(upper), np.isfinite(lower)
    if above.any():
        constraints.append(rows[above] <= upper[above])
    if below.any():
        constraints.append(rows[below] >= lower[below])
    problem = cp.Problem(cp.Minimize(objective), constraints)
    _solve(problem)
    minimiser = y.value if y.value is not None else np.full(r.shape, np.nan)
    return problem.status, np.asarray(minimiser), float(problem.value)


def least_violation(
    matrix: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    domain: tuple[float, float] | str,
    aux: np.ndarray | None = None,
) -> float:
    """The least sum of squared violations that the domain allows; `matrix` as in `solve_reference`."""
    y = cp.Variable(matrix.shape[1:])
    rows = matrix.reshape(len(matrix), -1) @ cp.reshape(y, (y.size,), order="C")
    if aux is not None and aux.shape[1]:
        rows = rows + aux @ cp.Variable(aux.shape[1])
    above, below = np.isfinite(upper), np.isfinite(lower)
    amount = cp.Variable(len(matrix), nonneg=True)
    if domain == "simplex":
        constraints = [y >= 0, cp.sum(y, axis=1) == 1]
    else:
        constraints = [y >= domain[0], y <= domain[1]]
    constraints += [rows[above] <= upper[above] + amount[above], rows[below] >= lower[below] - amount[below]]
    problem = cp.Problem(cp.Minimize(cp.sum_squares(amount)), constraints)
    _solve(problem)
    return float(problem.value)


def _solve(problem: cp.Problem) -> None:
    with warnings.catch_warnings():
        # The status says the same, and callers look at it.
        warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
        problem.solve(solver="CLARABEL", **TIGHT)
