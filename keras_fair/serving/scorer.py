"""A base model as a function of columns, compiled once, for any number of people.

Keras' `predict` makes a data set and runs callbacks for each call, which takes tens of times as long as one
person's score. Here TensorFlow runs one graph for any number of people; other backends run what
`predict_on_batch` compiled, in sizes of 1, 2, 4, ..., so that few are compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import backend, ops

from keras_fair.inputs.predictions import chosen_output
from keras_fair.models.inputs import Routes
from keras_fair.serving.answers import Scorer, one_score

__all__ = ["made_scorer"]


def made_scorer(
    base: Any,
    routes: Routes,
    specs: Mapping[str, tuple[tuple[int | None, ...], str]],
    output: str | int | None,
) -> Scorer:
    """The base model as a function.

    Args:
        base: a Keras model.
        routes: which key goes to which of its inputs.
        specs: by key the shape of one sample, and the dtype.
        output: of several outputs, the one that is meant.

    Returns:
        A function of columns `(n, *shape)` that gives `(n,)` or `(n, outputs)` scores.
    """
    if backend.backend() == "tensorflow":
        from keras_fair.serving.scorer_tensorflow import graph_scorer

        return graph_scorer(base, routes, specs, output)

    def scored(columns: Mapping[str, np.ndarray]) -> np.ndarray:
        size = len(next(iter(columns.values())))
        padded = 1 << (size - 1).bit_length()
        whole = {
            name: np.concatenate([column, np.repeat(column[:1], padded - size, axis=0)])
            for name, column in columns.items()
        }
        features, _ = routes.split(whole)
        found = chosen_output(base.predict_on_batch(features), output)
        return one_score(np.asarray(ops.convert_to_numpy(found))[:size])

    return scored
