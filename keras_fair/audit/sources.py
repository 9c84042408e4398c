"""Where the samples of an audit come from: arrays, chunks of arrays, or a model and what it predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from keras_fair.inputs.columns import columns_of, elements_of, is_table
from keras_fair.inputs.predictions import chosen_output

__all__ = ["Parts", "chunks_of"]

Parts = tuple[Any, Any, Any, Any]  # y, attributes, label, sample_weight


def chunks_of(y: Any, attributes: Any, label: Any, sample_weight: Any) -> Iterator[Parts]:
    """The samples in chunks; arguments as those of `keras_fair.audit`.

    Raises:
        ValueError: elements have another form.
    """
    if callable(y) and not hasattr(y, "__array__"):
        if label is not None or sample_weight is not None:
            raise ValueError(
                "expected label and sample_weight inside the data set of a model: "
                "(inputs, label, sample_weight)"
            )
        yield from _predicted(y, attributes)
    elif _is_stream(y):
        if attributes is not None or label is not None or sample_weight is not None:
            raise ValueError(
                "expected attributes, label and sample_weight inside the chunks: "
                "(y, attributes, label, sample_weight)"
            )
        for element in elements_of(y):
            if not isinstance(element, (tuple, list)) or not 1 <= len(element) <= 4:
                raise ValueError(
                    "expected chunks (y, attributes), (y, attributes, label) or (y, attributes, label, "
                    f"sample_weight), received a chunk of type {type(element).__name__}"
                )
            parts = [*element, None, None, None]
            yield parts[0], parts[1], parts[2], parts[3]
    else:
        yield y, attributes, label, sample_weight


def _is_stream(y: Any) -> bool:
    """Whether this is an iterable of chunks rather than one array of predictions."""
    if hasattr(y, "as_numpy_iterator"):
        return True
    if isinstance(y, (list, tuple)):
        return bool(y) and isinstance(y[0], (tuple, list)) and any(is_table(part) for part in y[0])
    return hasattr(y, "__iter__") and not hasattr(y, "__array__") and not hasattr(y, "shape")


def _predicted(model: Callable[[Any], Any], data: Any) -> Iterator[Parts]:
    if data is None or not (is_table(data) or hasattr(data, "__iter__")):
        raise ValueError(
            "expected the data set that the model predicts as attributes: a tf.data pipeline, "
            "a dict of inputs, a DataFrame, or an iterable of batches, "
            f"received attributes={type(data).__name__}"
        )
    elements = [data] if is_table(data) else elements_of(data)
    for element in elements:
        parts = element if isinstance(element, (tuple, list)) else (element,)
        if not 1 <= len(parts) <= 3:
            raise ValueError(
                "expected elements inputs, (inputs, label) or (inputs, label, sample_weight), "
                f"received {len(parts)} parts"
            )
        inputs, label, weight = [*parts, None, None][:3]
        if not is_table(inputs):
            raise ValueError(
                "expected inputs as a dict or a DataFrame of the attributes and what the model takes, "
                f"received inputs of type {type(inputs).__name__}"
            )
        columns, by_key = columns_of(inputs), isinstance(inputs, Mapping)
        lone = [name for name, column in columns.items() if np.ndim(column) == 0] if by_key else []
        if lone:
            raise ValueError(
                "expected a data set of batches, columns of shape (n,), received elements of one sample, "
                f"in which {lone[0]!r} has shape (): call .batch(256) on a tf.data pipeline"
            )
        taken = inputs if by_key else _as_arrays(columns)
        yield _scores(model, taken), columns, label, weight


def _as_arrays(columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The columns of a table as a model takes them; attributes stay what they are."""
    return {name: np.asarray(column) for name, column in columns.items()}


def _scores(model: Any, inputs: Mapping[str, Any]) -> np.ndarray:
    """The predictions of the model. It gets the inputs that it names, or all of them."""
    if not _is_keras_model(model):
        return np.asarray(model(inputs))
    from keras import ops

    predicted = chosen_output(
        model.predict_on_batch(_taken(model, inputs)), getattr(model, "fair_output", None)
    )
    return np.asarray(ops.convert_to_numpy(predicted))


def _is_keras_model(model: Any) -> bool:
    import sys

    keras = sys.modules.get("keras")
    return keras is not None and isinstance(model, keras.Model)


def _taken(model: Any, inputs: Mapping[str, Any]) -> Any:
    """The given inputs that a model takes."""
    named = [tensor.name for tensor in (getattr(model, "inputs", None) or ())]
    if not named or not all(name in inputs for name in named):
        return inputs["x"] if len(named) == 1 and "x" in inputs else dict(inputs)
    if len(named) == 1 and not isinstance(getattr(model, "_inputs_struct", None), dict):
        return inputs[named[0]]
    return {name: inputs[name] for name in named}
