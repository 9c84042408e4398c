"""Opening a table: which format it has is seen in its first bytes, whatever its name is.

`-` is the standard input. It is copied into a temporary file first, since a table is read more than once.
"""

from __future__ import annotations

import codecs
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from keras_fair.cli.csv_file import CsvFile
from keras_fair.cli.csv_source import CsvSource
from keras_fair.cli.input_fault import InputFault, failing
from keras_fair.cli.parquet_source import ParquetSource
from keras_fair.cli.table_source import Source

__all__ = ["open_table"]

_PARQUET, _GZIP = b"PAR1", b"\x1f\x8b"
_FOREIGN = {
    b"PK\x03\x04": "a zip archive or an Excel file",
    b"\xd0\xcf\x11\xe0": "an Excel file",
    b"ARROW1": "an Arrow file",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
}


@contextmanager
def open_table(
    path: str,
    *,
    separator: str | None = None,
    encoding: str | None = None,
    missing: Collection[str] = (),
) -> Iterator[Source]:
    """A CSV file (plain or compressed with gzip) or a Parquet file, closed at the end.

    Args:
        path: of the file, or `-` for the standard input.
        separator: between the entries of a CSV file; default: a comma, and a tab where the name ends so.
        encoding: of a CSV file; default: UTF-8.
        missing: entries that stand for no value, beside the empty one.

    Raises:
        InputFault: it can't be read.
    """
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise InputFault(f"--encoding: there is no encoding {encoding!r}") from None
    with _file(path) as (file, name):
        begin = _begin(file, name)
        if begin.startswith(_PARQUET):
            with closing(ParquetSource(file, name, missing)) as source:
                yield source
            return
        for sign, what in _FOREIGN.items():
            if begin.startswith(sign):
                raise InputFault(f"expected CSV or Parquet, but {name} is {what}; save it as CSV")
        if begin[:2] in (b"\xff\xfe", b"\xfe\xff") and encoding is None:
            raise InputFault(f"expected UTF-8, but {name} is UTF-16: say --encoding utf-16")
        if separator is None:
            separator = "\t" if name.lower().removesuffix(".gz").endswith((".tsv", ".tab")) else ","
        content = CsvFile(file, name, zipped=begin.startswith(_GZIP), separator=separator, encoding=encoding)
        with closing(CsvSource(content, missing)) as source:
            yield source


@contextmanager
def _file(path: str) -> Iterator[tuple[Path, str]]:
    """A path that can be opened as often as needed, and what messages call it."""
    if path != "-":
        yield Path(path).expanduser(), path
        return
    with tempfile.TemporaryDirectory(prefix="keras-fair-") as folder:
        file = Path(folder) / "standard input"
        with file.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy, 1 << 20)
        yield file, "the standard input"


def _begin(file: Path, name: str) -> bytes:
    with failing(f"can't read {name}"):
        if file.is_dir():
            raise InputFault(f"expected a file, but {name} is a folder")
        with file.open("rb") as content:
            return content.read(8)
