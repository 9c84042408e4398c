"""What people write instead of the language, and the advice they get.

Each hint looks at where the parser stopped and gives a fault, or None where it does not apply. They are
tried in the order of `HINTS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from keras_fair.errors import quoted
from keras_fair.language.comparisons import OPERATORS
from keras_fair.language.criteria import unknown_name
from keras_fair.language.faults import Fault, SyntaxFault
from keras_fair.language.functions import CALLED, DEPENDENCES
from keras_fair.language.lexicon import RESERVED, print_name, print_value
from keras_fair.language.nodes import Attribute, Node
from keras_fair.language.spacing import CLOSED_BY
from keras_fair.language.stops import Stop, kind_of
from keras_fair.language.words import span_of

__all__ = ["hint"]

_WORDS = frozenset({"NAME", "NUMBER", "STRING", "VARIABLE", "QUOTED_NAME"})
_MARKS = {"RPAREN": ")", "RBRACKET": "]", "RBRACE": "}"}
_RUN = re.compile(r"[\w.]+(?:[- ][\w.]+)*")
_GOES_ON = re.compile(r"(\s|#.*)*([<>=]=|in\b)")  # the next line holds the relation
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
    if kind_of(name) != "NAME" or (name in CALLED and name not in DEPENDENCES):
        return None
    if name in criteria or name in DEPENDENCES:
        if stop.in_condition:
            return None
        return SyntaxFault(
            f"expected the names of attributes, as in {name}(sex, race), found {stop.found}", stop.span
        )
    return unknown_name(name, criteria, span_of(name))


def _brackets_of_statistics(stop: Stop) -> str | None:
    last = stop.last
    if stop.last_kind in ("E", "P") and stop.kind != "LBRACKET":
        return f"expected brackets after {quoted(last)}, as in {last}[...], found {stop.found}"
    if last in CALLED and stop.kind != "LPAREN":
        return f"expected parentheses after {quoted(last)}, as in {last}(...), found {stop.found}"
    is_name = isinstance(last, Attribute) or stop.last_kind == "NAME"
    if stop.kind == "LBRACKET" and is_name and not stop.in_condition:
        name = last.name if isinstance(last, Attribute) else last
        return f"no statistic {quoted(name)}; the statistics are E[...], P[...] and cov(...)"
    return None


def _bars(stop: Stop) -> str | None:
    """`|E[...] - E[...]| <= 0.02`."""
    if stop.kind == "BAR" and "E" in stop.welcome:
        return "found '|'; an absolute value is written abs(...), as in abs(E[...] - E[...]) <= 0.02"
    return None


def _unbounded(stop: Stop) -> str | None:
    """`demographic_parity(sex)`, with nothing after it."""
    if stop.kind not in ("$END", "SEPARATOR") or "AT_MOST" not in stop.welcome or stop.opened is not None:
        return None
    if stop.at_line_end and _GOES_ON.match(stop.text, stop.span.start):
        return None
    starts = [token.end_pos for token in stop.stack if kind_of(token) == "SEPARATOR"]
    written = stop.text[starts[-1] if starts else 0 : stop.span.start].split(": ", 1)[-1].strip()
    if not written or len(written) > _LONGEST_RUN or any(kind_of(item) in OPERATORS for item in stop.stack):
        return None
    bounded = written if written.endswith(")") else f"abs({written})" if " - " in written else None
    example = f", as in {bounded} <= 0.05" if bounded is not None else ""
    return f"expected a relation ('==', '<=', '>=' or 'in'){example}, found {stop.found}"


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
    if stop.kind not in OPERATORS or stop.opened is not None or "PLUS" not in stop.welcome:
        return None
    several = (
        "; that several are about equal is written spread(E[y | g=*]) <= 0.02"
        if stop.kind == "EQUALS"
        else ""
    )
    return (
        "a constraint has one relation, or two in one direction as in 0.1 <= E[y] <= 0.4; found "
        f"{stop.found} after it{several}"
    )


def _every_value(stop: Stop) -> str | None:
    """`E[y | region]`."""
    if stop.last_kind != "NAME" or stop.kind not in ("RBRACKET", "COMMA") or "ASSIGN" not in stop.welcome:
        return None
    return (
        f"expected a comparison ('=', '!=', '<', '<=', '>', '>=' or 'in') after {quoted(stop.last)}, found "
        f"{stop.found}; for each value of {stop.last} write {stop.last}=*"
    )


def _tolerance(stop: Stop) -> str | None:
    """`+/- 0.02`, `-+ 0.02`, and `+-` where it has no meaning."""
    sign = str(stop.last) + str(stop.token)
    if stop.last_kind in ("PLUS", "MINUS") and sign in ("+/", "-+"):
        return f"a tolerance is written '+-', found '{'+/-' if sign == '+/' else sign}'"
    if stop.kind != "PLUS_MINUS":
        return None
    if "PLUS" in stop.welcome and stop.opened is not None:
        return "'+-' stands after '==' only; for plus a negative number write '+ -'"
    if any(kind_of(item) in ("AT_MOST", "AT_LEAST") for item in stop.stack):
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
        if kind_of(token) == "NAME":
            word = token.lower()
            meant = word in RESERVED and word != token
            if meant and (token is not stop.token and stop.kind == "NAME" or word.upper() in stop.welcome):
                return f"found {quoted(token)}; write {quoted(word)} in small letters"
    return None


def _reserved(stop: Stop) -> str | None:
    if str(stop.token) not in RESERVED:
        return None
    if "VARIABLE" in stop.welcome and not stop.in_condition:
        return f"expected a variable, found the reserved word {stop.found}"
    if not stop.in_condition or "NAME" not in stop.welcome:
        return None
    if stop.last_kind in {*OPERATORS, "LBRACE", "COMMA"} and "NOT" not in stop.welcome:
        return (
            f"expected a value{stop.after}, found the reserved word {stop.found}; as a value it is "
            f"written in quotes: {print_value(str(stop.token))}"
        )
    if stop.kind in ("AND", "OR", "IN"):
        return None
    return (
        f"expected a condition, found the reserved word {stop.found}; a column of that name is written in "
        f"backticks: {print_name(str(stop.token))}"
    )


def _reserved_name(stop: Stop) -> str | None:
    if stop.kind != "COLON" or any(kind_of(before) != "SEPARATOR" for before in stop.stack[-2:-1]):
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
    if not isinstance(stop.last, Node) and stop.last_kind not in _WORDS:
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
    if stop.in_condition and stop.kind == "AMPERSAND" and stop.last_kind == "AMPERSAND":
        return "'and' is written 'and', ',' or a single '&'"
    if stop.in_condition and stop.kind == "BAR" and "BAR" not in stop.welcome:
        return "found a second '|'; in a condition write 'or' for or, ',' or 'and' for and"
    return None


def _share_of_a_value(stop: Stop) -> str | None:
    """`P[y | ...]`, where a mean is meant or an event is lacking."""
    if stop.kind not in ("BAR", "RBRACKET") or "ASSIGN" not in stop.welcome:
        return None
    kinds = [kind_of(item) for item in stop.stack]
    if kinds[-3:-1] != ["P", "LBRACKET"]:
        return None
    return "P[...] is the share of an event, as in P[y >= 0.5 | ...]; the mean of a value is E[...]"


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
    wanted = CLOSED_BY[opened[0].type]
    if wanted != stop.kind and (wanted in stop.welcome):
        return f"expected '{_MARKS[wanted]}' to close {quoted(opened[0])}, found {stop.found}"
    return None


def _next_line(stop: Stop) -> str | None:
    complete = not stop.last_kind and "$END" in stop.welcome
    if complete or not stop.at_line_end:
        return None
    return (
        f"a constraint is not complete at the end of the line{stop.after}; it goes on in the next line only "
        "inside brackets or parentheses"
    )


HINTS: tuple[Callable[[Stop], str | None], ...] = (
    _brackets_of_statistics,
    _bars,
    _unbounded,
    _relation,
    _tolerance,
    _variable,
    _capital_letters,
    _reserved,
    _reserved_name,
    _needs_quotes,
    _column_in_quotes,
    _share_of_a_value,
    _logic,
    _set_in_parentheses,
    _closing,
    _joined,
    _second_relation,
    _every_value,
    _next_line,
)
