"""Which of a model's inputs go to the base model, and which to the projection.

    {"x": x, "sex": sex}    ->    base_model(x),  attributes {"sex": sex}

Attributes are the keys that the constraints name. A key may go both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import backend, ops

from keras_fair.groups.coding import numbers_of, refuse_missing
from keras_fair.groups.dates import CODES_OF_DATES
from keras_fair.groups.thresholds import Cut, cast_column
from keras_fair.inputs.arrays import is_tensor, largest_whole
from keras_fair.inputs.columns import (
    Numbers,
    Words,
    columns_of,
    read_column,
)

__all__ = [
    "DEFAULT_KEY",
    "AttributeRules",
    "Choice",
    "Routes",
    "base_specs",
    "check_choice",
    "columns_for_keras",
    "structure_of",
]

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

    def split(self, inputs: Any, *, optional: bool = False) -> tuple[Any, dict[str, Any]]:
        """What the base model is called with, and the attributes.

        Args:
            inputs: of the model.
            optional: whether attributes may be left out.

        Raises:
            ValueError: it is not clear which, or keys are not given.
        """
        if not isinstance(inputs, Mapping):
            if self.attributes and not optional:
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
        structure = structure_of(self.base)
        if isinstance(structure, (list, tuple)):
            return [inputs[key] for key in keys], dict(inputs)
        if structure is not None and not isinstance(structure, Mapping):
            return _matrix([inputs[key] for key in keys], keys, structure.dtype), dict(inputs)
        return {key: inputs[key] for key in keys}, dict(inputs)

    def keys(self, inputs: Collection[str]) -> str | list[str]:
        """The key of the base model's input, or the keys of its inputs."""
        if self.choice is not None:
            return self.choice if isinstance(self.choice, str) else list(self.choice)
        structure = structure_of(self.base)
        if isinstance(structure, Mapping):
            return list(structure)
        if isinstance(structure, (list, tuple)):
            return [tensor.name for tensor in structure]
        if structure is not None and structure.name in inputs:
            return str(structure.name)
        if DEFAULT_KEY in inputs:
            return DEFAULT_KEY
        beside = sorted({*self.attributes, *self.others})
        rest = [key for key in inputs if key not in beside]
        if len(rest) == 1:
            return rest[0]
        if structure is not None and rest and tuple(structure.shape[1:]) == (len(rest),):
            return rest
        raise ValueError(
            f"expected one input for the base model, under {DEFAULT_KEY!r} or as the only one beside "
            f"{beside}, received keys {sorted(inputs)}: say which with inputs=..."
            f"{_width_hint(structure, rest)}"
        )

    def readable(self, x: Any, rules: AttributeRules, *, optional: bool = False) -> Any:
        """Inputs as Keras takes them; see `columns_for_keras`.

        Args:
            x: the inputs of `fit`, `evaluate` or `predict`.
            rules: how attributes are read.
            optional: whether attributes may be left out.
        """
        if hasattr(x, "columns") and not isinstance(x, Mapping):
            x = columns_of(x)
        if not isinstance(x, Mapping):
            is_array = isinstance(x, (np.ndarray, list, tuple)) or is_tensor(x)
            if self.attributes and not optional and is_array:
                columns = "".join(f", {name!r}: {name}" for name in self.attributes)
                raise ValueError(
                    f"expected inputs as a dict with the attributes {list(self.attributes)} in it, such as "
                    f"{{'x': x{columns}}}, received {type(x).__name__}"
                )
            return x
        keys = self.keys(x)
        return columns_for_keras(x, self.attributes, rules, keep=[keys] if isinstance(keys, str) else keys)


class AttributeRules(NamedTuple):
    """How attributes are read.

    Attributes:
        encode: a function of `{name: column}` that encodes the columns of text and of dates it can.
        thresholds: what conditions compare each attribute with.
        missing: the policy of the vocabulary for missing values.
        dated: the attributes that conditions compare with dates by order.
    """

    encode: Callable[[dict[str, Any]], dict[str, Any]]
    thresholds: Mapping[str, Sequence[Cut]]
    missing: str
    dated: Collection[str] = ()


