"""What a projection layer remembers of its batches: how each ended, which rows were active, the worst
violation.

It is kept in a non-trainable weight, which every backend updates inside `fit`. It is one weight only, because
each weight that a compiled function reads and writes takes microseconds of its own. The record says nothing
about the model, so it is not saved with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_fair.layers.kept_weight import kept_weight, weight_read
from keras_fair.ops import Outcome
from keras_fair.ops.dispatch import ops

__all__ = ["Record", "RecordWeight"]


class Record(NamedTuple):
    """What happened since a layer was made, loaded or reset.

    Attributes:
        batches: how many batches ended in each `Outcome`.
        active: by row, in how many batches it was active; 0 means that its groups were always empty.
        violation: by row, the worst violation in one batch, >= 0.
        faulty: how many batches had predictions outside the domain, attributes that are missing or
            unknown, or weights below 0, counted only where that can't be an error: under
            `jit_compile=True` on TensorFlow.
    """

    batches: dict[Outcome, int]
    active: dict[str, int]
    violation: dict[str, float]
    faulty: int


_FAULTY = len(Outcome)


class RecordWeight:
    """The weight that holds a `Record`: how each batch ended, how many were faulty, then for each row in how
    many it was active, then for each row the worst violation.

    Args:
        add_weight: of the layer.
        rows: number of rows.
    """

    def __init__(self, add_weight: Any, rows: int) -> None:
        self.rows = rows
        self.weight = kept_weight(add_weight, "record", (_FAULTY + 1 + 2 * rows,), "float32")

    def seen(self, outcome: Any) -> Any:
        """Whether an earlier batch ended in the same way, () bool."""
        return ops.greater(ops.take(weight_read(self.weight), outcome, axis=0), 0)

    def add(self, projection: Any, active: Any, fine: Any = None) -> None:
        """Add one batch.

        Args:
            projection: of the batch, or how it ended otherwise: `outcome` and `violation`.
            active: (rows,) bool.
            fine: () bool, whether its checks held; None where a failed check stops the batch.
        """
        places = np.arange(_FAULTY + 1 + 2 * self.rows, dtype="int32")
        counts = ops.cast(ops.equal(places, projection.outcome), "float32")
        if fine is not None:
            failed = ops.logical_and(ops.equal(places, _FAULTY), ops.logical_not(fine))
            counts = counts + ops.cast(failed, "float32")
        counts = counts + ops.pad(ops.cast(active, "float32"), (_FAULTY + 1, self.rows))
        violation = ops.pad(ops.cast(projection.violation, "float32"), (_FAULTY + 1 + self.rows, 0))
        before = weight_read(self.weight)
        is_violation = places > _FAULTY + self.rows
        self.weight.assign(ops.where(is_violation, ops.maximum(before, violation), before + counts))

    def read(self, names: Sequence[str]) -> Record:
        """The record, for rows of these names."""
        record = np.asarray(self.weight.numpy())
        outcomes, active, violation = np.split(record, [_FAULTY + 1, _FAULTY + 1 + self.rows])
        return Record(
            {outcome: int(outcomes[outcome]) for outcome in Outcome},
            dict(zip(names, active.astype(int).tolist(), strict=True)),
            dict(zip(names, violation.tolist(), strict=True)),
            int(outcomes[_FAULTY]),
        )

    def reset(self) -> None:
        """Forget all batches."""
        self.weight.assign(np.zeros(self.weight.shape, "float32"))
