"""The containers that columns come in (NumPy, pandas, polars, pyarrow, lists), as arrays of their entries.

Numbers keep the type that they came in. What a column means is left to `keras_fair.inputs.columns`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from keras_fair.inputs.arrays import flat

__all__ = ["categories_of", "entries_of", "kind_of", "masked", "objects_of", "occurring_levels"]


def categories_of(column: Any) -> tuple[list[Any], np.ndarray] | None:
    """The levels and codes of a categorical column, or of text of pyarrow, which finds them quicker than
    Python; -1 where an entry is missing. None for any other column."""
    holder: Any
    for holder in (getattr(column, "cat", None), column):
        if hasattr(holder, "categories") and hasattr(holder, "codes"):
            return list(holder.categories), np.asarray(holder.codes).astype(np.int64)
    if hasattr(column, "dictionary_encode") and str(column.type) in ("string", "large_string"):
        column = column.dictionary_encode()
    if hasattr(column, "combine_chunks") and hasattr(column, "chunks"):  # a chunked array of pyarrow
        column = column.combine_chunks() if str(column.type).startswith("dictionary") else column
    if hasattr(column, "dictionary") and hasattr(column, "indices"):
        codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return column.dictionary.to_pylist(), codes.astype(np.int64)
    return None


def occurring_levels(levels: list[Any], codes: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """The levels that occur, and the codes by them."""
    occurs = np.zeros(len(levels), dtype=bool)
    occurs[codes[codes >= 0]] = True
    if occurs.all():
        return levels, codes
    renumbered = np.append(np.cumsum(occurs) - 1, -1)  # -1, missing, is the last place
    return [level for level, there in zip(levels, occurs, strict=True) if there], renumbered[codes]


def entries_of(column: Any, what: str) -> np.ndarray:
    """The entries of a column that is not categorical, `(n,)`."""
    if isinstance(column, np.ndarray):
        entries = column
    elif hasattr(column, "type") and hasattr(column, "to_numpy") and hasattr(column, "null_count"):
        entries = _of_pyarrow(column)
    elif hasattr(getattr(column, "dtype", None), "numpy_dtype") and hasattr(column, "to_numpy"):
        entries = _of_pandas_extension(column)
    elif hasattr(getattr(column, "dtype", None), "tz") and hasattr(column, "to_numpy"):
        entries = column.to_numpy(dtype=f"datetime64[{column.dtype.unit}]")  # pandas: in UTC
    elif hasattr(column, "null_count") and hasattr(column, "to_list"):
        entries = _of_polars(column)
    elif hasattr(column, "__array__"):
        entries = np.asarray(column)
    else:
        raise ValueError(f"expected {what} to be a column of values, received {type(column).__name__}")
    if entries.dtype.kind == "T":  # NumPy's variable-width strings
        entries = entries.astype(object)
    entries = flat(entries)
    if entries.ndim != 1:
        raise ValueError(f"expected {what} of shape (n,), received shape={entries.shape}")
    return entries


def objects_of(entries: Sequence[Any]) -> np.ndarray:
    """Entries of any kind as an array of objects, `(n,)`."""
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return array


def masked(values: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Numbers with NaN, or dates with NaT, where a mask hides them."""
    if mask is None or not mask.any():
        return values
    if values.dtype.kind == "M":
        return np.where(mask, np.datetime64("NaT"), values)
    floats = values if values.dtype.kind == "f" else values.astype("float64")
    return np.where(mask, np.array(np.nan, dtype=floats.dtype), floats)


def kind_of(entry: Any) -> str | None:
    """Whether an entry is a "word", a "date", a "number" or "missing"; None where it is something else."""
    if entry is None or entry is np.ma.masked or type(entry).__name__ in ("NAType", "NaTType"):
        return "missing"
    if isinstance(entry, (str, bytes)):
        return "word" if entry else "missing"
    if isinstance(entry, (float, np.floating)) and np.isnan(entry):
        return "missing"
    if isinstance(entry, Decimal):  # what databases and Spark give
        return "missing" if entry.is_nan() else "number"
    if isinstance(entry, (date, np.datetime64)):
        return "missing" if isinstance(entry, np.datetime64) and np.isnat(entry) else "date"
    is_number = isinstance(entry, (bool, int, float, np.number, np.bool_))
    is_number = is_number and not isinstance(entry, np.complexfloating)
    return "number" if is_number or type(entry).__name__ == "bfloat16" else None


def _of_pyarrow(column: Any) -> np.ndarray:
    """An array of pyarrow: numbers in their own type, floats with NaN where they are missing."""
    name = str(column.type)
    if column.null_count and (name.startswith(("int", "uint")) or name == "bool"):
        return objects_of(column.to_pylist())
    if column.null_count and name in ("halffloat", "float", "double"):
        number_type = {"halffloat": "float16", "float": "float32"}.get(name, "float64")
        return np.array(column.to_pylist(), dtype="float64").astype(number_type)
    if hasattr(column, "chunks"):
        return np.asarray(column.to_numpy())
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _of_pandas_extension(column: Any) -> np.ndarray:
    """A column of one of pandas' own types, in the NumPy type that it stands for."""
    number_type = np.dtype(column.dtype.numpy_dtype)
    if not bool(column.isna().any()):
        return np.asarray(column.to_numpy(dtype=number_type))
    if number_type.kind == "f":
        return np.asarray(column.to_numpy(dtype=number_type, na_value=np.nan))
    return objects_of(column.to_numpy(dtype=object, na_value=None).tolist())


def _of_polars(column: Any) -> np.ndarray:
    """A column of polars; whole numbers and booleans with missing entries stay what they are."""
    name = str(column.dtype)
    has_own = name.startswith(("Float", "Date"))  # NaN and NaT, for what is missing
    if name.startswith(("Categorical", "Enum")) or (column.null_count() and not has_own):
        return objects_of(column.to_list())
    return np.asarray(column.to_numpy())
