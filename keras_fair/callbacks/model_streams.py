"""The models that run on a stream: which stream each projection belongs to, and what surrounds a batch."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np

from keras_fair.callbacks.streamed_model import StreamedModel, projections_of
from keras_fair.layers.fair_projection import FairProjection
from keras_fair.layers.streamed import StreamedLayer
from keras_fair.ops.stream.state_vector import StreamRule
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.keeper import Keeper

__all__ = ["ModelStreams", "StreamedRuns"]


class ModelStreams:
    """The models of one `StreamingFairness`.

    Args:
        keeper: of the streams.
        lock: held while a batch runs.
    """

    def __init__(self, keeper: Keeper, lock: Any) -> None:
        self._keeper, self._lock = keeper, lock
        self._models: weakref.WeakKeyDictionary[Any, StreamedModel] = weakref.WeakKeyDictionary()
        self._finding = threading.Lock()

    def of(self, model: Any) -> StreamedModel:
        """A model's part in the stream, made once.

        Raises:
            ValueError: it has no projection, or one of other constraints.
        """
        with self._finding:
            found = self._models.get(model)
            if found is None:
                parts = {
                    layer: StreamedLayer(self._rule_of(layer), partial(self._first, layer))
                    for layer in projections_of(model).values()
                }
                found = StreamedModel(
                    model, {id(layer): part for layer, part in parts.items()}, partial(self._batch, parts)
                )
                self._models[model] = found
            return found

    def _rule_of(self, layer: FairProjection) -> StreamRule:
        constraints = self._keeper.constraints
        if constraints is not None and constraints != layer.constraints:
            raise ValueError(
                f"expected the constraints of layer {layer.name!r}, or none, received others: "
                f"{str(constraints)!r} and {str(layer.constraints)!r}"
            )
        return self._keeper.rule._replace(domain=layer.domain, divergence=layer.divergence)

    def _first(self, layer: FairProjection, plan: RowPlan) -> np.ndarray:
        """The state that a layer begins with."""
        return self._keeper.of_layer(layer.name, layer.constraints, self._rule_of(layer), plan).vector

    @contextmanager
    def _batch(self, parts: Mapping[FairProjection, StreamedLayer]) -> Iterator[None]:
        """Run a batch: states in, what the steps found out. If it fails nothing has changed."""
        with self._lock:
            for layer, part in parts.items():
                if layer.name in self._keeper.streams:
                    part.set(self._keeper.streams[layer.name].vector)
            yield
            found = {layer.name: part.get() for layer, part in parts.items()}
            for name, (_, values) in found.items():
                self._keeper.streams[name].check(values)
            for name, (readout, values) in found.items():
                self._keeper.streams[name].take(readout, values)
            self._keeper.after_batch()


class StreamedRuns(keras.callbacks.Callback):
    """What Keras tells of runs, and what becomes of it. Made by `StreamingFairness`, which sets these:

    Attributes:
        _models: the models.
        _keeper: of the streams.
        _lock: held while a batch runs.
    """

    _models: ModelStreams
    _keeper: Keeper
    _lock: Any

    def on_train_begin(self, logs: Any = None) -> None:
        raise ValueError(
            "expected StreamingFairness in predict or evaluate, received it in fit; to train with a memory "
            "over batches give FairProjection(memory=...)"
        )

    def on_predict_begin(self, logs: Any = None) -> None:
        self._models.of(self._model).attach("predict")

    def on_predict_batch_begin(self, batch: Any, logs: Any = None) -> None:
        self._models.of(self._model).expect("predict")

    def on_predict_batch_end(self, batch: Any, logs: Any = None) -> None:
        self._models.of(self._model).confirm()

    def on_predict_end(self, logs: Any = None) -> None:
        self._ended("predict")

    def on_test_begin(self, logs: Any = None) -> None:
        self._models.of(self._model).attach("test")

    def on_test_batch_begin(self, batch: Any, logs: Any = None) -> None:
        self._models.of(self._model).expect("test")

    def on_test_batch_end(self, batch: Any, logs: Any = None) -> None:
        self._models.of(self._model).confirm()

    def on_test_end(self, logs: Any = None) -> None:
        self._ended("test")

    def _ended(self, kind: str) -> None:
        self._models.of(self._model).detach(kind)
        with self._lock:
            self._keeper.after_run()
