"""Numbers in the precision that they were given in.

A number in a text, such as the 0.7 of `y >= 0.7`, is compared with a column of float32 after it was rounded
to float32, as NumPy and pandas do. So 0.7 equals the float32 that is nearest to it, whichever container or
cast the column came through. The other way round, a value that is learnt from a float32 column is known by
the shortest decimal that rounds to it: 0.7, not 0.699999988.

Whole numbers are compared as whole numbers. Beyond 2^53 a float64 cannot tell neighbours apart, so two
identities would become one. Such numbers are refused.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = [
    "LARGEST_WHOLE",
    "PRECISIONS",
    "check_whole",
    "numpy_type",
    "precision_name",
    "rounded",
    "shortest",
]

LARGEST_WHOLE = 2**53
PRECISIONS = ("float64", "float32", "float16", "bfloat16")


def precision_name(array: Any) -> str:
    """The name of the float type of an array, a tensor or a scalar; "float64" for all other types."""
    dtype = getattr(array, "dtype", "float64")
    if isinstance(dtype, np.dtype) and dtype.char in "dlqi?":  # the usual ones: a name takes NumPy long
        return "float64"
    name = str(getattr(dtype, "name", dtype)).rpartition(".")[2].lower()
    return name if name in PRECISIONS else "float64"


def rounded(number: float, precision: str) -> float:
    """The number that is nearest in a precision; infinite where it is too large for that.

    Args:
        number: any number.
        precision: "float64", "float32", "float16" or "bfloat16".

    Example:

    >>> rounded(0.7, "float32")
    0.699999988079071
    """
    if precision == "float64" or not math.isfinite(number):
        return number
    with np.errstate(over="ignore", under="ignore"):
        return float(np.asarray(number, dtype="float64").astype(numpy_type(precision)))


def shortest(number: float, precision: str) -> float:
    """The shortest decimal that rounds to a number of a precision.

    Args:
        number: one that has this precision.
        precision: "float64", "float32", "float16" or "bfloat16".

    Example:

    >>> shortest(0.699999988079071, "float32")
    0.7
    """
    if precision == "float64" or number == int(number if math.isfinite(number) else 0):
        return number
    for digits in range(1, 10):
        decimal = float(f"{number:.{digits}g}")
        if rounded(decimal, precision) == number:
            return decimal
    return number


def check_whole(values: np.ndarray, what: str) -> None:
    """Refuse whole numbers that a float64 does not tell apart.

    Args:
        values: `(n,)` integers.
        what: what the column is called in messages.

    Raises:
        ValueError: one of them lies beyond 2^53.
    """
    if values.dtype.itemsize < 8 or not values.size:
        return
    for extreme in (int(values.max()), int(values.min())):
        if abs(extreme) > LARGEST_WHOLE:
            raise ValueError(
                f"expected {what} to hold whole numbers up to 2^53 = {LARGEST_WHOLE}, received {extreme}: "
                "beyond that, numbers that differ by 1 are the same to a float; give them as text"
            )


def numpy_type(precision: str) -> Any:
    """The NumPy type of a precision, for `astype`."""
    if precision == "bfloat16":
        import ml_dtypes

        return ml_dtypes.bfloat16
    return precision
