r"""One step of a stream: the rows of all arrivals so far, held by the batch that has just come.

The state holds, for each term, a weight `N` and a sum `S`, so that the pooled value is `S / N`. A batch is
projected onto the pooled rows

    lower' <= W [(S + M y) / N'] + c <= upper',    with the stiffness rho = step t^1.5 / u^2

    upper' = upper - swing - max(p, 0) t / rho,    lower' = lower + swing + max(-p, 0) t / rho

    swing = margin s u t^-0.75 / sqrt(2 step)

t is the number of arrivals, u the size of a row (how far it moves when all predictions of a term move by
one), s the standard deviation of the predictions that come in, and p the price of the row: a slow mean of
`dual / t`. `keras_fair.ops.stream.aim` says why the bounds are moved, and moves them.

`guard` adds the rows a second time, hard and with their own bounds: whenever the pooled value can meet these,
it does, and the soft rows keep it away from them, so that this is seldom needed.

docs/mathematics.md derives this, and proves how far a pooled value can be past its bound. All functions are
pure and run in a graph.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from keras_fair.language.nodes import Number
from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.linear_algebra import positive_or_one
from keras_fair.ops.projection.project import Projection, project_rows
from keras_fair.ops.stream.aim import aimed_rows, guarded_rows, unit_sizes
from keras_fair.ops.stream.pooled import pooled_rows
from keras_fair.ops.stream.state_vector import StateLayout, StreamRule
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.measured import Measured
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.terms import CellFamily, Family

__all__ = ["StreamStep", "reaches", "stream_step"]

_PRICE_RATE = 0.5  # a price moves by this share of n / t: with more it need not stay bounded


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
        outside: (m,) how far each row is outside the bounds it is aimed at: `|dual| / rho`.
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
    reach = reaches(plan, measured)
    t = ops.maximum(moments[0], 1.0)

    rows = pooled_rows(plan, measured, state)
    unit = unit_sizes(rows, (state["reach"] + reach) / positive_or_one(rows.terms.weights))
    rho = rule.step * t**1.5 / unit**2
    rho = ops.stop_gradient(rho)  # gradients flow neither through the stiffness nor through the aim
    deviation = _deviation(moments, plan.outputs.count)
    aimed = aimed_rows(rows, rule, state["prices"] * t / rho, deviation, t, unit)
    solved = project_rows(
        r,
        guarded_rows(aimed, rows) if rule.guard else aimed,
        domain=rule.domain,
        divergence=rule.divergence,
        sample_weight=objective_weight,
        stiffness=ops.concatenate([rho, ops.full_like(rho, math.inf)], axis=0) if rule.guard else rho,
        start=None if rule.guard else state["duals"],
    )
    flat = solved.y[:, 0] if plan.outputs.count == 1 and len(solved.y.shape) == 2 else solved.y
    sums = measured.terms.sums(flat)
    values = (state["sums"] + sums) / positive_or_one(rows.terms.weights)
    duals = solved.duals[: len(rows)]
    outside = ops.abs(duals) / rho
    rate = ops.minimum(_PRICE_RATE * n / t, 1.0)
    prices = state["prices"] + rate * (duals / t - state["prices"])
    prices = ops.where(rows.active, prices, state["prices"])
    moved = ops.sum(ops.square(solved.y - r))
    change = ops.concatenate(
        [
            sums,
            measured.terms.weights,
            reach,
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


def _moments(r: Any, present: Any, n: Any) -> Any:
    """Arrivals, sums of `r` and of its square over all outputs, and a 0: (4,)."""
    if present is not None:
        present = ops.cast(present, r.dtype)
        r = r * (present if len(r.shape) == 1 else present[:, None])
    return ops.stack([n, ops.sum(r), ops.sum(ops.square(r)), ops.zeros_like(n)])


def _deviation(moments: Any, outputs: int) -> Any:
    """The standard deviation of the predictions that came in."""
    count = ops.maximum(moments[0], 1.0) * outputs
    mean = moments[1] / count
    return ops.sqrt(ops.maximum(moments[2] / count - mean * mean, 0.0))


def reaches(plan: RowPlan, measured: Measured) -> Any:
    """The sum of absolute coefficients of each term, (T,)."""
    terms = measured.terms
    plain = all(
        len(group.alphas) == 1 and isinstance(group.alphas[0][1], Number) and group.alphas[0][1].value == 1.0
        for group in plan.layout.groups
    )
    if plain or not terms.families:
        return terms.weights
    return ops.concatenate([_reach_of(family) for family in terms.families], axis=0)


def _reach_of(family: Family | CellFamily) -> Any:
    if isinstance(family, CellFamily):
        scale = family.scale
        if scale is not None:
            scale = ops.abs(scale)
            scale = ops.sum(scale, axis=1) if len(scale.shape) == 2 else scale
        of_one = CellFamily(family.table, family.cells, scale, family.disjoint)
        dtype = working_dtype(family.cells, scale)
        return of_one.sums(ops.ones((_size(family.cells),), dtype=dtype))
    return ops.sum(ops.abs(family.coefficients), axis=tuple(range(1, len(family.coefficients.shape))))


def _counts(plan: RowPlan, counts: dict[str, Any], dtype: str) -> Any:
    """Numbers of samples by attribute, (A,)."""
    numbers = [ops.cast(counts.get(name, 0), dtype) for name in plan.attributes]
    return ops.stack(numbers) if numbers else ops.zeros((0,), dtype=dtype)


def _size(x: Any) -> Any:
    return x.shape[0] if isinstance(x.shape[0], int) else ops.shape(x)[0]
