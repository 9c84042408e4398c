"""Tables on disk as the commands see them: typed columns, in chunks, whatever the format is.

A `Source` is an open file whose header is known. Asked for some columns it gives `Columns`: each holds
numbers or texts from its first entry to its last, and they can be gone through in chunks of any size, as
often as needed. The formats are in `keras_fair.cli.csv_source` and `keras_fair.cli.parquet_source`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.cli.column_use import ColumnUse
from keras_fair.cli.input_fault import InputFault
from keras_fair.errors import near_names, quoted, tidied
from keras_fair.groups.dates import Periods
from keras_fair.inputs.dates import EXAMPLES

__all__ = [
    "MOST_TEXTS",
    "TRUTH",
    "ColumnChunks",
    "Columns",
    "Source",
    "TextCodes",
    "Texts",
    "TooManyTexts",
    "array_of",
    "check_header",
    "is_boolean",
    "no_date",
]

MOST_TEXTS = 100_000  # distinct texts of one column that are kept in memory
TRUTH = {"false": 0.0, "true": 1.0}  # what these texts stand for in a label
_KINDS = {"halffloat": "float16", "float": "float32", "double": "float64"}  # where pyarrow says otherwise
_LONGEST_HEADER = 30  # columns that a message lists


@dataclass(frozen=True)
class Texts:
    """A chunk of a column of text. It is read as pandas' categorical columns are.

    Attributes:
        categories: distinct texts.
        codes: `(n,)` int32, which of them each entry is; -1 where there is none.
    """

    categories: tuple[str, ...]
    codes: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n,)`."""
        return self.codes.shape

    @property
    def ndim(self) -> int:
        """1."""
        return self.codes.ndim

    def __len__(self) -> int:
        return len(self.codes)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        entries = np.array([*self.categories, None], dtype=object)[self.codes]
        return entries if dtype is None else entries.astype(dtype)


ColumnChunks = dict[str, np.ndarray | Texts]


class TooManyTexts(InputFault):
    """A column has more different texts than are kept in memory; `column` is its name."""

    def __init__(self, column: str, text: str) -> None:
        super().__init__(
            f"column {quoted(column)} has more than {MOST_TEXTS:,} different texts, such as "
            f"{quoted(text)}; an attribute has few"
        )
        self.column = column


class TextCodes(dict[str, int]):
    """The code of each text of a column, in the order in which texts are first met.

    Args:
        name: of the column.
        missing: texts that stand for no value; their code is -1.
        spelled: texts as constraints spell them; None: each text is one of its own. Else texts that differ
            only in case or spaces are one: as it is spelled here, or as it is first met, without needless
            spaces.
        periods: of a column of dates: the first date that is met in each period stands for all of it.

    Attributes:
        joined: by text, the others that were joined with it.
        no_date: the first text of a column of dates that is none.
    """

    def __init__(
        self,
        name: str,
        missing: Collection[str],
        spelled: Sequence[str] | None = None,
        periods: Periods | None = None,
    ) -> None:
        super().__init__()
        self._periods, self._met = periods, dict[int, str]()
        self.no_date: str | None = None
        self._name, self._missing = name, missing
        self._spelling = None if spelled is None else {_folded(text): text for text in reversed(spelled)}
        self.joined: dict[str, dict[str, None]] = {}

    def of(self, texts: Sequence[object], indices: Any) -> np.ndarray:
        """The codes of a chunk, `(n,)` int32.

        Args:
            texts: the distinct ones; None stands for no value.
            indices: which of them each entry is, an array of pyarrow, null where there is none.

        Raises:
            TooManyTexts: the column has too many.
        """
        codes = [-1 if text is None else self._code(str(text)) for text in texts]
        return np.array([*codes, -1], "int32")[array_of(indices.cast("int32"), -1)]

    def _code(self, text: str) -> int:
        if text in self._missing:
            return -1
        if self._periods is not None:
            place = self._periods.place_of(text)
            if place is None:
                self.no_date = self.no_date or text
            else:
                text = self._met.setdefault(place, text)
        elif self._spelling is not None:
            plain = tidied(text)
            if plain in self._missing:
                return -1
            kept = self._spelling.setdefault(_folded(text), plain)
            if kept != text:
                self.joined.setdefault(kept, {})[text] = None
            text = kept
        code = self.setdefault(text, len(self))
        if code >= MOST_TEXTS:
            raise TooManyTexts(self._name, text)
        return code


