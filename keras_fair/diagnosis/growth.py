r"""The least growth of bounds that lets relations be met, as a linear program over cells.

    minimise    sum_r w_r s_r   or   max_r s_r
    subject to  lower_r - s_r <= gap_r(W T + c) <= upper_r + s_r,   s >= 0,
                T = (M z + constants) / N,   z in the domain

A gap is affine in the terms, or it is convex, bounded from above, and made of maxima and sums, whose epigraph
is linear (Boyd and Vandenberghe, Convex Optimization, 2004, 4.1.3). The gaps are taken rather than the rows,
because one relation may be several rows, of which only some hold its bound.

For the solver each relation is divided by how far its gap can reach. The multipliers of a program with a
positive least value belong to relations that can't be met together (Farkas' lemma).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.diagnosis.merged_samples import MergedSamples
from keras_fair.inputs.domain import Domain
from keras_fair.rows.linear import Gaps, LinearRows

__all__ = ["Growth", "GrowthProgram"]

# Relations whose growth, relative to their reach, is below this are met: what a solver can tell from zero.
MET = 1e-8


@dataclass(frozen=True)
class Growth:
    """A solved program.

    Attributes:
        each: `(R,)`, the growth of each relation in its units, 0 for those that are left out.
        needed: whether any growth is needed.
        held: `(R,)` bool, the relations with a multiplier.
        solver: what solved it.
    """

    each: np.ndarray
    needed: bool
    held: np.ndarray
    solver: str


class GrowthProgram:
    """The program of some rows; each of the methods solves it for a choice of relations."""

    def __init__(self, rows: LinearRows, cells: MergedSamples, domain: Domain) -> None:
        from scipy import sparse

        assert rows.gap is not None
        gap = rows.gap
        self.gap, self.cells, self.domain, self.outputs = gap, cells, domain, rows.terms.outputs
        weights = np.asarray(rows.terms.weights)
        inverse = np.where(weights > 0, 1.0 / np.where(weights > 0, weights, 1.0), 0.0)
        matrix = sparse.diags_array(inverse) @ cells.matrix
        constants = inverse * np.asarray(rows.terms.constants)
        width = domain.high - domain.low
        reach_of_terms = np.asarray(abs(matrix).sum(axis=1)).reshape(-1)
        reach_of_terms = reach_of_terms * (width if math.isfinite(width) else 1.0)
        reach_of_terms = np.where(reach_of_terms > 0, reach_of_terms, 1.0)
        self.terms = sparse.diags_array(1.0 / reach_of_terms) @ matrix
        self.constants = constants / reach_of_terms
        entries = np.asarray(gap.weights) * reach_of_terms
        affine = np.abs(entries).sum(axis=1)
        owner = _owners(gap, len(affine))
        self.scale = _scales(gap, affine, owner)
        divisor = self.scale[owner]
        self.entries = sparse.csr_array(entries / divisor[:, None])
        self.offset = np.asarray(gap.offset) / divisor
        self.lower, self.upper = np.asarray(gap.lower) / self.scale, np.asarray(gap.upper) / self.scale

    def relative(self, relations: Sequence[int]) -> Growth:
        """The least sum of growth, each relative to the reach of its relation: whether these can be met."""
        return self._solved(relations, np.ones(len(relations)), largest=False)

    def total(self, relations: Sequence[int]) -> Growth:
        """The least sum of growth."""
        return self._solved(relations, self.scale[list(relations)], largest=False)

    def largest(self, relations: Sequence[int]) -> Growth:
        """The least largest growth."""
        return self._solved(relations, self.scale[list(relations)], largest=True)

    def _solved(self, relations: Sequence[int], weights: np.ndarray, *, largest: bool) -> Growth:
        import cvxpy as cp

        chosen = list(relations)
        low, high = self.domain.bounds
        bounds = [low if math.isfinite(low) else None, high if math.isfinite(high) else None]
        z = cp.Variable(self.terms.shape[1], bounds=bounds)
        terms = cp.Variable(len(self.constants))
        constraints = [terms == self.terms @ z + self.constants]
        if self.domain.simplex:
            vectors = cp.reshape(z, (self.cells.count, self.outputs), order="C")
            constraints.append(cp.sum(vectors, axis=1) == 1)
        entries = cp.Variable(len(self.gap.known))
        constraints += self._entries(entries, terms)
        gaps = cp.multiply(self.gap.signs[chosen], entries[self.gap.results[chosen]])
        growth = cp.Variable(len(chosen), nonneg=True)
        sides = []
        for bound, sign in ((self.upper[chosen], 1.0), (self.lower[chosen], -1.0)):
            (places,) = np.nonzero(np.isfinite(bound))
            if len(places):
                sides.append((places, sign * (gaps[places] - bound[places]) <= growth[places]))
        weighed = cp.multiply(weights / weights.max(), growth)
        objective = cp.max(weighed) if largest else cp.sum(weighed)
        problem = cp.Problem(cp.Minimize(objective), constraints + [side for _, side in sides])
        solver = _solve(problem)
        relative = np.maximum(np.asarray(growth.value), 0.0)
        each, held = np.zeros(len(self.scale)), np.zeros(len(self.scale), dtype=bool)
        each[chosen] = np.where(relative > MET, relative * self.scale[chosen], 0.0)
        for places, side in sides:
            held[np.array(chosen)[places[np.abs(side.dual_value) > MET]]] = True
        return Growth(each, bool(relative.sum() > MET), held, solver)

    def _entries(self, entries: Any, terms: Any) -> list[Any]:
        """What the entries of the gaps are: affine ones, then maxima, from above, and sums of earlier."""
        from scipy import sparse

        size = len(self.offset)
        constraints = [entries[:size] == self.entries @ terms + self.offset]
        for step in self.gap.reductions:
            usable = step.present & np.asarray(self.gap.known)[step.indices]
            result, place = np.nonzero(usable)
            below = step.indices[result, place]
            if step.kind == "max":
                if len(result):
                    constraints.append(entries[size + result] >= entries[below])
            else:
                shape = (len(step.indices), len(self.gap.known))
                summed = sparse.csr_array((np.ones(len(result)), (result, below)), shape=shape)
                constraints.append(entries[size : size + len(step.indices)] == summed @ entries)
            size += len(step.indices)
        return constraints


def _owners(gap: Gaps, affine: int) -> np.ndarray:
    """The relation that each affine entry serves, `(g,)`."""
    owner = np.zeros(len(gap.known), dtype=int)
    owner[gap.results] = np.arange(len(gap.results))
    end = len(gap.known)
    for step in reversed(gap.reductions):
        start = end - len(step.indices)
        result, place = np.nonzero(step.present)
        owner[step.indices[result, place]] = owner[start + result]
        end = start
    return owner[:affine]


def _scales(gap: Gaps, reach: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """How far the gap of each relation can move or has to, `(R,)`, > 0."""
    scale = np.zeros(len(gap.results))
    np.maximum.at(scale, owner, reach)
    for bound in (np.asarray(gap.lower), np.asarray(gap.upper)):
        scale = np.maximum(scale, np.where(np.isfinite(bound), np.abs(bound), 0.0))
    np.maximum.at(scale, owner, np.abs(np.asarray(gap.offset)))
    return np.where(scale > 0, scale, 1.0)


def _solve(problem: Any) -> str:
    """Solve a program by the first solver that can, and name it.

    Raises:
        RuntimeError: none of them could.
    """
    import cvxpy as cp

    tolerances = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    tight: dict[str, dict[str, Any]] = {
        "HiGHS": {"highs_options": tolerances},
        "Clarabel": {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11},
    }
    faults = []
    for name, settings in tight.items():
        if name.upper() not in cp.installed_solvers():
            continue
        try:
            problem.solve(solver=name.upper(), **settings)
        except cp.error.SolverError as fault:
            faults.append(f"{name}: {fault}")
            continue
        if problem.status == cp.OPTIMAL:
            return name
        faults.append(f"{name}: {problem.status}")
    raise RuntimeError(f"no solver could tell how much growth the constraints need: {'; '.join(faults)}")
