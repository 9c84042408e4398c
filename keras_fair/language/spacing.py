"""What stands between lexer and parser: line ends, and the names that `for` binds.

- A newline inside brackets separates nothing; elsewhere it ends a statement, as `;` does. Between two
  statements the parser sees exactly one SEPARATOR, however many blank lines and comments there are.
- After `for a, b in race:` the names `a` and `b` reach the parser as VARIABLE until the statement ends, so
  the grammar knows a variable from a word.
- `at` behind a number or a closed bracket reaches the parser as AT, and `weight` behind `with` as WEIGHT.
  Elsewhere they are names like any other.
- Brackets may be nested `DEEPEST` levels, so that no later step has to fear a deep tree.
"""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token

from keras_fair.language.faults import SyntaxFault
from keras_fair.language.words import span_of

__all__ = ["CLOSED_BY", "DEEPEST", "Spacing"]

DEEPEST = 100
"""The most levels that brackets, and operations in one another, may be nested."""

CLOSED_BY = {"LPAREN": "RPAREN", "LBRACKET": "RBRACKET", "LBRACE": "RBRACE"}
"""The terminals of brackets: which closes which."""

_PARTS = {"FOR": "variables", "IN": "domain", "AND": "variables", "COLON": "body"}
"""The part of a statement that begins after a terminal; but for FOR, only between a `for` and its colon."""


class Spacing:
    """The step between lexer and parser. It keeps no state between texts, so threads can share it."""

    always_accept = ("LINE_END", "SEPARATOR")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Yield the tokens that the parser is to see.

        Args:
            stream: the tokens of the lexer.

        Raises:
            SyntaxFault: where brackets are nested too deep.
        """
        depth = 0
        last: Token | None = None
        separator: Token | None = None
        scope = _Scope()
        for token in stream:
            kind = token.type
            if kind == "LINE_END":
                if depth == 0 and last is not None and separator is None:
                    separator = Token("SEPARATOR", "\n", last.end_pos, end_pos=last.end_pos)
                continue
            if kind == "SEPARATOR" and depth == 0:
                if last is not None and separator is None:
                    separator = token
                continue
            if separator is not None:
                yield separator
                separator = None
                scope = _Scope()
            if kind in CLOSED_BY:
                depth += 1
                if depth > DEEPEST:
                    raise SyntaxFault(f"brackets are nested more than {DEEPEST} levels deep", span_of(token))
            elif kind in CLOSED_BY.values():
                depth -= 1
            elif kind == "NAME" and token.value == "at" and depth == 0 and _ends_a_sum(last):
                token.type = "AT"
            elif kind == "NAME" and token.value == "weight" and last is not None and last.type == "WITH":
                token.type = "WEIGHT"
            else:
                scope.read(token)
            last = token
            yield token


def _ends_a_sum(last: Token | None) -> bool:
    """Whether a number or a closed bracket has just ended. No name can follow, so that `at` is no column."""
    return last is not None and last.type in ("NUMBER", "RPAREN", "RBRACKET")


class _Scope:
    """The variables of one statement, learnt while its tokens pass."""

    def __init__(self) -> None:
        self.variables: set[str] = set()
        self.part = "body"  # or, between `for` and its colon, "variables" and "domain" in turn

    def read(self, token: Token) -> None:
        """Take note of `token`; call it VARIABLE where it is one."""
        kind = token.type
        if kind == "NAME":
            if self.part == "variables":
                self.variables.add(token.value)
            if self.part != "domain" and token.value in self.variables:
                token.type = "VARIABLE"
        elif kind == "FOR" or self.part != "body":
            self.part = _PARTS.get(kind, self.part)
