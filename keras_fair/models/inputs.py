"""Which of a model's inputs go to the base model, and which to the projection.

    {"x": x, "sex": sex}    ->    base_model(x),  attributes {"sex": sex}

Attributes are the keys that the constraints name. A key may go both ways.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import backend

from keras_fair.inputs.columns import Words, read_column

__all__ = ["Choice", "Routes", "check_choice", "columns_for_keras"]

DEFAULT_KEY = "x"

Choice = str | Sequence[str] | None


def check_choice(choice: Any) -> Choice:
    """The `inputs` argument of a model.

    Raises:
        ValueError: it is neither None, nor a key, nor a sequence of keys.
    """
    if choice is None or isinstance(choice, str):
        return choice
    if isinstance(choice, (list, tuple)) and choice and all(isinstance(key, str) for key in choice):
        return list(choice)
    raise ValueError(f"expected inputs as a key, a list of keys or None, received inputs={choice!r}")


class Routes(NamedTuple):
    """Where inputs go.

    Attributes:
        base: the base model.
        attributes: the keys that the constraints name.
        others: further keys that are not for the base model.
        choice: the key, or the keys, that the user named; None: as the base model's own inputs are named.
    """

    base: Any
    attributes: tuple[str, ...]
    others: tuple[str, ...]
    choice: Choice

    def split(self, inputs: Any) -> tuple[Any, dict[str, Any]]:
        """What the base model is called with, and the attributes.

        Raises:
            ValueError: it can't be told which, or keys are lacking.
        """
        if not isinstance(inputs, Mapping):
            if self.attributes:
                raise ValueError(
                    f"expected inputs as a dict with the attributes {list(self.attributes)} in it, "
                    f"received {type(inputs).__name__}"
                )
            return inputs, {}
        keys = self.keys(inputs)
        lacking = [key for key in ([keys] if isinstance(keys, str) else keys) if key not in inputs]
        if lacking:
            raise ValueError(f"expected inputs {lacking} for the base model, received keys {sorted(inputs)}")
        if isinstance(keys, str):
            return inputs[keys], dict(inputs)
        if isinstance(_structure(self.base), (list, tuple)):
            return [inputs[key] for key in keys], dict(inputs)
        return {key: inputs[key] for key in keys}, dict(inputs)

    def keys(self, inputs: Collection[str]) -> str | list[str]:
        """The key of the base model's input, or the keys of its inputs."""
        if self.choice is not None:
            return self.choice if isinstance(self.choice, str) else list(self.choice)
        structure = _structure(self.base)
        if isinstance(structure, Mapping):
            return list(structure)
        if isinstance(structure, (list, tuple)) and len(structure) > 1:
            return [tensor.name for tensor in structure]
        single = structure[0] if isinstance(structure, (list, tuple)) else structure
        if single is not None and single.name in inputs:
            return str(single.name)
        if DEFAULT_KEY in inputs:
            return DEFAULT_KEY
        beside = sorted({*self.attributes, *self.others})
        rest = [key for key in inputs if key not in beside]
        if len(rest) == 1:
            return rest[0]
        raise ValueError(
            f"expected one input for the base model, under {DEFAULT_KEY!r} or as the only one beside "
            f"{beside}, received keys {sorted(inputs)}: say which with FairModel(..., inputs=...)"
        )

    def readable(self, x: Any, encode: Any) -> Any:
        """Inputs with columns of text as Keras takes them; see `columns_for_keras`."""
        if hasattr(x, "columns") and hasattr(x, "to_dict"):
            x = {name: x[name] for name in x.columns}
        if not isinstance(x, Mapping):
            return x
        keys = self.keys(x)
        return columns_for_keras(x, encode, [keys] if isinstance(keys, str) else keys)


def columns_for_keras(columns: Mapping[str, Any], encode: Any, keep: Collection[str]) -> dict[str, Any]:
    """Inputs with columns of text as codes where they can be encoded, else as text that Keras takes.

    Args:
        columns: inputs by key; tensors and matrices are passed on.
        encode: a function of `{name: column}` that encodes the columns it can, or None.
        keep: the keys whose text the base model reads itself.

    Raises:
        ValueError: there is text that the backend has no tensors for.
    """
    made = dict(columns)
    for name, column in columns.items():
        if _is_passed_on(column):
            continue
        read = read_column(column, f"input {name!r}")
        if not isinstance(read, Words):
            made[name] = read.values
            continue
        encoded = {} if encode is None or name in keep else encode({name: column})
        if name in encoded:
            made[name] = encoded[name]
        elif backend.backend() == "tensorflow":
            made[name] = np.array([*read.words, ""], dtype=object)[read.codes]
        else:
            raise ValueError(
                f"input {name!r} holds text, for which {backend.backend()} has no tensors: call adapt first, "
                "so that it can be encoded, or encode it with a Vocabulary"
            )
    return made


def _is_passed_on(column: Any) -> bool:
    if isinstance(column, np.ndarray):
        return column.dtype.kind in "fiub" or (column.ndim > 1 and column.shape[1] != 1)
    if isinstance(column, (list, tuple)):
        return not all(isinstance(entry, (str, bytes, int, float)) or entry is None for entry in column)
    return not hasattr(column, "array")  # pandas columns have one; tensors and datasets are passed on


def _structure(base: Any) -> Any:
    """The symbolic inputs of a functional or sequential model in their structure, None without any."""
    try:
        return base.input if isinstance(base, keras.Model) else None
    except (AttributeError, ValueError):  # a subclassed model, or a sequential one that is not built
        return None
