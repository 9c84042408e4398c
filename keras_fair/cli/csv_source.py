"""CSV files as sources of typed columns, in one pass and in memory that does not grow with the file.

Only the columns that are asked for are kept, and these on disk: 8 bytes a number and 4 bytes a text, in
temporary files. So a column has one type from its first line to its last: it holds numbers if every entry is
a number or missing, else text. A column whose values name groups holds numbers only if they are written
plainly (`keras_fair.cli.plain_numbers`): `01` and `1` are two groups. Missing are empty entries, `nan` among
numbers, and what the caller lists. Blanks around an entry are no part of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import IO

import numpy as np

from keras_fair.cli.csv_text import CsvText
from keras_fair.cli.input_fault import InputFault
from keras_fair.cli.plain_numbers import PlainNumbers
from keras_fair.cli.table_source import MOST_TEXTS, Chunk, Columns, Source, Texts
from keras_fair.errors import quoted

__all__ = ["CsvSource"]

_OFTEN_MISSING = ("NA", "N/A", "#N/A", "NULL", "NONE", "?", "-", ".")


class CsvSource(Source):
    """A CSV file.

    Args:
        text: its records.
        missing: entries that stand for no value, beside the empty one.
    """

    def __init__(self, text: CsvText, missing: Collection[str] = ()) -> None:
        self.name, self.header = text.name, text.header
        self._text = text
        self._missing = frozenset({"", *missing})
        self._columns: list[_CsvColumns] = []

    def columns(
        self, names: Sequence[str], numbers: Collection[str] = (), groups: Collection[str] = ()
    ) -> Columns:
        """See `Source.columns`."""
        names = list(dict.fromkeys(names))
        texts: frozenset[str] = frozenset()
        odd: dict[str, tuple[str, int]] = {}
        while True:
            found = _CsvColumns(names, texts, self._missing, self.place, set(groups).difference(numbers), odd)
            self._columns.append(found)
            turned = self._fill(found, numbers)
            if turned is None:
                return found
            # A text below numbers: they are texts as well, and are read again as they stand.
            texts |= {turned}
            self._columns.pop().close()

    def close(self) -> None:
        """Delete the temporary files."""
        for columns in self._columns:
            columns.close()
        self._columns = []

    def place(self, row: int) -> str:
        """The line at which a row begins."""
        return f"{self.name}, line {self._text.line(row)}"

    def _fill(self, found: _CsvColumns, numbers: Collection[str]) -> str | None:
        """Read the file into columns. Returns the name of one that turns out to be text, if any does."""
        places = [self.header.index(name) for name in found.names]
        for records in self._text.batches():
            for name, place in zip(found.names, places, strict=True):
                entries = list(map(itemgetter(place), records))
                if not found.add(name, entries):
                    if name not in numbers:
                        return name
                    raise self._no_number(name, entries, found.size)
            found.size += len(records)
        if not found.size:
            raise InputFault(f"expected a header and at least one line in {self.name}, found the header only")
        return None

    def _no_number(self, name: str, entries: Sequence[str], before: int) -> InputFault:
        row = next(row for row, entry in enumerate(entries) if not _reads_as_number(entry, self._missing))
        entry = entries[row].strip()
        advice = ""
        if entry.upper() in _OFTEN_MISSING:
            advice = f"; if it stands for no value, say --na '{entry}'"
        elif _reads_as_number(entry.replace(",", ".", 1)):
            advice = "; decimals are written with a point"
        elif entry.endswith("%") and _reads_as_number(entry[:-1]):
            advice = "; shares are written as 0.25, not as 25%"
        place = self.place(before + row)
        return InputFault(
            f"{place}: expected a number in column {quoted(name)}, found {quoted(entry)}{advice}"
        )


class _CsvColumns(Columns):
    """Columns on disk.

    Args:
        names: of all columns.
        texts: those that are known to hold text; the others hold numbers as long as `add` finds only these.
        missing: entries that stand for no value.
        place: where a row is.
        groups: those whose numbers must be written plainly.
        odd: filled with what is not.
    """

    def __init__(
        self,
        names: Sequence[str],
        texts: frozenset[str],
        missing: frozenset[str],
        place: Callable[[int], str],
        groups: Collection[str],
        odd: dict[str, tuple[str, int]],
    ) -> None:
        self.names, self.texts, self.size = names, texts, 0
        self.odd = self._odd = odd
        self._plain = {name: PlainNumbers() for name in groups if name not in texts}
        self._missing = missing
        self._place = place
        self._codes = {name: _Codes(name, missing) for name in texts}
        # ndarray.tofile needs real files. They are closed with the source.
        self._files: dict[str, IO[bytes]] = {
            name: tempfile.TemporaryFile()  # noqa: SIM115
            for name in names
        }

    def add(self, name: str, entries: Sequence[str]) -> bool:
        """Append entries to a column; False if the column holds numbers and these are none."""
        found: np.ndarray | None
        if name in self.texts:
            found = np.fromiter(map(self._codes[name].__getitem__, entries), "int32", len(entries))
        else:
            found = _numbers(entries, self._missing)
        if found is None:
            return False
        if name in self._plain:
            stripped = [entry.strip() for entry in entries]
            odd = self._plain[name].odd(set(stripped) - self._missing)
            if odd is not None:
                self._odd[name] = odd, self.size + stripped.index(odd)
                return False
        try:
            found.tofile(self._files[name])
        except OSError as fault:
            raise InputFault(
                f"can't keep the columns in the folder {tempfile.gettempdir()}: {fault.strerror or fault}; "
                "the environment variable TMPDIR names another folder"
            ) from fault
        return True

    def chunks(self, size: int, names: Collection[str] | None = None) -> Iterator[Chunk]:
        """See `Columns.chunks`."""
        wanted = self.names if names is None else [name for name in self.names if name in names]
        texts = {name: tuple(self._codes[name].texts) for name in self.texts}
        for begin in range(0, self.size, size):
            count = min(size, self.size - begin)
            chunk: Chunk = {}
            for name in wanted:
                kind = np.dtype("int32" if name in texts else "float64")
                file = self._files[name]
                file.seek(begin * kind.itemsize)
                entries = np.fromfile(file, kind, count)
                chunk[name] = Texts(texts[name], entries) if name in texts else entries
            yield chunk

    def place(self, row: int) -> str:
        """See `Columns.place`."""
        return self._place(row)

    def close(self) -> None:
        """Delete the temporary files."""
        for file in self._files.values():
            file.close()


class _Codes(dict[str, int]):
    """The code of each entry as it stands; `texts` are the distinct texts in the order of their codes."""

    def __init__(self, name: str, missing: frozenset[str]) -> None:
        super().__init__()
        self.texts: dict[str, int] = {}
        self._name, self._absent = name, missing

    def __missing__(self, entry: str) -> int:
        text = entry.strip()
        code = -1 if text in self._absent else self.texts.setdefault(text, len(self.texts))
        if code >= MOST_TEXTS:
            raise InputFault(
                f"column {quoted(self._name)} has more than {MOST_TEXTS:,} different texts, such as "
                f"{quoted(text)}; an attribute has few"
            )
        self[entry] = code
        return code


def _numbers(entries: Sequence[str], missing: frozenset[str]) -> np.ndarray | None:
    """Entries as float64, NaN where missing; None if one of them is text."""
    found: np.ndarray | None = None
    if missing == {""}:
        with suppress(ValueError):  # the way for columns without a gap
            found = np.fromiter(map(float, entries), "float64", len(entries))
    if found is None:
        if not all(_reads_as_number(entry, missing) for entry in entries):
            return None
        return np.array([float("nan" if entry.strip() in missing else entry) for entry in entries])
    return None if "_" in "".join(entries) else found  # Python reads 1_000 as a number


def _reads_as_number(entry: str, missing: Collection[str] = ()) -> bool:
    if entry.strip() in missing:
        return True
    try:
        float(entry)
    except ValueError:
        return False
    return "_" not in entry
