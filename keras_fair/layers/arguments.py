"""What a user may give the projection layer, checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from keras import backend, ops

from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import concrete
from keras_fair.inputs.columns import columns_of

__all__ = ["check_stiffness", "check_vocabulary", "is_symbolic_text", "only"]


def check_vocabulary(vocabulary: Any) -> Vocabulary | None:
    """A vocabulary, or one made from a dict of values.

    Raises:
        ValueError: it is something else.
    """
    if vocabulary is None or isinstance(vocabulary, Vocabulary):
        return vocabulary
    if isinstance(vocabulary, Mapping):
        return Vocabulary(vocabulary)
    raise ValueError(
        f"expected vocabulary as a Vocabulary or a dict of values, received vocabulary={vocabulary!r}"
    )


def check_stiffness(stiffness: Any) -> float:
    """A stiffness as a float; raises ValueError where it is not a number > 0."""
    is_number = isinstance(stiffness, (int, float, np.number)) and not isinstance(stiffness, bool)
    if not is_number or not stiffness > 0:
        raise ValueError(f"expected stiffness > 0, received stiffness={stiffness!r}")
    return float(stiffness)


def only(attributes: Any, wanted: set[str]) -> Any:
    """The wanted columns of a dict, a DataFrame, or each element of a dataset."""
    if isinstance(attributes, Mapping) or hasattr(attributes, "columns"):
        return {name: column for name, column in columns_of(attributes).items() if name in wanted}
    return _elements_with_only(attributes, wanted)


def is_symbolic_text(column: Any) -> bool:
    """Whether a column is text that has no values yet."""
    if backend.is_keras_tensor(column) or (ops.is_tensor(column) and concrete(column) is None):
        return str(backend.standardize_dtype(column.dtype)) == "string"
    return False


def _elements_with_only(dataset: Iterable[Any], wanted: set[str]) -> Iterator[Any]:
    for element in getattr(dataset, "as_numpy_iterator", lambda: iter(dataset))():
        columns, label = (element[0], element[1]) if isinstance(element, tuple) else (element, None)
        yield only(columns, wanted), label
