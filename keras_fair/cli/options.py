"""Options that several commands share, and how their help looks."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from keras_fair.cli.input_fault import InputFault

if TYPE_CHECKING:
    from keras_fair.cli.table_source import Source

__all__ = [
    "add_command",
    "add_constraints",
    "add_table",
    "constraint_texts",
    "open_data",
    "page",
    "share",
    "whole_number",
]

_SIGNS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}

_WIDTH = 80  # columns of a page of help


class _Page(argparse.RawDescriptionHelpFormatter):
    """Help with the line breaks of its author, at most 80 columns wide."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        width = min(int(columns) if columns.isdecimal() and int(columns) > 40 else _WIDTH, _WIDTH)
        super().__init__(prog, max_help_position=26, width=width - 1)


class _Domain(argparse.Action):
    """Two numbers in their order."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        low, high = values
        if not low < high:
            raise argparse.ArgumentError(self, f"expected LOW < HIGH, received {low:g} {high:g}")
        setattr(namespace, self.dest, (low, high))


def add_command(commands: Any, name: str, *, decides: bool = False, **page: str) -> Any:
    """Add a command to `argparse`'s subparsers.

    Args:
        commands: the subparsers.
        name: the word that chooses it.
        decides: whether its exit code is a verdict.
        page: `help`, one line for the list of commands; `description`, what it does; `epilog`, exit codes and
            examples, with their line breaks.
    """
    parser = commands.add_parser(name, formatter_class=_Page, allow_abbrev=False, **page)
    parser.set_defaults(prog=parser.prog, decides=decides)
    return parser


def page(**keywords: Any) -> argparse.ArgumentParser:
    """The parser of the program itself."""
    return argparse.ArgumentParser(formatter_class=_Page, allow_abbrev=False, **keywords)


def add_constraints(parser: Any, *, positional: bool = False) -> None:
    """Add what names constraints: `-c`, `--constraints`, and words without an option where `positional`."""
    group = parser.add_argument_group("constraints")
    if positional:
        group.add_argument(
            "texts", nargs="*", metavar="CONSTRAINT", help="a constraint, or @path of a file with some"
        )
    group.add_argument(
        "-c",
        "--constraint",
        action="append",
        default=[],
        metavar="TEXT",
        help="a constraint, or @path of a file with some; may be repeated",
    )
    group.add_argument(
        "--constraints",
        action="append",
        default=[],
        metavar="FILE",
        help="a file with constraints; may be repeated",
    )


def add_table(parser: Any, *, option: bool, missing: str = "error", of_rule: bool = False) -> None:
    """Add what names a table and its columns.

    Args:
        parser: of a command.
        option: whether the table is given as `--data` and may be left out.
        missing: what a missing value means where the user does not say.
        of_rule: whether a rule says where predictions lie and what a missing value means, and weighs nobody.
    """
    group = parser.add_argument_group("the table")
    group.add_argument(
        "--data" if option else "data",
        metavar="FILE",
        help="CSV (.csv, .csv.gz, .tsv) or Parquet; - reads the standard input",
    )
    group.add_argument(
        "--prediction",
        action="append",
        metavar="COLUMN",
        help="the column of the predictions, y; repeated where a model has several outputs, which then have "
        "the names of their columns, as in y[approve]",
    )
    group.add_argument("--label", metavar="COLUMN", help="the column of the label, the ground truth")
    if not of_rule:
        group.add_argument("--weight", metavar="COLUMN", help="the column of the sample weights, >= 0")
        group.add_argument(
            "--domain",
            nargs=2,
            type=float,
            action=_Domain,
            metavar=("LOW", "HIGH"),
            help="where predictions must lie, such as 0 1 (anywhere)",
        )
        group.add_argument(
            "--missing",
            choices=("error", "exclude", "group"),
            default=missing,
            help="what an attribute without a value means: a fault of the table; a sample in no group; a "
            f"group of their own ({missing})",
        )
    group.add_argument(
        "--na",
        action="append",
        default=[],
        metavar="TEXT",
        help="an entry that stands for no value, as an empty one does; may be repeated",
    )
    group.add_argument(
        "--normalize",
        action="store_true",
        help="join groups whose texts differ only in case or spaces, and say which",
    )
    group.add_argument(
        "--separator",
        "--delimiter",
        metavar="SIGN",
        help="between the entries of a CSV file: ',' ';' tab (,)",
    )
    group.add_argument("--encoding", metavar="NAME", help="of a CSV file (utf-8)")


def share(text: str) -> float | None:
    """A reader of numbers between 0 and 1 for `argparse`; `none` is None.

    Example:

    >>> share("95%")
    0.95
    """
    if text.strip().lower() == "none":
        return None
    percent = text.strip().endswith("%")
    try:
        value = float(text.strip().removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, or none, received {text!r}")
    return value


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


def open_data(options: argparse.Namespace) -> AbstractContextManager[Source]:
    """The table that `add_table` names, opened.

    Raises:
        InputFault: `--separator` is not one character, or the table can't be read.
    """
    from keras_fair.cli.open_table import open_table

    sign = _SIGNS.get(options.separator or "", options.separator)
    if sign is not None and (len(sign) != 1 or sign in '"\r\n\0'):
        raise InputFault(f"--separator: expected one character or tab, received {options.separator!r}")
    return open_table(options.data, separator=sign, encoding=options.encoding, missing=options.na)


def constraint_texts(options: argparse.Namespace) -> Sequence[str]:
    """The constraints that `add_constraints` reads, as they stand, files as `@path`.

    Raises:
        InputFault: there is none.
    """
    words = list(getattr(options, "texts", ()))
    texts = [*words, *options.constraint, *(f"@{path}" for path in options.constraints)]
    if not texts:
        raise InputFault(f'expected constraints: {options.prog} -c "TEXT", or --constraints FILE')
    return texts
