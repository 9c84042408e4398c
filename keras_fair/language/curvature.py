"""Which relations describe a convex set of predictions: the rules of disciplined convex programming (DCP).

In `small <= large` the small side must be convex in `y` and the large side concave; in `==`, and between two
bounds, both sides must be affine. `abs`, `max` and `spread` are convex, `min` is concave; a sum keeps what
its terms have, a factor below zero turns it over, and the arguments of `abs` and `spread` are affine.

A quotient by something that depends on `y` is none of these. `e1 / e2 <= r` and `>= r` are taken as
`e1 <= r * e2`, where lowering finds `e2` non-negative on the whole domain.

Source: M. Grant, S. Boyd, Y. Ye, "Disciplined convex programming" (2006), section 4.
"""

from __future__ import annotations

from enum import Enum

from keras_fair.language.faults import MeaningFault
from keras_fair.language.levels import Levels
from keras_fair.language.nodes import (
    Absolute,
    Arithmetic,
    Maximum,
    Minimum,
    Negative,
    Node,
    Range,
    Relation,
    Spread,
)

__all__ = ["check_curvature"]


class _Side(Enum):
    """What is asked of an expression, and where a message says that it stands."""

    SMALL = "on the small side"
    LARGE = "on the large side"
    EQUAL = "beside '=='"
    BETWEEN = "between two bounds"
    INSIDE = "inside abs or spread"
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
    if isinstance(relation, Range):
        _require(relation.operand, _Side.BETWEEN, levels)
        return
    if relation.operator == "==":
        _require(relation.left, _Side.EQUAL, levels)
        _require(relation.right, _Side.EQUAL, levels)
        return
    small, large = relation.left, relation.right
    if relation.operator == ">=":
        small, large = large, small
    for side, other, asked in ((small, large, _Side.SMALL), (large, small, _Side.LARGE)):
        if _is_ratio(side, levels) and levels.of(other).number is not None:
            assert isinstance(side, Arithmetic)
            _require(side.left, _Side.RATIO, levels)
            _require(side.right, _Side.RATIO, levels)
        else:
            _require(side, asked, levels)


def _is_ratio(node: Node, levels: Levels) -> bool:
    return isinstance(node, Arithmetic) and node.operator == "/" and levels.of(node.right).depends


def _require(node: Node, side: _Side, levels: Levels) -> None:
    if not levels.of(node).depends:
        return
    if isinstance(node, Negative):
        _require(node.operand, side.turned(), levels)
    elif isinstance(node, Arithmetic):
        if node.operator in "+-":
            _require(node.left, side, levels)
            _require(node.right, side if node.operator == "+" else side.turned(), levels)
        elif node.operator == "*" and levels.of(node.right).depends:
            _require(node.right, _scaled(side, levels.of(node.left).sign), levels)
        elif not _is_ratio(node, levels):
            _require(node.left, _scaled(side, levels.of(node.right).sign), levels)
        else:
            raise MeaningFault(
                "this divides by something that depends on y; that is possible only where the quotient alone "
                "is one side of '<=' or '>=' and a number is the other",
                node.right.span,
            )
    elif isinstance(node, (Absolute, Spread, Maximum)):
        if side is not _Side.SMALL:
            _refuse(node, side)
        for operand in (node.operand,) if isinstance(node, Absolute) else node.operands:
            _require(operand, side if isinstance(node, Maximum) else _Side.INSIDE, levels)
    elif isinstance(node, Minimum):
        if side is not _Side.LARGE:
            _refuse(node, side)
        for operand in node.operands:
            _require(operand, side, levels)


def _scaled(side: _Side, sign: int) -> _Side:
    if sign == 0:
        return _Side.SCALED if side in (_Side.SMALL, _Side.LARGE) else side
    return side if sign > 0 else side.turned()


def _refuse(node: Node, side: _Side) -> None:
    name = {Absolute: "abs", Spread: "spread", Maximum: "max", Minimum: "min"}[type(node)]
    if isinstance(node, Minimum):
        allowed = "min is concave in y, so it stands on the large side only, as in min(...) >= bound"
    else:
        allowed = f"{name} is convex in y, so it stands on the small side only, as in {name}(...) <= bound"
    raise MeaningFault(f"this is not convex: {allowed}; here it stands {side.value}", node.span)
