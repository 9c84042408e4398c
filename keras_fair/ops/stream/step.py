r"""One step of a stream: the rows of all arrivals so far, held by the batch that has just come.

The state holds, for each term, a weight `N` and a sum `S`, so that the pooled value is `S / N`. A batch is
projected onto the pooled rows

    v = W [(S + M y) / N'] + c,    each held by a spring    lambda(v) = rho' (v - b')

`keras_fair.ops.stream.springs` says how stiff these are and where they begin, `keras_fair.ops.stream.noise`
what is known of chance. The price `p` of a row is the mean of `lambda / t` so far.

With a `guard`, `keras_fair.ops.stream.guarded_rows` adds hard rows that keep what was met. What is asked of
the projection is `keras_fair.ops.stream.asked`'s, what follows from the answer
`keras_fair.ops.stream.answered`'s.

docs/mathematics.md derives this, and proves how far a pooled value can be past its bound. All functions are
pure and run in a graph.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.project import Projection, project_rows
from keras_fair.ops.stream.answered import answered
from keras_fair.ops.stream.asked import Asked, MeasuredBatch, asked
from keras_fair.ops.stream.state_vector import StateLayout, StreamRule
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.plan import RowPlan

__all__ = ["StreamStep", "stream_step"]


class StreamStep(NamedTuple):
    """What one step gives; R relations, m rows.

    Attributes:
        projection: the predictions, of the shape and dtype of those that came in; duals (m,), and how far the
            pooled rows are violated after the batch, (m,).
        rows: the pooled rows with their own bounds.
        change: `(size,)` what the batch adds to the state's first part, and its new second part.
        fade: () what the first part is multiplied by before; 1 without a half-life.
        gaps: (R,) pooled, after the batch; those that `rows` says are estimable.
        violation: (R,) how far each gap is outside its bounds.
        outside: (m,) how far each row is outside the bounds it is aimed at: `|dual|` by the stiffness.
    """

    projection: Projection
    rows: LinearRows
    change: Any
    fade: Any
    gaps: Any
    violation: Any
    outside: Any


def stream_step(
    plan: RowPlan,
    rule: StreamRule,
    vector: Any,
    r: Any,
    columns: Any,
    label: Any = None,
    weight: Any = None,
    present: Any = None,
    *,
    objective_weight: Any = None,
    fractional_label: bool | None = None,
) -> StreamStep:
    """Project a batch so that the pooled rows hold as far as the stiffness asks for.

    Args:
        plan: the lowered constraints.
        rule: how they are held.
        vector: `(size,)` the state before, in the layout of `StateLayout.of(plan)`.
        r: `(n,)`, `(n, 1)` or `(n, outputs)` predictions.
        columns: encoded columns; label: `(n,)` or None; weight: `(n,)` weights of the statistics, or None.
        present: `(n,)` 0 or 1, which entries are arrivals and which only fill up; default: all. Those that
            fill up must have a weight of 0.
        objective_weight: `(n,)` weights > 0 of the objective, or None.
        fractional_label: see `RowPlan.measure`.
    """
    dtype = working_dtype(r, vector, label, weight, present, *columns.values())
    state = StateLayout.of(plan).split(ops.cast(vector, dtype))
    caller_dtype, r = r.dtype, ops.cast(r, dtype)
    measured = plan.measure(columns, label, weight, size=_size(r), fractional_label=fractional_label)
    n = ops.cast(_size(r), dtype) if present is None else ops.sum(ops.cast(present, dtype))
    given = ops.stop_gradient(r)  # gradients flow through the projection alone
    batch = MeasuredBatch(given, n, _moments(given, present, n), measured)
    asks = asked(plan, rule, state, batch)
    solved, stiffness = _solved(asks, rule, r, state["duals"], objective_weight)
    y = ops.stop_gradient(solved.y)
    then = answered(plan, asks, batch, y, solved.duals)
    flat = y[:, 0] if plan.outputs.count == 1 and len(y.shape) == 2 else y
    return StreamStep(
        projection=solved._replace(
            y=ops.cast(solved.y, caller_dtype), duals=then.duals, violation=asks.rows.violation(flat)
        ),
        rows=asks.rows,
        change=then.change,
        fade=asks.fade,
        gaps=then.gaps,
        violation=then.violation,
        outside=ops.abs(then.duals) / stiffness[: len(asks.rows)],
    )


def _solved(
    asks: Asked, rule: StreamRule, r: Any, start: Any, objective_weight: Any
) -> tuple[Projection, Any]:
    """The answer, and the stiffness of the rows that it is to."""

    def projected(which: int) -> Projection:
        aimed, stiffness = asks.tries[which]
        return project_rows(
            r,
            aimed,
            domain=rule.domain,
            divergence=rule.divergence,
            sample_weight=objective_weight,
            stiffness=stiffness,
            start=None if rule.guard else start,
        )

    first, stiffness = projected(0), asks.tries[0][1]
    if not rule.guard:
        return first, stiffness
    met = ops.equal(first.outcome, int(Outcome.SOLVED))
    solved = Projection(*ops.cond(met, lambda: tuple(first), lambda: tuple(projected(1))))
    stiffness = ops.where(met, stiffness, asks.tries[1][1])
    kept = ops.equal(solved.outcome, int(Outcome.SOLVED))
    return solved._replace(outcome=ops.where(kept, first.outcome, solved.outcome)), stiffness


def _moments(r: Any, present: Any, n: Any) -> Any:
    """Arrivals, sums of `r` and of its square over all outputs, and a 0: (4,)."""
    if present is not None:
        present = ops.cast(present, r.dtype)
        r = r * (present if len(r.shape) == 1 else present[:, None])
    return ops.stack([n, ops.sum(r), ops.sum(ops.square(r)), ops.zeros_like(n)])


def _size(x: Any) -> Any:
    return x.shape[0] if isinstance(x.shape[0], int) else ops.shape(x)[0]
