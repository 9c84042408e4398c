"""A base model as one graph of TensorFlow."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_fair.inputs.predictions import chosen_output
from keras_fair.models.inputs import Routes
from keras_fair.serving.answers import Scorer, one_score

__all__ = ["graph_scorer"]


def graph_scorer(
    base: Any,
    routes: Routes,
    specs: Mapping[str, tuple[tuple[int | None, ...], str]],
    output: str | int | None,
) -> Scorer:
    """See `keras_fair.serving.scorer.made_scorer`."""
    signature = {
        name: tf.TensorSpec((None, *shape), tf.as_dtype(dtype), name=f"input_{place}")
        for place, (name, (shape, dtype)) in enumerate(specs.items())
    }

    told = {"training": False} if "training" in inspect.signature(base.call).parameters else {}

    def score(columns: Mapping[str, Any]) -> Any:
        features, _ = routes.split(columns)
        return chosen_output(base(features, **told), output)

    graph = tf.function(score, input_signature=[signature], autograph=False).get_concrete_function()

    def scored(columns: Mapping[str, np.ndarray]) -> np.ndarray:
        return one_score(graph({name: tf.constant(columns[name]) for name in signature}).numpy())

    return scored
