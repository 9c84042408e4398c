"""Encoding a column by the values it may have: words to codes, numbers to floats, probabilities to a matrix.

    0 ... size-1   the values, in order
    size           a value outside the vocabulary: in no group, counted and reported
    size + 1       missing, unless missing entries are a group of their own

Numbers are not coded: a condition compares the number itself, so `age < 25` holds for an age never seen
before. A missing number is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from keras_fair.errors import near_names, quoted
from keras_fair.inputs.arrays import Tensor, concrete, dtype_of, floats
from keras_fair.inputs.columns import Column, Numbers, Words, read_column

__all__ = [
    "MISSING_GROUP",
    "Entry",
    "Values",
    "check_shares",
    "encode_column",
    "has_columns",
    "has_words",
    "refuse_missing",
]

MISSING_GROUP = "missing"

Entry = str | float
Values = tuple[Entry, ...]


def encode_column(column: Any, values: Values | None, missing: str, what: str) -> Any:
    """Encode one column.

    Args:
        column: `(n,)` or `(n, 1)` list, array, pandas column or tensor; or probabilities: a dict from value
            to `(n,)`, or `(n, k)`.
        values: the values it may have; None for numbers that are not listed.
        missing: the policy of `Vocabulary`.
        what: what the column is called in messages.

    Returns:
        int32 codes `(n,)` of text, floats `(n,)` of numbers, floats `(n, k)` of probabilities: a tensor for a
        tensor, else a NumPy array.

    Raises:
        ValueError: the column does not fit the values, or has missing entries under the policy "error".
    """
    if isinstance(column, Mapping):
        return check_shares(_share_matrix(column, values, what), values, what)
    if has_columns(column):
        return check_shares(column, values, what)
    if ops.is_tensor(column):
        if len(column.shape) == 2:
            column = column[:, 0]
        if dtype_of(column) != "string":
            if has_words(values):
                raise ValueError(_expected_text(values, what))
            return floats(ops, column)
        known = concrete(column)
        if known is None:
            return _codes_of_text_tensor(column, values, missing, what)
        column = known
    read = read_column(column, what)
    refuse_missing(read, missing, what)
    return _codes(read, values or (), missing, what) if has_words(values) else _floats(read, what)


def has_columns(column: Any) -> bool:
    """Whether a column is a matrix: probabilities, or features that are no attribute."""
    shape = getattr(column, "shape", None)
    return shape is not None and len(shape) > 1 and shape[1] != 1


def has_words(values: Values | None) -> bool:
    """Whether these are the values of a column of text."""
    return any(isinstance(value, str) and value != MISSING_GROUP for value in values or ())


def refuse_missing(column: Column, missing: str, what: str) -> None:
    """Raise ValueError where entries are missing and the policy is "error"."""
    if missing == "error" and column.missing:
        raise ValueError(
            f"{what} has {column.missing} missing values (None, NaN or empty text); choose what they mean: "
            "Vocabulary(missing='exclude') leaves these samples out of the groups of that attribute, "
            "missing='group' makes them a group of their own"
        )


def _codes(column: Column, values: Values, missing: str, what: str) -> np.ndarray:
    size = len(values)
    code_of_missing = (
        values.index(MISSING_GROUP) if missing == "group" and MISSING_GROUP in values else size + 1
    )
    if isinstance(column, Numbers):
        if column.missing < len(column.values):
            raise ValueError(_expected_text(values, what))
        return np.full(len(column.values), code_of_missing, dtype="int32")
    place = {value: code for code, value in enumerate(values)}
    codes = [place.get(word, size) for word in column.words]
    return np.array([*codes, code_of_missing], dtype="int32")[column.codes]


def _floats(column: Column, what: str) -> np.ndarray:
    if isinstance(column, Words):
        if column.words:
            raise ValueError(
                f"expected {what} to hold numbers, received text such as {quoted(column.words[0])}"
            )
        return np.full(len(column.codes), np.nan)
    return column.values.astype("float64")


def _codes_of_text_tensor(column: Tensor, values: Values | None, missing: str, what: str) -> Tensor:
    """Codes of a text tensor inside a graph, by one comparison a value."""
    if values is None or not has_words(values):
        raise ValueError(f"expected {what} to hold numbers, received a tensor of text")
    size = len(values)
    code_of_missing = (
        values.index(MISSING_GROUP) if missing == "group" and MISSING_GROUP in values else size + 1
    )
    codes = size + ops.cast(column == "", "int32") * (code_of_missing - size)
    for code, value in enumerate(values):
        codes = codes + ops.cast(column == value, "int32") * (code - size)
    return codes


def _expected_text(values: Values | None, what: str) -> str:
    shown = ", ".join(quoted(value) for value in (values or ())[:3])
    return f"expected {what} to hold text such as {shown}, received numbers"


def _share_matrix(column: Mapping[Any, Any], values: Values | None, what: str) -> Any:
    """The probabilities of a dict from value to `(n,)` as a matrix `(n, k)` in the order of the values."""
    if not values:
        raise ValueError(
            f"expected {what} to have values in the vocabulary, received probabilities for {list(column)}"
        )
    for value in column:
        if value not in values:
            raise ValueError(f"{what} has no value {quoted(value)}{near_names(value, values)}")
    if any(ops.is_tensor(shares) for shares in column.values()):
        columns = {value: floats(ops, shares) for value, shares in column.items()}
        zeros = ops.zeros_like(next(iter(columns.values())))
        return ops.stack([columns.get(value, zeros) for value in values], axis=1)
    arrays = {value: np.asarray(shares, "float64") for value, shares in column.items()}
    if len({array.shape for array in arrays.values()}) != 1:
        raise ValueError(f"expected the probabilities of {what} to have one length, received several")
    zeros = np.zeros_like(next(iter(arrays.values())))
    return np.stack([arrays.get(value, zeros) for value in values], axis=1)


def check_shares(column: Any, values: Values | None, what: str) -> Any:
    """A matrix of probabilities `(n, k)` as floats; raises ValueError where it does not fit the values."""
    size = None if values is None else len(values)
    if len(column.shape) != 2 or size != column.shape[1]:
        expected = "(n,)" if size is None else f"(n,) or (n, {size})"
        raise ValueError(f"expected {what} of shape {expected}, received shape={tuple(column.shape)}")
    known = concrete(column)
    if known is not None and known.size:
        if known.dtype.kind not in "fiub":
            raise ValueError(
                f"expected the probabilities of {what} to be numbers, received dtype={known.dtype}"
            )
        if not np.all(known >= 0) or not np.all(known.sum(axis=1) <= 1 + 1e-5):
            raise ValueError(
                f"expected the probabilities of {what} in [0, 1] with sums of at most 1, "
                f"received values from {np.min(known)} to {np.max(known)}"
            )
    return floats(ops, column) if ops.is_tensor(column) else np.asarray(column, "float64")
