r"""Words of the language: which are reserved, which need quotes, and how quotes are written and read.

The parser reads words by this module and the printer writes them by it, so that what is printed reads back.
Quoted text is `'...'` or `"..."` for values and `` `...` `` for names. Inside, a backslash takes the next
character as it is, but for `\n`, `\r`, `\t` and `\u{hex}` (a character by its number).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["RESERVED", "is_plain", "listed", "print_name", "print_number", "print_value", "unquote"]

# What the terminals of fairness.lark match by their letters; a test holds the two together.
RESERVED = frozenset(
    ("y", "label", "E", "P", "cov", "abs", "max", "min", "spread")
    + ("for", "in", "and", "or", "not", "with", "confidence")
)

_PLAIN = re.compile(r"[^\W\d][\w.]*")
_ESCAPE = re.compile(r"\\(u\{([0-9a-fA-F]{1,6})\}|.)", re.DOTALL)
_NAMED_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_ESCAPED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def is_plain(word: str) -> bool:
    """Whether `word` can stand without quotes, as a name and as a value."""
    return _PLAIN.fullmatch(word) is not None and word not in RESERVED


def print_name(name: str) -> str:
    """A name of a column, of a statement or of an output; in backticks where it needs them."""
    return name if is_plain(name) else _quote(name, "`")


def print_value(value: float | str, variables: frozenset[str] = frozenset()) -> str:
    """A value of a condition; text in quotes where it is not a plain word or would read as a variable."""
    if not isinstance(value, str):
        return print_number(value)
    if is_plain(value) and value not in variables:
        return value
    return _quote(value, '"' if "'" in value and '"' not in value else "'")


def print_number(number: float) -> str:
    """The shortest text that reads back as `number`; whole numbers without a point."""
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return repr(float(number))


def listed(words: Sequence[str], joint: str) -> str:
    """Words as a sentence lists them, with `joint` before the last."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


def unquote(token: str) -> str:
    """The text that a quoted token stands for.

    Raises:
        ValueError: for a `\\u{...}` that is no character, or any other backslash before a letter or a digit.
    """
    inner = token[1:-1]
    return _ESCAPE.sub(_unescape, inner) if "\\" in inner else inner


def _unescape(match: re.Match[str]) -> str:
    character, number = match.group(1), match.group(2)
    if number is not None and int(number, 16) <= 0x10FFFF:
        return chr(int(number, 16))
    if character in _NAMED_ESCAPES:
        return _NAMED_ESCAPES[character]
    if character.isalnum() or number is not None:
        raise ValueError(f"no such escape: {match.group(0)}; a backslash itself is written \\\\")
    return character


def _quote(text: str, mark: str) -> str:
    return mark + "".join(_escape(character, mark) for character in text) + mark


def _escape(character: str, mark: str) -> str:
    if character == mark:
        return "\\" + mark
    if character in _ESCAPED:
        return _ESCAPED[character]
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"
