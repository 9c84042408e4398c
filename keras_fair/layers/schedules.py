"""Numbers that a layer may change while it trains: a number, or a schedule of Keras over the training
batches."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from keras_fair.layers.kept_weight import kept_weight, weight_read
from keras_fair.ops.dispatch import ops
from keras_fair.ops.working_precision import working_dtype

__all__ = ["Scheduled", "check_scheduled"]


def check_scheduled(name: str, value: Any, *, zero: bool) -> Any:
    """A number or a schedule.

    Args:
        name: of the argument.
        value: a finite number, a `keras.optimizers.schedules.LearningRateSchedule`, or the config of one.
        zero: whether 0 is fine.

    Raises:
        ValueError: it is none of these, or below its least value.
    """
    if isinstance(value, dict):
        value = keras.saving.deserialize_keras_object(value)
    if isinstance(value, keras.optimizers.schedules.LearningRateSchedule):
        return value
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        least = ">= 0" if zero else "> 0"
        raise ValueError(
            f"expected {name} as a finite number {least} or a keras.optimizers.schedules schedule, received "
            f"{name}={value!r}"
        )
    return float(value)


class Scheduled:
    """The numbers of one layer, at the batch that is trained on.

    Args:
        **values: by name, as `check_scheduled` gives them.
    """

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.steps: Any = None

    @property
    def changes(self) -> bool:
        """Whether any of them is a schedule."""
        return any(not isinstance(value, float) for value in self.values.values())

    def build(self, add_weight: Any) -> None:
        """Make the weight that counts training batches, where there is a schedule."""
        if self.changes:
            self.steps = kept_weight(add_weight, "steps", (1,), working_dtype())

    def now(self, name: str) -> Any:
        """A number, or a scalar tensor."""
        value = self.values[name]
        if isinstance(value, float):
            return value
        step = ops.reshape(ops.convert_to_tensor(weight_read(self.steps)), ())
        return ops.cast(value(ops.cast(step, "float32")), working_dtype())

    def advance(self) -> None:
        """Count a training batch."""
        if self.steps is not None:
            self.steps.assign(weight_read(self.steps) + 1.0)

    def get_config(self) -> dict[str, Any]:
        """The numbers by name, schedules serialised."""
        return {
            name: value if isinstance(value, float) else keras.saving.serialize_keras_object(value)
            for name, value in self.values.items()
        }
