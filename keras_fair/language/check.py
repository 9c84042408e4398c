"""What a tree has to fulfil beyond the grammar, one statement at a time.

    levels      what is a value per sample, what is one number; what depends on y
    curvature   which side of a relation may hold abs, max, min and spread
    stars       where `*` may stand
    here        conditions that can be met, bounds in order, names given once

Everything that can be said without data is said here; the rest (unknown columns and values, several outputs,
labels that are not there) is said by `keras_fair.rows`, with the same spans.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from keras_fair.errors import quoted
from keras_fair.language.curvature import check_curvature
from keras_fair.language.faults import MeaningFault
from keras_fair.language.levels import Levels
from keras_fair.language.lexicon import print_number
from keras_fair.language.nodes import (
    And,
    Attribute,
    Comparison,
    Literal,
    Membership,
    Node,
    Prediction,
    Range,
    Relation,
    Span,
    Star,
    Statement,
    ValueSet,
    Variable,
)
from keras_fair.language.stars import check_stars
from keras_fair.language.tree import children, walk

__all__ = ["check_statements"]

_ORDERED = frozenset({"<", "<=", ">", ">="})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def check_statements(statements: Iterable[Statement], criteria: Collection[str] = ()) -> None:
    """Refuse what has no meaning.

    Args:
        statements: expanded, and of bounded depth.
        criteria: the names of the known criteria, which are called and not named alone.

    Raises:
        MeaningFault: at the first fault of the first statement that has one.
    """
    names: set[str] = set()
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
    texts = {
        name
        for binder in statement.binders
        if isinstance(binder.domain, ValueSet)
        and any(isinstance(each.value, str) for each in binder.domain.values)
        for name in binder.variables
    }
    for node in walk(statement.relation):
        if isinstance(node, (Comparison, Membership)):
            ordered = isinstance(node, Comparison) and node.operator in _ORDERED
            for value in node.values if isinstance(node, Membership) else (node.value,):
                if isinstance(value, Literal) and isinstance(value.value, str):
                    _check_text(node.subject, ordered, value.value, value.span)
                elif isinstance(value, Variable) and isinstance(node, Comparison) and value.name in texts:
                    _check_text(node.subject, ordered, value.name, value.span)
        elif isinstance(node, And):
            _check_conjunction(node)


def _check_text(subject: Node, ordered: bool, text: str, place: Span) -> None:
    if isinstance(subject, Prediction):
        raise MeaningFault(f"y is a number, so it can't be compared with the text {quoted(text)}", place)
    if ordered and _DATE.match(text):
        raise MeaningFault(
            f"'<', '<=', '>' and '>=' compare numbers, found the date {quoted(text)}; give the column as "
            f"numbers such as {text[:10].replace('-', '')}, and write {text[:10].replace('-', '')}",
            place,
        )
    if ordered:
        raise MeaningFault(
            f"'<', '<=', '>' and '>=' compare numbers, found the text {quoted(text)}; text knows '=', '!=' "
            "and 'in'",
            place,
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
