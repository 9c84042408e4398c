"""From ground relations to bounds on convex expressions: which side is which, and what the gap is.

The gap of a relation is left minus right; where one side is a plain number, and in a range, it is the
other side. A quotient by predictions is cross-multiplied where the domain of `y` keeps its denominator
from being negative:

    e1 / e2 >= r     ->     e1 - r * e2 >= 0

The text has been checked (`keras_fair.language.curvature`): a quotient by predictions is one whole side of
`<=` or `>=` with a number on the other, and the bounds of a range are free of `y`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from keras_fair.errors import AUDIT, ConstraintTypeError, Reason
from keras_fair.language import node_text, on_prediction
from keras_fair.language.fold import fold
from keras_fair.language.functions import Ends
from keras_fair.language.nodes import Arithmetic, Node, Range, Relation, Statement
from keras_fair.rows.convex import Convex, Expressions, Lowered
from keras_fair.rows.epigraph import Bound, Row, rows_of
from keras_fair.rows.ground import GroundRelation, ground
from keras_fair.rows.ranges import interval
from keras_fair.rows.scalars import Scalar

__all__ = ["LoweredRelation", "bounds_of", "lowered_relations"]


@dataclass(frozen=True)
class LoweredRelation:
    """A ground relation, the bound that it asks for, and the rows of that."""

    ground: GroundRelation
    bound: Bound
    rows: tuple[Row, ...]


def lowered_relations(
    statements: Sequence[Statement], expressions: Expressions, domain: Ends
) -> list[LoweredRelation]:
    """All ground relations of some statements with their rows.

    Args:
        statements: checked statements.
        expressions: what lowers the sides of relations.
        domain: between which values predictions lie.

    Raises:
        ConstraintTypeError: no prediction can change a relation, or one is not affine in `y` in its maxima.
    """
    relations: list[LoweredRelation] = []
    aux = 0
    for relation, bound in bounds_of(statements, expressions, domain):
        rows, aux = rows_of(bound, aux)
        relations.append(LoweredRelation(relation, bound, tuple(rows)))
    return relations


def bounds_of(
    statements: Sequence[Statement], expressions: Expressions, domain: Ends
) -> list[tuple[GroundRelation, Bound]]:
    """All ground relations of some statements, each with the bound that it asks for; see
    `lowered_relations`."""
    return [
        (relation, _bound(relation.relation, expressions, domain))
        for index, statement in enumerate(statements)
        for relation in ground(statement, index, expressions.domains)
    ]


def _bound(relation: Relation | Range, expressions: Expressions, domain: Ends) -> Bound:
    if not on_prediction(relation):
        raise ConstraintTypeError(
            "no prediction can change this relation: it does not contain y",
            text=expressions.text,
            span=relation.span,
            reason=Reason.FREE_OF_PREDICTIONS,
            modes=AUDIT,
        )
    if not isinstance(relation, Range):
        return _of_relation(relation, expressions, domain)
    operand = _convex(fold(relation.operand, expressions).up)
    lower, upper = (fold(end, expressions).constant for end in (relation.lower, relation.upper))
    return Bound(operand, 1, lower, upper)


def _of_relation(node: Relation, expressions: Expressions, domain: Ends) -> Bound:
    for side, other, at_least in (
        (node.left, node.right, node.operator == ">="),
        (node.right, node.left, node.operator == "<="),
    ):
        if _is_quotient(side):
            _refuse_negative(side.right, expressions.text, domain)
            numerator, denominator = fold(side.left, expressions), fold(side.right, expressions)
            product = expressions.product(fold(other, expressions), denominator)
            return _at_least(numerator, product, True) if at_least else _at_least(product, numerator, False)
    left, right = fold(node.left, expressions), fold(node.right, expressions)
    if node.operator == "==":
        return _equation(left, right, node.tolerance or 0.0)
    return _at_least(right, left, False) if node.operator == "<=" else _at_least(left, right, True)


def _at_least(large: Lowered, small: Lowered, flipped: bool) -> Bound:
    """`small <= large`; `flipped` where the text has the large side on the left."""
    if large.number is not None:
        return Bound(_convex(small.up), 1, None, Scalar(large.number))
    if small.number is not None:
        return Bound(_convex(large.down), -1, Scalar(small.number), None)
    difference = _convex(small.plus(large.negative()).up)
    return Bound(difference, -1, Scalar(), None) if flipped else Bound(difference, 1, None, Scalar())


def _equation(left: Lowered, right: Lowered, tolerance: float) -> Bound:
    for side, number in ((left, right.number), (right, left.number)):
        if number is not None:
            ends = Scalar(number - tolerance), Scalar(number + tolerance)
            return Bound(_convex(side.up), 1, *ends)
    difference = _convex(left.plus(right.negative()).up)
    return Bound(difference, 1, Scalar(-tolerance), Scalar(tolerance))


def _convex(expression: Convex | None) -> Convex:
    assert expression is not None  # what is not convex has been refused with its text
    return expression


def _refuse_negative(denominator: Node, text: str, domain: Ends) -> None:
    low, _ = interval(denominator, domain)
    if not low >= 0:
        raise ConstraintTypeError(
            f"a quotient is cross-multiplied where its denominator is never negative, but y in "
            f"({domain[0]:g}, {domain[1]:g}) lets {node_text(denominator)} be negative",
            text=text,
            span=denominator.span,
            reason=Reason.DIVISOR,
            modes=AUDIT,
        )


def _is_quotient(node: Node) -> TypeGuard[Arithmetic]:
    return isinstance(node, Arithmetic) and node.operator == "/" and on_prediction(node.right)
