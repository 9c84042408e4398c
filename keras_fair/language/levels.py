"""Two levels of arithmetic: values, a number per sample, and expressions, one number for all samples.

Inside `E[...]` and `cov(...)` stand values; they must be affine in `y` (no product of two predictions, no
division by one). Outside stand expressions, made of statistics and numbers. `Levels` goes over the
expressions of a relation once and refuses what stands at the wrong level. It remembers for every expression
what the other checks need: whether it depends on `y`, its value if it is a plain number, and its sign if that
is known.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import add, mul, sub, truediv

from keras_fair.errors import Reason, quoted
from keras_fair.language.dependence import on_prediction
from keras_fair.language.faults import MeaningFault
from keras_fair.language.fold import Algebra, fold
from keras_fair.language.functions import DEPENDENCES, FUNCTIONS, rule_of
from keras_fair.language.lexicon import listed, print_name
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
from keras_fair.language.tree import children

__all__ = ["Level", "Levels", "sign_of"]

_OPERATIONS = {"+": add, "-": sub, "*": mul, "/": truediv}
_INSIDE = "inside E[...] and cov(...) stand y, label, columns and numbers"


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


class _Arithmetic(Algebra[Level]):
    """The level of arithmetic, of values and of expressions alike."""

    not_affine: Mapping[str, str]
    """For `*` and `/`, what is said where predictions make it no affine arithmetic."""

    def known(self, node: Node, level: Level) -> Level:
        """Take note of the level of a node."""
        return level

    def number(self, node: Number) -> Level:
        return self.known(node, _constant(node, node.value))

    def negative(self, node: Negative, operand: Level) -> Level:
        if operand.number is not None:
            return self.known(node, _constant(node, -operand.number))
        return self.known(node, Level(operand.depends, operand.statistic, sign=-operand.sign))

    def arithmetic(self, node: Arithmetic, left: Level, right: Level) -> Level:
        if right.depends and (left.depends or node.operator == "/") and node.operator in self.not_affine:
            raise MeaningFault(self.not_affine[node.operator], node.right.span, Reason.NOT_AFFINE)
        if node.operator == "/" and right.number == 0:
            raise MeaningFault("this divides by zero", node.right.span, Reason.DIVISOR)
        if left.number is not None and right.number is not None:
            number = _OPERATIONS[node.operator](left.number, right.number)
            return self.known(node, _constant(node, number))
        sign = sign_of(node.operator, left.sign, right.sign)
        level = Level(left.depends or right.depends, left.statistic or right.statistic, sign=sign)
        return self.known(node, level)


class Levels(_Arithmetic):
    """The levels of all expressions in a relation.

    Args:
        relation: of a bounded depth.
        criteria: the names of the known criteria.

    Raises:
        MeaningFault: where a value stands for an expression or the other way, where a value is not affine in
            `y`, and for a division by zero.
    """

    not_affine = {
        "*": "this is a product of two expressions in y, which is not affine; one of them must be free of y"
    }

    def __init__(self, relation: Relation | Range, criteria: Collection[str] = ()) -> None:
        self._levels: dict[int, Level] = {}
        self._criteria = criteria
        for side in children(relation):
            fold(side, self)

    def of(self, node: Node) -> Level:
        """What is known of an expression of the relation."""
        return self._levels[id(node)]

    def known(self, node: Node, level: Level) -> Level:
        self._levels[id(node)] = level
        return level

    def leaf(self, node: Prediction | Label | Attribute) -> Level:
        if isinstance(node, Attribute) and node.name in self._criteria:
            raise MeaningFault(
                f"{quoted(node.name)} is a criterion; it takes attributes, as in {node.name}(sex)", node.span
            )
        if isinstance(node, Attribute) and node.name in DEPENDENCES:
            raise MeaningFault(
                f"{quoted(node.name)} is a statistic; it takes attributes, as in {node.name}(sex)", node.span
            )
        if isinstance(node, Attribute):
            column = print_name(node.name)
            raise MeaningFault(
                f"{quoted(node.name)} stands outside of a statistic; its mean is E[{column}], a group's mean "
                f"prediction is E[y | {column}=...]",
                node.span,
            )
        word = "label" if isinstance(node, Label) else "y"
        raise MeaningFault(
            f"'{word}' is a number for each sample, here stands one number for all; its mean is E[{word}]",
            node.span,
        )

    def statistic(self, node: Statistic) -> Level:
        rule = rule_of(node)
        values: list[Node] = [getattr(node, name) for name in rule.values]
        depending = [value for value in values if fold(value, _VALUES).depends]
        if len(depending) > 1:
            raise MeaningFault(
                f"one side of {rule.name}(...) must be free of y", depending[-1].span, Reason.NOT_AFFINE
            )
        return self.known(node, Level(on_prediction(node), True, sign=rule.sign))

    def function(self, node: Function, operands: Sequence[Level]) -> Level:
        depends = any(level.depends for level in operands)
        statistic = any(level.statistic for level in operands)
        return self.known(node, Level(depends, statistic, sign=FUNCTIONS[node.name].sign))


class _Values(_Arithmetic):
    """The level of a value. It refuses what is not affine in `y`, and what is no value."""

    not_affine = {
        "*": "this is a product of two predictions; a value must be affine in y",
        "/": "this divides by a prediction; a value must be affine in y",
    }

    def leaf(self, node: Prediction | Label | Attribute) -> Level:
        return Level(isinstance(node, Prediction), False)

    def statistic(self, node: Statistic) -> Level:
        raise MeaningFault(f"a statistic can't stand inside another; {_INSIDE}", node.span)

    def function(self, node: Function, operands: Sequence[Level]) -> Level:
        raise MeaningFault(
            f"{listed(list(FUNCTIONS), 'and')} take statistics, as in {node.name}(E[...]); {_INSIDE}",
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
