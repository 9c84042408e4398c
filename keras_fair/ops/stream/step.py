r"""One step of a stream: the rows of all arrivals so far, held by the batch that has just come.

The state holds, for each term, a weight `N` and a sum `S`, so that the pooled value is `S / N`. A batch is
projected onto the pooled rows

    v = W [(S + M y) / N'] + c,    each held by a spring    lambda(v) = rho' (v - b')

`keras_fair.ops.stream.springs` says how stiff these are and where they begin, `keras_fair.ops.stream.noise`
what is known of chance. The price `p` of a row is the mean of `lambda / t` so far.

With a `guard`, `keras_fair.ops.stream.guarded_rows` adds hard rows that keep what was met.

docs/mathematics.md derives this, and proves how far a pooled value can be past its bound. All functions are
pure and run in a graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.linear_algebra import positive_or_one
from keras_fair.ops.projection.project import Projection, project_rows
from keras_fair.ops.stream.guarded_rows import guarded
from keras_fair.ops.stream.noise import counts_of, deviation_of, row_noise, spread_sums
from keras_fair.ops.stream.pooled import pooled_rows
from keras_fair.ops.stream.springs import springs, width_of
from keras_fair.ops.stream.state_vector import SPREADS, StateLayout, StreamRule
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.plan import RowPlan

__all__ = ["StreamStep", "stream_step"]

_GONE = 1e-9  # a group that has faded to less than such a part of one arrival is empty


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
    fade = _fade(n, rule)
    state = {name: part if name in ("prices", "duals") else part * fade for name, part in state.items()}
    arrived = _moments(r, present, n)
    moments = state["moments"] + arrived
    t = ops.maximum(moments[0], 1.0)
    raw = r[:, 0] if plan.outputs.count == 1 and len(r.shape) == 2 else r
    raw = ops.stop_gradient(raw)
    spreads = spread_sums(plan, measured, raw)
    faded = _faded_away(state, rule)
    state = {**state, **{name: state[name] + part for name, part in faded.items()}}

    rows = pooled_rows(plan, measured, state)
    deviation = deviation_of(moments, plan.outputs.count)
    noise = row_noise(rows, {name: state[name] + spreads[name] for name in SPREADS}, deviation)
    held = springs(rows, rule, noise, state["prices"], raw, deviation, t, n)
    tries: Sequence[tuple[LinearRows, Any]] = [(held.aimed, held.stiffness)]
    if rule.guard:
        tries = guarded(plan, state, rows, held, noise, raw, width_of(rule, deviation))

    def projected(which: int) -> Projection:
        aimed, stiffness = tries[which]
        return project_rows(
            r,
            aimed,
            domain=rule.domain,
            divergence=rule.divergence,
            sample_weight=objective_weight,
            stiffness=stiffness,
            start=None if rule.guard else state["duals"],
        )

    solved, stiffness = projected(0), tries[0][1]
    if rule.guard:
        first, met = solved, ops.equal(solved.outcome, int(Outcome.SOLVED))
        solved = Projection(*ops.cond(met, lambda: tuple(first), lambda: tuple(projected(1))))
        stiffness = ops.where(met, stiffness, tries[1][1])
        kept = ops.equal(solved.outcome, int(Outcome.SOLVED))
        solved = solved._replace(outcome=ops.where(kept, first.outcome, solved.outcome))
    flat = solved.y[:, 0] if plan.outputs.count == 1 and len(solved.y.shape) == 2 else solved.y
    sums = measured.terms.sums(flat)
    values = (state["sums"] + sums) / positive_or_one(rows.terms.weights)
    duals = solved.duals[: len(rows)]
    outside = ops.abs(duals) / stiffness[: len(rows)]
    pulls = duals + solved.duals[len(rows) :] if rule.guard else duals  # a hard row pulls too
    counted = ops.minimum(ops.maximum(pulls, -held.most), held.most)
    prices = state["prices"] + n / t * (counted / t - state["prices"])
    prices = ops.where(rows.active, prices, state["prices"])
    moved = ops.sum(ops.square(solved.y - r))
    change = ops.concatenate(
        [
            *(
                part + faded[name] if name in faded else part
                for name, part in {"sums": sums, "weights": measured.terms.weights, **spreads}.items()
            ),
            measured.constant_sums,
            measured.constant_weights,
            arrived[:3],
            ops.reshape(moved, (1,)),
            _counts(plan, measured.unknown, dtype),
            _counts(plan, measured.missing, dtype),
            prices,
            duals,
        ],
        axis=0,
    )
    gap = rows.gap
    assert gap is not None
    gaps = gap.values(values)
    violation = ops.maximum(ops.maximum(gap.lower - gaps, gaps - gap.upper), 0.0)
    return StreamStep(
        projection=solved._replace(
            y=ops.cast(solved.y, caller_dtype), duals=duals, violation=rows.violation(flat)
        ),
        rows=rows,
        change=change,
        fade=fade,
        gaps=gaps,
        violation=ops.where(gap.estimable, violation, ops.zeros_like(violation)),
        outside=outside,
    )


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


def _moments(r: Any, present: Any, n: Any) -> Any:
    """Arrivals, sums of `r` and of its square over all outputs, and a 0: (4,)."""
    if present is not None:
        present = ops.cast(present, r.dtype)
        r = r * (present if len(r.shape) == 1 else present[:, None])
    return ops.stack([n, ops.sum(r), ops.sum(ops.square(r)), ops.zeros_like(n)])


def _counts(plan: RowPlan, counts: dict[str, Any], dtype: str) -> Any:
    """Numbers of samples by attribute, (A,)."""
    numbers = [ops.cast(counts.get(name, 0), dtype) for name in plan.attributes]
    return ops.stack(numbers) if numbers else ops.zeros((0,), dtype=dtype)


def _size(x: Any) -> Any:
    return x.shape[0] if isinstance(x.shape[0], int) else ops.shape(x)[0]
