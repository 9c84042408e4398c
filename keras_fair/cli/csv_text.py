"""The records of a CSV file, of any size: header, batches of records, the line of a record, and every fault.

The pass through the records counts no lines, so that it is quick. A fault ends the command: then the file is
read once more, up to the record at fault, to say its line.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from keras_fair.cli.input_fault import InputFault
from keras_fair.cli.table_source import check_header
from keras_fair.errors import quoted

__all__ = ["CsvText"]

_RECORDS = 32_768  # in a batch
_SIGNS = {";": "';'", "\t": "tab", "|": "'|'"}  # that stand between columns where no comma does


class CsvText:
    """A CSV file with a header.

    Args:
        path: the file; it is opened several times.
        name: what messages call it.
        zipped: whether it is compressed with gzip.
        separator: one character between the entries.
        encoding: of the text; default: UTF-8, with or without a byte order mark.

    Raises:
        InputFault: the header can't be read.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        zipped: bool = False,
        separator: str = ",",
        encoding: str | None = None,
    ) -> None:
        self.name = name
        self._path, self._zipped, self._separator, self._encoding = path, zipped, separator, encoding
        with self._reader() as reader:
            self.header = _header(reader)
        if not self.header:
            raise InputFault(f"expected a header and at least one line in {name}, which is empty")
        sign = next((sign for sign in _SIGNS if sign != separator and sign in self.header[0]), None)
        if len(self.header) == 1 and sign:
            raise InputFault(
                f"found one column in {name}, {quoted(self.header[0])}; if {sign!r} stands between columns, "
                f"say --separator {_SIGNS[sign]}"
            )
        check_header(self.header, name)

    def batches(self) -> Iterator[list[list[str]]]:
        """The records below the header, as they stand; blank lines are none.

        Raises:
            InputFault: a record has more or fewer entries than the header, or the file is broken.
        """
        width, before = len(self.header), 0
        with self._reader() as reader:
            _header(reader)
            while records := list(islice(reader, _RECORDS)):
                if set(map(len, records)) != {width}:
                    records = [record for record in records if not _blank(record, width)]
                    for row, record in enumerate(records, before):
                        if len(record) != width:
                            raise InputFault(
                                f"{self.name}, line {self.line(row)}: expected {width} fields as in the "
                                f"header, found {len(record)}"
                            )
                before += len(records)
                yield records

    def line(self, row: int) -> int:
        """The line at which a record (0 is the first below the header) begins."""
        with self._reader() as reader:
            _header(reader)
            begin = reader.line_num + 1
            for record in reader:
                if not _blank(record, len(self.header)):
                    if row == 0:
                        return cast(int, begin)
                    row -= 1
                begin = reader.line_num + 1
        raise IndexError(f"expected a row of {self.name}, received one that it does not have")

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        """A `csv.reader` from the top. Faults of the file come out as InputFault."""
        reader: Any = None
        try:
            with self._lines() as lines:
                reader = csv.reader(lines, delimiter=self._separator, skipinitialspace=True, strict=True)
                yield reader
        except UnicodeDecodeError as fault:
            raise InputFault(self._undecodable(fault)) from fault
        except csv.Error as fault:
            advice = (
                "; is a quote not closed?" if "end of data" in str(fault) or "limit" in str(fault) else ""
            )
            raise InputFault(f"{self.name}, line {reader.line_num}: {fault}{advice}") from fault
        except (OSError, EOFError, zlib.error) as fault:
            reason = getattr(fault, "strerror", None) or fault
            raise InputFault(f"can't read {self.name}: {reason}") from fault

    @contextmanager
    def _bytes(self) -> Iterator[IO[bytes]]:
        with self._path.open("rb") as raw:
            if not self._zipped:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as plain:
                yield cast("IO[bytes]", plain)

    @contextmanager
    def _lines(self) -> Iterator[io.TextIOWrapper]:
        encoding = self._encoding or "utf-8-sig"
        with self._bytes() as content, io.TextIOWrapper(content, encoding, newline="") as lines:
            yield lines

    def _undecodable(self, fault: UnicodeDecodeError) -> str:
        """Where the file is not in the encoding that it should be in."""
        if self._encoding:
            return f"{self.name} is not in the encoding {self._encoding}: {fault.reason}"
        with self._bytes() as content:
            for number, line in enumerate(content, 1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as first:
                    byte = line[first.start]
                    return (
                        f"{self.name}, line {number}: expected UTF-8, found the byte 0x{byte:02x}; save it "
                        "as UTF-8, or name its encoding, such as --encoding cp1252"
                    )
        return f"{self.name}: {fault}"


def _header(reader: Any) -> tuple[str, ...]:
    """The names of the columns; blank lines above them are passed over."""
    return tuple(name.strip() for name in next((record for record in reader if any(record)), ()))


def _blank(record: list[str], width: int) -> bool:
    """Whether a line has nothing on it. In a table of one column an empty line is no record either."""
    return not record or (width > 1 and len(record) == 1 and not record[0].strip())
