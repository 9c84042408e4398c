"""Arrays of expressions, with the names of `keras.ops` that formulas over few numbers use.

Shapes and places are known, entries are expressions or numbers. Bools count as 0 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from keras_fair.ops.traced.trace import Expression, operation

__all__ = ["Traced", "Untraceable"]


class Untraceable(AttributeError):
    """A function of `keras.ops` that there is none for here."""


def _entrywise(operator: str, operands: int, **options: Any) -> Any:
    return np.frompyfunc(partial(operation, operator), operands, 1, **options)


_ADD = _entrywise("+", 2, identity=0.0)
_MULTIPLY = _entrywise("*", 2)
_OR, _AND = _entrywise("or", 2, identity=False), _entrywise("and", 2, identity=True)
_MAX, _MIN = _entrywise("max", 2), _entrywise("min", 2)


class _Functions:
    """The names of `keras.ops` for traced arrays, beside NumPy arrays and numbers."""

    def __init__(self) -> None:
        names = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "maximum": "max"}
        names |= {"minimum": "min", "greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<="}
        names |= {"equal": "==", "logical_and": "and", "logical_or": "or"}
        for name, operator in names.items():
            setattr(self, name, _of_arrays(_entrywise(operator, 2)))
        for operator in ("abs", "sqrt", "exp", "isinf"):
            setattr(self, operator, _of_arrays(_entrywise(operator, 1)))
        self.logical_not = _of_arrays(_entrywise("not", 1))
        self.where = _of_arrays(_entrywise("where", 3))
        for name, ufunc in {"sum": _ADD, "max": _MAX, "min": _MIN, "any": _OR, "all": _AND}.items():
            setattr(self, name, partial(_reduced, ufunc))

    def __getattr__(self, name: str) -> Any:
        raise Untraceable(f"no formula for few numbers has used {name} before")

    def square(self, x: Any) -> Any:
        return x * x

    def not_equal(self, x: Any, y: Any) -> Traced:
        return self.logical_not(self.equal(x, y))

    def segment_sum(self, x: Any, places: Any, num_segments: int) -> Traced:
        sums = np.zeros(num_segments, dtype=object)
        for place, entry in zip(_entries(places), _entries(x), strict=True):
            sums[int(place)] = operation("+", sums[int(place)], entry)
        return Traced(sums)

    def pad(self, x: Any, width: tuple[int, int]) -> Traced:
        before, after = width
        return Traced([0.0] * before + list(_entries(x)) + [0.0] * after)

    def matmul(self, a: Any, b: Any) -> Traced:
        a, b = _entries(a), _entries(b)
        if b.ndim == 1:
            return Traced(_ADD.reduce(_MULTIPLY(a, b), axis=-1))
        return Traced(_ADD.reduce(_MULTIPLY(a[..., None], b), axis=-2))

    def tensordot(self, a: Any, b: Any, axes: int) -> Traced:
        return self.matmul(a, b)

    def concatenate(self, parts: Sequence[Any], axis: int = 0) -> Traced:
        return Traced(np.concatenate([_entries(part) for part in parts], axis=axis))

    def stack(self, parts: Sequence[Any], axis: int = 0) -> Traced:
        return Traced(np.stack([_entries(part) for part in parts], axis=axis))

    def take(self, x: Any, places: Any, axis: int) -> Traced:
        return Traced(np.take(_entries(x), places, axis=axis))

    def reshape(self, x: Any, shape: Any) -> Traced:
        return Traced(_entries(x).reshape(shape))

    def expand_dims(self, x: Any, axis: int) -> Traced:
        return Traced(np.expand_dims(_entries(x), axis))

    def floats(self, x: Any) -> Traced:
        return Traced(_entries(x))

    def cast(self, x: Any, dtype: Any) -> Traced:
        return Traced(_entries(x))

    def full_like(self, x: Any, fill_value: Any) -> Traced:
        return Traced(np.full(x.shape, fill_value, dtype=object))

    def zeros_like(self, x: Any) -> Traced:
        return self.full_like(x, 0.0)

    def ones_like(self, x: Any) -> Traced:
        return self.full_like(x, 1.0)

    def stop_gradient(self, x: Any) -> Any:
        return x


def _of_arrays(ufunc: Any) -> Any:
    return lambda *arrays: Traced(ufunc(*map(_entries, arrays)))


def _reduced(ufunc: Any, x: Any, axis: Any = None) -> Traced:
    return Traced(ufunc.reduce(_entries(x), axis=axis))


def _entries(x: Any) -> np.ndarray:
    if isinstance(x, Traced):
        return x.entries
    if isinstance(x, Expression):
        return np.array(x, dtype=object)
    return np.asarray(x).astype(object)


class Traced:
    """An array of expressions.

    Args:
        entries: of any shape: expressions and numbers.
    """

    own_functions = _Functions()
    __array_ufunc__ = None  # NumPy leaves operators to this class
    dtype = np.dtype("float64")

    def __init__(self, entries: Any) -> None:
        self.entries = np.array(entries, dtype=object)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.entries.shape

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, place: Any) -> Traced:
        return Traced(self.entries[place])

    def __add__(self, other: Any) -> Traced:
        return self.own_functions.add(self, other)

    def __radd__(self, other: Any) -> Traced:
        return self.own_functions.add(other, self)

    def __sub__(self, other: Any) -> Traced:
        return self.own_functions.subtract(self, other)

    def __rsub__(self, other: Any) -> Traced:
        return self.own_functions.subtract(other, self)

    def __mul__(self, other: Any) -> Traced:
        return self.own_functions.multiply(self, other)

    def __rmul__(self, other: Any) -> Traced:
        return self.own_functions.multiply(other, self)

    def __truediv__(self, other: Any) -> Traced:
        return self.own_functions.divide(self, other)

    def __rtruediv__(self, other: Any) -> Traced:
        return self.own_functions.divide(other, self)

    def __pow__(self, power: float) -> Traced:
        return _of_arrays(_entrywise("**", 2))(self, power)

    def __neg__(self) -> Traced:
        return _of_arrays(_entrywise("negative", 1))(self)

    def __gt__(self, other: Any) -> Traced:
        return self.own_functions.greater(self, other)

    def __ge__(self, other: Any) -> Traced:
        return self.own_functions.greater_equal(self, other)

    def __lt__(self, other: Any) -> Traced:
        return self.own_functions.less(self, other)

    def __le__(self, other: Any) -> Traced:
        return self.own_functions.less_equal(self, other)
