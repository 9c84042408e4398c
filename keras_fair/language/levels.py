"""Two levels of arithmetic: values, a number per sample, and expressions, one number for all samples.

Inside `E[...]` and `cov(...)` stand values; they must be affine in `y` (no product of two predictions, no
division by one). Outside stand expressions, made of statistics and numbers. `Levels` walks the expressions
of a relation once, refuses what stands at the wrong level, and remembers for every expression what the
other checks need: whether it depends on `y`, its value if it is a plain number, and its sign if that is
known.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn

from keras_fair.errors import quoted
from keras_fair.language.dependence import on_prediction
from keras_fair.language.faults import MeaningFault
from keras_fair.language.lexicon import print_name
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
    Range,
    Relation,
    Share,
    Spread,
)

__all__ = ["Level", "Levels"]


@dataclass(frozen=True, slots=True)
class Level:
    """What is known of an expression without data.

    Attributes:
        depends: whether it depends on `y`.
        statistic: whether it holds any statistic.
        number: its value, where it is arithmetic of numbers alone.
        sign: 1 where it is never negative, -1 where it is never positive, 0 where neither is known.
    """

    depends: bool
    statistic: bool
    number: float | None = None
    sign: int = 0


class Levels:
    """The levels of all expressions in a relation.

    Args:
        relation: of a bounded depth.
        criteria: the names of the known criteria.

    Raises:
        MeaningFault: where a value stands for an expression or the other way, where a value is not affine in
            `y`, and for a division by zero.
    """

    def __init__(self, relation: Relation | Range, criteria: Collection[str] = ()) -> None:
        self._criteria = criteria
        self._known: dict[int, Level] = {}
        for side in (
            (relation.lower, relation.operand, relation.upper)
            if isinstance(relation, Range)
            else (relation.left, relation.right)
        ):
            self._expression(side)

    def of(self, node: Node) -> Level:
        """What is known of an expression of the relation."""
        return self._known[id(node)]

    def _expression(self, node: Node) -> Level:
        level = self._known[id(node)] = self._level(node)
        return level

    def _level(self, node: Node) -> Level:
        if isinstance(node, Number):
            return _constant(node, node.value)
        if isinstance(node, Negative):
            operand = self._expression(node.operand)
            if operand.number is not None:
                return _constant(node, -operand.number)
            return Level(operand.depends, operand.statistic, sign=-operand.sign)
        if isinstance(node, Arithmetic):
            return self._arithmetic(node)
        if isinstance(node, Mean):
            _value(node.value)
            return Level(on_prediction(node), True)
        if isinstance(node, Share):
            return Level(on_prediction(node), True, sign=1)
        if isinstance(node, Covariance):
            if _value(node.left).depends and _value(node.right).depends:
                raise MeaningFault("one side of cov(...) must be free of y", node.right.span)
            return Level(on_prediction(node), True)
        if isinstance(node, (Absolute, Maximum, Minimum, Spread)):
            operands = (node.operand,) if isinstance(node, Absolute) else node.operands
            levels = [self._expression(operand) for operand in operands]
            sign = 1 if isinstance(node, (Absolute, Spread)) else 0
            return Level(
                any(level.depends for level in levels), any(level.statistic for level in levels), sign=sign
            )
        if isinstance(node, Attribute) and node.name in self._criteria:
            raise MeaningFault(
                f"{quoted(node.name)} is a criterion; it takes attributes, as in {node.name}(sex)", node.span
            )
        _refuse_value(node)

    def _arithmetic(self, node: Arithmetic) -> Level:
        left, right = self._expression(node.left), self._expression(node.right)
        if node.operator == "/" and right.number == 0:
            raise MeaningFault("this divides by zero", node.right.span)
        if left.number is not None and right.number is not None:
            return _constant(node, _folded(node.operator, left.number, right.number))
        if node.operator == "*" and left.depends and right.depends:
            raise MeaningFault(
                "this is a product of two expressions in y, which is not affine; one of them must be free "
                "of y",
                node.right.span,
            )
        sign = left.sign * right.sign
        if node.operator in "+-":
            other = right.sign if node.operator == "+" else -right.sign
            sign = left.sign if left.sign == other else 0
        return Level(left.depends or right.depends, left.statistic or right.statistic, sign=sign)


def _constant(node: Node, number: float) -> Level:
    if not math.isfinite(number):
        raise MeaningFault("this number is too large", node.span)
    return Level(False, False, number, (number > 0) - (number < 0))


def _folded(operator: str, left: float, right: float) -> float:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    return left * right if operator == "*" else left / right


def _value(node: Node) -> Level:
    """What is known of a value; refuse it where it is not affine in `y`, and where it is no value."""
    if isinstance(node, Number):
        return _constant(node, node.value)
    if isinstance(node, (Label, Attribute, Prediction)):
        return Level(isinstance(node, Prediction), False)
    if isinstance(node, Negative):
        operand = _value(node.operand)
        return operand if operand.number is None else _constant(node, -operand.number)
    if isinstance(node, Arithmetic):
        left, right = _value(node.left), _value(node.right)
        if node.operator == "*" and left.depends and right.depends:
            raise MeaningFault(
                "this is a product of two predictions; a value must be affine in y", node.right.span
            )
        if node.operator == "/" and right.depends:
            raise MeaningFault("this divides by a prediction; a value must be affine in y", node.right.span)
        if node.operator == "/" and right.number == 0:
            raise MeaningFault("this divides by zero", node.right.span)
        if left.number is not None and right.number is not None:
            return _constant(node, _folded(node.operator, left.number, right.number))
        return Level(left.depends or right.depends, False)
    if isinstance(node, (Mean, Share, Covariance)):
        raise MeaningFault(
            "a statistic can't stand inside another; inside E[...] and cov(...) stand y, label, columns "
            "and numbers",
            node.span,
        )
    raise MeaningFault(
        "abs, max, min and spread take statistics, as in abs(E[...]); inside E[...] and cov(...) stand y, "
        "label, columns and numbers",
        node.span,
    )


def _refuse_value(node: Node) -> NoReturn:
    if isinstance(node, Attribute):
        raise MeaningFault(
            f"{quoted(node.name)} stands outside of a statistic; its mean is E[{print_name(node.name)}], a "
            f"group's mean prediction is E[y | {print_name(node.name)}=...]",
            node.span,
        )
    word = "label" if isinstance(node, Label) else "y"
    raise MeaningFault(
        f"'{word}' is a number for each sample, here stands one number for all; its mean is E[{word}]",
        node.span,
    )
