"""Reading one column that a user hands in: words or numbers, and which entries are missing.

Lists, NumPy arrays (masked ones too), tensors with values, and the columns of pandas, polars and pyarrow are
read here, in NumPy; what a word means is left to `keras_fair.groups`. None, NaN, NaT, NA, empty text and
masked entries are missing. Numbers keep the precision that they were given in. Dates are read as text of one
form (`keras_fair.inputs.dates`).

The values of a column are those that occur in it. A level that a categorical type declares but no sample has
is not a value: a categorical column is read like plain text. A `Vocabulary` declares values that need not
occur.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from keras_fair.errors import quoted
from keras_fair.inputs.arrays import concrete, is_tensor
from keras_fair.inputs.containers import (
    categories_of,
    entries_of,
    kind_of,
    masked,
    objects_of,
    occurring_levels,
)
from keras_fair.inputs.dates import shortened, text_of_date
from keras_fair.inputs.precision import check_whole, precision_name, shortest
from keras_fair.inputs.refusals import WrongKind

__all__ = [
    "Column",
    "Numbers",
    "Words",
    "columns_of",
    "elements_of",
    "is_matrix",
    "is_table",
    "read_column",
]

_AS_TEXT = ("word", "date")
_MOST_SHORTENED = 10_000  # distinct numbers of which the shortest decimals are looked for


@dataclass(frozen=True)
class Words:
    """A column of text: `words[codes[i]]` is entry i, and `codes[i]` is -1 where it is missing."""

    words: tuple[str, ...]
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def gaps(self) -> np.ndarray:
        """Which entries are missing, `(n,)` bool."""
        return self.codes < 0

    @property
    def missing(self) -> int:
        """How many entries are missing."""
        return int(np.count_nonzero(self.gaps))

    def distinct(self) -> tuple[str, ...]:
        """The words that occur, sorted."""
        present = np.unique(self.codes)
        return tuple(sorted(self.words[code] for code in present if code >= 0))

    def entries(self) -> list[str | None]:
        """The word of each sample, None where it is missing."""
        return [self.words[code] if code >= 0 else None for code in self.codes.tolist()]


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, NaN where one is missing.

    Args:
        values: `(n,)`, of any type of integers, floats or booleans.
        precision: the precision that the numbers were given in: that of `values`, unless NumPy lacks it.
    """

    values: np.ndarray
    precision: str = "float64"

    def __len__(self) -> int:
        return len(self.values)

    @property
    def gaps(self) -> np.ndarray:
        """Which entries are missing, `(n,)` bool."""
        return np.isnan(self.values) if self.values.dtype.kind == "f" else np.zeros(len(self), dtype=bool)

    @property
    def missing(self) -> int:
        """How many entries are missing."""
        return int(np.count_nonzero(self.gaps)) if self.values.dtype.kind == "f" else 0

    def distinct(self) -> tuple[float, ...]:
        """The numbers that occur, sorted, each as the shortest decimal that rounds to it."""
        return self.decimals(np.unique(self.values))

    def entries(self) -> list[float | None]:
        """The number of each sample as the shortest decimal, None where it is missing."""
        return [
            shortest(float(value), self.precision) if value == value else None
            for value in self.values.tolist()
        ]

    def decimals(self, values: np.ndarray) -> tuple[float, ...]:
        """Numbers of this precision as the shortest decimals, without missing ones."""
        numbers = [float(value) for value in values if value == value]
        if len(numbers) > _MOST_SHORTENED:
            return tuple(numbers)
        return tuple(shortest(number, self.precision) for number in numbers)


Column = Words | Numbers


def columns_of(attributes: Any) -> dict[str, Any]:
    """The columns of a dict, of a DataFrame (pandas or polars), or of a table of pyarrow, by name.

    Raises:
        ValueError: it is none of these, or two columns have one name.
    """
    if attributes is None:
        return {}
    if isinstance(attributes, Mapping):
        return dict(attributes)
    names = getattr(attributes, "column_names", None)  # pyarrow
    names = getattr(attributes, "columns", None) if names is None else names
    if names is None or not hasattr(attributes, "__getitem__"):
        raise ValueError(
            "expected attributes as a dict of columns or a DataFrame, "
            f"received attributes of type {type(attributes).__name__}"
        )
    names = list(names)
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise ValueError(f"expected columns of different names, received two columns named {quoted(twice)}")
    return {name: attributes[name] for name in names}


def is_table(value: Any) -> bool:
    """Whether `columns_of` finds columns in a value: a dict, a DataFrame, or a table of pyarrow."""
    return isinstance(value, Mapping) or hasattr(value, "columns")


