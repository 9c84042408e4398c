"""Expressions with `abs`, `max`, `min` and `spread`: their smooth parts, and what intervals of these allow.

If all parts lie in their intervals at once, the expression lies in its image. Sums and products are taken as
interval arithmetic does, so the image may be wider than need be, never narrower.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from keras_fair.audit.expressions import is_number, value_of
from keras_fair.groups.enumeration import Domains
from keras_fair.language.nodes import (
    Absolute,
    Arithmetic,
    Expression,
    Maximum,
    Minimum,
    Negative,
    Spread,
)
from keras_fair.language.tree import walk
from keras_fair.rows.ground import arguments

__all__ = ["image", "is_smooth", "leaves"]

Ends = tuple[float, float]
Value = Callable[[Any], float]  # of a statistic
_AGGREGATES = (Absolute, Maximum, Minimum, Spread)
_MOST_PAIRED = 32  # arguments of a spread whose pairs are taken one by one


def is_smooth(node: Expression) -> bool:
    """Whether there is no `abs`, `max`, `min` or `spread` in an expression."""
    return not any(isinstance(part, _AGGREGATES) for part in walk(node))


def leaves(node: Any, domains: Domains, value: Value) -> list[Expression]:
    """The largest smooth parts of an expression, each once; of a spread the differences of its arguments.

    Arguments that cannot be estimated are left out, as they are of the value.
    """
    found: dict[Expression, None] = {}
    _gather(node, domains, value, found)
    return list(found)


def image(node: Any, ends: Mapping[Expression, Ends], domains: Domains, value: Value) -> Ends:
    """The values that an expression can take while its parts lie between their ends."""
    if is_number(node):
        number = float(value_of(node, value, domains))
        return number, number
    if is_smooth(node):
        return ends[node]
    if isinstance(node, Negative):
        low, high = image(node.operand, ends, domains, value)
        return -high, -low
    if isinstance(node, Absolute):
        return _absolute(image(node.operand, ends, domains, value))
    if isinstance(node, Arithmetic):
        left, right = (image(side, ends, domains, value) for side in (node.left, node.right))
        return _arithmetic(node.operator, left, right)
    known = _known(node, domains, value)
    if isinstance(node, Spread) and _paired(known):
        pairs = [_absolute(ends[pair]) for pair in _pairs(known)]
        return max(low for low, _ in pairs), max(high for _, high in pairs)
    found = [image(argument, ends, domains, value) for argument in known]
    lows, highs = [low for low, _ in found], [high for _, high in found]
    if isinstance(node, Maximum):
        return max(lows), max(highs)
    if isinstance(node, Minimum):
        return min(lows), min(highs)
    return max(max(lows) - min(highs), 0.0), max(highs) - min(lows)


def _gather(node: Any, domains: Domains, value: Value, found: dict[Expression, None]) -> None:
    if is_number(node):
        return
    if is_smooth(node):
        found[node] = None
    elif isinstance(node, (Negative, Absolute)):
        _gather(node.operand, domains, value, found)
    elif isinstance(node, Arithmetic):
        _gather(node.left, domains, value, found)
        _gather(node.right, domains, value, found)
    else:
        known = _known(node, domains, value)
        if isinstance(node, Spread) and _paired(known):
            found.update(dict.fromkeys(_pairs(known)))
        else:
            for argument in known:
                _gather(argument, domains, value, found)


def _known(node: Maximum | Minimum | Spread, domains: Domains, value: Value) -> list[Expression]:
    every = [argument for _, argument in arguments(node.operands, domains)]
    return [argument for argument in every if not math.isnan(float(value_of(argument, value, domains)))]


def _paired(known: list[Expression]) -> bool:
    return 2 <= len(known) <= _MOST_PAIRED and all(map(is_smooth, known))


def _pairs(known: list[Expression]) -> list[Expression]:
    return [
        Arithmetic(operator="-", left=one, right=other, span=one.span)
        for place, one in enumerate(known)
        for other in known[place + 1 :]
    ]


def _absolute(ends: Ends) -> Ends:
    low, high = ends
    return max(low, -high, 0.0), max(abs(low), abs(high))


def _arithmetic(operator: str, left: Ends, right: Ends) -> Ends:
    if operator == "+":
        return left[0] + right[0], left[1] + right[1]
    if operator == "-":
        return left[0] - right[1], left[1] - right[0]
    if operator == "/":
        if right[0] <= 0 <= right[1]:
            return -math.inf, math.inf
        right = (1 / right[1], 1 / right[0])
    corners = [one * other for one in left for other in right]
    return min(corners), max(corners)
