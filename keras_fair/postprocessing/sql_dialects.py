"""How databases write a column, a text, a number and an instant, so that each means what NumPy means by it.

A rule in SQL decides as the rule does, to the bit, so nothing is left to a database's reading of decimals:
DuckDB takes `0.43` for a decimal and rounds it twice, and SQLite may round its last digit. Here every number
is a double in one reading only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from fractions import Fraction

from keras_fair.inputs.settings import check_choice

__all__ = ["DIALECTS", "Dialect", "dialect_of"]

# Neither single quotes, nor backslashes, nor controls.
_PLAIN = re.compile(r"[ -&(-\[\]-~\u00a0-\ud7ff\ue000-\U0010ffff]*")
_STEP = 62  # powers of two that a whole number of 64 bits holds
_DIGITS = 15  # decimals of so many digits are read alike everywhere, where a double holds them exactly


@dataclass(frozen=True)
class Dialect:
    """What one database says.

    Attributes:
        name: of the dialect.
        column: a name as an identifier.
        text: a text as a literal.
        number: a float64 as a literal, exactly.
        as_number: a column of booleans as numbers.
        as_text: a column as text that is compared byte by byte.
        numeric: where a column holds numbers, or None where types say so.
        textual: where a column holds text, or None where types say so.
        nan: where a number is NaN, or None where there is none.
        finite: where a number is neither NaN nor infinite.
        instant: a column of dates or times as what sorts as the instants do; NULL for what is none.
        moment: the same of one date or time in the form of `keras_fair.inputs.dates`.
        no_date: where a column of dates has none.
        least, greatest: functions of several numbers.
        error: a function that raises an error with a message, or None.
    """

    name: str
    column: Callable[[str], str]
    text: Callable[[str], str]
    number: Callable[[float], str]
    as_number: Callable[[str], str]
    as_text: Callable[[str], str]
    numeric: Callable[[str], str] | None
    textual: Callable[[str], str] | None
    nan: Callable[[str], str] | None
    finite: Callable[[str], str]
    instant: Callable[[str], str]
    moment: Callable[[str], str]
    no_date: Callable[[str], str]
    least: str
    greatest: str
    error: Callable[[str], str] | None


def dialect_of(name: str) -> Dialect:
    """The dialect of a name.

    Raises:
        ValueError: there is none.
    """
    return DIALECTS[check_choice("dialect", name, tuple(DIALECTS))]


def _quoted(name: str, quote: str) -> str:
    if not isinstance(name, str) or not name or "\0" in name:
        raise ValueError(f"expected columns by name, without the character U+0000, received {name!r}")
    return f"{quote}{name.replace(quote, 2 * quote)}{quote}"


def _checked(text: str) -> str:
    """Text that a statement can hold."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(f"expected values that SQL can write, received {text!r}: it is no text in UTF-8")
    return text


def _standard_text(text: str) -> str:
    return "'" + _checked(text).replace("'", "''") + "'"


def _spark_text(text: str) -> str:
    """Backslashes and quotes mean one thing or another by a setting; hexadecimal digits do not."""
    if _PLAIN.fullmatch(_checked(text)):
        return f"'{text}'"
    return f"decode(unhex('{text.encode().hex()}'), 'UTF-8')"


def _scientific(number: float) -> str:
    """With an exponent a number is a double, and without one a decimal."""
    text = repr(float(number))
    text = text if "e" in text else f"{text}e0"
    return f"({text})" if number < 0 else text


def _dyadic(number: float) -> str:
    """A fraction of whole numbers, by powers of two, which no rounding can change."""
    number, text = float(number), repr(float(number))
    digits = text.lstrip("-").partition("e")[0].replace(".", "").strip("0")
    if Fraction(text) == Fraction(number) and "e" not in text and len(digits) <= _DIGITS:
        return f"({text})" if number < 0 else text
    numerator, denominator = number.as_integer_ratio()
    up = max(numerator.bit_length() - _STEP, 0) if denominator == 1 else 0
    powers = [*_powers("*", up), *_powers("/", denominator.bit_length() - 1)]
    return f"({' '.join([f'CAST({numerator >> up} AS REAL)', *powers])} /* {text} */)"


