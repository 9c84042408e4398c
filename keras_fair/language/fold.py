"""One fold over trees: how a pass goes from the leaves of a tree up to its root.

A pass is an `Algebra`: what it makes of each kind of node, given what it made of the nodes below.

    fold(node, algebra) = algebra.kind_of(node)(node, what the fold makes of each operand of node)

Statistics are leaves of expressions: an algebra that looks inside folds their values and conditions itself.
Trees from texts are at most `keras_fair.language.spacing.DEEPEST` levels deep, so the fold may recurse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from keras_fair.language.nodes import (
    STATISTICS,
    And,
    Arithmetic,
    Attribute,
    Comparison,
    Function,
    Label,
    Membership,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Prediction,
    Statistic,
)

__all__ = ["Algebra", "fold"]

Result = TypeVar("Result")


class Algebra(Generic[Result]):
    """What a pass makes of each kind of node. A pass overrides the kinds that it can meet."""

    # Values and expressions

    def number(self, node: Number) -> Result:
        """Of a number."""
        raise self.unexpected(node)

    def leaf(self, node: Prediction | Label | Attribute) -> Result:
        """Of `y`, `label` or a column."""
        raise self.unexpected(node)

    def negative(self, node: Negative, operand: Result) -> Result:
        """Of `-operand`."""
        raise self.unexpected(node)

    def arithmetic(self, node: Arithmetic, left: Result, right: Result) -> Result:
        """Of a sum, a difference, a product or a quotient."""
        raise self.unexpected(node)

    def statistic(self, node: Statistic) -> Result:
        """Of a statistic; the fold does not go into it."""
        raise self.unexpected(node)

    def function(self, node: Function, operands: Sequence[Result]) -> Result:
        """Of a function; `operands` has one entry for each of `self.operands(node)`."""
        raise self.unexpected(node)

    def operands(self, node: Function) -> Iterable[Node]:
        """What the fold goes into below a function."""
        return node.operands

    # Conditions

    def comparison(self, node: Comparison) -> Result:
        """Of `subject operator value`."""
        raise self.unexpected(node)

    def membership(self, node: Membership) -> Result:
        """Of `subject in {value, ...}`."""
        raise self.unexpected(node)

    def negation(self, node: Not, operand: Result) -> Result:
        """Of `not operand`."""
        raise self.unexpected(node)

    def conjunction(self, node: And, operands: Sequence[Result]) -> Result:
        """Of conditions that must all hold."""
        raise self.unexpected(node)

    def disjunction(self, node: Or, operands: Sequence[Result]) -> Result:
        """Of conditions any of which must hold."""
        raise self.unexpected(node)

    def unexpected(self, node: Node) -> TypeError:
        """What is raised for a node of a kind that the pass cannot meet."""
        return TypeError(f"{type(self).__name__} has no meaning for node={type(node).__name__}")


def fold(node: Node, algebra: Algebra[Result]) -> Result:
    """What an algebra makes of a value, an expression or a condition.

    Args:
        node: the root; of bounded depth.
        algebra: the pass.

    Raises:
        TypeError: the pass has no meaning for a node of this kind.
    """
    case = _CASES.get(type(node))
    if case is None:
        raise algebra.unexpected(node)
    return case(node, algebra)


def _each(nodes: Iterable[Node], algebra: Algebra[Any]) -> list[Any]:
    return [fold(node, algebra) for node in nodes]


_CASES: dict[type[Node], Callable[[Any, Algebra[Any]], Any]] = {
    Number: lambda node, algebra: algebra.number(node),
    **dict.fromkeys((Prediction, Label, Attribute), lambda node, algebra: algebra.leaf(node)),
    Negative: lambda node, algebra: algebra.negative(node, fold(node.operand, algebra)),
    Arithmetic: lambda node, algebra: algebra.arithmetic(
        node, fold(node.left, algebra), fold(node.right, algebra)
    ),
    **dict.fromkeys(STATISTICS, lambda node, algebra: algebra.statistic(node)),
    Function: lambda node, algebra: algebra.function(node, _each(algebra.operands(node), algebra)),
    Comparison: lambda node, algebra: algebra.comparison(node),
    Membership: lambda node, algebra: algebra.membership(node),
    Not: lambda node, algebra: algebra.negation(node, fold(node.operand, algebra)),
    And: lambda node, algebra: algebra.conjunction(node, _each(node.operands, algebra)),
    Or: lambda node, algebra: algebra.disjunction(node, _each(node.operands, algebra)),
}
