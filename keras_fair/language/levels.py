"""Two levels of arithmetic: values, a number per sample, and expressions, one number for all samples.

Inside `E[...]` and `cov(...)` stand values; they must be affine in `y` (no product of two predictions, no
division by one). Outside stand expressions, made of statistics and numbers. `Levels` goes over the
expressions of a relation once and refuses what stands at the wrong level. It remembers for every expression
what the other checks need: whether it depends on `y`, its value if it is a plain number, and its sign if that
is known.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from keras_fair.errors import Reason, quoted
from keras_fair.language.dependence import on_prediction
from keras_fair.language.faults import MeaningFault
from keras_fair.language.fold import Algebra, fold
from keras_fair.language.functions import FUNCTIONS, STATISTIC_RULES
from keras_fair.language.lexicon import print_name
from keras_fair.language.nodes import (
    Arithmetic,
    Attribute,
    Function,
    Label,
    Negative,
    Node,
    Number,
    Prediction,
    Range,
    Relation,
    Statistic,
)

__all__ = ["Level", "Levels", "sign_of"]


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
        expressions = _Expressions(criteria)
        self._levels = expressions.levels
        for side in (
            (relation.lower, relation.operand, relation.upper)
            if isinstance(relation, Range)
            else (relation.left, relation.right)
        ):
            fold(side, expressions)

    def of(self, node: Node) -> Level:
        """What is known of an expression of the relation."""
        return self._levels[id(node)]


class _Expressions(Algebra[Level]):
    """The level of an expression; `levels` holds that of each, by the identity of its node."""

    def __init__(self, criteria: Collection[str]) -> None:
        self.levels: dict[int, Level] = {}
        self._criteria = criteria

    def number(self, node: Number) -> Level:
        return self._of(node, _constant(node, node.value))

    def leaf(self, node: Prediction | Label | Attribute) -> Level:
        if isinstance(node, Attribute) and node.name in self._criteria:
            raise MeaningFault(
                f"{quoted(node.name)} is a criterion; it takes attributes, as in {node.name}(sex)", node.span
            )
        _refuse_value(node)

    def negative(self, node: Negative, operand: Level) -> Level:
        if operand.number is not None:
            return self._of(node, _constant(node, -operand.number))
        return self._of(node, Level(operand.depends, operand.statistic, sign=-operand.sign))

    def arithmetic(self, node: Arithmetic, left: Level, right: Level) -> Level:
        number = _number(node, left, right)
        if number is not None:
            return self._of(node, number)
        if node.operator == "*" and left.depends and right.depends:
            raise MeaningFault(
                "this is a product of two expressions in y, which is not affine; one of them must be free "
                "of y",
                node.right.span,
                Reason.NOT_AFFINE,
            )
        sign = sign_of(node.operator, left.sign, right.sign)
        level = Level(left.depends or right.depends, left.statistic or right.statistic, sign=sign)
        return self._of(node, level)

    def statistic(self, node: Statistic) -> Level:
        rule = STATISTIC_RULES[type(node)]
        values: list[Node] = [getattr(node, name) for name in rule.values]
        depending = [value for value in values if fold(value, _VALUES).depends]
        if len(depending) > 1:
            raise MeaningFault(
                "one side of cov(...) must be free of y", depending[-1].span, Reason.NOT_AFFINE
            )
        return self._of(node, Level(on_prediction(node), True, sign=rule.sign))

    def function(self, node: Function, operands: Sequence[Level]) -> Level:
        depends = any(level.depends for level in operands)
        statistic = any(level.statistic for level in operands)
        return self._of(node, Level(depends, statistic, sign=FUNCTIONS[node.name].sign))

    def _of(self, node: Node, level: Level) -> Level:
        self.levels[id(node)] = level
        return level


class _Values(Algebra[Level]):
    """The level of a value. It refuses what is not affine in `y`, and what is no value."""

    def number(self, node: Number) -> Level:
        return _constant(node, node.value)

    def leaf(self, node: Prediction | Label | Attribute) -> Level:
        return Level(isinstance(node, Prediction), False)

    def negative(self, node: Negative, operand: Level) -> Level:
        return operand if operand.number is None else _constant(node, -operand.number)

    def arithmetic(self, node: Arithmetic, left: Level, right: Level) -> Level:
        if node.operator == "*" and left.depends and right.depends:
            raise MeaningFault(
                "this is a product of two predictions; a value must be affine in y",
                node.right.span,
                Reason.NOT_AFFINE,
            )
        if node.operator == "/" and right.depends:
            raise MeaningFault(
                "this divides by a prediction; a value must be affine in y",
                node.right.span,
                Reason.NOT_AFFINE,
            )
        number = _number(node, left, right)
        return Level(left.depends or right.depends, False) if number is None else number

    def statistic(self, node: Statistic) -> Level:
        raise MeaningFault(
            "a statistic can't stand inside another; inside E[...] and cov(...) stand y, label, columns "
            "and numbers",
            node.span,
        )

    def function(self, node: Function, operands: Sequence[Level]) -> Level:
        *names, last = FUNCTIONS
        raise MeaningFault(
            f"{', '.join(names)} and {last} take statistics, as in {node.name}(E[...]); inside E[...] and "
            "cov(...) stand y, label, columns and numbers",
            node.span,
        )

    def operands(self, node: Function) -> Iterable[Node]:
        return ()  # the function itself is what is wrong


_VALUES = _Values()


def sign_of(operator: str, left: int, right: int) -> int:
    """The sign of `left operator right`, from the signs of both sides: 1, -1, or 0 where it is not known."""
    if operator in "*/":
        return left * right
    return left if left == (right if operator == "+" else -right) else 0


def _constant(node: Node, number: float) -> Level:
    if not math.isfinite(number):
        raise MeaningFault("this number is too large", node.span)
    return Level(False, False, number, (number > 0) - (number < 0))


def _number(node: Arithmetic, left: Level, right: Level) -> Level | None:
    """The level of arithmetic of two numbers, or None. Refuses to divide by zero."""
    if node.operator == "/" and right.number == 0:
        raise MeaningFault("this divides by zero", node.right.span, Reason.DIVISOR)
    if left.number is None or right.number is None:
        return None
    return _constant(node, _folded(node.operator, left.number, right.number))


def _folded(operator: str, left: float, right: float) -> float:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    return left * right if operator == "*" else left / right


def _refuse_value(node: Prediction | Label | Attribute) -> NoReturn:
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
