"""What a tree has to fulfil beyond the grammar, one statement at a time.

    levels      what is a value per sample, what is one number; what depends on y
    curvature   which side of a relation may hold abs, max, min and spread
    stars       where `*` may stand
    dates       that a column which is compared with dates by order holds dates alone
    here        conditions that can be met, bounds in order, names given once

Everything that can be said without data is said here; the rest (unknown columns and values, several outputs,
labels that are not there) is said by `keras_fair.rows`, with the same spans.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from keras_fair.errors import quoted
from keras_fair.inputs.dates import EXAMPLES, date_text
from keras_fair.language.curvature import check_curvature
from keras_fair.language.dates import ORDERED, check_dates, compared_values
from keras_fair.language.faults import MeaningFault
from keras_fair.language.levels import Levels
from keras_fair.language.lexicon import print_number
from keras_fair.language.nodes import (
    And,
    Attribute,
    Comparison,
    Dependence,
    Literal,
    Node,
    Prediction,
    Range,
    Relation,
    Span,
    Star,
    Statement,
)
from keras_fair.language.stars import check_stars
from keras_fair.language.tree import children, conjuncts, walk

__all__ = ["check_statements"]

_LIKE_A_DATE = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}(?!\d)")


def check_statements(statements: Iterable[Statement], criteria: Collection[str] = ()) -> None:
    """Refuse what has no meaning.

    Args:
        statements: expanded, and of bounded depth.
        criteria: the names of the known criteria, which are called and not named alone.

    Raises:
        MeaningFault: at the first fault of the first statement that has one.
    """
    names: set[str] = set()
    statements = tuple(statements)
    for statement in statements:
        if statement.name is not None:
            if statement.name in names:
                raise MeaningFault(f"two constraints are named {quoted(statement.name)}", statement.span)
            names.add(statement.name)
        _check_conditions(statement)
        check_stars(statement.relation)
        levels = Levels(statement.relation, criteria)
        _check_bounds(statement.relation, levels)
        check_curvature(statement.relation, levels)
    check_dates(statements)


def _check_bounds(relation: Relation | Range, levels: Levels) -> None:
    if not any(levels.of(side).statistic for side in children(relation)):
        raise MeaningFault(
            "these are numbers alone; a constraint says something about E[...], P[...] or cov(...)",
            relation.span,
        )
    if isinstance(relation, Range):
        for bound in (relation.lower, relation.upper):
            if levels.of(bound).depends:
                raise MeaningFault(
                    "the bounds of a range must be free of y; write two constraints instead", bound.span
                )
        if not levels.of(relation.operand).statistic:
            raise MeaningFault("between two bounds stands a statistic, not a number", relation.operand.span)
        lower, upper = levels.of(relation.lower).number, levels.of(relation.upper).number
        if lower is not None and upper is not None and lower > upper:
            raise MeaningFault(
                f"the lower bound {print_number(lower)} is above the upper bound {print_number(upper)}",
                relation.span,
            )


def _check_conditions(statement: Statement) -> None:
    for subject, sign, value in compared_values(statement):
        if isinstance(value, Literal) and isinstance(value.value, str):
            _check_text(subject, sign, value.value, value.span)
    for node in walk(statement.relation):
        if isinstance(node, And):
            _check_conjunction(node)
        if isinstance(node, Dependence):
            _check_groups(node)


def _check_text(subject: Node, sign: str, text: str, place: Span) -> None:
    if isinstance(subject, Prediction):
        raise MeaningFault(f"y is a number, so it can't be compared with the text {quoted(text)}", place)
    if sign not in ORDERED or (isinstance(subject, Attribute) and date_text(text) is not None):
        return
    if _LIKE_A_DATE.match(text) and isinstance(subject, Attribute):
        raise MeaningFault(f"expected a date such as {EXAMPLES}, found {quoted(text)}", place)
    raise MeaningFault(
        f"'<', '<=', '>' and '>=' compare numbers, or a column with a date such as {EXAMPLES}, found the "
        f"text {quoted(text)}; text knows '=', '!=' and 'in'",
        place,
    )


def _check_groups(node: Dependence) -> None:
    """Refuse a condition that leaves one of the groups that are compared."""
    for part in conjuncts(node.condition):
        gone_through = isinstance(part, Comparison) and part.subject in (*node.attributes, node.label)
        if isinstance(part, Comparison) and part.operator == "=" and gone_through:
            name = quoted(part.subject.name) if isinstance(part.subject, Attribute) else "the label"
            raise MeaningFault(
                f"{node.name} goes through the values of {name}; a condition can't set one", part.span
            )


def _check_conjunction(node: And) -> None:
    """Refuse two `=` on one column: together they say nothing new, or choose nobody."""
    seen: set[Node] = set()
    for operand in node.operands:
        if isinstance(operand, Comparison) and operand.operator == "=":
            subject = operand.subject
            if subject in seen:
                name = (
                    quoted(subject.name) if isinstance(subject, Attribute) else type(subject).__name__.lower()
                )
                stars = " (and '*')" if isinstance(operand.value, Star) else ""
                raise MeaningFault(
                    f"{name} is set twice in one condition{stars}; for any of several values write "
                    "'in {...}' or 'or'",
                    operand.span,
                )
            seen.add(subject)
