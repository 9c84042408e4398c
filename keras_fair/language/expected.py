"""What a fault of form looks like to a person: what was expected, what was found, and what to write instead.

The LALR parser stops at a token that no rule allows, with its stack and the set of terminals it would take.
`syntax_fault` says that in words: first the special cases that people run into (`HINTS`, tried in order),
then the general "expected ..., found ...".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from keras_fair.errors import quoted
from keras_fair.language.faults import Fault, SyntaxFault
from keras_fair.language.hints import hint
from keras_fair.language.lexicon import listed
from keras_fair.language.nodes import Span
from keras_fair.language.stops import Stop

__all__ = ["syntax_fault"]

_GROUPS: tuple[tuple[set[str], set[str], str], ...] = (
    # Terminals that must all be welcome, terminals that must not be, and what the group is called.
    ({"FOR", "E"}, set(), "a constraint"),
    ({"NOT", "LPAREN", "NAME"}, set(), "a condition"),
    ({"STAR", "STRING"}, set(), "a value"),
    ({"STRING", "RBRACE"}, set(), "a value"),
    ({"STRING", "Y"}, set(), "a column or a value"),
    ({"STRING", "QUOTED_NAME", "NAME"}, set(), "an output (a number or a name)"),
    ({"STRING", "NAME"}, set(), "a value"),
    ({"LBRACE", "LABEL"}, set(), "an attribute, 'label' or a set {...}"),
    ({"LBRACE"}, set(), "a set {...}"),
    ({"EQUALS", "AT_MOST"}, {"ASSIGN"}, "a relation ('==', '<=', '>=' or 'in')"),
    ({"ASSIGN"}, {"RBRACKET", "RPAREN"}, "a comparison ('=', '!=', '<', '<=', '>', '>=' or 'in')"),
)

_SINGLE = (
    # One terminal each, in the order in which a message lists them.
    ("VARIABLE", "a variable"),
    ("NAME", "a name"),
    ("BAR", "'|'"),
    ("COMMA", "','"),
    ("AND", "'and'"),
    ("OR", "'or'"),
    ("IN", "'in'"),
    ("COLON", "':'"),
    ("LPAREN", "'('"),
    ("LBRACKET", "'['"),
    ("LBRACE", "'{'"),
    ("RPAREN", "')'"),
    ("RBRACKET", "']'"),
    ("RBRACE", "'}'"),
    ("NUMBER", "a number"),
    ("CONFIDENCE", "'confidence'"),
    ("WEIGHT", "'weight'"),
    ("PLUS_MINUS", "'+-'"),
    ("AT", "'at'"),
    ("WITH", "'with confidence', 'with weight'"),
    ("$END", "the end of the constraint"),
)

_CHARACTERS = {
    **dict.fromkeys("'\"", "this quote is not closed on its line"),
    "`": "this backtick is not closed on its line",
    "!": "expected '!=' or 'not', found '!'",
    "%": "'%' stands after a number only, as in 2%",
    "^": "there are no powers: a value is affine in y, and its coefficients are products and sums of columns",
    "~": "a condition is negated by 'not', found '~'",
    **dict.fromkeys("\u2212\u2013\u2014", "write the minus sign as '-'"),
    **dict.fromkeys("\u2018\u2019\u201c\u201d", "write quotes as ' or \""),
    "\\": "a backslash stands inside quotes only",
}


def syntax_fault(text: str, error: UnexpectedInput, criteria: Collection[str]) -> Fault:
    """The fault that users see in place of what lark found.

    Args:
        text: the whole text.
        error: lark's.
        criteria: the names of the known criteria.
    """
    if isinstance(error, UnexpectedCharacters):
        position = error.pos_in_stream or 0
        return SyntaxFault(_character(text[position : position + 1]), Span(position, position + 1))
    assert isinstance(error, UnexpectedToken)
    stop = Stop.of(text, error)
    return hint(stop, criteria) or SyntaxFault(f"expected {_expected(stop)}, found {stop.found}", stop.span)


def _character(character: str) -> str:
    if character in _CHARACTERS:
        return _CHARACTERS[character]
    if character.isprintable():
        return (
            f"unexpected character {quoted(character)}; a value that holds it is written in quotes, "
            "a name in backticks"
        )
    name = unicodedata.name(character, "")
    return f"unexpected character U+{ord(character):04X}" + (f" ({name.lower()})" if name else "")


def _expected(stop: Stop) -> str:
    if {"E", "LPAREN", "MINUS"} <= stop.welcome and "FOR" not in stop.welcome:
        words = "a value such as y" if stop.in_value else "an expression such as E[y | sex=Female]"
        return words + stop.after
    for all_of, none_of, words in _GROUPS:
        if all_of <= stop.welcome and not none_of & stop.welcome:
            return words + stop.after
    single = [word for terminal, word in _SINGLE if terminal in stop.welcome] or ["something else"]
    return listed(single, "or")
