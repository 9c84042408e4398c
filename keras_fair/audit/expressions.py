"""The value of a ground relation, given the values of its statistics: sides, gap, bounds.

The gap and its bounds are those of `keras_fair.rows.relations`, so an audit and the rows that enforce a
constraint speak of the same number. Here it is taken for any relation, affine in `y` or not. NaN stands for
what cannot be estimated: it spreads through sums and products; `max`, `min` and `spread` pass over it as long
as enough arguments are left (one, and two for a spread).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras_fair.language.nodes import (
    Absolute,
    Arithmetic,
    Covariance,
    Maximum,
    Mean,
    Minimum,
    Negative,
    Number,
    Range,
    Relation,
    Share,
    Spread,
)
from keras_fair.language.tree import walk
from keras_fair.rows.domains import Domains
from keras_fair.rows.ground import arguments, uses_prediction

__all__ = ["RelationValue", "Statistic", "relation_value"]

Statistic = Mean | Share | Covariance
Lookup = Callable[[Statistic], float]


@dataclass(frozen=True)
class RelationValue:
    """The two sides of a relation, its gap and the bounds of the gap; NaN where not estimable."""

    left: float
    right: float
    gap: float
    lower: float
    upper: float

    @property
    def violation(self) -> float:
        """How far the gap lies outside its bounds, >= 0, or NaN."""
        if any(math.isnan(number) for number in (self.gap, self.lower, self.upper)):
            return math.nan
        return max(self.lower - self.gap, self.gap - self.upper, 0.0)


def relation_value(relation: Relation | Range, lookup: Lookup, domains: Domains) -> RelationValue:
    """Evaluate a ground relation.

    Args:
        relation: without quantifiers, and without stars outside `max`, `min` and `spread`.
        lookup: the value of a statistic, NaN where it cannot be estimated.
        domains: the values that the stars inside `max`, `min` and `spread` run over.
    """

    def value(node: Any) -> float:
        return _value(node, lookup, domains)

    if isinstance(relation, Range):
        operand = value(relation.operand)
        return RelationValue(operand, math.nan, operand, value(relation.lower), value(relation.upper))
    left, right = value(relation.left), value(relation.right)
    tolerance = relation.tolerance or 0.0
    lower = -math.inf if relation.operator == "<=" else 0.0 - tolerance
    upper = math.inf if relation.operator == ">=" else tolerance
    for quotient, other, turned in ((relation.left, right, False), (relation.right, left, True)):
        if isinstance(quotient, Arithmetic) and quotient.operator == "/" and uses_prediction(quotient.right):
            denominator = value(quotient.right)
            gap = math.copysign(1.0, denominator) * (value(quotient.left) - other * denominator)
            return RelationValue(left, right, gap, *((-upper, -lower) if turned else (lower, upper)))
    if _is_number(relation.right):
        return RelationValue(left, right, left, right + lower, right + upper)
    if _is_number(relation.left):
        return RelationValue(left, right, right, left - upper, left - lower)
    return RelationValue(left, right, left - right, lower, upper)


def _is_number(node: Any) -> bool:
    return not any(isinstance(part, (Mean, Share, Covariance)) for part in walk(node))


def _value(node: Any, lookup: Lookup, domains: Domains) -> float:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, (Mean, Share, Covariance)):
        return lookup(node)
    if isinstance(node, Negative):
        return -_value(node.operand, lookup, domains)
    if isinstance(node, Absolute):
        return abs(_value(node.operand, lookup, domains))
    if isinstance(node, Arithmetic):
        left, right = (_value(side, lookup, domains) for side in (node.left, node.right))
        return _arithmetic(node.operator, left, right)
    if isinstance(node, (Maximum, Minimum, Spread)):
        found = [_value(argument, lookup, domains) for _, argument in arguments(node.operands, domains)]
        known = [number for number in found if not math.isnan(number)]
        if len(known) < (2 if isinstance(node, Spread) else 1):
            return math.nan
        if isinstance(node, Spread):
            return max(known) - min(known)
        return max(known) if isinstance(node, Maximum) else min(known)
    raise TypeError(f"expected an expression, received node={type(node).__name__}")


def _arithmetic(operator: str, left: float, right: float) -> float:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    return math.nan if right == 0 else left / right
