"""The columns of a table on disk, as the commands see them: typed, in chunks, whatever the format is.

A `Source` is an open file whose header is known. Asked for some columns it gives `Columns`: each holds
numbers or texts from its first entry to its last, and they can be gone through in chunks of any size, as
often as needed. The formats are in `keras_fair.cli.csv_source` and `keras_fair.cli.parquet_source`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from keras_fair.cli.input_fault import InputFault
from keras_fair.errors import near_names, quoted

__all__ = ["MOST_TEXTS", "Chunk", "Columns", "Source", "Texts", "check_header"]

MOST_TEXTS = 100_000  # distinct texts of one column that are kept in memory
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


Chunk = dict[str, np.ndarray | Texts]


class Columns(ABC):
    """Some columns of a table.

    Attributes:
        size: how many rows they have.
        texts: which of them hold text; the others hold numbers.
        odd: an entry, and its row, for each column of groups that is text although all its entries can be
            read as numbers: it is not written plainly, as `keras_fair.cli.plain_numbers` has it.
    """

    size: int
    texts: frozenset[str]
    odd: Mapping[str, tuple[str, int]] = MappingProxyType({})

    @abstractmethod
    def chunks(self, size: int, names: Collection[str] | None = None) -> Iterator[Chunk]:
        """The columns from the first row to the last, at most `size` rows at a time.

        Numbers come as float64, or as float32 where the file holds them so; NaN where there is none.

        Args:
            size: >= 1.
            names: which columns; default: all.
        """

    @abstractmethod
    def place(self, row: int) -> str:
        """Where a person finds a row (0 is the first) in the file, such as `people.csv, line 2`."""


class Source(ABC):
    """An open file, to be closed, or used with `with`.

    Attributes:
        name: what messages call it.
        header: the names of its columns.
    """

    name: str
    header: tuple[str, ...]

    @abstractmethod
    def columns(
        self, names: Sequence[str], numbers: Collection[str] = (), groups: Collection[str] = ()
    ) -> Columns:
        """Columns that stand in the header.

        Args:
            names: which.
            numbers: those that must hold numbers.
            groups: those whose values name groups, of which no two are ever read as one.

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
        shown = [name if name else "''" for name in self.header[:_LONGEST_HEADER]]
        more = len(self.header) - len(shown)
        return f"its columns: {', '.join(shown)}" + (f" and {more} more" if more else "")

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()


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
