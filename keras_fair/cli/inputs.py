"""What people hand to a command: constraints, numbers, tables; and the error that says what is wrong."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_fair.errors import ConstraintError

if TYPE_CHECKING:
    from keras_fair.rows.constraint_set import ConstraintSet

__all__ = ["InputFault", "faults_of_input", "read_constraints", "read_table", "whole_number"]


class InputFault(Exception):
    """The input of a command is at fault; the message is for the person who typed it."""


@contextmanager
def faults_of_input() -> Iterator[None]:
    """What the library refuses inside is a fault of the input, not of the program."""
    try:
        yield
    except (ConstraintError, ValueError, OSError) as fault:
        raise InputFault(str(fault)) from fault


def whole_number(least: int) -> Callable[[str], int]:
    """A reader of whole numbers for `argparse`.

    Example:

    >>> whole_number(1)("5")
    5
    """

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number >= {least}, received {text!r}")
        return value

    return read


def read_constraints(texts: Sequence[str]) -> ConstraintSet:
    """Parse constraints as they are given on the command line, several as one set.

    Args:
        texts: constraints; `@path` stands for the content of a file.

    Raises:
        InputFault: with the caret under the place, or because there is no such file.
    """
    from keras_fair.rows.constraint_set import parse

    with faults_of_input():
        return parse("\n".join(_content(text) if text.startswith("@") else text for text in texts))


def read_table(path: str) -> dict[str, np.ndarray]:
    """The columns of a CSV file with a header: float64 where every entry is a number or empty, else text.

    Raises:
        InputFault: there is no such file, or its lines differ in length.
    """
    try:
        with Path(path).expanduser().open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.reader(lines, skipinitialspace=True)
            header = [name.strip() for name in next(reader, [])]
            records = []
            for record in filter(None, reader):
                if len(record) != len(header):
                    raise InputFault(
                        f"{path}, line {reader.line_num}: expected {len(header)} fields as in the header, "
                        f"found {len(record)}"
                    )
                records.append(record)
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise InputFault(f"can't read {path}: {getattr(fault, 'strerror', None) or fault}") from fault
    if not records:
        raise InputFault(f"expected a header and at least one line in {path}, found {len(records)} lines")
    if len(set(header)) < len(header):
        repeated = next(name for name in header if header.count(name) > 1)
        raise InputFault(f"expected a name for each column of {path}, found {repeated!r} twice")
    return {name: _column(entries) for name, entries in zip(header, zip(*records, strict=True), strict=True)}


def _column(entries: Sequence[str]) -> np.ndarray:
    stripped = [entry.strip() for entry in entries]
    try:
        return np.array([float(entry) if entry else np.nan for entry in stripped])
    except ValueError:
        return np.array(stripped, dtype=object)


def _content(reference: str) -> str:
    path = reference[1:]
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise InputFault(f"can't read the constraints in {path!r}: {reason}") from fault
