"""A layer that passes its input on and turns the gradient round: what comes after learns one way, what comes
before learns the other.

    forward  x        backward  -s g

It needs no custom gradient of any backend: with x held constant inside brackets,

    [x] - s (x - [x])

is x itself, as the difference is exactly 0, and its derivative is -s (Ganin and Lempitsky, 2015, section
3.1, give the layer).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_fair.layers.schedules import Scheduled, check_scheduled

__all__ = ["GradientReversal", "gradient_reversed"]


def gradient_reversed(x: Any, strength: Any) -> Any:
    """The same values with the gradient times `-strength`.

    Args:
        x: a tensor of floats; infinite values and NaN become NaN.
        strength: a number or a scalar tensor, >= 0.
    """
    held = ops.stop_gradient(x)
    return held - ops.cast(strength, x.dtype) * (x - held)


@keras.saving.register_keras_serializable(package="keras_fair")
class GradientReversal(keras.layers.Layer):
    """Passes its input on; backward the gradient is multiplied by `-strength`.

    What stands after it learns to lower its loss, what stands before it to raise that loss: an adversary on
    top of a representation. `kf.AdversarialModel` puts one together from a text; this layer is for networks
    of your own.

    Args:
        strength: a finite number >= 0, or a `keras.optimizers.schedules` schedule over the training batches.
            0 cuts what stands before off from the loss.

    Call arguments:
        x: a tensor of floats of any shape.
        training: whether this is a step of training, which a schedule counts.

    Returns:
        `x`, of the same shape, dtype and values.

    Raises:
        ValueError: `strength` is something else.

    Example:
        >>> import keras
        >>> import keras_fair as kf
        >>> x = keras.Input((3,))
        >>> features = keras.layers.Dense(4, activation="relu")(x)
        >>> label = keras.layers.Dense(1, activation="sigmoid", name="label")(features)
        >>> reversed_features = kf.layers.GradientReversal(strength=0.5)(features)
        >>> sex = keras.layers.Dense(1, activation="sigmoid", name="sex")(reversed_features)
        >>> model = keras.Model(x, {"label": label, "sex": sex})
        >>> model.compile("adam", "binary_crossentropy")
    """

    def __init__(self, strength: Any = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._scheduled = Scheduled(strength=check_scheduled("strength", strength, zero=True))
        self._saved_steps: np.ndarray | None = None

    @property
    def strength(self) -> Any:
        """The number or the schedule."""
        return self._scheduled.values["strength"]

    def build(self, x_shape: Any) -> None:
        self._scheduled.build(self.add_weight)
        self._steps_weight = self._scheduled.steps
        if self._steps_weight is not None and self._saved_steps is not None:
            self._steps_weight.assign(self._saved_steps)

    def call(self, x: Any, training: bool | None = None) -> Any:
        turned = gradient_reversed(x, self._scheduled.now("strength"))
        if training:
            self._scheduled.advance()
        return turned

    def compute_output_shape(self, x_shape: Any) -> Any:
        return x_shape

    def save_own_variables(self, store: Any) -> None:
        """Save how many batches the schedule has counted."""
        if self._scheduled.steps is not None:
            store["steps"] = np.asarray(ops.convert_to_numpy(self._scheduled.steps.value))

    def load_own_variables(self, store: Any) -> None:
        """See `save_own_variables`; also before `build`."""
        if "steps" in store.keys():  # noqa: SIM118
            self._saved_steps = np.array(store["steps"])
            if self._scheduled.steps is not None:
                self._scheduled.steps.assign(self._saved_steps)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._scheduled.get_config()}
