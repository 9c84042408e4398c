"""What people write instead of the language, and the advice they get.

Each hint looks at where the parser stopped and gives a fault, or None where it does not apply. They are
tried in the order of `HINTS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from lark import Token

from keras_fair.errors import Reason, near_names, quoted
from keras_fair.language.faults import Fault, MeaningFault, SyntaxFault
from keras_fair.language.functions import CALLED
from keras_fair.language.lexicon import RESERVED, print_name, print_value
from keras_fair.language.nodes import Attribute, Node
from keras_fair.language.stops import Stop
from keras_fair.language.words import span_of

__all__ = ["hint"]

_COMPARATORS = frozenset({"EQUALS", "ASSIGN", "DIFFERS", "BELOW", "AT_MOST", "ABOVE", "AT_LEAST"})
_WORDS = frozenset({"NAME", "NUMBER", "STRING", "VARIABLE", "QUOTED_NAME"})
_CLOSED_BY = {"LPAREN": "RPAREN", "LBRACKET": "RBRACKET", "LBRACE": "RBRACE"}
_MARKS = {"RPAREN": ")", "RBRACKET": "]", "RBRACE": "}"}
_RUN = re.compile(r"[\w.]+(?:[- ][\w.]+)*")
_LONGEST_RUN = 60


def hint(stop: Stop, criteria: Collection[str]) -> Fault | None:
    """The advice for a stop of the parser, or None where none is known.

    Args:
        stop: where the parser stopped.
        criteria: the names of the known criteria.
    """
    unknown = _unknown_function(stop, criteria)
    if unknown is not None:
        return unknown
    for advice in HINTS:
        message = advice(stop)
        if message is not None:
            return SyntaxFault(message, stop.span)
    return None


def _unknown_function(stop: Stop, criteria: Collection[str]) -> Fault | None:
    """`mean(y | ...)`: the name is what is wrong, not what stands in its parentheses."""
    opened = stop.opened
    if opened is None or opened[0].type != "LPAREN":
        return None
    name = opened[1]
    if not isinstance(name, Token) or name.type != "NAME" or name in CALLED:
        return None
    if name in criteria:
        return SyntaxFault(
            f"expected the names of attributes, as in {name}(sex, race), found {stop.found}", stop.span
        )
    near = near_names(name, [*criteria, *CALLED])
    return MeaningFault(
        f"no criterion or function named {quoted(name)}{near}", span_of(name), Reason.UNKNOWN_NAME
    )


def _brackets_of_statistics(stop: Stop) -> str | None:
    last = stop.last
    if isinstance(last, Token) and last.type in ("E", "P") and stop.kind != "LBRACKET":
        return f"expected brackets after {quoted(last)}, as in {last}[...], found {stop.found}"
    if isinstance(last, Token) and last in CALLED and stop.kind != "LPAREN":
        return f"expected parentheses after {quoted(last)}, as in {last}(...), found {stop.found}"
    if stop.kind == "LBRACKET" and isinstance(last, (Attribute, Token)) and not stop.in_condition:
        name = last.name if isinstance(last, Attribute) else str(last)
        if isinstance(last, Attribute) or last.type == "NAME":
            return f"no statistic {quoted(name)}; the statistics are E[...], P[...] and cov(...)"
    return None


def _relation(stop: Stop) -> str | None:
    """`=`, `<`, `!=` between two sides."""
    if "EQUALS" not in stop.welcome or stop.kind in stop.welcome or "ASSIGN" in stop.welcome:
        return None
    if stop.kind == "ASSIGN":
        return "expected '==', found '='; '=' stands in conditions, between two sides stands '=='"
    if stop.kind in ("BELOW", "ABOVE"):
        return f"expected '{stop.token}=', found {stop.found}; between two sides write '<=' or '>='"
    if stop.kind == "DIFFERS":
        return "expected '==', '<=' or '>=', found '!='; that two sides differ describes no convex set"
    return None


def _second_relation(stop: Stop) -> str | None:
    """`0 <= e >= 1`, `e <= 2 == 3`, `0 <= a <= b <= 1`."""
    if stop.kind not in _COMPARATORS or stop.opened is not None or "PLUS" not in stop.welcome:
        return None
    return (
        "a constraint has one relation, or two in one direction as in 0.1 <= E[y] <= 0.4; found "
        f"{stop.found} after it"
    )


def _tolerance(stop: Stop) -> str | None:
    if stop.kind != "PLUS_MINUS":
        return None
    if "PLUS" in stop.welcome and stop.opened is not None:
        return "'+-' stands after '==' only; for plus a negative number write '+ -'"
    if any(isinstance(item, Token) and item.type in ("AT_MOST", "AT_LEAST") for item in stop.stack):
        return "a tolerance goes with '==' only; with '<=' and '>=' add it to the bound"
    return None


def _variable(stop: Stop) -> str | None:
    if stop.kind != "VARIABLE" or stop.kind in stop.welcome:
        return None
    return (
        f"{quoted(stop.token)} is a variable of 'for'; it stands for a value, as in sex={stop.token}, "
        "and not for a column or a number"
    )


def _capital_letters(stop: Stop) -> str | None:
    """`AND`, `OR`, `Not` and the like: where they stand, or just before the stop."""
    for token in (stop.token, stop.last):
        if isinstance(token, Token) and token.type == "NAME":
            word = token.lower()
            meant = word in RESERVED and word != token
            if meant and (token is not stop.token and stop.kind == "NAME" or word.upper() in stop.welcome):
                return f"found {quoted(token)}; write {quoted(word)} in small letters"
    return None


def _reserved(stop: Stop) -> str | None:
    if str(stop.token) not in RESERVED:
        return None
    last = stop.last
    if "VARIABLE" in stop.welcome and not stop.in_condition:
        return f"expected a variable, found the reserved word {stop.found}"
    if not stop.in_condition or "NAME" not in stop.welcome:
        return None
    if (
        isinstance(last, Token)
        and last.type in _COMPARATORS | {"LBRACE", "COMMA"}
        and "NOT" not in stop.welcome
    ):
        return (
            f"expected a value after {quoted(last)}, found the reserved word {stop.found}; as a value it is "
            f"written in quotes: {print_value(str(stop.token))}"
        )
    if stop.kind in ("AND", "OR", "IN"):
        return None
    return (
        f"expected a condition, found the reserved word {stop.found}; a column of that name is written in "
        f"backticks: {print_name(str(stop.token))}"
    )


def _reserved_name(stop: Stop) -> str | None:
    before = stop.before_last
    if stop.kind != "COLON" or not (
        before is None or isinstance(before, Token) and before.type == "SEPARATOR"
    ):
        return None
    word = stop.text[: stop.span.start].split()[-1:]
    if word and word[0] in RESERVED:
        backticked = print_name(word[0])
        return f"{quoted(word[0])} is a reserved word; as a name it is written in backticks: {backticked}"
    return None


def _needs_quotes(stop: Stop) -> str | None:
    """`race=north west`, `race=Asian-Pac`, `income=50K`, `native country=US`."""
    if not stop.in_condition or stop.kind not in _WORDS | {"MINUS"} or stop.kind in stop.welcome:
        return None
    last = stop.last
    if not (isinstance(last, Node) or (isinstance(last, Token) and last.type in _WORDS)):
        return None
    run = _run_at(stop.text, stop.span.start)
    if run is None:
        return None
    if "IN" in stop.welcome:
        return (
            f"found {stop.found} after a column name; a name with other characters than letters, digits, "
            f"'_' and '.' is written in backticks: {print_name(run)}"
        )
    return (
        f"found {stop.found} after a value; a value with other characters than letters, digits, '_' and "
        f"'.', or that starts with a digit, is written in quotes: {print_value(run)}"
    )


def _run_at(text: str, position: int) -> str | None:
    """The words around a position that spaces and hyphens join."""
    start = max(text.rfind(mark, 0, position) for mark in "=<>{,|(\n") + 1
    for match in _RUN.finditer(text, start, min(len(text), start + 2 * _LONGEST_RUN)):
        if match.start() <= position < match.end() and match.end() - match.start() <= _LONGEST_RUN:
            return match.group()
    return None


def _column_in_quotes(stop: Stop) -> str | None:
    if stop.kind == "STRING" and "E" in stop.welcome:
        name = str(stop.token)[1:-1]
        column = print_name(name) if name else "`name`"
        return f"found the text {quoted(name)}; a column is written plain or in backticks: {column}"
    return None


def _logic(stop: Stop) -> str | None:
    if stop.in_condition and stop.kind == "AMPERSAND" and isinstance(stop.last, Token) and stop.last == "&":
        return "'and' is written 'and', ',' or a single '&'"
    if stop.in_condition and stop.kind == "BAR" and "BAR" not in stop.welcome:
        return "found a second '|'; in a condition write 'or' for or, ',' or 'and' for and"
    return None


def _set_in_parentheses(stop: Stop) -> str | None:
    if stop.kind == "LPAREN" and "LBRACE" in stop.welcome:
        return "expected a set in braces, as in {Black, Hispanic}, found '('"
    return None


def _joined(stop: Stop) -> str | None:
    if stop.kind in ("AND", "OR", "COMMA", "AMPERSAND") and "$END" in stop.welcome:
        return f"found {stop.found} after a constraint; constraints are separated by ';' or a new line"
    return None


def _closing(stop: Stop) -> str | None:
    if stop.kind not in _MARKS:
        return None
    opened = stop.opened
    if opened is None:
        return f"{stop.found} closes nothing"
    wanted = _CLOSED_BY[opened[0].type]
    if wanted != stop.kind and (wanted in stop.welcome):
        return f"expected '{_MARKS[wanted]}' to close {quoted(opened[0])}, found {stop.found}"
    return None


def _next_line(stop: Stop) -> str | None:
    if not stop.at_line_end:
        return None
    if isinstance(stop.last, Token) or "$END" not in stop.welcome:
        where = f" after {quoted(stop.last)}" if isinstance(stop.last, Token) else ""
        return (
            f"a constraint is not complete at the end of the line{where}; it goes on in the next line only "
            "inside brackets or parentheses"
        )
    return None


HINTS: tuple[Callable[[Stop], str | None], ...] = (
    _brackets_of_statistics,
    _relation,
    _tolerance,
    _variable,
    _capital_letters,
    _reserved,
    _reserved_name,
    _needs_quotes,
    _column_in_quotes,
    _logic,
    _set_in_parentheses,
    _closing,
    _joined,
    _second_relation,
    _next_line,
)
