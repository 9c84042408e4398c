"""Which relations describe a convex set of predictions: the rules of disciplined convex programming (DCP).

In `small <= large` the small side must be convex in `y` and the large side concave; in `==`, and between two
bounds, both sides must be affine. A sum keeps what its terms have, a factor below zero turns it over. Which
functions are convex, and what they ask of their arguments, is in `keras_fair.language.functions`: `abs`,
`max` and `spread` are convex, `min` is concave, and the arguments of `abs` and `spread` are affine.

A quotient by something that depends on `y` is none of these. `e1 / e2 <= r` and `>= r` are taken as
`e1 <= r * e2`, where lowering finds `e2` non-negative on the whole domain.

Source: M. Grant, S. Boyd, Y. Ye, "Disciplined convex programming" (2006), section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TypeGuard

from keras_fair.errors import Reason
from keras_fair.language.faults import MeaningFault
from keras_fair.language.fold import Algebra, fold
from keras_fair.language.functions import FUNCTIONS, rule_of
from keras_fair.language.levels import Levels
from keras_fair.language.lexicon import listed
from keras_fair.language.nodes import (
    Arithmetic,
    Function,
    Negative,
    Node,
    Number,
    Range,
    Relation,
    Statistic,
)

__all__ = ["check_curvature"]


class _Side(Enum):
    """What is asked of an expression, and where a message says that it stands."""

    SMALL = "on the small side"
    LARGE = "on the large side"
    EQUAL = "beside '=='"
    BETWEEN = "between two bounds"
    INSIDE = f"inside {listed([name for name, rule in FUNCTIONS.items() if not rule.monotone], 'or')}"
    RATIO = "in a quotient"
    SCALED = "multiplied by a constant of the data whose sign is not known"

    def turned(self) -> _Side:
        """What is asked of `e` where this is asked of `-e`."""
        return {_Side.SMALL: _Side.LARGE, _Side.LARGE: _Side.SMALL}.get(self, self)


def check_curvature(relation: Relation | Range, levels: Levels) -> None:
    """Refuse a relation that no convex set of predictions answers.

    Args:
        relation: of a bounded depth.
        levels: what is known of its expressions.

    Raises:
        MeaningFault: at the function, the divisor or the factor that is at fault.
    """
    rules = _Rules(levels)
    if isinstance(relation, Range):
        fold(relation.operand, rules)(_Side.BETWEEN)
        return
    if relation.operator == "==":
        fold(relation.left, rules)(_Side.EQUAL)
        fold(relation.right, rules)(_Side.EQUAL)
        return
    small, large = relation.left, relation.right
    if relation.operator == ">=":
        small, large = large, small
    for side, other, asked in ((small, large, _Side.SMALL), (large, small, _Side.LARGE)):
        if _is_ratio(side, levels) and levels.of(other).number is not None:
            fold(side.left, rules)(_Side.RATIO)
            fold(side.right, rules)(_Side.RATIO)
        else:
            fold(side, rules)(asked)


def _is_ratio(node: Node, levels: Levels) -> TypeGuard[Arithmetic]:
    return isinstance(node, Arithmetic) and node.operator == "/" and levels.of(node.right).depends


_Rule = Callable[[_Side], None]
"""What refuses an expression, or a part of it, where it does not do what a side asks."""


class _Rules(Algebra[_Rule]):
    """The rule of each expression. One that is free of `y` may stand anywhere."""

    def __init__(self, levels: Levels) -> None:
        self.levels = levels

    def number(self, node: Number) -> _Rule:
        return _anywhere

    def statistic(self, node: Statistic) -> _Rule:
        rule = rule_of(node)
        if not rule.convex or not self.levels.of(node).depends:
            return _anywhere

        def require(side: _Side) -> None:
            if side is not _Side.SMALL:
                _refuse(node, rule.name, False, side)

        return require

    def negative(self, node: Negative, operand: _Rule) -> _Rule:
        return lambda side: operand(side.turned())

    def arithmetic(self, node: Arithmetic, left: _Rule, right: _Rule) -> _Rule:
        if node.operator in "+-":

            def both(side: _Side) -> None:
                left(side)
                right(side if node.operator == "+" else side.turned())

            return both
        if _is_ratio(node, self.levels):
            return lambda side: _refuse_ratio(node)
        factor, operand = (node.left, right) if self.levels.of(node.right).depends else (node.right, left)
        sign = self.levels.of(factor).sign
        return lambda side: operand(_scaled(side, sign))

    def function(self, node: Function, operands: Sequence[_Rule]) -> _Rule:
        if not self.levels.of(node).depends:
            return _anywhere
        rule = FUNCTIONS[node.name]

        def require(side: _Side) -> None:
            if side is not (_Side.LARGE if rule.concave else _Side.SMALL):
                _refuse(node, node.name, rule.concave, side)
            for operand in operands:
                operand(side if rule.monotone else _Side.INSIDE)

        return require


def _anywhere(side: _Side) -> None:
    """Of what is free of `y`, and of statistics that are affine, or taken as affine: rates of decisions."""


def _refuse_ratio(node: Arithmetic) -> None:
    raise MeaningFault(
        "this divides by something that depends on y; that is possible only where the quotient alone "
        "is one side of '<=' or '>=' and a number is the other",
        node.right.span,
        Reason.NOT_CONVEX,
    )


def _scaled(side: _Side, sign: int) -> _Side:
    if sign == 0:
        return _Side.SCALED if side in (_Side.SMALL, _Side.LARGE) else side
    return side if sign > 0 else side.turned()


def _refuse(node: Node, name: str, concave: bool, side: _Side) -> None:
    if concave:
        curved, size, example = "concave", "large", f"{name}(...) >= bound"
    else:
        curved, size, example = "convex", "small", f"{name}(...) <= bound"
    raise MeaningFault(
        f"this is not convex: {name} is {curved} in y, so it stands on the {size} side only, as in "
        f"{example}; here it stands {side.value}",
        node.span,
        Reason.NOT_CONVEX,
    )
