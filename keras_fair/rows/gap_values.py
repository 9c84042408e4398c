"""From the constants of the data and the terms to the gaps of relations: what can be estimated, and how.

Rows that are held (`keras_fair.rows.plan`) and statements that train (`keras_fair.soft`) share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_fair.inputs.arrays import Tensor, divided, floats, namespace
from keras_fair.rows.assemble import GapPlan, Numbering, ScalarArray, scalar_array
from keras_fair.rows.linear import Gaps
from keras_fair.rows.scalars import Derived

__all__ = ["GapValues", "constants_needed", "gap_values", "terms_used"]


@dataclass(frozen=True)
class GapValues:
    """How gaps follow from terms and from constants of the data.

    Args:
        plan: of the gaps.
        derived: the constants that are made of others, each with its operands.
        terms, needed: `(g, T)` and `(g, K)` 0 or 1, which terms and constants each affine entry needs.
        bounds: `(R, K)` 0 or 1, which constants the bounds of each relation need.
    """

    plan: GapPlan
    derived: tuple[tuple[Derived, tuple[ScalarArray, ...]], ...]
    terms: np.ndarray
    needed: np.ndarray
    bounds: np.ndarray

    def constants(self, sums: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The values of the constants, derived ones included, and which can be estimated.

        Args:
            sums, weights: `(K,)` of those that are measured.
        """
        xp = namespace(sums, weights)
        has_value = xp.greater(weights, 0)
        values = divided(sums, weights, has_value)
        for place, (derived, operands) in enumerate(self.derived):
            to_come = (0, len(self.derived) - place)
            padded = xp.pad(values, to_come)
            lacking = xp.pad(1.0 - floats(xp, has_value), to_come)
            arguments = xp.concatenate([operand.evaluate(xp, padded) for operand in operands], axis=0)
            needed = np.concatenate([operand.needs() for operand in operands]).astype("float64")
            usable = xp.equal(xp.matmul(floats(xp, needed), lacking), 0)
            value, fine = _derived(derived.operator, arguments, usable)
            values = xp.concatenate([values, xp.reshape(value, (1,))], axis=0)
            has_value = xp.concatenate([has_value, xp.reshape(fine, (1,))], axis=0)
        return values, has_value

    def reached(self) -> np.ndarray:
        """Which terms the gap of each relation follows from, `(R, T)` bool."""
        entries = self.terms.astype(bool)
        for step in self.plan.reductions:
            below = entries[step.indices] & step.present[:, :, None]
            entries = np.concatenate([entries, below.any(axis=1)])
        return entries[self.plan.results]

    def gaps(self, constants: Tensor, has_value: Tensor, there: Tensor) -> Gaps:
        """The gaps as functions of the terms.

        Args:
            constants, has_value: of the constants, derived ones included.
            there: `(T,)` bool, which terms can be estimated.
        """
        xp = namespace(constants, there)
        unknown = 1.0 - floats(xp, has_value)
        entries = estimable(self.terms, self.needed, 1.0 - floats(xp, there), unknown)
        for step in self.plan.reductions:
            entries = xp.concatenate([entries, step.known(entries)], axis=0)
        relation = xp.take(entries, self.plan.results, axis=0)
        if self.bounds.any():
            lacking = xp.matmul(floats(xp, self.bounds), unknown)
            relation = xp.logical_and(relation, xp.equal(lacking, 0))
        return Gaps(
            **self.plan.arrays.evaluate(xp, constants),
            known=entries,
            reductions=self.plan.reductions,
            results=self.plan.results,
            signs=self.plan.signs,
            estimable=relation,
        )


def gap_values(plan: GapPlan, derived: Sequence[Derived], numbering: Numbering) -> GapValues:
    """How gaps follow, from their plan.

    Args:
        plan: of the gaps.
        derived: the constants that are made of others.
        numbering: of terms and constants.
    """
    arrays = plan.arrays
    return GapValues(
        plan,
        tuple(
            (constant, tuple(scalar_array((1,), {0: operand}, numbering) for operand in constant.operands))
            for constant in derived
        ),
        terms_used(arrays.weights),
        constants_needed(arrays.weights, arrays.offset),
        constants_needed(arrays.lower, arrays.upper),
    )


def estimable(of_terms: np.ndarray, of_constants: np.ndarray, empty: Tensor, unknown: Tensor) -> Tensor:
    """Which of some entries can be estimated, bool.

    Args:
        of_terms, of_constants: 0 or 1, which terms and constants each needs.
        empty, unknown: 0 or 1, which terms and constants cannot be estimated.
    """
    xp = namespace(empty, unknown)
    lacking = xp.matmul(floats(xp, of_terms), empty)
    if of_constants.shape[1]:
        lacking = lacking + xp.matmul(floats(xp, of_constants), unknown)
    return xp.equal(lacking, 0)


def terms_used(weights: ScalarArray) -> np.ndarray:
    """Which terms each row uses, as 0 and 1."""
    used = weights.numbers != 0
    used.reshape(-1)[weights.places] = True
    return used.astype("float64")


def constants_needed(*arrays: ScalarArray) -> np.ndarray:
    """Which constants each row uses, as 0 and 1."""
    return np.logical_or.reduce([array.needs() for array in arrays]).astype("float64")


def _derived(operator: str, operands: Tensor, usable: Tensor) -> tuple[Tensor, Tensor]:
    """A derived constant and whether it can be estimated; 0 where it cannot."""
    xp = namespace(operands, usable)
    if operator == "max":
        largest = xp.max(xp.where(usable, operands, xp.full_like(operands, -1e30)))
        fine = xp.any(usable)
        return xp.where(fine, largest, xp.zeros_like(largest)), fine
    fine = xp.all(usable)
    if operator == "*":
        return xp.where(fine, operands[0] * operands[1], xp.zeros_like(operands[0])), fine
    fine = xp.logical_and(fine, xp.not_equal(operands[1], 0))
    return divided(operands[0], operands[1], fine), fine
