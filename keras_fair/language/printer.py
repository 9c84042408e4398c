"""Canonical text: one text for one tree, and `parse(to_text(tree)) == tree`.

One statement a line; as few parentheses as the tree allows; conditions joined by `, `; percentages as
numbers; quotes and backticks only where a word needs them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from keras_fair.language.lexicon import print_name, print_number, print_value
from keras_fair.language.nodes import (
    Absolute,
    And,
    Arithmetic,
    Attribute,
    Binder,
    Comparison,
    Condition,
    Covariance,
    Label,
    Literal,
    Maximum,
    Mean,
    Membership,
    Minimum,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Prediction,
    Range,
    Relation,
    Share,
    Spread,
    Star,
    Statement,
    ValueSet,
    Variable,
)

__all__ = ["node_text", "to_text"]

_FUNCTIONS = {Maximum: "max", Minimum: "min", Spread: "spread"}
_SUM, _PRODUCT, _FACTOR = 1, 2, 3
_ANY, _ALL, _ONE = 1, 2, 3


def to_text(statements: Iterable[Statement]) -> str:
    """The canonical text of statements, one a line.

    Args:
        statements: as `parse_statements` gives them.

    Example:

    >>> from keras_fair.language import parse_statements, to_text
    >>> to_text(parse_statements("E[ y|sex==Female and age<25 ] >= 20%"))
    'E[y | sex=Female, age < 25] >= 0.2'
    """
    return "\n".join(node_text(statement) for statement in statements)


def node_text(node: Node, variables: Iterable[str] = ()) -> str:
    """The canonical text of a statement, or of a part of one.

    Args:
        node: any node.
        variables: the names that a `for` around `node` binds; text values that look like them are quoted.

    Example:

    >>> from keras_fair.language import node_text, parse_statements
    >>> node_text(parse_statements("E[y | sex=Female] <= 0.5")[0].relation.left)
    'E[y | sex=Female]'
    """
    return _Printer(frozenset(variables)).text(node)


class _Printer:
    """Prints the nodes of one statement, whose variables it knows."""

    def __init__(self, variables: frozenset[str]) -> None:
        self.variables = variables

    def text(self, node: Node) -> str:
        if isinstance(node, Statement):
            return self.statement(node)
        if isinstance(node, (Relation, Range)):
            return self.relation(node)
        if isinstance(node, (Comparison, Membership, Not, And, Or)):
            return self.condition(node)
        if isinstance(node, (Literal, Variable, Star)):
            return self.value(node)
        if isinstance(node, ValueSet):
            return self.value_set(node.values)
        if isinstance(node, Binder):
            return self.binder(node)
        return self.arithmetic(node)

    def statement(self, node: Statement) -> str:
        bound = frozenset(name for binder in node.binders for name in binder.variables)
        inner = _Printer(self.variables | bound)
        text = inner.relation(node.relation)
        if node.binders:
            text = f"for {' and '.join(map(self.binder, node.binders))}: {text}"
        if node.name is not None:
            text = f"{print_name(node.name)}: {text}"
        if node.confidence is not None:
            text += f" with confidence {print_number(node.confidence)}"
        return text

    def binder(self, node: Binder) -> str:
        return f"{', '.join(node.variables)} in {self.text(node.domain)}"

    def relation(self, node: Relation | Range) -> str:
        if isinstance(node, Range):
            return " <= ".join(map(self.arithmetic, (node.lower, node.operand, node.upper)))
        text = f"{self.arithmetic(node.left)} {node.operator} {self.arithmetic(node.right)}"
        return text if node.tolerance is None else f"{text} +- {print_number(node.tolerance)}"

    def arithmetic(self, node: Any, level: int = _SUM) -> str:
        """A value or an expression, in parentheses where it binds less than `level`."""
        if isinstance(node, Arithmetic):
            own = _SUM if node.operator in "+-" else _PRODUCT
            text = f"{self.arithmetic(node.left, own)} {node.operator} {self.arithmetic(node.right, own + 1)}"
            return text if own >= level else f"({text})"
        if isinstance(node, Negative):
            return f"-{self.arithmetic(node.operand, _FACTOR)}"
        if isinstance(node, Number):
            return print_number(node.value)
        if isinstance(node, Prediction):
            return self.prediction(node)
        if isinstance(node, Label):
            return "label"
        if isinstance(node, Attribute):
            return print_name(node.name)
        if isinstance(node, Mean):
            return f"E[{self.arithmetic(node.value)}{self.given(node.condition)}]"
        if isinstance(node, Share):
            return f"P[{self.condition(node.event)}{self.given(node.condition)}]"
        if isinstance(node, Covariance):
            sides = f"{self.arithmetic(node.left)}, {self.arithmetic(node.right)}"
            return f"cov({sides}{self.given(node.condition)})"
        if isinstance(node, Absolute):
            return f"abs({self.arithmetic(node.operand)})"
        if isinstance(node, (Maximum, Minimum, Spread)):
            return f"{_FUNCTIONS[type(node)]}({', '.join(map(self.arithmetic, node.operands))})"
        raise TypeError(f"expected a node of a constraint, received node={type(node).__name__}")

    def prediction(self, node: Prediction) -> str:
        if node.output is None:
            return "y"
        return f"y[{node.output if isinstance(node.output, int) else print_name(node.output)}]"

    def given(self, condition: Condition | None) -> str:
        return "" if condition is None else f" | {self.condition(condition)}"

    def condition(self, node: Condition, level: int = _ANY, joint: str = ", ") -> str:
        """A condition, in parentheses where it binds less than `level`; `joint` stands between what must
        all hold."""
        if isinstance(node, Or):
            text = " or ".join(self.condition(operand, _ALL, " and ") for operand in node.operands)
            return text if level <= _ANY else f"({text})"
        if isinstance(node, And):
            if level > _ALL:
                return f"({self.condition(node)})"
            return joint.join(self.condition(operand, _ONE) for operand in node.operands)
        if isinstance(node, Not):
            return f"not {self.condition(node.operand, _ONE)}"
        subject = self.arithmetic(node.subject)
        if isinstance(node, Membership):
            return f"{subject} in {self.value_set(node.values)}"
        gap = "" if node.operator == "=" else " "
        return f"{subject}{gap}{node.operator}{gap}{self.value(node.value)}"

    def value_set(self, values: Iterable[Literal | Variable]) -> str:
        return "{" + ", ".join(map(self.value, values)) + "}"

    def value(self, node: Literal | Variable | Star) -> str:
        if isinstance(node, Star):
            return "*"
        return node.name if isinstance(node, Variable) else print_value(node.value, self.variables)
