"""Dates in conditions: which columns are compared with dates by order, and what that asks of them.

    when >= '2024-06-01'     `when` holds dates, wherever the constraints name it

A text such as '2024-06-01' is a date where it is compared by `<`, `<=`, `>` or `>=`. A column that is only
compared by `=`, `!=` and `in` may hold text, and the data tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from keras_fair.errors import quoted
from keras_fair.inputs.dates import EXAMPLES, date_text
from keras_fair.language.faults import MeaningFault
from keras_fair.language.functions import rule_of
from keras_fair.language.lexicon import print_number
from keras_fair.language.nodes import (
    STATISTICS,
    Attribute,
    Literal,
    Node,
    Span,
    Statement,
    Subject,
    ValueSet,
    Variable,
)
from keras_fair.language.tree import comparisons, walk

__all__ = ["ORDERED", "check_dates", "compared_values", "dated_columns"]

ORDERED = frozenset({"<", "<=", ">", ">="})
_GROUP_OF_MISSING = "missing"  # as a vocabulary may call it
_NO_LIST = (
    ", whose values are not listed; name the dates that matter, as in for t in {'2024-06-01', '2025-06-01'}"
)


def dated_columns(statements: Iterable[Statement]) -> dict[str, str]:
    """The columns that are compared with dates by order, each with the first such date as it is written."""
    dated: dict[str, str] = {}
    for statement in statements:
        for subject, sign, value in compared_values(statement):
            if sign in ORDERED and isinstance(subject, Attribute) and _is_date(value):
                dated.setdefault(subject.name, value.value)
    return dated


def compared_values(statement: Statement) -> Iterator[tuple[Subject, str, Any]]:
    """The subject, the sign and the value of each comparison; a variable over a set is each of its values."""
    sets = {
        name: binder.domain.values
        for binder in statement.binders
        if isinstance(binder.domain, ValueSet)
        for name in binder.variables
    }
    for subject, sign, value in comparisons(statement):
        of_set = sets.get(value.name) if isinstance(value, Variable) else None
        for each in (value,) if of_set is None else of_set:
            yield subject, sign, each


def check_dates(statements: Iterable[Statement]) -> None:
    """Refuse other uses of a column that is compared with dates by order.

    Raises:
        MeaningFault: it is compared with something else, enumerated, or used in arithmetic.
    """
    statements = tuple(statements)
    dated = dated_columns(statements)
    for statement in statements if dated else ():
        for column, fault, place in _other_uses(statement):
            if isinstance(column, Attribute) and column.name in dated:
                date = quoted(dated[column.name])
                raise MeaningFault(
                    f"{quoted(column.name)} holds dates, since it is compared with {date} by order{fault}",
                    place,
                )


def _other_uses(statement: Statement) -> Iterator[tuple[Node, str, Span]]:
    """What a statement does with columns that none of dates allows: the column, what is wrong, and where."""
    for subject, _, value in compared_values(statement):
        if not isinstance(value, Literal):
            yield subject, _NO_LIST, value.span
        elif not _is_date(value) and value.value != _GROUP_OF_MISSING:
            found = quoted(value.value) if isinstance(value.value, str) else print_number(value.value)
            yield subject, f": expected a date such as {EXAMPLES}, found {found}", value.span
    for binder in statement.binders:
        yield binder.domain, _NO_LIST, binder.domain.span
    for node in walk(statement):
        for name in rule_of(node).values if isinstance(node, STATISTICS) else ():
            for leaf in walk(getattr(node, name)):
                yield leaf, ", and numbers are needed in arithmetic", leaf.span


def _is_date(value: Any) -> bool:
    return isinstance(value, Literal) and isinstance(value.value, str) and date_text(value.value) is not None
