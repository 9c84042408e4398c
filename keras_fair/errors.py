"""The exception tree of the constraint language, and the caret that shows the place of a fault.

Every fault of a constraint, in its form or in its meaning, found while parsing or later when it meets data,
is a `ConstraintError`. It holds the message, the text and the place; `str()` shows all three:

    expected a condition after '|', found ']'
      E[y | ] == E[y | sex=Male] +- 0.02
            ^

Code that handles a fault asks for its `reason`, and for the `modes` that would take the statement. It never
reads the message.

This module knows nothing of the tree: a place is anything with `start` and `end`, which
`keras_fair.language.nodes.Span` has.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Protocol

__all__ = [
    "AUDIT",
    "MODES",
    "ConstraintError",
    "ConstraintSyntaxError",
    "ConstraintTypeError",
    "Place",
    "Reason",
    "alike",
    "near_names",
    "quoted",
    "some_of",
    "tidied",
]

_WINDOW = 100  # columns of a long line that are shown around the caret
_LONGEST_NAME = 60  # characters of a name that a message repeats
_LONGEST_LIST = 8  # known names that a message lists
_MOST_COMPARED = 2000  # known names that are compared with an unknown one


MODES = ("projection", "monitoring", "streaming", "audit")
"""The modes that a statement can be used by. Those that need affine rows come first."""

AUDIT = ("audit",)
"""The modes that take what no affine row can say: rates of decisions, correlations, whole distributions. A
mode that learns to take them is added here."""

_CALLED = {"audit": "kf.audit"}  # what a message calls a mode, where that is not its name


class Reason(Enum):
    """Why a constraint is refused, for code that has to tell one fault from another."""

    SYNTAX = "the text does not follow the grammar"
    DOCUMENT = "the JSON document is malformed"
    MEANING = "the statement has no meaning, whatever the data are"
    NOT_AFFINE = "a statistic or a value is not affine in the predictions"
    NOT_CONVEX = "the predictions that meet the statement are no convex set"
    FREE_OF_PREDICTIONS = "no prediction can change the statement"
    DIVISOR = "an expression is divided by what can be 0, or by what can be negative"
    UNKNOWN_NAME = "no attribute, output or criterion has this name"
    UNKNOWN_VALUE = "the attribute or the label never has this value"
    VALUES_NOT_KNOWN = "the values that a star or a quantifier runs over are not known"
    TOO_MANY = "the statement makes too many groups or relations"
    WRONG_KIND = "text stands where numbers are needed, or numbers where text is"
    LABEL_NEEDED = "the statement needs the label, and there is none"


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
        reason: what kind of fault it is. Default: that of the class.
        modes: the modes that take the statement all the same, out of `MODES`. The message then ends with a
            sentence that names them.

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

    usual_reason = Reason.DOCUMENT

    def __init__(
        self,
        message: str,
        *,
        text: str | None = None,
        span: Place | None = None,
        reason: Reason | None = None,
        modes: Sequence[str] = (),
    ) -> None:
        message += _promise(modes) if modes else ""
        super().__init__(message)
        self.message = message
        self.text = text
        self.span = span
        self.reason = self.usual_reason if reason is None else reason
        self.modes = tuple(modes)

    def __str__(self) -> str:
        if self.text is None or self.span is None:
            return self.message
        line, caret = _line_and_caret(self.text, self.span.start)
        return f"{self.message}\n  {line}\n  {caret}"


class ConstraintSyntaxError(ConstraintError):
    """The text does not follow the grammar."""

    usual_reason = Reason.SYNTAX


class ConstraintTypeError(ConstraintError):
    """The text follows the grammar, but what it says has no meaning, or not one that can be used here."""

    usual_reason = Reason.MEANING


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
    names = sorted({str(candidate) for candidate in candidates})
    if not names:
        return ""
    wanted = str(name)
    for candidate in names[:_MOST_COMPARED]:
        if candidate != wanted and _composed(candidate) == _composed(wanted):
            return (
                f"; {quoted(candidate)} looks the same but has other characters (one is in Unicode's NFC, "
                "the other in NFD): normalise both with unicodedata.normalize('NFC', ...)"
            )
    if len(wanted) <= _LONGEST_NAME:
        folded: dict[str, str] = {}
        for candidate in names[:_MOST_COMPARED]:
            folded.setdefault(candidate.casefold(), candidate)
        near = difflib.get_close_matches(wanted.casefold(), folded, n=3, cutoff=0.6)
        if near:
            return f"; did you mean {_listed([quoted(folded[match]) for match in near], 'or')}?"
    shown = [quoted(candidate) for candidate in names[:_LONGEST_LIST]]
    more = len(names) - len(shown)
    return f"; known: {', '.join(shown)}" + (f" and {more} more" if more else "")


def alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """The names of which a reader would take several for one: they differ only in capitals, in spaces, or in
    how Unicode composes their characters.

    Args:
        names: texts, each once.

    Returns:
        Sets of two or more, in the order of their first names.

    Example:

    >>> alike(["Male", "Female", "male ", "F", "f"])
    [('Male', 'male '), ('F', 'f')]
    """
    sets: dict[str, list[str]] = {}
    for name in names:
        sets.setdefault(tidied(name).casefold(), []).append(name)
    return [tuple(each) for each in sets.values() if len(each) > 1]


def tidied(name: str) -> str:
    """A name without spaces at its ends, with single ones inside, in Unicode's NFC.

    Example:

    >>> tidied("  New   York ")
    'New York'
    """
    return " ".join(_composed(name).split())


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


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _promise(modes: Sequence[str]) -> str:
    """The end of a message about a statement that only some modes take."""
    others = _listed([mode for mode in MODES if mode not in modes])
    lead = "it can be audited, not enforced; " if tuple(modes) == AUDIT else ""
    takers = _listed([_CALLED.get(mode, mode) for mode in modes])
    rest = f", {others} do not" if others else ""
    return f": {lead}{takers} {'takes' if len(modes) == 1 else 'take'} it{rest}"


def some_of(texts: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first of several texts, and how many there are besides, for a message.

    Args:
        texts: any number.
        most: so many are shown.
        separator: between them; behind texts that hold commas or `and` themselves `"; "`.

    Example:

    >>> some_of(["a", "b", "c", "d"], 2)
    'a, b and 2 more'
    >>> some_of(["a and A", "b and B", "c and C"], 2, "; ")
    'a and A; b and B; and 1 more'
    """
    shown, more = separator.join(texts[:most]), len(texts) - most
    return shown if more <= 0 else f"{shown}{'' if separator == ', ' else ';'} and {more:,} more"


def _listed(names: list[str], last: str = "and") -> str:
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


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
