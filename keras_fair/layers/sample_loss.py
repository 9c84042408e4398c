"""Each sample's loss, for statements that speak of `loss`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from keras_fair.inputs.domain import Domain
from keras_fair.ops.dispatch import ops

__all__ = ["check_loss", "sample_loss"]


def check_loss(loss: Any) -> Any:
    """A loss by its name, or a Keras loss; None: as the domain asks for.

    Raises:
        ValueError: Keras knows no such loss.
    """
    if loss is None or isinstance(loss, str):
        if isinstance(loss, str):
            keras.losses.get(loss)
        return loss
    if isinstance(loss, dict):
        loss = keras.saving.deserialize_keras_object(loss)
    if isinstance(loss, keras.losses.Loss):
        return loss
    raise ValueError(
        f"expected loss as the name of a loss, a keras.losses.Loss or None, received loss={loss!r}"
    )


def sample_loss(loss: Any, domain: Domain, outputs: int) -> Callable[[Any, Any], Any]:
    """The loss of each sample, a function of `(label, y)` that gives `(n,)`.

    Args:
        loss: as `check_loss` gives it. None: the cross-entropy where predictions lie in (0, 1) or on the
            simplex, else the squared error.
        domain: of the predictions.
        outputs: how many there are.
    """
    if loss is None:
        if domain.simplex:
            loss = "sparse_categorical_crossentropy"
        else:
            loss = "binary_crossentropy" if domain.bounds == (0.0, 1.0) else "mean_squared_error"
    function = keras.losses.get(loss)
    if isinstance(function, keras.losses.Loss):
        function = function.call

    def of_samples(label: Any, y: Any) -> Any:
        label = ops.cast(label, y.dtype)
        if len(label.shape) == 1 and not domain.simplex:
            label = ops.expand_dims(label, 1)
        return ops.reshape(function(label, y), (-1,))

    return of_samples
