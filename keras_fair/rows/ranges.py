"""Which values an expression can take, given the values that its parts can take.

Needed to cross-multiply a quotient: its denominator must not be negative for any predictions in the domain.
Audits take the image of an expression the same way, from the intervals of its parts. An unknown part may be
any number, so a range is never too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras_fair.language.fold import Algebra, fold
from keras_fair.language.functions import EVERYTHING, FUNCTIONS, Ends, rule_of
from keras_fair.language.nodes import (
    Arithmetic,
    Attribute,
    Function,
    Label,
    Negative,
    Node,
    Number,
    Prediction,
    Statistic,
)

__all__ = ["Ranges", "interval"]


def interval(node: Node, domain: Ends) -> Ends:
    """The range of an expression, or of a value, for predictions in the domain."""
    return fold(node, _OverDomain(domain))


class Ranges(Algebra[Ends]):
    """Arithmetic of ends. Subclasses say where statistics and leaves lie."""

    def number(self, node: Number) -> Ends:
        return node.value, node.value

    def negative(self, node: Negative, operand: Ends) -> Ends:
        return -operand[1], -operand[0]

    def arithmetic(self, node: Arithmetic, left: Ends, right: Ends) -> Ends:
        if node.operator == "+":
            return left[0] + right[0], left[1] + right[1]
        if node.operator == "-":
            return left[0] - right[1], left[1] - right[0]
        if node.operator == "/":
            if right[0] <= 0.0 <= right[1]:
                return EVERYTHING
            right = (1.0 / right[1], 1.0 / right[0])
        products = [0.0 if 0.0 in (a, b) else a * b for a in left for b in right]
        return min(products), max(products)

    def function(self, node: Function, operands: Sequence[Ends]) -> Ends:
        return FUNCTIONS[node.name].range(operands)


class _OverDomain(Ranges):
    """The ranges while every prediction lies in the domain."""

    def __init__(self, domain: Ends) -> None:
        self.domain = domain

    def leaf(self, node: Prediction | Label | Attribute) -> Ends:
        return self.domain if isinstance(node, Prediction) else EVERYTHING

    def statistic(self, node: Statistic) -> Ends:
        rule = rule_of(node)
        if rule.bounds is not None:
            return rule.bounds
        value: Node = getattr(node, rule.values[0])
        return fold(value, self)