def columns_for_keras(
    columns: Mapping[str, Any], attributes: Collection[str], rules: AttributeRules, *, keep: Collection[str]
) -> dict[str, Any]:
    """Inputs with columns of text as codes where they can be encoded, else as text that Keras takes, and with
    attributes of numbers as Keras holds them.

    Args:
        columns: inputs by key; tensors and matrices are passed on.
        attributes: the keys that the constraints name.
        rules: how these are read.
        keep: the keys whose text the base model reads itself.

    Raises:
        ValueError: there is text that the backend has no tensors for; an attribute has missing values that
            the policy refuses, or numbers that conditions tell apart and the float type of Keras does not.
    """
    made = dict(columns)
    for name, column in columns.items():
        if isinstance(column, Mapping) and name not in attributes:  # a base model may take a dict of its own
            made[name] = columns_for_keras(column, (), rules, keep=column)
            continue
        if _is_passed_on(column, name in attributes):
            continue
        if name in rules.dated and name not in keep and getattr(column, "dtype", None) != CODES_OF_DATES:
            made |= rules.encode({name: column})
            continue
        what = f"attribute {name!r}" if name in attributes else f"input {name!r}"
        read = read_column(column, what)
        if name in attributes:
            refuse_missing(read, rules.missing, what)
        if not isinstance(read, Words):
            made[name] = _as_keras_holds(read, rules.thresholds.get(name, ()), what)
            continue
        encoded = {} if name in keep else rules.encode({name: column})
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


def _matrix(columns: Sequence[Any], keys: Sequence[str], dtype: str) -> Any:
    """Columns `(n,)`, `(n, 1)` or `(n, k)` beside each other, as the base model takes them."""
    parts = []
    for key, column in zip(keys, columns, strict=True):
        column = ops.convert_to_tensor(column)
        if backend.standardize_dtype(column.dtype) == "string":
            raise ValueError(f"expected columns of numbers for the base model, received text in {key!r}")
        parts.append(ops.cast(column if len(column.shape) > 1 else ops.expand_dims(column, 1), dtype))
    return ops.concatenate(parts, axis=1)


def _width_hint(structure: Any, rest: Sequence[str]) -> str:
    if structure is None or len(structure.shape) != 2 or not rest:
        return ""
    return (
        f" (the base model takes {structure.shape[1]} columns; beside the attributes there are {len(rest)})"
    )


def _as_keras_holds(read: Numbers, cuts: Sequence[Cut], what: str) -> np.ndarray:
    """A column of numbers in the float type of Keras. What conditions tell apart stays apart."""
    wide = backend.floatx() if backend.floatx() in ("float64", "float32") else "float32"
    return cast_column(numbers_of(read, what), cuts, wide, what, largest=largest_whole())


def _is_passed_on(column: Any, attribute: bool) -> bool:
    if isinstance(column, np.ndarray):
        matrix = column.ndim > 1 and column.shape[1] != 1
        return matrix or (column.dtype.kind in "fiub" and not attribute)
    if isinstance(column, (list, tuple)):
        kinds = (str, bytes, int, float, date, np.generic)
        return not all(isinstance(entry, kinds) or entry is None for entry in column)
    # Columns of pandas have an array, those of polars and pyarrow count nulls; all else is passed on.
    return not (hasattr(column, "array") or hasattr(column, "null_count"))


def base_specs(base: Any, choice: Choice) -> dict[str, tuple[tuple[int | None, ...], str]] | None:
    """The inputs of a base model that shows its own: by key the shape of one sample, and the dtype.

    Args:
        base: a Keras model.
        choice: as of `Routes`. Where it names several keys for one input, these are columns of numbers.

    Returns:
        None where the model shows none.
    """
    structure = structure_of(base)
    if structure is None:
        return None
    if isinstance(structure, Mapping):
        named = dict(structure)
    elif isinstance(structure, (list, tuple)):
        keys = [tensor.name for tensor in structure] if choice is None else list(choice)
        named = dict(zip(keys, structure, strict=True))
    elif isinstance(choice, (list, tuple)):
        return {key: ((), _dtype(structure)) for key in choice}
    else:
        named = {str(choice or DEFAULT_KEY): structure}
    return {str(key): (tuple(tensor.shape[1:]), _dtype(tensor)) for key, tensor in named.items()}


def _dtype(tensor: Any) -> str:
    return str(backend.standardize_dtype(tensor.dtype))


def structure_of(base: Any) -> Any:
    """The symbolic inputs of a functional or sequential model in their structure, None without any."""
    if not isinstance(base, keras.Model):
        return None
    try:
        structure = base.input
    except (AttributeError, ValueError):  # a subclassed model, or a sequential one that was not called
        structure = getattr(base, "inputs", None)
    is_one = isinstance(structure, (list, tuple)) and len(structure) == 1
    return structure[0] if is_one else structure
