"""Which relations say the same, whatever the values of their statistics are.

A relation is brought into a normal form, in which order does not count:

    left <= right      left - right in [-inf, 0], or right - left in [0, inf]
    an expression      a number, and a weight for each atom
    an atom            a statistic; a product or a quotient of normal forms; or a maximum of a set of them

Every function is a sum of maxima (`keras_fair.language.tables`), so `abs(a - b)` and `abs(b - a)` are the
same maximum of `a - b` and `b - a`. What does not follow from reordering and from signs is not found.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from keras_fair.groups.enumeration import Domains
from keras_fair.language.fold import Algebra, fold
from keras_fair.language.nodes import Arithmetic, Function, Negative, Node, Number, Range, Relation, Statistic
from keras_fair.language.tables import FUNCTIONS
from keras_fair.rows.expansion import arguments

__all__ = ["relation_key"]

_DIGITS = 12  # that weights are compared to: sums in another order differ in the last ones

Key = Hashable


def relation_key(relation: Relation | Range, domains: Domains) -> Key:
    """Equal for ground relations that say the same.

    Args:
        relation: without quantifiers, and without stars outside functions.
        domains: the values that stars inside functions run over.
    """
    forms = _Forms(domains)
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


def _bounded(form: _Form, lower: float, upper: float) -> Key:
    """Of `lower <= form <= upper`, written with either sign."""
    turned = (form.times(-1.0).key, 0.0 - upper, 0.0 - lower)
    return frozenset(((form.key, lower + 0.0, upper + 0.0), turned))


class _Form(NamedTuple):
    """`constant + sum of weight * atom`."""

    constant: float
    weights: dict[Key, float]

    @property
    def key(self) -> Key:
        """What is equal for equal forms."""
        weights = ((atom, round(weight, _DIGITS) + 0.0) for atom, weight in self.weights.items() if weight)
        return round(self.constant, _DIGITS) + 0.0, frozenset(weights)

    def plus(self, other: _Form, factor: float = 1.0) -> _Form:
        """The sum with a multiple of another form."""
        weights = dict(self.weights)
        for atom, weight in other.weights.items():
            weights[atom] = weights.get(atom, 0.0) + factor * weight
        return _Form(self.constant + factor * other.constant, weights)

    def times(self, factor: float) -> _Form:
        """The product with a number."""
        return _Form(factor * self.constant, {atom: factor * each for atom, each in self.weights.items()})


class _Forms(Algebra[_Form]):
    """The normal form of each expression."""

    def __init__(self, domains: Domains) -> None:
        self.domains = domains

    def number(self, node: Number) -> _Form:
        return _Form(node.value, {})

    def statistic(self, node: Statistic) -> _Form:
        return _Form(0.0, {node: 1.0})

    def negative(self, node: Negative, operand: _Form) -> _Form:
        return operand.times(-1.0)

    def arithmetic(self, node: Arithmetic, left: _Form, right: _Form) -> _Form:
        if node.operator in "+-":
            return left.plus(right, 1.0 if node.operator == "+" else -1.0)
        if node.operator == "*":
            if not right.weights:
                return left.times(right.constant)
            if not left.weights:
                return right.times(left.constant)
            return _Form(0.0, {("*", frozenset((left.key, right.key))): 1.0})
        if not right.weights and right.constant:
            return left.times(1.0 / right.constant)
        return _Form(0.0, {("/", left.key, right.key): 1.0})

    def function(self, node: Function, operands: Sequence[_Form]) -> _Form:
        rule = FUNCTIONS[node.name]
        total = _Form(0.0, {})
        for part in rule.maxima:
            members = frozenset(each.times(float(sign)).key for each in operands for sign in part)
            total = total.plus(_Form(0.0, {("max", members): 1.0}), -1.0 if rule.concave else 1.0)
        return total

    def operands(self, node: Function) -> Iterable[Node]:
        return [argument for _, argument in arguments(node, self.domains)]
