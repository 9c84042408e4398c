"""Comparing numbers with thresholds, exactly as they were given.

    cuts        (t, 0) lies just below t, (t, 1) just above it:  v >= t passes the first, v > t both
    state of v  how many of the sorted cuts it passes

Thresholds are brought to the type of the column: for floats they are rounded to its precision, for whole
numbers replaced by the least whole number that passes, so that no column is converted for a comparison.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from keras_fair.inputs.arrays import Tensor, dtype_of, namespace
from keras_fair.inputs.precision import (
    LARGEST_WHOLE,
    precision_name,
    rounded,
    shortest,
)

__all__ = [
    "CUTS",
    "LARGE",
    "Cut",
    "cast_column",
    "equal_to",
    "interval_codes",
    "interval_text",
    "is_missing",
    "is_whole",
]

CUTS = {"<": (0,), ">=": (0,), "<=": (1,), ">": (1,), "=": (0, 1), "!=": (0, 1)}

LARGE = 16_384  # from so many samples on, passes over them cost most; below it, operations

_FEW = 8  # thresholds that are compared one by one

Cut = tuple[float, int]


def interval_codes(
    column: Tensor, cuts: Sequence[Cut], block: np.ndarray, what: str, *, dtype: str, passes: bool
) -> Tensor:
    """The block of each number: that of the lowest interval, plus the rises at what it passes or equals.

    Args:
        column: `(n,)` numbers in the type that they came in; where one is missing the result means nothing.
        cuts: sorted.
        block: `(len(cuts) + 1,)` int, the block of each interval.
        what: what the column is called in messages.
        dtype: of the result.
        passes: whether passes over the samples cost more than operations.

    Raises:
        ValueError: two thresholds are one number in the precision of the column.
    """
    column, precision = _comparable(column)
    xp = namespace(column)
    if precision != "float64":
        _refuse_same(cuts, precision, what)
    steps, base = _steps(cuts, block)
    passed = []
    for name, rises in steps.items():
        thresholds, always = _in_type(name, rises, column, precision)
        base += always
        if not thresholds:
            continue
        if isinstance(column, np.ndarray) and len(thresholds) > _FEW and name != "equal":
            passed.append(_searched(name, thresholds, column, dtype))
        elif passes:
            rising = (_holds(name, column, threshold, rise, dtype) for threshold, rise in thresholds)
            passed.append(reduce(operator.add, rising))
        else:
            numbers, rises_of = (np.array(part) for part in zip(*thresholds, strict=True))
            numbers = xp.convert_to_tensor(numbers, dtype_of(column))
            holds = xp.cast(getattr(xp, name)(xp.expand_dims(column, 1), numbers), dtype)
            passed.append(xp.cast(xp.sum(holds * xp.convert_to_tensor(rises_of, dtype), axis=1), dtype))
    codes = reduce(operator.add, passed) if passed else xp.zeros_like(column, dtype=dtype)
    return codes + xp.cast(base, dtype) if base else codes


def interval_text(name: str, cuts: Sequence[tuple[float | str, int]], place: int) -> str:
    """An interval between cuts as a person writes it, such as `25 <= age < 60`.

    Args:
        name: of the column.
        cuts: sorted, at least one; numbers or dates.
        place: how many cuts lie below the interval.
    """
    shown = [cut if isinstance(cut, str) else f"{cut:g}" for cut, _ in cuts]
    upper = f"{'<=' if cuts[place][1] else '<'} {shown[place]}" if place < len(cuts) else ""
    if place == 0:
        return f"{name} {upper}"
    low, above = shown[place - 1], cuts[place - 1][1]
    if not upper:
        return f"{name} {'>' if above else '>='} {low}"
    if cuts[place - 1][0] == cuts[place][0]:
        return f"{name} = {low}"
    return f"{low} {'<' if above else '<='} {name} {upper}"


def _holds(name: str, column: Tensor, threshold: Any, rise: int, dtype: str) -> Tensor:
    """The rise at one threshold for each number that passes it, else 0."""
    xp = namespace(column)
    holds = xp.cast(getattr(xp, name)(column, threshold), dtype)
    return holds if rise == 1 else holds * xp.cast(rise, dtype)


def equal_to(column: Tensor, numbers: Sequence[float], *, passes: bool) -> Tensor:
    """Whether each number of a column is one of some numbers, `(n,)` bool; rounded as thresholds are."""
    column, precision = _comparable(column)
    xp = namespace(column)
    rises = [(number, 1) for number in numbers]
    matching = [threshold for threshold, _ in _in_type("equal", rises, column, precision)[0]]
    if not matching:
        return xp.zeros_like(column, dtype="bool")
    if isinstance(column, np.ndarray) and len(matching) > _FEW:
        return np.isin(column, np.array(matching, dtype=column.dtype))
    if not passes:
        numbers_of_type = xp.convert_to_tensor(np.array(matching), dtype_of(column))
        return xp.any(xp.equal(xp.expand_dims(column, 1), numbers_of_type), axis=1)
    return reduce(xp.logical_or, (xp.equal(column, number) for number in matching))


def cast_column(
    column: np.ndarray, cuts: Sequence[Cut], precision: str, what: str, *, largest: int = LARGEST_WHOLE
) -> np.ndarray:
    """A column in the type that tensors will hold it in, on the same side of all thresholds as before.

    Keras holds floats in its own float type, so a column may lose digits, or come from float16 to float32. A
    number of few digits is then taken as the shortest decimal that rounds to it, as a text would write it.

    Args:
        column: `(n,)` numbers as they were given.
        cuts: sorted.
        precision: "float64" or "float32".
        what: what the column is called in messages.
        largest: whole number that tensors hold.

    Raises:
        ValueError: a number and a threshold, or two thresholds, become one; or whole numbers are too large.
    """
    if is_whole(column):
        if column.dtype.itemsize >= 4 and column.size:
            received = max(abs(int(column.max())), abs(int(column.min())))
            if received > largest:
                raise ValueError(
                    f"expected {what} to hold whole numbers up to {largest}, received {received}: "
                    "give it as text"
                )
        return column
    own = precision_name(column)
    if own in (precision, "float64") and (own == precision or not len(cuts)):
        return column.astype(precision)
    if own == "float64":
        cast = column.astype(precision)
    else:
        numbers, inverse = np.unique(column, return_inverse=True)
        decimals = [shortest(float(number), own) for number in numbers]
        cast = np.array(decimals, dtype=precision)[inverse.reshape(-1)]
    block = np.arange(len(cuts) + 1)
    before, after = (
        interval_codes(values, cuts, block, what, dtype="int64", passes=True) for values in (column, cast)
    )
    moved = (before != after) & ~np.isnan(cast)
    if moved.any():
        number = float(column[moved][0])
        nearest = min((cut for cut, _ in cuts), key=lambda cut: abs(cut - number))
        raise ValueError(
            f"{number!r} of {what} and the threshold {nearest!r} are one number in {precision}, in which "
            "Keras holds it: give the column as whole numbers or as text, or round it"
        )
    return cast


def is_whole(column: Tensor) -> bool:
    """Whether a column holds whole numbers or booleans, so that none can be missing."""
    return "int" in dtype_of(column) or dtype_of(column) == "bool"


def is_missing(column: Tensor) -> Tensor:
    """Where a number is missing, `(n,)` bool."""
    xp = namespace(column)
    return xp.zeros_like(column, dtype="bool") if is_whole(column) else xp.isnan(column)


def _comparable(column: Tensor) -> tuple[Tensor, str]:
    """The column in a type in which comparing is quick, and the precision that thresholds are rounded to."""
    name, precision = dtype_of(column), precision_name(column)
    if name in ("float16", "bfloat16"):
        return namespace(column).cast(column, "float32"), precision
    if name in ("bool", "int8", "uint8", "int16", "uint16"):
        return namespace(column).cast(column, "int32"), precision
    return column, precision


def _in_type(
    name: str, rises: Sequence[tuple[float, int]], column: Tensor, precision: str
) -> tuple[list[tuple[Any, int]], int]:
    """Thresholds in the type of a column, each with its rise; and the sum of the rises that all numbers pass.

    Args:
        name: "greater_equal", "greater" or "equal".
        rises: each threshold with its rise.
    """
    if not is_whole(column):
        kind = np.float32 if dtype_of(column) == "float32" else np.float64
        return [(kind(rounded(number, precision)), rise) for number, rise in rises], 0
    limits = np.iinfo(dtype_of(column))
    inside, always = [], 0
    for number, rise in rises:
        if name == "equal":
            if number == np.floor(number) and limits.min <= number <= limits.max:
                inside.append((int(number), rise))
            continue
        above = name == "greater"
        least = math.floor(number) + 1 if above else math.ceil(number)  # the least number that passes
        if least <= limits.min:
            always += rise
        elif least <= limits.max:
            inside.append((least - above, rise))
    return inside, always


def _steps(cuts: Sequence[Cut], block: np.ndarray) -> tuple[dict[str, list[tuple[float, int]]], int]:
    """The comparisons at which the block rises, each with thresholds and rises, and the block of the lowest
    interval."""
    between = block[[place for place in range(len(block)) if not _is_point(cuts, place)]]
    if np.all(between == between[0]):  # only compared for equality
        points = [place for place in range(len(block)) if _is_point(cuts, place)]
        rises = [(cuts[place][0], int(block[place] - between[0])) for place in points]
        steps = {"equal": rises}
    else:
        steps = {"greater_equal": [], "greater": []}
        for (cut, above), rise in zip(cuts, np.diff(block), strict=True):
            steps["greater" if above else "greater_equal"].append((cut, int(rise)))
    return {name: [pair for pair in rises if pair[1]] for name, rises in steps.items()}, int(between[0])


def _is_point(cuts: Sequence[Cut], place: int) -> bool:
    """Whether the state at this place is a single number, between the cuts just below and just above it."""
    return 0 < place < len(cuts) and cuts[place - 1][0] == cuts[place][0]


def _searched(name: str, thresholds: list[tuple[Any, int]], column: np.ndarray, dtype: str) -> np.ndarray:
    """The sum of the rises that each number passes, by bisection."""
    numbers = np.array([threshold for threshold, _ in thresholds], dtype=column.dtype)
    sums = np.concatenate([[0], np.cumsum([rise for _, rise in thresholds])]).astype(dtype)
    return sums[np.searchsorted(numbers, column, side="left" if name == "greater" else "right")]


def _refuse_same(cuts: Sequence[Cut], precision: str, what: str) -> None:
    """Refuse thresholds that are one number in a precision: groups on both sides would be mixed up."""
    numbers = sorted({cut for cut, _ in cuts})
    for low, high in zip(numbers, numbers[1:], strict=False):
        if rounded(low, precision) == rounded(high, precision):
            raise ValueError(
                f"{low!r} and {high!r} are one number in {precision}, in which {what} is given: "
                "give it in float64, as whole numbers or as text"
            )
