"""The models of one `StreamingFairness`: which stream each of their projections belongs to."""

from __future__ import annotations

import threading
import weakref
from functools import partial
from typing import Any

import numpy as np

from keras_fair.callbacks.projections import projections
from keras_fair.callbacks.streamed_model import StreamedModel
from keras_fair.layers.fair_projection import FairProjection
from keras_fair.layers.streamed import StreamedLayer
from keras_fair.ops.stream.state_vector import StreamRule
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.keeper import Keeper

__all__ = ["ModelStreams"]


class ModelStreams:
    """The models of one `StreamingFairness`.

    Args:
        keeper: of the streams.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._models: weakref.WeakKeyDictionary[Any, StreamedModel] = weakref.WeakKeyDictionary()
        self._making = threading.Lock()

    def of(self, model: Any) -> StreamedModel:
        """A model's part in the stream, made once.

        Raises:
            ValueError: the model has no projection, two of one name, or one of other constraints.
        """
        with self._making:
            streamed = self._models.get(model)
            if streamed is None:
                layers = _by_name(model)
                parts = {
                    name: StreamedLayer(self._rule_of(layer), partial(self._first_state, layer))
                    for name, layer in layers.items()
                }
                streamed = StreamedModel(
                    model,
                    {id(layer): parts[name] for name, layer in layers.items()},
                    partial(self._keeper.batch, parts),
                )
                self._models[model] = streamed
            return streamed

    def _rule_of(self, layer: FairProjection) -> StreamRule:
        constraints = self._keeper.kept.constraints
        if constraints is not None and constraints != layer.constraints:
            raise ValueError(
                f"expected the constraints of layer {layer.name!r}, or none, received others: "
                f"{str(constraints)!r} and {str(layer.constraints)!r}"
            )
        return self._keeper.kept.rule._replace(domain=layer.domain, divergence=layer.divergence)

    def _first_state(self, layer: FairProjection, plan: RowPlan) -> np.ndarray:
        return self._keeper.kept.of_layer(layer.name, layer.constraints, self._rule_of(layer), plan).vector


def _by_name(model: Any) -> dict[str, FairProjection]:
    layers: dict[str, FairProjection] = {}
    for layer in projections(model):
        if layer.name in layers:
            raise ValueError(
                f"expected FairProjection layers of different names, received {layer.name!r} twice"
            )
        layers[layer.name] = layer
    if not layers:
        raise ValueError(
            f"expected a model with a FairProjection layer to stream, received model={model.name!r} without"
        )
    return layers
