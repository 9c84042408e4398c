"""The value of a ground relation, given the values of its statistics: sides, gap, bounds.

The gap and its bounds are those of `keras_fair.rows.relations`, so an audit and the rows that enforce a
constraint speak of the same number. Here it is taken for any relation, affine in `y` or not, and for arrays
of values of the statistics, such as the draws of a bootstrap, as for single ones. NaN stands for what cannot
be estimated: it spreads through sums and products; `max`, `min` and `spread` pass over it as long as enough
arguments are left (one, and two for a spread).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.groups.enumeration import Domains
from keras_fair.language.nodes import (
    Absolute,
    Arithmetic,
    Covariance,
    Expression,
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
from keras_fair.rows.ground import arguments, uses_prediction

__all__ = [
    "STATISTICS",
    "GapForm",
    "RelationValue",
    "Statistic",
    "affine_form",
    "gap_form",
    "is_number",
    "relation_value",
    "value_of",
]

Statistic = Mean | Share | Covariance
STATISTICS = (Mean, Share, Covariance)
Lookup = Callable[[Statistic], Any]


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


@dataclass(frozen=True)
class GapForm:
    """A relation as `lower <= gap <= upper`, in expressions.

    Args:
        gap: the gap, but for its sign.
        lower: a number, infinity included, or an expression.
        upper: likewise.
        sign_of: the gap has the sign of this expression besides; None: it is as it stands.
    """

    gap: Expression
    lower: Expression
    upper: Expression
    sign_of: Expression | None = None


def gap_form(relation: Relation | Range) -> GapForm:
    """The gap of a ground relation and the bounds of the gap."""
    if isinstance(relation, Range):
        return GapForm(relation.operand, relation.lower, relation.upper)
    span = relation.span
    left: Any = relation.left
    right: Any = relation.right

    def number(value: float) -> Number:
        return Number(value=value, span=span)

    def minus(one: Expression, other: Expression) -> Expression:
        return Arithmetic(operator="-", left=one, right=other, span=span)

    def plus(one: Expression, bound: float) -> Expression:
        return Arithmetic(operator="+", left=one, right=number(bound), span=span)

    tolerance = relation.tolerance or 0.0
    lower = -math.inf if relation.operator == "<=" else 0.0 - tolerance
    upper = math.inf if relation.operator == ">=" else tolerance
    for quotient, other, turned in ((left, right, False), (right, left, True)):
        if isinstance(quotient, Arithmetic) and quotient.operator == "/" and uses_prediction(quotient.right):
            numerator: Any = quotient.left
            denominator: Any = quotient.right
            product = Arithmetic(operator="*", left=other, right=denominator, span=span)
            bounds = (-upper, -lower) if turned else (lower, upper)
            gap = minus(numerator, product)
            return GapForm(gap, number(bounds[0]), number(bounds[1]), denominator)
    if is_number(right):
        return GapForm(left, plus(right, lower), plus(right, upper))
    if is_number(left):
        return GapForm(right, plus(left, -upper), plus(left, -lower))
    return GapForm(minus(left, right), number(lower), number(upper))


def relation_value(relation: Relation | Range, lookup: Lookup, domains: Domains) -> RelationValue:
    """Evaluate a ground relation.

    Args:
        relation: without quantifiers, and without stars outside `max`, `min` and `spread`.
        lookup: the value of a statistic, NaN where it cannot be estimated.
        domains: the values that the stars inside `max`, `min` and `spread` run over.
    """

    def value(node: Expression) -> float:
        return float(value_of(node, lookup, domains))

    form = gap_form(relation)
    gap = value(form.gap)
    if form.sign_of is not None:
        gap *= math.copysign(1.0, value(form.sign_of))
    if isinstance(relation, Range):
        return RelationValue(gap, math.nan, gap, value(form.lower), value(form.upper))
    left, right = value(relation.left), value(relation.right)
    return RelationValue(left, right, gap, value(form.lower), value(form.upper))


def is_number(node: Expression) -> bool:
    """Whether no statistic stands in an expression."""
    return not any(isinstance(part, STATISTICS) for part in walk(node))


def value_of(node: Any, lookup: Lookup, domains: Domains) -> Any:
    """The value of an expression: a number, or an array where `lookup` gives arrays.

    Args:
        node: an expression.
        lookup: the value of a statistic.
        domains: the values that stars run over.
    """
    if isinstance(node, Number):
        return node.value
    if isinstance(node, STATISTICS):
        return lookup(node)
    if isinstance(node, Negative):
        return -value_of(node.operand, lookup, domains)
    if isinstance(node, Absolute):
        return abs(value_of(node.operand, lookup, domains))
    if isinstance(node, Arithmetic):
        left, right = (value_of(side, lookup, domains) for side in (node.left, node.right))
        return _arithmetic(node.operator, left, right)
    if isinstance(node, (Maximum, Minimum, Spread)):
        found = [value_of(argument, lookup, domains) for _, argument in arguments(node.operands, domains)]
        return _aggregate(node, np.stack(np.broadcast_arrays(*found)))
    raise TypeError(f"expected an expression, received node={type(node).__name__}")


def affine_form(node: Any) -> tuple[dict[Statistic, float], float] | None:
    """An expression as a sum of multiples of statistics and a number; None where it is no such sum."""
    if isinstance(node, Number):
        return {}, node.value
    if isinstance(node, STATISTICS):
        return {node: 1.0}, 0.0
    if isinstance(node, Negative):
        return _scaled(affine_form(node.operand), -1.0)
    if not isinstance(node, Arithmetic):
        return None
    left, right = affine_form(node.left), affine_form(node.right)
    if left is None or right is None:
        return None
    if node.operator in "+-":
        sign = 1.0 if node.operator == "+" else -1.0
        weights = dict(left[0])
        for statistic, weight in right[0].items():
            weights[statistic] = weights.get(statistic, 0.0) + sign * weight
        return weights, left[1] + sign * right[1]
    if node.operator == "*":
        if not right[0]:
            return _scaled(left, right[1])
        return None if left[0] else _scaled(right, left[1])
    return None if right[0] or right[1] == 0 else _scaled(left, 1.0 / right[1])


def _scaled(
    form: tuple[dict[Statistic, float], float] | None, factor: float
) -> tuple[dict[Statistic, float], float] | None:
    if form is None:
        return None
    return {statistic: factor * weight for statistic, weight in form[0].items()}, factor * form[1]


def _aggregate(node: Maximum | Minimum | Spread, found: np.ndarray) -> Any:
    """`max`, `min` or `spread` along the first axis, over what is known."""
    known = ~np.isnan(found)
    enough = known.sum(axis=0) >= (2 if isinstance(node, Spread) else 1)
    largest = np.where(known, found, -np.inf).max(axis=0)
    smallest = np.where(known, found, np.inf).min(axis=0)
    if isinstance(node, Spread):
        value = np.where(enough, largest, 0.0) - np.where(enough, smallest, 0.0)
    else:
        value = largest if isinstance(node, Maximum) else smallest
    value = np.where(enough, value, math.nan)
    return float(value) if value.ndim == 0 else value


def _arithmetic(operator: str, left: Any, right: Any) -> Any:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if np.ndim(right) == 0:
        return left * math.nan if right == 0 else left / right
    there = np.asarray(right) != 0
    return np.where(there, left / np.where(there, right, 1.0), math.nan)
