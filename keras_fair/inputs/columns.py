"""Reading one column that a user hands in: words or numbers, and which entries are missing.

Lists, NumPy arrays and pandas columns are read here, in NumPy; what a word means is left to
`keras_fair.groups.vocabulary`. Missing are None, NaN, NaT, NA and empty text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Column", "Numbers", "Words", "columns_of", "read_column"]


@dataclass(frozen=True)
class Words:
    """A column of text: `words[codes[i]]` is entry i, and `codes[i]` is -1 where it is missing."""

    words: tuple[str, ...]
    codes: np.ndarray

    @property
    def missing(self) -> int:
        """How many entries are missing."""
        return int(np.count_nonzero(self.codes < 0))

    def distinct(self) -> tuple[str, ...]:
        """The words that occur, sorted."""
        present = np.unique(self.codes)
        return tuple(sorted(self.words[code] for code in present if code >= 0))


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, NaN where one is missing."""

    values: np.ndarray

    @property
    def missing(self) -> int:
        """How many entries are missing."""
        return int(np.count_nonzero(np.isnan(self.values))) if self.values.dtype.kind == "f" else 0

    def distinct(self) -> tuple[float, ...]:
        """The numbers that occur, sorted."""
        values = np.unique(self.values)
        return tuple(float(value) for value in values[~np.isnan(values)])


Column = Words | Numbers


def columns_of(attributes: Any) -> dict[str, Any]:
    """The columns of a dict or of a DataFrame, by name.

    Raises:
        ValueError: it is neither.
    """
    if attributes is None:
        return {}
    if isinstance(attributes, Mapping):
        return dict(attributes)
    if hasattr(attributes, "columns") and hasattr(attributes, "__getitem__"):
        return {name: attributes[name] for name in attributes.columns}
    raise ValueError(
        "expected attributes as a dict of columns or a DataFrame, "
        f"received attributes of type {type(attributes).__name__}"
    )


def read_column(column: Any, name: str) -> Column:
    """Read a column of text or of numbers.

    Args:
        column: `(n,)` or `(n, 1)`: a list, a NumPy array or a pandas Series; text, bytes, numbers, booleans.
        name: what the column is called in messages, such as `attribute 'sex'`.

    Raises:
        ValueError: it is no single column, or mixes text and numbers.
    """
    if hasattr(column, "cat") and hasattr(column.cat, "codes"):
        return _read_categorical(column.cat.categories, np.asarray(column.cat.codes), name)
    if hasattr(column, "categories") and hasattr(column, "codes"):
        return _read_categorical(column.categories, np.asarray(column.codes), name)
    entries = _entries(column, name)
    if entries.dtype.kind in "fiub":
        return Numbers(entries)
    if entries.dtype.kind in "OUS":
        return _read_entries(entries, name)
    raise ValueError(f"expected {name} to hold text or numbers, received dtype={entries.dtype}")


def _entries(column: Any, name: str) -> np.ndarray:
    if isinstance(column, np.ndarray):
        entries = column
    elif hasattr(column, "__array__"):
        entries = np.asarray(column)
    elif isinstance(column, (list, tuple)):
        entries = np.empty(len(column), dtype=object)
        entries[:] = column
    else:
        raise ValueError(f"expected {name} to be a column of values, received {type(column).__name__}")
    if entries.dtype.kind == "T":  # NumPy's variable-width strings
        entries = entries.astype(object)
    if entries.ndim == 2 and entries.shape[1] == 1:
        entries = entries[:, 0]
    if entries.ndim != 1:
        raise ValueError(f"expected {name} of shape (n,), received shape={entries.shape}")
    return entries


def _read_entries(entries: np.ndarray, name: str) -> Column:
    """Read a column of objects or of text: only the distinct entries are looked at one by one."""
    seen: dict[Any, int] = {}
    try:
        codes = np.fromiter(
            (seen.setdefault(entry, len(seen)) for entry in entries.tolist()),
            dtype=np.int64,
            count=len(entries),
        )
    except TypeError:
        raise ValueError(
            f"expected {name} to hold text or numbers, received entries that are neither"
        ) from None
    except ValueError:
        raise ValueError(f"expected {name} of shape (n,), received entries that are arrays") from None
    return _read_distinct(list(seen), codes, name)


def _read_categorical(categories: Any, codes: np.ndarray, name: str) -> Column:
    return _read_distinct(list(categories), codes.astype(np.int64), name)


def _read_distinct(distinct: list[Any], codes: np.ndarray, name: str) -> Column:
    there = [not _is_missing(entry) for entry in distinct]
    words = [_is_word(entry) for entry in distinct]
    numbers = [_is_number(entry) for entry in distinct]
    for entry, known, word, number in zip(distinct, there, words, numbers, strict=True):
        if known and not word and not number:
            kind = type(entry).__name__
            raise ValueError(f"expected {name} to hold text or numbers, received an entry of type {kind}")
    if any(words) and any(number and known for number, known in zip(numbers, there, strict=True)):
        number = next(entry for entry, known in zip(distinct, numbers, strict=True) if known)
        word = next(entry for entry, known in zip(distinct, words, strict=True) if known)
        raise ValueError(f"expected {name} to hold either text or numbers, received {word!r} and {number!r}")
    if not any(words) and any(there):
        values = np.array(
            [float(entry) if known else np.nan for entry, known in zip(distinct, there, strict=True)]
        )
        return Numbers(np.append(values, np.nan)[codes])
    place: dict[str, int] = {}
    of_distinct = [
        place.setdefault(_text(entry), len(place)) if known else -1
        for entry, known in zip(distinct, there, strict=True)
    ]
    return Words(tuple(place), np.append(np.array(of_distinct, dtype=np.int64), -1)[codes])


def _is_missing(entry: Any) -> bool:
    if entry is None or type(entry).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(entry, (str, bytes)):
        return len(entry) == 0
    return isinstance(entry, (float, np.floating)) and bool(np.isnan(entry))


def _is_word(entry: Any) -> bool:
    return isinstance(entry, (str, bytes)) and len(entry) > 0


def _is_number(entry: Any) -> bool:
    return isinstance(entry, (bool, int, float, np.number, np.bool_)) and not isinstance(entry, complex)


def _text(entry: str | bytes) -> str:
    return entry.decode("utf-8", errors="replace") if isinstance(entry, bytes) else str(entry)


def elements_of(dataset: Any) -> Iterator[Any]:
    """The elements of a `tf.data` pipeline, or of any iterable of batches, with NumPy arrays in them."""
    iterate = getattr(dataset, "as_numpy_iterator", None)
    return iter(dataset) if iterate is None else iterate()
