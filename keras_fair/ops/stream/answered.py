"""What a step of a stream makes of the projection's answer: the change of the state, gaps and violations.

The formulas run on tensors, on NumPy arrays, and on arrays of expressions (`keras_fair.ops.traced`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.linear_algebra import positive_or_one
from keras_fair.ops.stream.asked import Asked, MeasuredBatch
from keras_fair.rows.plan import RowPlan

__all__ = ["Answered", "answered"]


class Answered(NamedTuple):
    """What follows from an answer; R relations, m rows.

    Attributes:
        change: `(size,)` what the batch adds to the state's first part, and its new second part.
        gaps: (R,) pooled, after the batch; those that the rows say are estimable.
        violation: (R,) how far each gap is outside its bounds.
        duals: (m,) the springs' part of the pulls.
    """

    change: Any
    gaps: Any
    violation: Any
    duals: Any


def answered(plan: RowPlan, asked: Asked, batch: MeasuredBatch, y: Any, duals: Any) -> Answered:
    """The change of the state, and the pooled gaps after the batch.

    Args:
        plan: the lowered constraints.
        asked: what was asked.
        batch: what arrived.
        y: the predictions, of the shape of `batch.r`.
        duals: (m,); with a guard (2 m,), those of the springs and then of the hard rows.
    """
    rows, state, measured, t = asked.rows, asked.state, batch.measured, asked.t
    flat = y[:, 0] if plan.outputs.count == 1 and len(y.shape) == 2 else y
    sums = measured.terms.sums(flat)
    values = (state["sums"] + sums) / positive_or_one(rows.terms.weights)
    own = duals[: len(rows)]
    pulls = own + duals[len(rows) :] if len(asked.tries) > 1 else own  # hard rows pull too
    counted = ops.minimum(ops.maximum(pulls, -asked.most), asked.most)
    prices = state["prices"] + batch.n / t * (counted / t - state["prices"])
    prices = ops.where(rows.active, prices, state["prices"])
    moved = ops.sum(ops.square(y - batch.r))
    change = ops.concatenate(
        [
            *(
                part + asked.emptied[name] if name in asked.emptied else part
                for name, part in {"sums": sums, **asked.change}.items()
            ),
            measured.constant_sums,
            measured.constant_weights,
            batch.moments[:3],
            ops.reshape(moved, (1,)),
            _counts(plan, measured.unknown, batch.r.dtype),
            _counts(plan, measured.missing, batch.r.dtype),
            prices,
            own,
        ],
        axis=0,
    )
    gap = rows.gap
    assert gap is not None
    gaps = gap.values(values)
    violation = ops.maximum(ops.maximum(gap.lower - gaps, gaps - gap.upper), 0.0)
    violation = ops.where(gap.estimable, violation, ops.zeros_like(violation))
    return Answered(change, gaps, violation, own)


def _counts(plan: RowPlan, counts: dict[str, Any], dtype: Any) -> Any:
    """Numbers of samples by attribute, (A,)."""
    numbers = [ops.cast(counts.get(name, 0), dtype) for name in plan.attributes]
    return ops.stack(numbers) if numbers else ops.zeros((0,), dtype=dtype)