def _powers(sign: str, exponent: int) -> list[str]:
    """Factors of a power of two, each a double."""
    steps = [_STEP] * (exponent // _STEP) + [exponent % _STEP] * (exponent % _STEP > 0)
    return [f"{sign} CAST({1 << step} AS REAL)" for step in steps]


def _micros(text: str) -> str:
    """Microseconds since 1970 of a date or time in UTC."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > 6:
        raise ValueError(f"expected dates of whole microseconds in SQL, received {text!r}")
    instant = datetime.fromisoformat(whole).replace(tzinfo=timezone.utc)
    passed = instant - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return str((passed.days * 86_400 + passed.seconds) * 1_000_000 + int(fraction.ljust(6, "0")))


def _spark_micros(column: str) -> str:
    """A date has no zone, a timestamp is an instant, and one without a zone is in UTC."""
    return (
        f"CASE typeof({column}) WHEN 'date' THEN unix_date(CAST({column} AS DATE)) * 86400000000 "
        f"WHEN 'timestamp' THEN unix_micros(CAST({column} AS TIMESTAMP)) "
        f"WHEN 'timestamp_ntz' THEN "
        f"unix_micros(CAST(concat(CAST({column} AS STRING), 'Z') AS TIMESTAMP)) END"
    )


def _sqlite_instant(column: str) -> str:
    """SQLite keeps dates as text: `2024-06-01`, or with a time in UTC, of whole seconds."""
    two = "[0-9][0-9]"
    day, time = f"{two}{two}-{two}-{two}", f"{two}:{two}:{two}"
    return (
        f"CASE WHEN {column} < '0001' THEN NULL "
        f"WHEN {column} GLOB '{day}' AND date({column}, '+0 days') = {column} "
        f"THEN {column} || 'T00:00:00' WHEN {column} GLOB '{day}[ T]{time}' "
        f"AND datetime({column}, '+0 days') = replace({column}, 'T', ' ') "
        f"THEN replace({column}, ' ', 'T') END"
    )


def _full_moment(text: str) -> str:
    """A date or time to the second, in which texts sort as instants do."""
    whole, dot, fraction = text.partition(".")
    return _standard_text(datetime.fromisoformat(whole).isoformat() + dot + fraction)


DIALECTS = {
    "duckdb": Dialect(
        name="duckdb",
        column=lambda name: _quoted(name, '"'),
        text=_standard_text,
        number=_scientific,
        as_number=lambda column: f"CAST({column} AS DOUBLE)",
        as_text=str,
        numeric=None,
        textual=None,
        nan=lambda number: f"isnan({number})",
        finite=lambda number: f"isfinite({number})",
        instant=lambda column: f"epoch_us({column})",
        moment=_micros,
        no_date=lambda column: f"{column} IS NULL",
        least="least",
        greatest="greatest",
        error=lambda message: f"error({_standard_text(message)})",
    ),
    "sqlite": Dialect(
        name="sqlite",
        column=lambda name: _quoted(name, "`"),  # a name in double quotes that is no column is a text
        text=_standard_text,
        number=_dyadic,
        as_number=str,
        as_text=lambda column: f"{column} COLLATE BINARY",
        numeric=lambda column: f"typeof({column}) IN ('integer', 'real', 'null')",
        textual=lambda column: f"typeof({column}) IN ('text', 'null')",
        nan=None,  # NULL takes its place
        finite=lambda number: f"abs({number}) < 9e999",  # which is infinite
        instant=_sqlite_instant,
        moment=_full_moment,
        no_date=lambda column: f"({column} IS NULL OR {column} = '')",
        least="min",
        greatest="max",
        error=None,
    ),
    "spark": Dialect(
        name="spark",
        column=lambda name: _quoted(name, "`"),
        text=_spark_text,
        number=_scientific,
        as_number=lambda column: f"CAST({column} AS DOUBLE)",
        as_text=str,
        numeric=None,
        textual=None,
        nan=lambda number: f"isnan({number})",
        finite=lambda number: f"abs({number}) < double('infinity')",
        instant=_spark_micros,
        moment=_micros,
        no_date=lambda column: f"{column} IS NULL",
        least="least",
        greatest="greatest",
        error=lambda message: f"raise_error({_spark_text(message)})",
    ),
}
