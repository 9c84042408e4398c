"""One person who comes alone, in NumPy arrays or lists of one entry: what is read of that in microseconds.

Anything else, and all that needs a check by its value, is left to `keras_fair.streaming.arrivals`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_fair.streaming.stream_settings import LEAST_WEIGHT, MOST_WEIGHT

__all__ = ["LoneRequest", "lone_request"]

_NUMBERS = (float, int, bool)


class LoneRequest(NamedTuple):
    """What is read.

    Attributes:
        r: the prediction.
        person: tells people apart whose attributes or labels are not equal, or come in other types.
        weight: 1 where none was given.
        shape, dtype: of the prediction as it came; float64 where that was no array.
    """

    r: float
    person: Hashable
    weight: float
    shape: tuple[int, ...]
    dtype: Any

    def answer(self, y: float) -> np.ndarray:
        """A prediction in the form of the one that came."""
        return np.array([y], self.dtype).reshape(self.shape)


def lone_request(
    y: Any, attributes: Any, label: Any, weight: Any, names: Sequence[str], uses_label: bool
) -> LoneRequest | None:
    """Read a request, or give None where it is not of one person in NumPy arrays or lists.

    Args:
        y, attributes, label, weight: as `StreamingFairness.project` takes them.
        names: of the attributes that are needed.
        uses_label: whether the label is.
    """
    if type(y) is np.ndarray:
        if y.size != 1 or not 1 <= y.ndim <= 2 or y.dtype.kind != "f":
            return None
        r, shape, dtype = y.item(), y.shape, y.dtype
    elif type(y) is list and len(y) == 1:
        r, shape, dtype = y[0], (1,), "float64"
    else:
        return None
    if type(r) is not float or type(attributes) is not dict or (label is None) is uses_label:
        return None
    person = []
    for name in names:
        entry = _entry(attributes.get(name))
        if entry is None:
            return None
        person.append(entry)
    if uses_label:
        person.append(_entry(label))
    heavy = 1.0 if weight is None else _weight(weight)
    if heavy is None or person[-1:] == [None]:
        return None
    return LoneRequest(r, tuple(person), heavy, shape, dtype)


def _entry(column: Any) -> Hashable:
    """The only entry of a column; a number together with its type, which decides how it is compared."""
    if type(column) is np.ndarray:
        if column.size != 1 or not 1 <= column.ndim <= 2:
            return None
        value = column.item()
        kind: Any = column.dtype
    elif type(column) is list and len(column) == 1:
        (value,) = column
        kind = type(value)
    else:
        return None
    if isinstance(value, str):
        return value
    return (kind, value) if type(value) in _NUMBERS else None


def _weight(weight: Any) -> float | None:
    entry = _entry(weight)
    value = entry[1] if isinstance(entry, tuple) else None
    fits = isinstance(value, float) and LEAST_WEIGHT <= value <= MOST_WEIGHT
    return value if fits else None
