"""Gaps and violations of each epoch in the logs of `fit`, and in those of `evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from keras_fair.layers.constraint_layer import ConstraintLayer
from keras_fair.layers.epoch_sums import TRAINING, VALIDATION

__all__ = ["EpochLogs", "TestLogs", "with_logs"]


class EpochLogs(keras.callbacks.Callback):
    """Logs `{name}_gap` and `{name}_violation` of each statement, and the same with `val_`.

    They are of all predictions that the steps of the epoch made, pooled, as the other logs of an epoch are:
    while the model learns, and with labels where constraints are on them, so that `predict`, which has none,
    may be further outside. `FairnessMonitor` asks the model as it is at the end of the epoch, without labels,
    and takes other data. Under a distribution strategy they are those of the first replica.

    Args:
        projection: the layer that adds up.
    """

    def __init__(self, projection: ConstraintLayer) -> None:
        super().__init__()
        self.projection = projection

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._validated = False
        if self.projection.pooled is not None:
            self.projection.pooled.reset(TRAINING)

    def on_test_begin(self, logs: Any = None) -> None:
        self._validated = True
        if self.projection.pooled is not None:
            self.projection.pooled.reset(VALIDATION)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        pooled = self.projection.pooled
        if logs is None or pooled is None:
            return
        places = {"": TRAINING, **({"val_": VALIDATION} if self._validated else {})}
        for prefix, place in places.items():
            summary = self.projection.summary(place)
            logs.update({prefix + key: value for key, value in summary.items()})
        logs.update(self.projection.end_epoch())


class TestLogs(keras.callbacks.Callback):
    """Shows the gaps and violations of `evaluate`, pooled over all its batches, beside what Keras shows.

    Args:
        projection: the layer that adds up.

    Attributes:
        summary: `{name}_gap` and `{name}_violation` of each statement, once `evaluate` has ended.
    """

    def __init__(self, projection: ConstraintLayer) -> None:
        super().__init__()
        self.projection = projection
        self.summary: dict[str, float] = {}

    def on_test_begin(self, logs: Any = None) -> None:
        if self.projection.pooled is not None:
            self.projection.pooled.reset(VALIDATION)

    def on_test_end(self, logs: Any = None) -> None:
        if self.projection.pooled is not None:
            self.summary = self.projection.summary(VALIDATION)
            if logs is not None:
                logs.update(self.summary)


def with_logs(callbacks: Any, logs: keras.callbacks.Callback) -> Any:
    """The callbacks of `fit` or `evaluate` with `logs` before them, so that they see what it logs."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.callbacks.insert(0, logs)
        return callbacks
    given = callbacks if isinstance(callbacks, Sequence) else [] if callbacks is None else [callbacks]
    return [logs, *given]
