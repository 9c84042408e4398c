"""From ground relations to bounds on convex expressions: which side is which, and what the gap is.

The gap of a relation is left minus right; where one side is a plain number, and in a range, it is the
other side. A quotient by predictions is cross-multiplied where the domain of `y` keeps its denominator
from being negative:

    e1 / e2 >= r     ->     e1 - r * e2 >= 0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

from keras_fair.errors import ConstraintTypeError
from keras_fair.language import node_text
from keras_fair.language.nodes import Arithmetic, Number, Range, Relation
from keras_fair.rows.convex import Convex, Expressions
from keras_fair.rows.epigraph import Bound
from keras_fair.rows.ground import GroundRelation, uses_prediction
from keras_fair.rows.ranges import Interval, interval
from keras_fair.rows.scalars import Scalar

__all__ = ["BoundRelation", "bound_relations"]

Side = Any  # an expression; the operands of an `Arithmetic` are typed as values or expressions


@dataclass(frozen=True)
class BoundRelation:
    """One relation as a bound; its name and text."""

    name: str
    text: str
    statement: int
    bound: Bound


def bound_relations(
    ground: GroundRelation, expressions: Expressions, domain: Interval
) -> list[BoundRelation]:
    """The bounds that a ground relation asks for: one, or two where its two ends are no plain numbers.

    Raises:
        ConstraintTypeError: no prediction can change it, it is not convex, or not affine in `y` below that.
    """
    relation = ground.relation
    if not uses_prediction(relation):
        raise ConstraintTypeError(
            "no prediction can change this relation, for y does not stand in it: "
            "it can be audited, not enforced; kf.audit takes it",
            text=expressions.text,
            span=relation.span,
        )
    lowering = _Lowering(expressions, domain)
    bounds = lowering.between(relation) if isinstance(relation, Range) else lowering.relation(relation)
    sides = [""] if len(bounds) == 1 else [" (lower end)", " (upper end)"]
    return [
        BoundRelation(ground.name + side, ground.text, ground.statement, bound)
        for side, bound in zip(sides, bounds, strict=True)
    ]


@dataclass(frozen=True)
class _Lowering:
    expressions: Expressions
    domain: Interval

    def relation(self, node: Relation) -> list[Bound]:
        left, right = node.left, node.right
        for quotient, other, operator in (
            (left, right, node.operator),
            (right, left, _turned(node.operator)),
        ):
            if _is_quotient(quotient):
                return self._cross_multiplied(quotient, other, operator, node.tolerance or 0.0)
        if node.operator == "==":
            return [self._equation(left, right, node.tolerance or 0.0, node)]
        return [
            self._at_least(right, left)
            if node.operator == "<="
            else self._at_least(left, right, flipped=True)
        ]

    def between(self, node: Range) -> list[Bound]:
        if _is_quotient(node.operand):
            at_least = self._cross_multiplied(node.operand, node.lower, ">=", 0.0)
            return at_least + self._cross_multiplied(node.operand, node.upper, "<=", 0.0)
        if uses_prediction(node.lower) or uses_prediction(node.upper):
            return [
                self._at_least(node.operand, node.lower, flipped=True),
                self._at_least(node.upper, node.operand),
            ]
        operand = self._affine(node.operand)
        lower, upper = self.expressions.constant(node.lower), self.expressions.constant(node.upper)
        return [Bound(operand, 1, lower, upper)]

    def _at_least(self, large: Side, small: Side, flipped: bool = False) -> Bound:
        """`small <= large`; `flipped` where the text has the large side on the left."""
        convex = self.expressions.convex
        number_of_large, number_of_small = self._number(large), self._number(small)
        if number_of_large is not None:
            return Bound(convex(small), 1, None, Scalar(number_of_large))
        if number_of_small is not None:
            return Bound(convex(large, -1), -1, Scalar(number_of_small), None)
        difference = convex(small).plus(convex(large, -1))
        return Bound(difference, -1, Scalar(), None) if flipped else Bound(difference, 1, None, Scalar())

    def _equation(self, left: Side, right: Side, tolerance: float, node: Relation) -> Bound:
        for side, other in ((left, right), (right, left)):
            number = self._number(other)
            if number is not None:
                return Bound(self._affine(side), 1, Scalar(number - tolerance), Scalar(number + tolerance))
        difference = self._affine(Arithmetic(operator="-", left=left, right=right, span=node.span))
        return Bound(difference, 1, Scalar(-tolerance), Scalar(tolerance))

    def _affine(self, node: Side) -> Convex:
        """An expression that is bounded from both sides."""
        lowered = self.expressions.convex(node)
        if lowered.parts:
            raise ConstraintTypeError(
                "abs, max, min and spread are bounded from one side only: write '<=' or '>=' instead; "
                "what is asked here is not convex, so it can be audited, not enforced",
                text=self.expressions.text,
                span=node.span,
            )
        return lowered

    def _cross_multiplied(
        self, quotient: Arithmetic, other: Side, operator: str, tolerance: float
    ) -> list[Bound]:
        numerator, denominator = quotient.left, quotient.right
        if uses_prediction(other):
            raise ConstraintTypeError(
                "a quotient by predictions can be compared with a number or a constant of the data only; "
                "this one is not affine in y: it can be audited, not enforced",
                text=self.expressions.text,
                span=quotient.span,
            )
        low, _ = interval(denominator, self.domain)
        if not low >= 0:
            raise ConstraintTypeError(
                f"a quotient is cross-multiplied where its denominator is never negative, but y in "
                f"{_shown(self.domain)} lets {node_text(denominator)} be negative: "
                "it can be audited, not enforced",
                text=self.expressions.text,
                span=denominator.span,
            )

        def product(shift: float) -> Side:
            factor = other
            if shift:
                number = Number(value=shift, span=other.span)
                factor = Arithmetic(operator="+", left=other, right=number, span=other.span)
            return Arithmetic(operator="*", left=factor, right=denominator, span=quotient.span)

        bounds = []
        if operator in ("==", ">="):
            bounds.append(self._at_least(numerator, product(-tolerance), flipped=True))
        if operator in ("==", "<="):
            bounds.append(self._at_least(product(tolerance), numerator))
        return bounds

    def _number(self, node: Side) -> float | None:
        """The value of an expression that is a plain number, else None."""
        if uses_prediction(node):
            return None
        constant = self.expressions.constant(node)
        return constant.number if constant.is_number else None


def _is_quotient(node: Side) -> TypeGuard[Arithmetic]:
    return isinstance(node, Arithmetic) and node.operator == "/" and uses_prediction(node.right)


def _turned(operator: str) -> str:
    return {"<=": ">=", ">=": "<="}.get(operator, operator)


def _shown(domain: Interval) -> str:
    return f"({domain[0]:g}, {domain[1]:g})"
