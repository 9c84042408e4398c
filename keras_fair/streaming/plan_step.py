"""The step of a stream over NumPy arrays: what serves a request without a model.

Nothing is compiled, so requests may come in any size.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from keras_fair.ops.stream.state_vector import Readout, StreamRule
from keras_fair.ops.stream.step import stream_step
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.lone_step import LoneStep

__all__ = ["Batch", "PlanStep"]


class Batch(NamedTuple):
    """What arrives, as NumPy arrays.

    Attributes:
        r: `(n,)` or `(n, outputs)` predictions, float64.
        columns: encoded columns.
        label: `(n,)` or None.
        weight: `(n,)` or None.
    """

    r: np.ndarray
    columns: dict[str, np.ndarray]
    label: np.ndarray | None = None
    weight: np.ndarray | None = None


class PlanStep:
    """`stream_step` for one plan.

    Attributes:
        lone: the same for people who come alone.

    Args:
        plan: the lowered constraints.
        rule: how they are held.
    """

    def __init__(self, plan: RowPlan, rule: StreamRule) -> None:
        self.readout = Readout(plan)
        self.plan, self._rule = plan, rule
        self.lone = LoneStep(plan, rule)

    def __call__(self, vector: np.ndarray, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """The predictions, as those that came in, and a readout, from a state `(size,)`."""
        label = batch.label
        with np.errstate(all="ignore"):  # what is no number is refused by who asks, or not chosen
            step = stream_step(
                self.plan,
                self._rule,
                vector,
                batch.r,
                batch.columns,
                label,
                batch.weight,
                fractional_label=label is not None and label.dtype.kind == "f",
            )
            readout = self.readout.after(self.readout.fresh(vector), step)
        return np.asarray(step.projection.y), readout
