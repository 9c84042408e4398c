"""A CSV file as Python's `csv` module reads it: its header, its records with their lines, and every fault.

`keras_fair.cli.csv_source` reads the columns by pyarrow, which is quick and counts no lines. What is here is
for the rest: the header, the line of a row that is refused, and what is wrong with a file that pyarrow can't
read. `content` is the text for pyarrow, as long as both read it alike: a quote opens an entry only at its
begin and closes it only at its end. Else `IrregularQuotes` is raised, and `rewrite` copies the records into a
temporary file in the plain form.
"""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import numpy as np

from keras_fair.cli.input_fault import InputFault, failing
from keras_fair.cli.table_source import check_header
from keras_fair.errors import quoted

__all__ = ["CsvFile", "IrregularQuotes", "temporary_file"]

_SIGNS = {";": "';'", "\t": "tab", "|": "'|'"}  # that stand between columns where no comma does


class IrregularQuotes(Exception):
    """The quotes of a file are not where pyarrow and Python's `csv` module read them alike."""


class CsvFile:
    """A CSV file with a header.

    Args:
        path: the file; it is opened several times.
        name: what messages call it.
        zipped: whether it is compressed with gzip.
        separator: one character between the entries.
        encoding: of the text; None: UTF-8, with or without a byte order mark.

    Raises:
        InputFault: the header can't be read.
    """

    def __init__(self, path: Path, name: str, *, zipped: bool, separator: str, encoding: str | None) -> None:
        self.name = name
        self._path, self._zipped, self._separator, self._encoding = path, zipped, separator, encoding
        self._copy: IO[bytes] | None = None
        with self._reader() as reader:
            self.header = _header(reader)
            self._above = reader.line_num  # lines of the header and above it
        if not self.header:
            raise InputFault(f"expected a header and at least one line in {name}, which is empty")
        sign = next((sign for sign in _SIGNS if sign != separator and sign in self.header[0]), None)
        if len(self.header) == 1 and sign:
            raise InputFault(
                f"found one column in {name}, {quoted(self.header[0])}; if {sign!r} stands between columns, "
                f"say --separator {_SIGNS[sign]}"
            )
        check_header(self.header, name)

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """The records below the header, each with the line at which it begins; blank lines are none.

        Raises:
            InputFault: a record has more or fewer entries than the header, or the file is broken.
        """
        width = len(self.header)
        with self._reader() as reader:
            _header(reader)
            begin = reader.line_num + 1
            for record in reader:
                if not _blank(record, width):
                    if len(record) != width:
                        raise InputFault(
                            f"{self.name}, line {begin}: expected {width} fields as in the header, "
                            f"found {len(record)}"
                        )
                    yield begin, record
                begin = reader.line_num + 1

    def line(self, row: int) -> int:
        """The line at which a record (0 is the first below the header) begins."""
        return next(line for place, (line, _) in enumerate(self.records()) if place == row)

    @contextmanager
    def content(self) -> Iterator[tuple[Any, str]]:
        """What stands below the header, for pyarrow: a stream of UTF-8, and the separator.

        Raises:
            IrregularQuotes: while it is read; `rewrite` helps.
            InputFault: it can't be read.
        """
        if self._copy is not None:
            self._copy.seek(0)
            yield self._copy, ","
            return
        if not self._separator.isascii():
            raise IrregularQuotes
        with self._faults(), self._lines() as lines:
            for _ in range(self._above):
                lines.readline()
            yield _RegularText(lines, self._separator), self._separator

    def rewrite(self) -> None:
        """From now on `content` is a copy of the records, with commas, and quotes around all entries.

        Raises:
            InputFault: the file is broken, or there is no space for a copy.
        """
        self._copy = temporary_file()
        with space_needed():
            text = io.TextIOWrapper(self._copy, "utf-8", newline="")
            writer = csv.writer(text, quoting=csv.QUOTE_ALL)
            writer.writerows(record for _, record in self.records())
            text.detach()

    def close(self) -> None:
        """Delete the copy."""
        if self._copy is not None:
            self._copy.close()

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        """A `csv.reader` from the top. Faults of the file come out as InputFault."""
        with self._faults(), self._lines() as lines:
            reader = csv.reader(lines, delimiter=self._separator, skipinitialspace=True, strict=True)
            try:
                yield reader
            except csv.Error as fault:
                unclosed = "end of data" in str(fault) or "limit" in str(fault)
                advice = "; is a quote not closed?" if unclosed else ""
                raise InputFault(f"{self.name}, line {reader.line_num}: {fault}{advice}") from fault

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            with failing(f"can't read {self.name}", EOFError, zlib.error):
                yield
        except UnicodeDecodeError as fault:
            self._refuse_encoding(fault)

    def _bytes(self) -> IO[bytes]:
        return cast("IO[bytes]", gzip.open(self._path)) if self._zipped else self._path.open("rb")

    def _lines(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(self._bytes(), self._encoding or "utf-8-sig", newline="")

    def _refuse_encoding(self, fault: UnicodeDecodeError) -> NoReturn:
        """Say where the file is not in the encoding that it should be in."""
        if self._encoding:
            raise InputFault(
                f"{self.name} is not in the encoding {self._encoding}: {fault.reason}"
            ) from fault
        with self._bytes() as content:
            for number, line in enumerate(content, 1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as first:
                    byte = line[first.start]
                    raise InputFault(
                        f"{self.name}, line {number}: expected UTF-8, found the byte 0x{byte:02x}; save it "
                        "as UTF-8, or name its encoding, such as --encoding cp1252"
                    ) from fault
        raise InputFault(f"{self.name}: {fault}") from fault


class _RegularText:
    """Text as a stream of UTF-8, as long as its quotes stand at the begin and the end of entries."""

    closed = False  # pyarrow asks for it

    def __init__(self, lines: io.TextIOWrapper, separator: str) -> None:
        self._lines = lines
        self._beside = np.frombuffer(f'{separator}\r\n"'.encode(), np.uint8)
        self._content = b""  # what is read and not yet handed on
        self._last = b"\n"  # the byte before what is read next
        self._inside = False  # whether that is inside quotes

    def read(self, size: int) -> bytes:
        """So many bytes; fewer at the end."""
        if len(self._content) < size:
            more = self._lines.read(size).encode()
            if b'"' in more or self._last == b'"':
                self._check(self._last + more)
            if not more and self._inside:
                raise IrregularQuotes
            self._last = more[-1:]
            self._content += more
        content, self._content = self._content[:size], self._content[size:]
        return content

    def _check(self, content: bytes) -> None:
        """Look at all quotes but for the first byte, which is known, and for what follows the last one."""
        characters = np.frombuffer(content, np.uint8)
        quotes = np.flatnonzero(characters[1:] == ord('"')) + 1
        opens = (np.arange(len(quotes)) + self._inside) % 2 == 0
        closing = quotes[~opens]
        if characters[0] == ord('"') and not self._inside:
            closing = np.append(closing, 0)
        before = characters[quotes[opens] - 1]
        after = characters[closing[closing + 1 < len(characters)] + 1]
        if not np.isin(before, self._beside).all() or not np.isin(after, self._beside).all():
            raise IrregularQuotes
        self._inside = bool((len(quotes) + self._inside) % 2)


def temporary_file() -> IO[bytes]:
    """A file that is gone when it is closed."""
    with space_needed():
        return cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115


def space_needed() -> AbstractContextManager[None]:
    """A fault of writing into a temporary file, said with what helps."""
    return failing(
        f"can't keep the columns in the folder {tempfile.gettempdir()}",
        advice="; the environment variable TMPDIR names another folder",
    )


def _header(reader: Any) -> tuple[str, ...]:
    """The names of the columns; blank lines above them are passed over."""
    return tuple(name.strip() for name in next((record for record in reader if any(record)), ()))


def _blank(record: list[str], width: int) -> bool:
    """Whether a line has nothing on it. In a table of one column an empty line is no record either."""
    return not record or (width > 1 and len(record) == 1 and not record[0].strip())
