"""One batch through rows and projection: by itself, or as arrivals of a stream.

`FairProjection` calls `project_batch`. Where it keeps the state of a stream, it calls the method of that name
of `Memory` or `StreamedLayer` instead. These read the state before the step and store it after; the step
itself is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from keras_fair.ops import Domain, Projection, project_rows
from keras_fair.ops.dispatch import ops
from keras_fair.ops.stream.pooled import PooledSums
from keras_fair.ops.stream.state_vector import StateLayout, StreamRule
from keras_fair.ops.stream.step import StreamStep, stream_step
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.measured import Measured
from keras_fair.rows.plan import RowPlan

__all__ = ["ProjectedBatch", "arrived", "project_arrivals", "project_batch"]


class ProjectedBatch(NamedTuple):
    """A batch after the projection.

    Attributes:
        rows: that were held.
        projection: onto them.
        sums: makes what the batch adds to pooled sums, in the order of the fields of `PooledSums`.
    """

    rows: LinearRows
    projection: Projection
    sums: Callable[[], Any]


def project_batch(
    plan: RowPlan,
    y: Any,
    columns: Mapping[str, Any],
    label: Any,
    *,
    statistics_weight: Any,
    objective_weight: Any,
    domain: Domain,
    divergence: str,
    stiffness: float,
) -> ProjectedBatch:
    """The rows of a batch, and the projection onto them, in the widest float of the backend.

    Args:
        plan: the lowered constraints.
        y: `(n,)`, `(n, 1)` or `(n, outputs)` predictions; n may be unknown.
        columns: encoded columns; label: `(n,)`, or None.
        statistics_weight: `(n,)` or None, weights of the statistics.
        objective_weight: `(n,)` or None, weights of the objective; 0 counts as 1.
        domain, divergence, stiffness: see `keras_fair.project`.
    """
    size = y.shape[0] if isinstance(y.shape[0], int) else ops.shape(y)[0]
    measured = plan.measure(columns, label, statistics_weight, size=size)
    rows = plan.bind(measured)
    dtype = working_dtype()
    projection = project_rows(
        ops.cast(y, dtype),
        rows,
        domain=domain,
        divergence=divergence,
        sample_weight=_positive_weight(objective_weight),
        stiffness=stiffness,
    )
    return ProjectedBatch(rows, projection, lambda: _sums(measured, ops.stop_gradient(projection.y)))


def project_arrivals(
    rule: StreamRule,
    vector: Any,
    plan: RowPlan,
    y: Any,
    columns: Mapping[str, Any],
    label: Any,
    *,
    statistics_weight: Any,
    objective_weight: Any,
    **_: Any,
) -> StreamStep:
    """One step of a stream.

    Args:
        rule: how rows are enforced; it holds domain and divergence.
        vector: the state before.
        plan, y, columns, label, statistics_weight, objective_weight: as in `project_batch`; its other
            arguments are not used here.
    """
    return stream_step(
        plan,
        rule,
        vector,
        y,
        columns,
        label,
        statistics_weight,
        objective_weight=_positive_weight(objective_weight),
    )


def arrived(plan: RowPlan, step: StreamStep) -> ProjectedBatch:
    """A batch of arrivals after their step."""
    parts = StateLayout.of(plan).split(step.change)
    names = PooledSums.__dataclass_fields__
    return ProjectedBatch(
        step.rows, step.projection, lambda: ops.concatenate([parts[name] for name in names], axis=0)
    )


def _sums(measured: Measured, y: Any) -> Any:
    terms = measured.terms
    flat = y[:, 0] if terms.outputs == 1 and len(y.shape) == 2 else y
    sums = terms.sums(flat) + terms.constants
    return ops.concatenate([sums, terms.weights, measured.constant_sums, measured.constant_weights], axis=0)


def _positive_weight(weight: Any) -> Any:
    """Weights of the objective, `(n,)`, with 1 instead of 0; None where there are none."""
    if weight is None:
        return None
    weight = ops.cast(weight, working_dtype())
    weight = weight[:, 0] if len(weight.shape) == 2 else weight
    return ops.where(ops.greater(weight, 0), weight, ops.ones_like(weight))
