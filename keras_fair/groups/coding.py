"""Encoding a column by the values it may have: words to codes, probabilities to a matrix; numbers stay
numbers.

    0 ... size-1   the values, in order
    size           a value outside the vocabulary: in no group, counted and reported
    size + 1       missing, unless missing entries are a group of their own

So the last code means missing, and the one before it means unknown. `UNKNOWN` and `MISSING` count from the
end, so they stay right in a vocabulary that still grows. Numbers are not coded here: a condition compares the
number itself, so `age < 25` also works for an age never seen before. A missing number is NaN. Numbers keep
the type that they came in, since it decides how they are compared (`keras_fair.groups.thresholds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fair.errors import near_names, quoted
from keras_fair.inputs.arrays import (
    Tensor,
    concrete,
    dtype_of,
    flat,
    floats,
    is_tensor,
    namespace,
)
from keras_fair.inputs.columns import Column, Numbers, Words, is_matrix, read_column
from keras_fair.inputs.dates import date_text
from keras_fair.inputs.precision import numpy_type, precision_name
from keras_fair.inputs.refusals import WrongKind

__all__ = [
    "MISSING",
    "MISSING_GROUP",
    "UNKNOWN",
    "Entry",
    "Values",
    "check_shares",
    "codes_of_column",
    "encode_column",
    "forms_of",
    "has_words",
    "numbers_of",
    "refuse_infinite",
    "refuse_missing",
]

MISSING_GROUP = "missing"
UNKNOWN, MISSING = -2, -1  # states, counted from the end

Entry = str | float
Values = tuple[Entry, ...]

_TRUTHS = ("False", "True")


def encode_column(column: Any, values: Values | None, missing: str, what: str) -> Any:
    """Encode one column.

    Args:
        column: `(n,)` or `(n, 1)`: anything that `keras_fair.inputs.columns` reads, or a tensor; or
            probabilities: a dict from value to `(n,)`, or `(n, k)`.
        values: the values it may have; None for numbers that are not listed.
        missing: the policy of `Vocabulary`.
        what: what the column is called in messages.

    Returns:
        int32 codes `(n,)` of text, numbers `(n,)` in the type that they came in, floats `(n, k)` of
        probabilities: a tensor for a tensor, else a NumPy array.

    Raises:
        ValueError: the column does not fit the values, or has missing entries under the policy "error".
    """
    if isinstance(column, Mapping):
        return check_shares(_share_matrix(column, values, what), values, what)
    if is_matrix(column):
        return check_shares(column, values, what)
    if is_tensor(column):
        column = flat(column)
        text = dtype_of(column) == "string"
        if not text and has_words(values) and not (_are_truths(values) and dtype_of(column) == "bool"):
            raise WrongKind(_expected_text(values, what))
        if not text and not has_words(values):
            return column
        entries = concrete(column)
        if entries is None:
            return _codes_of_tensor(column, values, missing, what)
        column = entries
    read = read_column(column, what)
    refuse_missing(read, missing, what)
    return codes_of_column(read, values or (), missing, what) if has_words(values) else numbers_of(read, what)


def codes_of_column(column: Column, values: Values, missing: str, what: str) -> np.ndarray:
    """The codes of a column of text, `(n,)` int32.

    Raises:
        ValueError: it holds numbers. (Booleans meet the values "True" and "False".)
    """
    if isinstance(column, Numbers):
        if column.values.dtype.kind == "b" and _are_truths(values):
            return np.array(_codes_of_truths(values), dtype="int32")[column.values.astype(np.intp)]
        if column.missing < len(column.values):
            raise WrongKind(_expected_text(values, what))
        return np.full(len(column.values), _code_of_missing(values, missing), dtype="int32")
    place = {value: code for code, value in enumerate(values)}
    codes = [place.get(word, len(values)) for word in column.words]
    return np.array([*codes, _code_of_missing(values, missing)], dtype="int32")[column.codes]


def numbers_of(column: Column, what: str) -> np.ndarray:
    """The numbers of a column, `(n,)`, in the type that they came in; NaN where one is missing.

    Raises:
        ValueError: it holds text.
    """
    if isinstance(column, Words):
        if column.words:
            raise WrongKind(
                f"expected {what} to hold numbers, received text such as {quoted(column.words[0])}"
                f"{_encoding(what)}"
            )
        return np.full(len(column.codes), np.nan)
    if column.precision == precision_name(column.values):
        return column.values
    return column.values.astype(numpy_type(column.precision))


def forms_of(value: Entry) -> tuple[Entry, ...]:
    """What a written value equals: itself, and a date also the one form that columns of dates are read in."""
    date = date_text(value) if isinstance(value, str) else None
    return (value,) if date is None or date == value else (value, date)


def has_words(values: Values | None) -> bool:
    """Whether these are the values of a column of text."""
    return any(isinstance(value, str) and value != MISSING_GROUP for value in values or ())


def refuse_missing(column: Column, missing: str, what: str) -> None:
    """Raise ValueError where entries are missing and the policy is "error"."""
    if missing == "error" and column.missing:
        raise ValueError(
            f"{what} has {column.missing} missing values (None, NaN or empty text), the first at index "
            f"{int(np.argmax(column.gaps))}; choose what they mean: vocabulary=Vocabulary(missing='exclude') "
            "leaves these samples out of the groups of that attribute, missing='group' makes them a group of "
            "their own"
        )


def refuse_infinite(numbers: np.ndarray, what: str) -> None:
    """Raise ValueError where numbers are infinite."""
    # A sum is one pass, and finite unless one of the numbers is not.
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(np.sum(numbers, dtype="float64"))
    if not finite:
        infinite = int(np.isinf(numbers).sum())
        if infinite:
            raise ValueError(f"expected {what} to hold finite numbers, received {infinite} infinite")


def check_shares(column: Any, values: Values | None, what: str) -> Any:
    """A matrix of probabilities `(n, k)` as floats; raises ValueError where it does not fit the values."""
    size = None if values is None else len(values)
    if isinstance(column, np.ma.MaskedArray) and np.ma.getmaskarray(column).any():
        raise ValueError(f"expected the probabilities of {what} without masked entries")
    if not is_tensor(column) and not isinstance(column, np.ndarray):
        column = np.asarray(column)
    if len(column.shape) != 2 or size != column.shape[1]:
        expected = "(n,)" if size is None else f"(n,) or (n, {size})"
        raise ValueError(f"expected {what} of shape {expected}, received shape={tuple(column.shape)}")
    entries = concrete(column)
    if entries is not None and entries.size:
        if entries.dtype.kind not in "fiub":
            raise WrongKind(
                f"expected the probabilities of {what} to be numbers, received dtype={entries.dtype}"
            )
        if not np.all(entries >= 0) or not np.all(entries.sum(axis=1) <= 1 + 1e-5):
            raise ValueError(
                f"expected the probabilities of {what} in [0, 1] with sums of at most 1, "
                f"received values from {np.min(entries)} to {np.max(entries)}"
            )
    return floats(namespace(column), column) if is_tensor(column) else np.asarray(column, "float64")


def _codes_of_tensor(column: Tensor, values: Values | None, missing: str, what: str) -> Tensor:
    """Codes of a tensor of text (or of booleans) inside a graph, by one comparison a value."""
    if values is None or not has_words(values):
        raise WrongKind(f"expected {what} to hold numbers, received a tensor of text{_encoding(what)}")
    xp, size = namespace(column), len(values)
    if dtype_of(column) == "bool":
        code_of_false, code_of_true = _codes_of_truths(values)
        return xp.where(column, code_of_true, code_of_false)
    codes = size + xp.cast(column == "", "int32") * (_code_of_missing(values, missing) - size)
    for code, value in enumerate(values):
        codes = codes + xp.cast(column == value, "int32") * (code - size)
    return codes


def _code_of_missing(values: Values, missing: str) -> int:
    grouped = missing == "group" and MISSING_GROUP in values
    return values.index(MISSING_GROUP) if grouped else len(values) + 1


def _codes_of_truths(values: Values) -> list[int]:
    """The codes of False and True."""
    return [values.index(word) if word in values else len(values) for word in _TRUTHS]


def _are_truths(values: Values | None) -> bool:
    """Whether the values are those of a column of booleans, written as words."""
    return bool(values) and set(values or ()) <= {*_TRUTHS, MISSING_GROUP}


def _expected_text(values: Values | None, what: str) -> str:
    shown = ", ".join(quoted(value) for value in (values or ())[:3])
    return f"expected {what} to hold text such as {shown}, received numbers"


def _encoding(what: str) -> str:
    return ": encode it first, for example as 0 and 1" if what == "the label" else ""


def _share_matrix(column: Mapping[Any, Any], values: Values | None, what: str) -> Any:
    """The probabilities of a dict from value to `(n,)` as a matrix `(n, k)` in the order of the values."""
    if not values:
        raise ValueError(
            f"expected {what} to have values in the vocabulary, received probabilities for {list(column)}"
        )
    for value in column:
        if value not in values:
            raise ValueError(f"{what} has no value {quoted(value)}{near_names(value, values)}")
    if any(np.ma.is_masked(shares) for shares in column.values()):
        raise ValueError(f"expected the probabilities of {what} without masked entries")
    xp = namespace(*filter(is_tensor, column.values()))
    columns = {value: floats(xp, shares) for value, shares in column.items()}
    if xp is namespace() and len({shares.shape for shares in columns.values()}) != 1:
        raise ValueError(f"expected the probabilities of {what} to have one length, received several")
    zeros = xp.zeros_like(next(iter(columns.values())))
    return xp.stack([columns.get(value, zeros) for value in values], axis=1)