def read_column(column: Any, what: str) -> Column:
    """Read a column of text or of numbers.

    Args:
        column: `(n,)` or `(n, 1)`: a list, a NumPy array, a tensor that has values, or a column of pandas,
            polars or pyarrow; text, bytes, numbers, booleans, dates and datetimes.
        what: what the column is called in messages, such as `attribute 'sex'`.

    Raises:
        ValueError: it is no single column, mixes text and numbers, or holds bytes that are not UTF-8 or whole
            numbers beyond 2^53.
    """
    if is_tensor(column):
        values = concrete(column)
        if values is None:
            raise ValueError(f"expected {what} to hold values, received a tensor inside a graph")
        column = values
    if isinstance(column, (list, tuple)):
        return _read_entries(objects_of(column), what)
    categories = categories_of(column)
    if categories is not None:
        return _read_distinct(*occurring_levels(*categories), what)
    entries = entries_of(column, what)
    mask = np.ma.getmaskarray(entries) if isinstance(entries, np.ma.MaskedArray) else None
    entries = np.ma.getdata(entries)
    if entries.dtype.kind == "V" and entries.dtype.name == "bfloat16":
        return Numbers(masked(entries.astype("float32"), mask), "bfloat16")
    if entries.dtype.kind in "fiub":
        if entries.dtype.kind in "iu":
            check_whole(entries if mask is None else entries[~mask], what)
        return Numbers(masked(entries, mask), precision_name(entries))
    if entries.dtype.kind == "M":
        return _dates(masked(entries, mask), what)
    if entries.dtype.kind in "OUS":
        if mask is not None:
            entries = entries.astype(object)
            entries[mask] = None
        return _read_entries(entries, what)
    raise WrongKind(f"expected {what} to hold text or numbers, received dtype={entries.dtype}")


def is_matrix(column: Any) -> bool:
    """Whether a column is a matrix: probabilities, or features that are no attribute."""
    shape = getattr(column, "shape", None)
    return shape is not None and len(shape) > 1 and shape[1] != 1


def elements_of(dataset: Any) -> Iterator[Any]:
    """The elements of a `tf.data` pipeline, or of any iterable of batches, with NumPy arrays in them."""
    iterate = getattr(dataset, "as_numpy_iterator", None)
    return iter(dataset) if iterate is None else iterate()


def _read_entries(entries: np.ndarray, what: str) -> Column:
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
            f"expected {what} to hold text or numbers, received entries that are neither"
        ) from None
    except ValueError:
        raise ValueError(f"expected {what} of shape (n,), received entries that are arrays") from None
    return _read_distinct(list(seen), codes, what)


def _read_distinct(distinct: list[Any], codes: np.ndarray, what: str) -> Column:
    kinds = [kind_of(entry) for entry in distinct]
    if None in kinds:
        kind = type(distinct[kinds.index(None)]).__name__
        raise ValueError(f"expected {what} to hold text or numbers, received an entry of type {kind}")
    if "number" not in kinds:
        place: dict[str, int] = {}
        of_distinct = [
            -1 if kind == "missing" else place.setdefault(_text(entry, what), len(place))
            for entry, kind in zip(distinct, kinds, strict=True)
        ]
        return Words(tuple(place), np.append(np.array(of_distinct, dtype=np.int64), -1)[codes])
    if "word" in kinds or "date" in kinds:
        one_word = next(entry for entry, kind in zip(distinct, kinds, strict=True) if kind in _AS_TEXT)
        one_number = distinct[kinds.index("number")]
        raise WrongKind(
            f"expected {what} to hold either text or numbers, received {one_word!r} and {one_number!r}"
        )
    return _numbers(distinct, np.array(kinds) == "number", codes, what)


def _numbers(distinct: list[Any], present: np.ndarray, codes: np.ndarray, what: str) -> Numbers:
    """Numbers from the distinct entries; in the precision that they share, else as shortest decimals."""
    numbers = [entry for entry, there in zip(distinct, present, strict=True) if there]
    whole = [int(entry) for entry in numbers if _is_whole(entry)]
    if whole:
        check_whole(np.array([min(whole), max(whole)], dtype=object), what)
    if all(isinstance(entry, (bool, np.bool_)) for entry in distinct) and codes.min(initial=0) >= 0:
        return Numbers(np.array(distinct, dtype=bool)[codes])
    precisions = {precision_name(entry) for entry in numbers}
    shared = precisions.pop() if len(precisions) == 1 else "float64"
    values = np.full(len(distinct) + 1, np.nan)  # the last one is of entries without a code
    values[:-1][present] = [
        float(entry) if shared != "float64" else shortest(float(entry), precision_name(entry))
        for entry in numbers
    ]
    stored = "float32" if shared == "bfloat16" else shared
    return Numbers(values[codes].astype(stored), shared)


def _dates(entries: np.ndarray, what: str) -> Words:
    """A column of NumPy's dates, NaT where one is missing."""
    values, codes = np.unique(entries, return_inverse=True)
    codes = np.where(np.isnat(entries), -1, codes.reshape(-1))
    values = values[~np.isnat(values)]
    if np.datetime_data(values.dtype)[0] in ("Y", "M", "W"):
        values = values.astype("datetime64[D]")
    years = values.astype("datetime64[Y]").astype(np.int64) + 1970
    if years.min(initial=1) < 1 or years.max(initial=1) > 9999:
        odd = values[(years < 1) | (years > 9999)][0]
        raise ValueError(f"expected {what} to hold dates of the years 1 to 9999, received {odd}")
    texts = np.datetime_as_string(values).tolist() if len(values) else []
    return Words(tuple(shortened(text) for text in texts), codes)


def _is_whole(entry: Any) -> bool:
    return isinstance(entry, (int, np.integer)) and not isinstance(entry, bool)


def _text(entry: Any, what: str) -> str:
    if isinstance(entry, np.datetime64):
        return _dates(np.array([entry]), what).words[0]
    if isinstance(entry, date):
        return text_of_date(entry)
    if not isinstance(entry, bytes):
        return str(entry)
    try:
        return entry.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(
            f"expected {what} to hold text in UTF-8, received the bytes {entry!r}: decode them first"
        ) from None
