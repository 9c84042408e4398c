"""The columns of a CSV file on disk, filled batch by batch as pyarrow reads them.

A column of numbers is a temporary file of float64, NaN where there is no value. A column whose values name
groups is one of int32 codes; whether its texts are numbers is known when all of them are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np

from keras_fair.cli.column_use import ColumnUse
from keras_fair.cli.csv_file import space_needed, temporary_file
from keras_fair.cli.input_fault import InputFault
from keras_fair.cli.plain_numbers import first_odd, number_of
from keras_fair.cli.table_source import (
    TRUTH,
    ColumnChunks,
    Columns,
    TextCodes,
    Texts,
    TooManyTexts,
    array_of,
    is_boolean,
    no_date,
)
from keras_fair.errors import quoted

__all__ = ["CsvColumns", "no_number", "number_in"]

_OFTEN_MISSING = ("NA", "N/A", "#N/A", "NULL", "NONE", "?", "-", ".")
_ROWS = 262_144  # of a file that are looked at together


class CsvColumns(Columns):
    """Columns on disk.

    Args:
        uses: what each of them is needed for.
        texts: those that come as texts; the others come as numbers.
        missing: entries that stand for no value.
        place: where a row is.
        crowded: those of more texts than are kept; they are plain numbers, or the fault is raised.
        normalize: whether texts that differ only in case or spaces are joined.
    """

    def __init__(
        self,
        uses: Mapping[str, ColumnUse],
        texts: Collection[str],
        missing: frozenset[str],
        place: Callable[[int], str],
        crowded: Mapping[str, TooManyTexts],
        *,
        normalize: bool = False,
    ) -> None:
        self.size = 0
        self._place, self._uses, self._crowded = place, uses, crowded
        self._missing, self._texts = missing, texts
        self.codes = {
            name: TextCodes(name, missing, use.spelled if normalize else None, use.periods)
            for name, use in uses.items()
            if use.listed and name not in crowded
        }
        self._files = {name: temporary_file() for name in uses}
        self._kinds = {name: np.dtype("int32" if name in self.codes else "float64") for name in uses}
        self._values: dict[str, np.ndarray] = {}  # the numbers that codes stand for
        self._categories: dict[str, tuple[str, ...]] = {}

    def add(self, batch: Any) -> None:
        """Append a batch of pyarrow, with these columns in this order.

        Raises:
            InputFault: a number is none, with its line; or there is no space for it.
            TooManyTexts: more texts than an attribute may have.
        """
        for name, column in zip(self._uses, batch.columns, strict=False):
            if name in self.codes:
                texts = [text.strip() for text in column.dictionary.to_pylist()]
                entries = self.codes[name].of(texts, column.indices)
            elif name in self._texts:
                entries = self._numbers(name, column)
            else:
                entries = array_of(column, np.nan)
            with space_needed():
                entries.tofile(self._files[name])
        self.size += batch.num_rows

    def finish(self) -> None:
        """Decide which columns of listed values hold text, now that all texts are known.

        Raises:
            InputFault: one of these must hold numbers; or there is no space for them.
        """
        for file in self._files.values():
            with space_needed():
                file.flush()
        for name, codes in self.codes.items():
            use = self._uses[name]
            if use.periods is not None:
                if codes.no_date is not None:
                    row = self._row_of(name, codes[codes.no_date])
                    raise InputFault(f"{self.place(row)}: {no_date(name, use, codes.no_date)}")
                self._categories[name] = tuple(codes)
                continue
            odd = None if use.truth and is_boolean(codes) else first_odd(codes)
            if odd is None:
                numbers = [number_in(text, use, self._missing) for text in codes]
                self._values[name] = np.array([*numbers, np.nan], "float64")
            elif use.numbers:
                row = self._row_of(name, codes[odd])
                others = any(number_of(text) is not None for text in codes if text != odd)
                raise InputFault(f"{self.place(row)}: {no_number(name, use, odd, others=others)}")
            else:
                self._categories[name] = tuple(codes)

    def are_numbers(self, name: str) -> bool:
        """Whether all texts of a column so far are numbers and could not be codes."""
        return name in self.codes and first_odd(self.codes[name]) is None

    def chunks(self, size: int, names: Collection[str] | None = None) -> Iterator[ColumnChunks]:
        """See `Columns.chunks`."""
        wanted = [name for name in self._files if names is None or name in names]
        for begin in range(0, self.size, size):
            chunk: ColumnChunks = {}
            for name in wanted:
                entries = self._entries(name, begin, min(size, self.size - begin))
                if name in self._categories:
                    chunk[name] = Texts(self._categories[name], entries)
                else:
                    chunk[name] = self._values[name][entries] if name in self._values else entries
            yield chunk

    def place(self, row: int) -> str:
        """See `Columns.place`."""
        return self._place(row)

    def close(self) -> None:
        """Delete the temporary files."""
        for file in self._files.values():
            file.close()

    def _numbers(self, name: str, column: Any) -> np.ndarray:
        """Texts of a column that must hold numbers, as numbers."""
        texts = column.dictionary.to_pylist()
        if name in self._crowded and first_odd({text.strip() for text in texts} - self._missing) is not None:
            raise self._crowded[name]
        codes = array_of(column.indices, -1)
        values = [number_in(text, self._uses[name], self._missing) for text in texts]
        if None in values:
            place = values.index(None)
            row = self.size + int(np.argmax(codes == place))
            raise InputFault(
                f"{self.place(row)}: {no_number(name, self._uses[name], texts[place], others=row > 0)}"
            )
        return np.array([*values, np.nan], "float64")[codes]

    def _row_of(self, name: str, code: int) -> int:
        """The first row with a code."""
        for begin in range(0, self.size, _ROWS):
            rows = np.flatnonzero(self._entries(name, begin, min(_ROWS, self.size - begin)) == code)
            if len(rows):
                return begin + int(rows[0])
        raise KeyError(code)

    def _entries(self, name: str, begin: int, count: int) -> np.ndarray:
        file, kind = self._files[name], self._kinds[name]
        file.seek(begin * kind.itemsize)
        return np.fromfile(file, kind, count)


def number_in(entry: str, use: ColumnUse, missing: Collection[str]) -> float | None:
    """The number that an entry stands for: NaN where it stands for no value; None if it is no number.

    Args:
        entry: as it stands in the file.
        use: what its column is needed for.
        missing: entries that stand for no value.
    """
    text = entry.strip()
    if text in missing:
        return np.nan
    if use.truth and text.lower() in TRUTH:
        return TRUTH[text.lower()]
    return number_of(text)


def no_number(name: str, use: ColumnUse, text: str, *, others: bool = False) -> str:
    """What is wrong with an entry that is no number, or may be a code.

    Args:
        name: of the column.
        use: what it is needed for.
        text: the entry.
        others: whether there are other entries, and these are numbers.
    """
    text = text.strip()
    number = number_of(text)
    if number is not None:
        example = f", such as {number:.15g}" if abs(number) < 1e15 else ""
        return (
            f"expected numbers that are plainly written, all alike{example}, in column {quoted(name)}, which "
            f"is compared for equality, found {quoted(text)}{use.asked}"
        )
    advice = ""
    if number_of(text.replace(",", ".", 1)) is not None:
        advice = "; decimals are written with a point"
    elif text.endswith("%") and number_of(text[:-1]) is not None:
        advice = "; shares are written as 0.25, not as 25%"
    elif text.upper() in _OFTEN_MISSING or others:
        advice = f"; if it stands for no value, say --na '{text}'"
    beside = " beside numbers" if others else ""
    return f"expected a number in column {quoted(name)}, found {quoted(text)}{beside}{advice}{use.asked}"
