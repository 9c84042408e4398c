r"""Where a step of a stream aims the pooled rows: inside their bounds by as much as it settles beyond them.

    upper' = upper - swing - max(p, 0) t / rho,    lower' = lower + swing + max(-p, 0) t / rho

    swing = margin s u t^-0.75 / sqrt(2 step)

A dual needs a violation to live on, so the pooled value settles `p t / rho` beyond a bound; the bound is
moved by as much, at most to the opposite one where that is another. `swing` is `margin` standard deviations
of how the arrivals make the pooled value swing around that. It is at most half of the distance of two bounds,
and a twentieth of the domain's width where there is one.

The letters are those of `keras_fair.ops.stream.step`; docs/mathematics.md derives all of it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.linear_algebra import positive_or_one
from keras_fair.ops.stream.state_vector import StreamRule
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.margins import held_rows

__all__ = ["aimed_rows", "guarded_rows", "unit_sizes"]

_LARGEST_MARGIN = 0.05  # of the domain's width, where a row has one bound only


def unit_sizes(rows: LinearRows, sizes: Any) -> Any:
    """How far each row moves when all predictions of its largest term move by one, (m,); 1 where nothing
    can."""
    return positive_or_one(ops.max(ops.abs(rows.weights) * sizes[None, :], axis=1))


def aimed_rows(
    rows: LinearRows, rule: StreamRule, settled: Any, deviation: Any, t: Any, unit: Any
) -> LinearRows:
    """The pooled rows with the bounds that a step aims at.

    Args:
        rows: the pooled rows with their own bounds; m of them. A margin of the layer is kept besides the
            rule's.
        rule: how they are held.
        settled: (m,) `p t / rho`, how far beyond a bound each row settles, and beyond which one.
        deviation: () s; t: () arrivals; unit: (m,) of `unit_sizes`.
    """
    rows = held_rows(rows)
    width = rows.upper - rows.lower
    settled = ops.stop_gradient(settled)
    swing = (rule.margin / math.sqrt(2.0 * rule.step)) * deviation * t**-0.75 * unit
    largest = ops.where(ops.isinf(width), _largest_swing(rule, deviation) * unit, 0.5 * width)
    swing = ops.stop_gradient(ops.minimum(swing, largest))
    lower = rows.lower + swing + ops.maximum(-settled, 0.0)
    upper = rows.upper - swing - ops.maximum(settled, 0.0)
    # The droop carries no bound past the opposite one; only where these are the same, it must.
    apart = width > 0
    lower = ops.where(apart, ops.minimum(lower, rows.upper), lower)
    upper = ops.where(apart, ops.maximum(upper, rows.lower), upper)
    # Where they cross, the side that has a price is kept.
    return replace(
        rows,
        lower=ops.where(settled > 0, ops.minimum(lower, upper), lower),
        upper=ops.where(settled > 0, upper, ops.maximum(lower, upper)),
    )


def guarded_rows(aimed: LinearRows, rows: LinearRows) -> LinearRows:
    """The soft rows, and below them the rows with their own bounds; each has auxiliary scalars of its own."""
    zeros = ops.zeros_like(rows.aux)
    twice = {
        name: ops.concatenate([getattr(aimed, name), getattr(rows, name)], axis=0)
        for name in ("weights", "offset", "lower", "upper", "active")
    }
    return LinearRows(
        terms=rows.terms,
        aux=ops.concatenate(
            [ops.concatenate([rows.aux, zeros], axis=1), ops.concatenate([zeros, rows.aux], axis=1)], axis=0
        ),
        names=(*rows.names, *(f"{name} (guard)" for name in rows.names)),
        **twice,
    )


def _largest_swing(rule: StreamRule, deviation: Any) -> Any:
    """The most that a bound without an opposite one is moved by for the arrivals' swings, for a unit of 1."""
    width = rule.domain.high - rule.domain.low
    return _LARGEST_MARGIN * (width if math.isfinite(width) else math.sqrt(12.0) * deviation)
