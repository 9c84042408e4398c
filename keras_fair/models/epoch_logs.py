"""Gaps and violations of each epoch in the logs of `fit`, and in those of `evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_fair.layers.epoch_sums import TRAINING, VALIDATION
from keras_fair.layers.fair_projection import FairProjection
from keras_fair.metrics.summary import summary_of

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

    def __init__(self, projection: FairProjection) -> None:
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
            summary = _summary(self.projection, place)
            logs.update({prefix + key: value for key, value in summary.items()})


class TestLogs(keras.callbacks.Callback):
    """Shows the gaps and violations of `evaluate`, pooled over all its batches, beside what Keras shows.

    Args:
        projection: the layer that adds up.

    Attributes:
        summary: `{name}_gap` and `{name}_violation` of each statement, once `evaluate` has ended.
    """

    def __init__(self, projection: FairProjection) -> None:
        super().__init__()
        self.projection = projection
        self.summary: dict[str, float] = {}

    def on_test_begin(self, logs: Any = None) -> None:
        if self.projection.pooled is not None:
            self.projection.pooled.reset(VALIDATION)

    def on_test_end(self, logs: Any = None) -> None:
        if self.projection.pooled is not None:
            self.summary = _summary(self.projection, VALIDATION)
            if logs is not None:
                logs.update(self.summary)


def _summary(projection: FairProjection, place: int) -> dict[str, float]:
    """Gaps and violations of all predictions that were added up in a place."""
    assert projection.pooled is not None
    return summary_of(projection.constraints.statements, projection.pooled.rows(place), np.zeros(0))


def with_logs(callbacks: Any, logs: keras.callbacks.Callback) -> Any:
    """The callbacks of `fit` or `evaluate` with `logs` before them, so that they see what it logs."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.callbacks.insert(0, logs)
        return callbacks
    given = callbacks if isinstance(callbacks, Sequence) else [] if callbacks is None else [callbacks]
    return [logs, *given]
