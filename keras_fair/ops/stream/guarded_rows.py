r"""The guard of a stream: beside the springs, hard rows that keep what was met.

    lower - d <= v <= upper + d,    d: how far the row was outside before the batch

Groups that do not overlap can always keep these: who gets the mean of the own group changes no mean. So no
gap gets worse, and one that was met stays met, whatever other rows ask for.

First all rows are asked to be within their own bounds. Where the projection finds that they can't be, those
that were met before, or as far as they were, come first: the others are drawn by springs, so stiff that they
take anybody to the end of the domain before they leave a fiftieth of a violation. docs/mathematics.md has
the proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from keras_fair.inputs.arrays import floats, namespace
from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.linear_algebra import positive_or_one
from keras_fair.ops.stream.noise import RowNoise
from keras_fair.ops.stream.springs import Springs
from keras_fair.ops.working_precision import is_double
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.measured import Measured
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.terms import Terms

__all__ = ["Guarded", "guarded"]

_MET, _MET_SINGLE = 1e-6, 1e-4  # a row so little outside its bounds, in its units, counts as met
_LEFT = 0.02  # of a violation, where a person is not at the end of the domain


class Guarded(NamedTuple):
    """Springs and hard rows together; 2 m rows, the springs first.

    Attributes:
        rows: the rows.
        stiffness: (2 m,), infinite for hard rows.
    """

    rows: LinearRows
    stiffness: Any


def guarded(
    plan: RowPlan,
    state: Mapping[str, Any],
    rows: LinearRows,
    held: Springs,
    noise: RowNoise,
    raw: Any,
    width: Any,
) -> tuple[Guarded, Guarded]:
    """The rows of a step with a guard: what is tried first, and what there is where that can't be met.

    Args:
        plan: the lowered constraints.
        state: the parts of the state before the batch, faded.
        rows: the pooled rows with their own bounds; m of them.
        held: their springs.
        noise: how chance moves the rows.
        raw: the raw predictions of the batch, in the form that terms take.
        width: () of the domain, or of what predictions take of it.
    """
    before = _rows_before(plan, state)
    outside = before.violation(ops.zeros_like(state["sums"][:0]))
    met = ops.logical_and(before.active, outside <= (_MET if is_double(outside.dtype) else _MET_SINGLE))
    moves = floats(namespace(rows.lower), np.zeros((2, len(rows))) if rows.moves is None else rows.moves)
    as_before = replace(
        rows,
        lower=ops.stop_gradient(ops.where(before.active, rows.lower - outside * moves[0], -np.inf)),
        upper=ops.stop_gradient(ops.where(before.active, rows.upper + outside * moves[1], np.inf)),
    )
    drawn = ops.logical_and(rows.active, ops.logical_not(met))
    violation = ops.stop_gradient(rows.violation(raw))
    taut = ops.where(violation > 0, width / (_LEFT * noise.least * positive_or_one(violation)), 0.0)
    stiffness = ops.where(drawn, ops.maximum(held.stiffness, taut), held.stiffness)
    springs = replace(
        held.aimed,
        lower=ops.where(drawn, rows.lower, held.aimed.lower),
        upper=ops.where(drawn, rows.upper, held.aimed.upper),
    )
    infinite = ops.full_like(stiffness, np.inf)
    within = replace(
        rows,
        lower=ops.where(met, as_before.lower, rows.lower),
        upper=ops.where(met, as_before.upper, rows.upper),
    )
    return (
        Guarded(_both(held.aimed, within), ops.concatenate([held.stiffness, infinite], axis=0)),
        Guarded(_both(springs, as_before), ops.concatenate([stiffness, infinite], axis=0)),
    )


def _rows_before(plan: RowPlan, state: Mapping[str, Any]) -> LinearRows:
    """The pooled rows before the batch; no prediction is left open."""
    terms = Terms((), constants=state["sums"], weights=state["weights"], outputs=1)
    return plan.bind(Measured(terms, state["constant_sums"], state["constant_weights"], certain=True))


def _both(soft: LinearRows, hard: LinearRows) -> LinearRows:
    """The soft rows, and below them the hard ones; each has auxiliary scalars of its own."""
    zeros = ops.zeros_like(soft.aux)
    twice = {
        name: ops.concatenate([getattr(soft, name), getattr(hard, name)], axis=0)
        for name in ("weights", "offset", "lower", "upper", "active")
    }
    return LinearRows(
        terms=soft.terms,
        aux=ops.concatenate(
            [ops.concatenate([soft.aux, zeros], axis=1), ops.concatenate([zeros, hard.aux], axis=1)], axis=0
        ),
        names=(*soft.names, *(f"{name} (guard)" for name in hard.names)),
        **twice,
    )
