r"""How chance moves the rows of a stream, from the sizes and the spreads of the groups.

A person in a term of weight `N` moves its mean by `M (y - mean) / N`. So, of a row `sum_T W_T T`,

    curvature C = sum_T W_T^2 Q_T / N_T^2,    variance D = sum_T W_T^2 s_T^2 Q_T / N_T^2,    Q = sum M^2

`C` is also how far a pull of one moves the row when all its people answer it, `D` the variance of the row's
value where everyone is drawn anew. For a difference of two means of `N_a` and `N_b` people it is
`C = 1/N_a + 1/N_b`. Both take the groups of a row for apart. `s_T` is the standard deviation of the raw
predictions in the term; while few are there it leans on that of all. Derived here; docs/mathematics.md uses
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from keras_fair.language.nodes import Number
from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.linear_algebra import positive_or_one
from keras_fair.ops.stream.state_vector import SPREADS
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.measured import Measured
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.terms import CellFamily, Family

__all__ = ["RowNoise", "counts_of", "deviation_of", "row_noise", "spread_sums"]

_LEANING = 5.0  # the spread of all counts in that of a group like so many of its people


class RowNoise(NamedTuple):
    """What is known of the rows' chance; m rows.

    Attributes:
        unit: (m,) how far a row moves when all predictions of its largest term move by one.
        curvature: (m,) C, 0 where nothing moves a row.
        variance: (m,) D.
        least: (m,) the coefficient, in the row, of those that move it least.
    """

    unit: Any
    curvature: Any
    variance: Any
    least: Any


def spread_sums(plan: RowPlan, measured: Measured, r: Any) -> dict[str, Any]:
    """What adds up to sizes and spreads: of each term, (T,), the sums of `|M|`, `M^2`, `M^2 r`, `M^2 r^2`.

    Args:
        plan: the lowered constraints.
        measured: the batch.
        r: `(n,)` or `(n, outputs)` raw predictions.
    """
    terms = measured.terms
    if not terms.families:
        nothing = ops.zeros_like(terms.weights)
        return dict.fromkeys(SPREADS, nothing)
    squared = [_with_coefficients(family, ops.square) for family in terms.families]
    ones = ops.ones_like(r)
    squares, firsts, seconds = (
        ops.concatenate([family.sums(x) for family in squared], axis=0) for x in (ones, r, ops.square(r))
    )
    reach = terms.weights
    if not _is_plain(plan):
        reach = ops.concatenate(
            [_with_coefficients(family, ops.abs).sums(ones) for family in terms.families], axis=0
        )
    return dict(zip(SPREADS, (reach, squares, firsts, seconds), strict=True))


def counts_of(sums: Mapping[str, Any]) -> Any:
    """(T,) how many people of equal weight each term is worth: `(sum |M|)^2 / sum M^2` (Kish 1965)."""
    return sums["reach"] * (sums["reach"] / positive_or_one(sums["squares"]))


def deviation_of(moments: Any, outputs: int) -> Any:
    """() the standard deviation of all raw predictions.

    Args:
        moments: (4,) of a state.
        outputs: number of outputs.
    """
    count = ops.maximum(moments[0], 1.0) * outputs
    mean = moments[1] / count
    return ops.sqrt(ops.maximum(moments[2] / count - mean * mean, 0.0))


def row_noise(rows: LinearRows, sums: Mapping[str, Any], deviation: Any) -> RowNoise:
    """The chance of pooled rows.

    Args:
        rows: the pooled rows.
        sums: of all arrivals, see `spread_sums`.
        deviation: () of all raw predictions.
    """
    weights, squares = positive_or_one(rows.terms.weights), positive_or_one(sums["squares"])
    counts = counts_of(sums)
    own = ops.maximum(sums["seconds"] / squares - ops.square(sums["firsts"] / squares), 0.0)
    spread = (counts * own + _LEANING * ops.square(deviation)) / (counts + _LEANING)
    of_term = sums["squares"] / weights / weights
    sizes = ops.square(rows.weights)
    coefficients = (
        ops.abs(rows.weights) * (sums["squares"] / positive_or_one(sums["reach"]) / weights)[None, :]
    )
    least = ops.min(ops.where(coefficients > 0, coefficients, np.inf), axis=1)
    return RowNoise(
        unit=positive_or_one(ops.max(ops.abs(rows.weights) * (sums["reach"] / weights)[None, :], axis=1)),
        curvature=ops.matmul(sizes, of_term),
        variance=ops.matmul(sizes, of_term * spread),
        least=ops.where(ops.isinf(least), ops.ones_like(least), least),
    )


def _with_coefficients(family: Family | CellFamily, changed: Any) -> Family | CellFamily:
    """The family with each coefficient changed; of memberships of 0 and 1 only the scale changes."""
    if isinstance(family, CellFamily):
        return family if family.scale is None else replace(family, scale=changed(family.scale), totals=None)
    return replace(family, coefficients=changed(family.coefficients))


def _is_plain(plan: RowPlan) -> bool:
    """Whether all coefficients are weights of people, >= 0."""
    return all(
        len(group.alphas) == 1 and isinstance(group.alphas[0][1], Number) and group.alphas[0][1].value == 1.0
        for group in plan.layout.groups
    )
