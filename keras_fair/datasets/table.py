"""Delimited text as named columns: the standard library's `csv` reads, NumPy holds.

Column names are the published ones in lower case with everything but letters and digits as `_`
(`capital-gain` is `capital_gain`), so that a constraint can name any of them without backticks.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping

import numpy as np

__all__ = ["categories", "column_name", "numbers", "read_columns", "recode"]


def read_columns(text: str, names: str | None = None, *, delimiter: str = ",") -> dict[str, np.ndarray]:
    """Read delimited text into text columns of shape `(n,)`.

    Args:
        text: Records, one a line; blank lines are skipped, quotes and blanks after a delimiter are removed.
        names: The columns' names, with blanks between them. `None` takes them from the first line; a repeated
            name keeps its first column.
        delimiter: One character.

    Returns:
        The columns by name, in the order of the file.

    Raises:
        ValueError: If a record has more or fewer fields than there are names.

    Example:

    >>> {name: column.tolist() for name, column in read_columns("A-b, c\\n1, x\\n2, y\\n").items()}
    {'a_b': ['1', '2'], 'c': ['x', 'y']}
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    records = (record for record in reader if record)
    header = names.split() if names is not None else next(records)
    kept = []
    for record in records:
        if len(record) != len(header):
            raise ValueError(f"expected {len(header)} fields, found {len(record)} in line {reader.line_num}")
        kept.append(record)
    columns: dict[str, np.ndarray] = {}
    for name, values in zip(header, zip(*kept, strict=True), strict=True):
        columns.setdefault(column_name(name), np.array(values, dtype=np.str_))
    return columns


def column_name(published: str) -> str:
    """The name of a published column here.

    Example:

    >>> column_name("default.payment.next.month")
    'default_payment_next_month'
    """
    return re.sub(r"\W+", "_", published.strip().lower())


def numbers(column: np.ndarray) -> np.ndarray:
    """A text column as `float32`; the empty string is a missing value, NaN.

    Example:

    >>> numbers(np.array(["1.5", ""]))
    array([1.5, nan], dtype=float32)
    """
    return np.where(column == "", "nan", column).astype(np.float32)


def categories(column: np.ndarray, missing: Iterable[str] = ()) -> np.ndarray:
    """A text column in which each of the `missing` words is the empty string."""
    return np.where(np.isin(column, list(missing)), "", column)


def recode(column: np.ndarray, meanings: Mapping[str, str]) -> np.ndarray:
    """Replace each code of a text column by its meaning.

    Raises:
        ValueError: If the column holds a code without a meaning.

    Example:

    >>> recode(np.array(["2", "1"]), {"1": "Male", "2": "Female"}).tolist()
    ['Female', 'Male']
    """
    codes, places = np.unique(column, return_inverse=True)
    unknown = [str(code) for code in codes if code not in meanings]
    if unknown:
        raise ValueError(f"expected one of the codes {sorted(meanings)}, found {unknown}")
    return np.array([meanings[str(code)] for code in codes], dtype=np.str_)[places]
