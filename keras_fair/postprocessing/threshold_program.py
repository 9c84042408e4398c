"""The best mixture of thresholds: a linear program over all thresholds of all groups, by column generation.

    maximise    sum_gk x_gk gain_g[k]
    subject to  lower <= sum_gk x_gk shift_g[:, k] + V t + c <= upper,    sum_k x_gk = 1,    x >= 0

A small master program knows few thresholds. Its duals price the rows; at these prices the best threshold of
each group is found in one pass over the group, and joins the master where it improves it. Where none does,
the solution is that of the program over all thresholds. Source: Dantzig and Wolfe, Operations Research 8
(1960). A basic solution mixes at most as many thresholds more than groups as rows bind.

First the least total excess over the bounds is found in the same way; where it is not zero the rows can't
be met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from keras_fair.postprocessing.curves import Curve

__all__ = ["Mixture", "Rows", "best_mixture"]

_OPTIONS = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
_MOST_ROUNDS = 500
_EXACT = 1e-11  # a threshold joins where it improves the objective by more, relative to the largest gain
_MET = 1e-9


@dataclass(frozen=True)
class Rows:
    """`lower <= W T + V t + c <= upper` over terms, as plain arrays.

    Attributes:
        weights: `(m, T)`; aux: `(m, p)`; offset, lower, upper: `(m,)`.
    """

    weights: np.ndarray
    aux: np.ndarray
    offset: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def with_bounds(self, lower: np.ndarray, upper: np.ndarray) -> Rows:
        """The same rows within other bounds."""
        return Rows(self.weights, self.aux, self.offset, lower, upper)


@dataclass(frozen=True)
class Mixture:
    """A solution of the program.

    Attributes:
        shares: of each group, pairs of a threshold's place and its share > 0, in the order of places.
        gain: the objective.
        excess: how far the bounds have to be left in all; 0 where the rows can be met.
        prices: `(T,)`, what a unit of each term costs at the optimum.
    """

    shares: tuple[tuple[tuple[int, float], ...], ...]
    gain: float
    excess: float
    prices: np.ndarray

    @property
    def feasible(self) -> bool:
        """Whether the rows can be met."""
        return self.excess <= _MET


def best_mixture(curves: Sequence[Curve], rows: Rows) -> Mixture:
    """The mixture of thresholds with the largest gain among those that meet the rows.

    Args:
        curves: of the groups.
        rows: over the terms.

    Raises:
        RuntimeError: the solver failed.
    """
    master = _Master(curves, rows)
    excess = master.run(phase=1)
    if excess > _MET:
        return Mixture(master.shares(), master.gain(), excess, np.zeros(rows.weights.shape[1]))
    gain = -master.run(phase=2) * master.unit
    return Mixture(master.shares(), gain, 0.0, master.prices)


class _Master:
    """The program over the thresholds known so far. Its variables: thresholds, t, and the excess of rows."""

    def __init__(self, curves: Sequence[Curve], rows: Rows) -> None:
        self.curves, self.rows = curves, rows
        self.unit = max(1e-300, max((float(np.abs(curve.gain).max()) for curve in curves), default=1.0))
        kept = np.isfinite(rows.lower) | np.isfinite(rows.upper)
        self.kept = np.flatnonzero(kept)
        self.known: list[list[int]] = []
        for curve in curves:
            places = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), 9)).astype(int))
            self.known.append(sorted({*places.tolist(), int(np.argmax(curve.gain))}))
        self.solution: Any = None
        self.prices = np.zeros(rows.weights.shape[1])

    def run(self, phase: int) -> float:
        """Solve to the end; the objective: the total excess, or minus the gain in units of `unit`."""
        for _ in range(_MOST_ROUNDS):
            value, per_group = self._solve(phase)
            joined = False
            for place, curve in enumerate(self.curves):
                gain = (
                    curve.value(self.prices * self.unit) / self.unit
                    if phase == 2
                    else -(self.prices[curve.terms] @ curve.reach)
                )
                best = int(np.argmax(gain))
                if gain[best] > per_group[place] + _EXACT and best not in self.known[place]:
                    self.known[place].append(best)
                    joined = True
            if not joined:
                return value
        raise RuntimeError(f"expected column generation to end within {_MOST_ROUNDS} rounds")

    def _solve(self, phase: int) -> tuple[float, np.ndarray]:
        """The objective, and the price of each group's share; sets the solution and the prices of terms."""
        rows, kept = self.rows, self.kept
        weights = rows.weights[kept]
        groups = np.repeat(np.arange(len(self.curves)), [len(known) for known in self.known])
        shifts = [
            weights[:, c.terms] @ c.reach[:, known] for c, known in zip(self.curves, self.known, strict=True)
        ]
        thresholds = np.concatenate(shifts, axis=1) if shifts else np.zeros((len(kept), 0))
        count, aux = thresholds.shape[1], rows.aux.shape[1]
        lower, upper = rows.lower[kept] - rows.offset[kept], rows.upper[kept] - rows.offset[kept]
        above, below = np.isfinite(upper), np.isfinite(lower)
        body = np.concatenate([thresholds, rows.aux[kept]], axis=1)
        inequalities = np.concatenate([body[above], -body[below]])
        bounds_of_rows = np.concatenate([upper[above], -lower[below]])
        slack = len(bounds_of_rows)
        shares = np.zeros((len(self.curves), count + aux + slack))
        shares[groups, np.arange(count)] = 1.0
        gains = [c.gain[known] for c, known in zip(self.curves, self.known, strict=True)]
        cost = np.zeros(count + aux + slack)
        if phase == 1:
            cost[count + aux :] = 1.0
        else:
            cost[:count] = -np.concatenate(gains) / self.unit
        limits = [(0, None)] * count + [(None, None)] * aux + [(0, None if phase == 1 else 0)] * slack
        found = linprog(
            cost,
            A_ub=np.concatenate([inequalities, -np.eye(slack)], axis=1) if slack else None,
            b_ub=bounds_of_rows if slack else None,
            A_eq=shares,
            b_eq=np.ones(len(self.curves)),
            bounds=limits,
            method="highs-ds",
            options=_OPTIONS,
        )
        if found.status != 0:
            raise RuntimeError(
                f"expected HiGHS to solve the program of thresholds, received: {found.message}"
            )
        self.solution = [found.x[:count][groups == place] for place in range(len(self.curves))]
        of_rows = np.zeros(len(kept))
        if slack:
            marginals = -found.ineqlin.marginals
            of_rows[above] += marginals[: above.sum()]
            of_rows[below] -= marginals[above.sum() :]
        self.prices = of_rows @ weights
        return float(found.fun), -found.eqlin.marginals

    def shares(self) -> tuple[tuple[tuple[int, float], ...], ...]:
        """The thresholds in use and their shares, of each group."""
        return tuple(
            tuple(
                sorted(
                    (place, float(share)) for place, share in zip(known, shares, strict=True) if share > 1e-12
                )
            )
            for known, shares in zip(self.known, self.solution, strict=True)
        )

    def gain(self) -> float:
        return float(
            sum(
                curve.gain[known] @ shares
                for curve, known, shares in zip(self.curves, self.known, self.solution, strict=True)
            )
        )
