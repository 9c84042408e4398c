"""What a projection layer remembers of its batches: how each ended, which rows were there, the worst
violation.

It is kept in non-trainable weights, which every backend updates inside `fit`. It says nothing about the
model, so it is not saved with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_fair.ops import Outcome, Projection

__all__ = ["Record", "RecordWeights"]


class Record(NamedTuple):
    """What happened since a layer was made, loaded or reset.

    Attributes:
        batches: how many batches ended in each `Outcome`.
        active: by row, in how many batches it was active; 0 means that nothing ever belonged to its groups.
        violation: by row, the worst violation in one batch, >= 0.
        faulty: how many batches had predictions outside the domain, or attributes that are missing or
            unknown, where that could not be an error: under `jit_compile=True` on TensorFlow.
    """

    batches: dict[Outcome, int]
    active: dict[str, int]
    violation: dict[str, float]
    faulty: int


class RecordWeights:
    """The weights that hold a `Record`.

    Args:
        add_weight: of the layer.
        rows: number of rows.
    """

    def __init__(self, add_weight: Any, rows: int) -> None:
        def zeros(name: str, size: int) -> Any:
            return add_weight(
                shape=(size,),
                initializer="zeros",
                dtype="float32",
                trainable=False,
                autocast=False,
                aggregation="only_first_replica",
                name=name,
            )

        self.outcomes = zeros("outcomes", len(Outcome))
        self.active = zeros("active_batches", rows)
        self.violation = zeros("worst_violation", rows)
        self.faulty = zeros("faulty_batches", 1)

    def seen(self, outcome: Any) -> Any:
        """Whether a batch before this one ended like that, () bool."""
        return ops.greater(ops.take(ops.convert_to_tensor(self.outcomes), outcome, axis=0), 0)

    def add(self, projection: Projection, active: Any) -> None:
        """Add one batch."""
        self.outcomes.assign_add(ops.one_hot(projection.outcome, len(Outcome), dtype="float32"))
        self.active.assign_add(ops.cast(active, "float32"))
        self.violation.assign(ops.maximum(self.violation, ops.cast(projection.violation, "float32")))

    def add_checks(self, fine: Sequence[Any]) -> None:
        """Add one batch that could not be stopped: whether its checks held."""
        failed = ops.logical_not(ops.all(ops.stack(fine)))
        self.faulty.assign_add(ops.reshape(ops.cast(failed, "float32"), (1,)))

    def read(self, names: Sequence[str]) -> Record:
        """The record, for rows of these names."""
        outcomes, active, violation = (
            np.asarray(weight.numpy()) for weight in (self.outcomes, self.active, self.violation)
        )
        return Record(
            {outcome: int(outcomes[outcome]) for outcome in Outcome},
            dict(zip(names, active.astype(int).tolist(), strict=True)),
            dict(zip(names, violation.tolist(), strict=True)),
            int(self.faulty.numpy()[0]),
        )

    def reset(self) -> None:
        """Forget all batches."""
        for weight in (self.outcomes, self.active, self.violation, self.faulty):
            weight.assign(np.zeros(weight.shape, "float32"))