class Columns(ABC):
    """Some columns of a table.

    Attributes:
        size: how many rows they have.
        codes: of the columns that are read as texts, by name.
    """

    size: int
    codes: dict[str, TextCodes]

    @abstractmethod
    def chunks(self, size: int, names: Collection[str] | None = None) -> Iterator[ColumnChunks]:
        """The columns from the first row to the last, at most `size` rows at a time.

        Numbers come as float64, or in the lower precision in which the file holds them; NaN where there is
        none.

        Args:
            size: >= 1.
            names: which columns; default: all.
        """

    @abstractmethod
    def place(self, row: int) -> str:
        """Where a person finds a row (0 is the first) in the file, such as `people.csv, line 2`."""


class Source(ABC):
    """An open file, to be closed.

    Attributes:
        name: what messages call it.
        header: the names of its columns.
    """

    name: str
    header: tuple[str, ...]

    @abstractmethod
    def columns(self, uses: Mapping[str, ColumnUse], *, normalize: bool = False) -> Columns:
        """Columns that stand in the header, typed by what they are needed for.

        Args:
            uses: by name.
            normalize: join texts that differ only in case or spaces; see `TextCodes`.

        Raises:
            InputFault: the file is malformed, or text stands where numbers must.
        """

    @abstractmethod
    def close(self) -> None:
        """Free what the source holds; its columns can't be read any more."""

    def require(self, name: str, option: str) -> str:
        """The name of a column, seen to be one.

        Args:
            name: as the user gave it.
            option: the option that names the column.

        Raises:
            InputFault: with near names and the columns there are.
        """
        if name not in self.header:
            near = near_names(name, self.header)
            raise InputFault(
                f"{option}: {self.name} has no column {quoted(name)}"
                f"{near if 'did you mean' in near else ''}\n  {self.listed}"
            )
        return name

    @property
    def listed(self) -> str:
        """The columns in one line."""
        names = [name if name else "''" for name in self.header[:_LONGEST_HEADER]]
        more = len(self.header) - len(names)
        return f"its columns: {', '.join(names)}" + (f" and {more} more" if more else "")


def _folded(text: str) -> str:
    return tidied(text).casefold()


def array_of(column: Any, absent: float) -> np.ndarray:
    """An array of numbers of pyarrow as NumPy has it. (pyarrow's own way imports pandas, which is slow.)

    Args:
        column: whole numbers or floats, in any precision.
        absent: what stands where there is none.
    """
    kind = np.dtype(_KINDS.get(str(column.type), str(column.type)))
    validity, content = column.buffers()
    if content is None:
        return np.full(len(column), absent, kind)
    places = slice(column.offset, column.offset + len(column))
    entries = np.frombuffer(content, kind, places.stop)[places].copy()
    if column.null_count:
        there = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[places]
        entries[there == 0] = absent
    return entries


def no_date(name: str, use: ColumnUse, text: str) -> str:
    """What is wrong with an entry that is no date.

    Args:
        name: of the column.
        use: what it is needed for.
        text: the entry.
    """
    return (
        f"expected a date such as {EXAMPLES} in column {quoted(name)}, found {quoted(text)}; if it stands "
        f"for no value, say --na '{text}'{use.asked}"
    )


def check_header(header: Sequence[str], name: str) -> None:
    """Refuse a header that names two columns alike.

    Raises:
        InputFault: with the name.
    """
    repeated = [column for place, column in enumerate(header) if column and column in header[:place]]
    if repeated:
        raise InputFault(
            f"expected a name for each column of {name}, found {quoted(repeated[0])} "
            + ("twice" if repeated.count(repeated[0]) == 1 else f"{repeated.count(repeated[0]) + 1} times")
        )


def is_boolean(texts: Collection[str]) -> bool:
    """Whether texts are `true` and `false`, in whatever letters."""
    return bool(texts) and all(text.lower() in TRUTH for text in texts)
