"""Which relations say the same, for all values of their statistics.

A relation is brought into a normal form, in which order does not count:

    left <= right      left - right in [-inf, 0], or right - left in [0, inf]
    an expression      a number, and a weight for each atom
    an atom            a statistic; a product or a quotient of normal forms; or a maximum of a set of them

Every function is a sum of maxima (`keras_fair.language.functions`), so `abs(a - b)` and `abs(b - a)` are the
same maximum of `a - b` and `b - a`. Only reordering and signs are recognised.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from keras_fair.groups.enumeration import Domains
from keras_fair.language.fold import fold
from keras_fair.language.functions import FUNCTIONS
from keras_fair.language.nodes import (
    Arithmetic,
    Function,
    Negative,
    Number,
    Range,
    Relation,
    Statistic,
)
from keras_fair.rows.expansion import OverArguments

__all__ = ["Form", "Forms", "relation_key"]

_DIGITS = 12  # that weights are compared to: sums in another order differ in the last ones

Key = Hashable


def relation_key(relation: Relation | Range, domains: Domains) -> Key:
    """Equal for ground relations that say the same.

    Args:
        relation: without quantifiers, and without stars outside functions.
        domains: the values that stars inside functions run over.
    """
    forms = Forms(domains)
    if isinstance(relation, Range):
        operand = fold(relation.operand, forms)
        below = operand.plus(fold(relation.lower, forms), -1.0)
        above = operand.plus(fold(relation.upper, forms), -1.0)
        return frozenset((_bounded(below, 0.0, math.inf), _bounded(above, -math.inf, 0.0)))
    difference = fold(relation.left, forms).plus(fold(relation.right, forms), -1.0)
    tolerance = relation.tolerance or 0.0
    lower = -math.inf if relation.operator == "<=" else -tolerance
    upper = math.inf if relation.operator == ">=" else tolerance
    return _bounded(difference, lower, upper)


class Form(NamedTuple):
    """`constant + sum of weight * atom`."""

    constant: float
    weights: dict[Key, float]

    @property
    def key(self) -> Key:
        """What is equal for equal forms."""
        weights = ((atom, round(weight, _DIGITS) + 0.0) for atom, weight in self.weights.items() if weight)
        return round(self.constant, _DIGITS) + 0.0, frozenset(weights)

    def plus(self, other: Form, factor: float = 1.0) -> Form:
        """The sum with a multiple of another form."""
        weights = dict(self.weights)
        for atom, weight in other.weights.items():
            weights[atom] = weights.get(atom, 0.0) + factor * weight
        return Form(self.constant + factor * other.constant, weights)

    def times(self, factor: float) -> Form:
        """The product with a number."""
        return Form(factor * self.constant, {atom: factor * weight for atom, weight in self.weights.items()})


class Forms(OverArguments[Form]):
    """The normal form of each expression. One whose atoms are all statistics is affine in these."""

    def number(self, node: Number) -> Form:
        return Form(node.value, {})

    def statistic(self, node: Statistic) -> Form:
        return Form(0.0, {node: 1.0})

    def negative(self, node: Negative, operand: Form) -> Form:
        return operand.times(-1.0)

    def arithmetic(self, node: Arithmetic, left: Form, right: Form) -> Form:
        if node.operator in "+-":
            return left.plus(right, 1.0 if node.operator == "+" else -1.0)
        if node.operator == "*":
            if not right.weights:
                return left.times(right.constant)
            if not left.weights:
                return right.times(left.constant)
            return Form(0.0, {("*", frozenset((left.key, right.key))): 1.0})
        if not right.weights and right.constant:
            return left.times(1.0 / right.constant)
        return Form(0.0, {("/", left.key, right.key): 1.0})

    def function(self, node: Function, operands: Sequence[Form]) -> Form:
        rule = FUNCTIONS[node.name]
        total = Form(0.0, {})
        for part in rule.maxima:
            members = frozenset(operand.times(float(sign)).key for operand in operands for sign in part)
            total = total.plus(Form(0.0, {("max", members): 1.0}), -1.0 if rule.concave else 1.0)
        return total


def _bounded(form: Form, lower: float, upper: float) -> Key:
    """The key of `lower <= form <= upper`, the same for either sign."""
    turned = (form.times(-1.0).key, 0.0 - upper, 0.0 - lower)
    return frozenset(((form.key, lower + 0.0, upper + 0.0), turned))
