"""Which values an expression can take, whatever the predictions are within their domain.

Needed to cross-multiply a quotient: its denominator must not be negative. What is not known is taken to
be any number, so a range is never too narrow.
"""

from __future__ import annotations

import math

from keras_fair.language.nodes import (
    Absolute,
    Arithmetic,
    Attribute,
    Covariance,
    Label,
    Maximum,
    Mean,
    Minimum,
    Negative,
    Node,
    Number,
    Prediction,
    Share,
    Spread,
)

__all__ = ["Interval", "interval"]

Interval = tuple[float, float]

_EVERYTHING: Interval = (-math.inf, math.inf)


def interval(node: Node, domain: Interval) -> Interval:
    """The range of an expression, or of a value, for predictions in the domain."""
    if isinstance(node, Number):
        return node.value, node.value
    if isinstance(node, Prediction):
        return domain
    if isinstance(node, (Attribute, Label, Covariance)):
        return _EVERYTHING
    if isinstance(node, Share):
        return 0.0, 1.0
    if isinstance(node, Mean):
        return interval(node.value, domain)
    if isinstance(node, Negative):
        low, high = interval(node.operand, domain)
        return -high, -low
    if isinstance(node, Absolute):
        low, high = interval(node.operand, domain)
        return max(low, -high, 0.0), max(-low, high)
    if isinstance(node, Arithmetic):
        return _arithmetic(node.operator, interval(node.left, domain), interval(node.right, domain))
    if isinstance(node, (Maximum, Minimum)):
        ranges = [interval(operand, domain) for operand in node.operands]
        choose = max if isinstance(node, Maximum) else min
        return choose(low for low, _ in ranges), choose(high for _, high in ranges)
    if isinstance(node, Spread):
        ranges = [interval(operand, domain) for operand in node.operands]
        return 0.0, max(high for _, high in ranges) - min(low for low, _ in ranges)
    return _EVERYTHING


def _arithmetic(operator: str, left: Interval, right: Interval) -> Interval:
    if operator == "+":
        return left[0] + right[0], left[1] + right[1]
    if operator == "-":
        return left[0] - right[1], left[1] - right[0]
    if operator == "/":
        if right[0] <= 0.0 <= right[1]:
            return _EVERYTHING
        right = (1.0 / right[1], 1.0 / right[0])
    products = [0.0 if 0.0 in (a, b) else a * b for a in left for b in right]
    return min(products), max(products)
