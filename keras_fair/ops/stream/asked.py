"""What a step of a stream asks of the projection: the pooled rows, and the springs that hold them.

The formulas run on tensors, on NumPy arrays, and on arrays of expressions (`keras_fair.ops.traced`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.stream.guarded_rows import guarded
from keras_fair.ops.stream.noise import counts_of, deviation_of, row_noise, spread_sums
from keras_fair.ops.stream.pooled import pooled_rows
from keras_fair.ops.stream.springs import springs, width_of
from keras_fair.ops.stream.state_vector import SPREADS, StreamRule
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.measured import Measured
from keras_fair.rows.plan import RowPlan

__all__ = ["Asked", "MeasuredBatch", "asked"]

_GONE = 1e-9  # a group that has faded to less than such a part of one arrival is empty


class MeasuredBatch(NamedTuple):
    """What arrives, measured.

    Attributes:
        r: `(n,)`, `(n, 1)` or `(n, outputs)` raw predictions, in the working precision.
        n: () how many.
        moments: (4,) n, sums of `r` and of its square over all outputs, and a 0.
        measured: their terms and constants.
    """

    r: Any
    n: Any
    moments: Any
    measured: Measured


class Asked(NamedTuple):
    """What is asked, and what the answer is counted with; m rows.

    Attributes:
        rows: the pooled rows with their own bounds.
        tries: rows and their stiffness: what is asked first, and with a guard what there is where that can't
            be met.
        most: (m,) the largest pull that counts for a price.
        state: the parts of the state before the batch, faded.
        change: of parts of the state, what the batch adds before it is answered; `emptied`: what empties
            terms that have faded to nothing.
        fade: () what the state was multiplied by.
        t: () arrivals, those of the batch too.
    """

    rows: LinearRows
    tries: tuple[tuple[LinearRows, Any], ...]
    most: Any
    state: Mapping[str, Any]
    change: Mapping[str, Any]
    emptied: Mapping[str, Any]
    fade: Any
    t: Any


def asked(plan: RowPlan, rule: StreamRule, state: Mapping[str, Any], batch: MeasuredBatch) -> Asked:
    """What a step asks of the projection.

    Args:
        plan: the lowered constraints.
        rule: how they are held.
        state: its parts before the batch.
        batch: what arrives.
    """
    fade = _fade(batch.n, rule)
    state = {name: part if name in ("prices", "duals") else part * fade for name, part in state.items()}
    moments = state["moments"] + batch.moments
    t = ops.maximum(moments[0], 1.0)
    raw = batch.r[:, 0] if plan.outputs.count == 1 and len(batch.r.shape) == 2 else batch.r
    raw = ops.stop_gradient(raw)
    spreads = spread_sums(plan, batch.measured, raw)
    emptied = _faded_away(state, rule)
    state = {**state, **{name: state[name] + part for name, part in emptied.items()}}

    rows = pooled_rows(plan, batch.measured, state)
    deviation = deviation_of(moments, plan.outputs.count)
    noise = row_noise(rows, {name: state[name] + spreads[name] for name in SPREADS}, deviation)
    held = springs(rows, rule, noise, state["prices"], raw, deviation, t, batch.n)
    tries: tuple[tuple[LinearRows, Any], ...] = ((held.aimed, held.stiffness),)
    if rule.guard:
        tries = guarded(plan, state, rows, held, noise, raw, width_of(rule, deviation))
    change = {"weights": batch.measured.terms.weights, **spreads}
    return Asked(rows, tries, held.most, state, change, emptied, fade, t)


def _fade(n: Any, rule: StreamRule) -> Any:
    """What a state is worth after n more arrivals."""
    if math.isinf(rule.half_life):
        return ops.ones_like(n)
    return ops.exp(n * (-math.log(2.0) / rule.half_life))


def _faded_away(state: dict[str, Any], rule: StreamRule) -> dict[str, Any]:
    """What empties the terms that have faded to nothing, before their quotients are those of rounding."""
    if math.isinf(rule.half_life):
        return {}
    gone = ops.logical_and(state["reach"] > 0, counts_of(state) < _GONE)
    names = ("sums", "weights", *SPREADS)
    return {name: ops.where(gone, -state[name], ops.zeros_like(state[name])) for name in names}
