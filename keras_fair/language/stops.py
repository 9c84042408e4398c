"""Where the parser stopped: the token it could not take, what it would have taken, and what it had before."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

from lark import Token, Tree, UnexpectedToken

from keras_fair.errors import quoted
from keras_fair.language.functions import CALLED_STATISTICS, FUNCTIONS
from keras_fair.language.nodes import Span
from keras_fair.language.spacing import CLOSED_BY
from keras_fair.language.words import span_of

__all__ = ["Stop", "kind_of"]


@dataclass(frozen=True)
class Stop:
    """A stop of the parser.

    Attributes:
        text: the whole text.
        token: what the parser could not take; `$END` at the end of the text.
        welcome: the terminals that it would have taken.
        stack: what it had taken, newest last; finished rules are nodes, the rest are tokens.
    """

    text: str
    token: Token
    welcome: frozenset[str]
    stack: tuple[Any, ...]

    @classmethod
    def of(cls, text: str, error: UnexpectedToken) -> Stop:
        """The stop behind lark's error."""
        parser = error.interactive_parser
        # The helper rules of repetitions, such as `(COMMA value)*`, are trees; what they hold is shown.
        taken = (
            item.children if isinstance(item, Tree) else (item,) for item in parser.parser_state.value_stack
        )
        return cls(text, error.token, frozenset(parser.accepts()), tuple(chain.from_iterable(taken)))

    @property
    def kind(self) -> str:
        """The terminal of the token."""
        return self.token.type

    @property
    def last(self) -> Any:
        """What came before the token: a token or a node; None at the start."""
        return self.stack[-1] if self.stack else None

    @property
    def last_kind(self) -> str:
        """The terminal of the last token; empty where a node stands there, or nothing."""
        return kind_of(self.last)

    @property
    def after(self) -> str:
        """The end of a message about what is expected: after which token."""
        return f" after {quoted(self.last)}" if self.last_kind else ""

    @property
    def at_line_end(self) -> bool:
        return self.kind == "SEPARATOR" and self.token != ";"

    @property
    def span(self) -> Span:
        """Where the token stands; at the end of the text, one past the last character."""
        place = span_of(self.token)
        if self.kind != "$END":
            return place
        # `$END` carries the place of the last token; blank lines and comments after it are not what is meant.
        rest = self.text[place.end :]
        end = place.end if "\n" in rest or "\r" in rest else len(self.text)
        return Span(end, end)

    @property
    def found(self) -> str:
        """The token as messages show it."""
        if self.kind == "$END":
            return "the end of the text" if self.stack else "an empty text"
        return "the end of the line" if self.at_line_end else quoted(self.token)

    @property
    def opened(self) -> tuple[Token, Any] | None:
        """The innermost bracket that is open, and what stands before it."""
        closed = 0
        for index in range(len(self.stack) - 1, -1, -1):
            kind = kind_of(self.stack[index])
            if kind in CLOSED_BY.values():
                closed += 1
            elif kind in CLOSED_BY:
                if not closed:
                    return self.stack[index], self.stack[index - 1] if index else None
                closed -= 1
        return None

    @property
    def in_value(self) -> bool:
        """Whether the place is inside `E[...]` or `cov(...)`, before any `|`."""
        for item in reversed(self.stack):
            kind = kind_of(item)
            if kind in ("BAR", "P", "SEPARATOR", "COLON") or (kind and item in FUNCTIONS):
                return False
            if kind == "E" or (kind and item in CALLED_STATISTICS):
                return True
        return False

    @property
    def in_condition(self) -> bool:
        """Whether the place is inside a condition or an event, or in the set of one."""
        for item in reversed(self.stack):
            kind = kind_of(item)
            if kind in ("BAR", "P", "E", "COV", "SEPARATOR", "COLON"):
                return kind in ("BAR", "P")
        return False


def kind_of(item: Any) -> str:
    """The terminal of a token; empty for what is none."""
    return item.type if isinstance(item, Token) else ""
