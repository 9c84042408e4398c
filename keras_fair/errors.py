"""The exception tree of the constraint language, and the caret that shows the place of a fault.

Every fault of a constraint, in its form or in its meaning, found while parsing or later when it meets data,
is a `ConstraintError`. It holds the message, the text and the place; `str()` shows all three:

    expected a condition after '|', found ']'
      E[y | ] == E[y | sex=Male] +- 0.02
            ^

This module knows nothing of the tree: a place is anything with `start` and `end`, which
`keras_fair.language.nodes.Span` has.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from typing import Protocol

__all__ = [
    "ConstraintError",
    "ConstraintSyntaxError",
    "ConstraintTypeError",
    "Place",
    "near_names",
    "quoted",
]

_WINDOW = 100  # columns of a long line that are shown around the caret
_LONGEST_NAME = 60  # characters of a name that a message repeats
_LONGEST_LIST = 8  # known names that a message lists
_MOST_COMPARED = 2000  # known names that are compared with an unknown one


class Place(Protocol):
    """Characters `start` up to, not including, `end` of a text."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


class ConstraintError(ValueError):
    """A fault of a constraint: what is wrong, in which text, and where.

    Args:
        message: what was found and what is expected, in one or two sentences.
        text: the whole text of the constraints, or None where there is none (a fault of a JSON document).
        span: the place in `text`, or None.

    Example:

    >>> import keras_fair as kf
    >>> try:
    ...     kf.parse("E[y | ] <= 0.2")
    ... except kf.ConstraintError as error:
    ...     print(error)
    expected a condition after '|', found ']'
      E[y | ] <= 0.2
            ^
    """

    def __init__(self, message: str, *, text: str | None = None, span: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.span = span

    def __str__(self) -> str:
        if self.text is None or self.span is None:
            return self.message
        line, caret = _line_and_caret(self.text, self.span.start)
        return f"{self.message}\n  {line}\n  {caret}"


class ConstraintSyntaxError(ConstraintError):
    """The text does not follow the grammar."""


class ConstraintTypeError(ConstraintError):
    """The text follows the grammar, but what it says has no meaning, or not one that can be used here."""


def near_names(name: object, candidates: Iterable[object]) -> str:
    """The end of a message about an unknown name: the names it could have been.

    Args:
        name: the name that is not known.
        candidates: the names that are known, in any order.

    Returns:
        `"; did you mean 'sex'?"` where names are near (at most three), else `"; known: 'age', 'sex'"`
        (at most eight), or `""` where nothing is known.

    Example:

    >>> near_names("sx", ["sex", "race"])
    "; did you mean 'sex'?"
    >>> near_names("income", ["sex", "race"])
    "; known: 'race', 'sex'"
    """
    known = sorted({str(candidate) for candidate in candidates})
    if not known:
        return ""
    wanted = str(name)
    if len(wanted) <= _LONGEST_NAME:
        folded: dict[str, str] = {}
        for candidate in known[:_MOST_COMPARED]:
            folded.setdefault(candidate.casefold(), candidate)
        near = difflib.get_close_matches(wanted.casefold(), folded, n=3, cutoff=0.6)
        if near:
            return f"; did you mean {_either([quoted(folded[match]) for match in near])}?"
    shown = [quoted(candidate) for candidate in known[:_LONGEST_LIST]]
    more = len(known) - len(shown)
    return f"; known: {', '.join(shown)}" + (f" and {more} more" if more else "")


def quoted(name: object) -> str:
    """A name as messages show it: in quotes, on one line, cut where it is very long.

    Args:
        name: any object; its `str()` is shown.

    Example:

    >>> quoted("sex")
    "'sex'"
    """
    text = str(name)
    if len(text) > _LONGEST_NAME:
        text = text[: _LONGEST_NAME - 3] + "..."
    return "'" + "".join(character if character.isprintable() else "\ufffd" for character in text) + "'"


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _line_and_caret(text: str, position: int) -> tuple[str, str]:
    """The line of `text` that holds `position`, cut to a window, and a caret under the place."""
    position = max(0, min(position, len(text)))
    start = max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1
    ends = [end for end in (text.find("\n", position), text.find("\r", position)) if end >= 0]
    end = min(ends, default=len(text))
    before, after = "", ""
    if end - start > _WINDOW:
        first = max(start, min(position - _WINDOW // 2, end - _WINDOW))
        last = min(end, first + _WINDOW)
        before, after = "..." if first > start else "", "..." if last < end else ""
        start, end = first, last
    left = before + _shown(text[start:position])
    return left + _shown(text[position:end]) + after, " " * _width(left) + "^"


def _shown(text: str) -> str:
    """`text` with one printable character for each character."""
    return "".join(
        " " if character.isspace() else character if character.isprintable() else "\ufffd"
        for character in text
    )


def _width(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
