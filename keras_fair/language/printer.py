"""Canonical text: one text for one tree, and `parse(to_text(tree)) == tree`.

One statement a line; as few parentheses as the tree allows; conditions joined by `, `; percentages as
numbers; quotes and backticks only where a word needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from keras_fair.language.fold import Algebra, fold
from keras_fair.language.functions import rule_of
from keras_fair.language.lexicon import print_name, print_number, print_value
from keras_fair.language.nodes import (
    And,
    Arithmetic,
    Attribute,
    Binder,
    Comparison,
    Dependence,
    Function,
    Label,
    Literal,
    Membership,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Prediction,
    Range,
    Relation,
    Star,
    Statement,
    Statistic,
    ValueSet,
    Variable,
)

__all__ = ["node_text", "to_text"]


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


def node_text(node: Node) -> str:
    """The canonical text of a statement, or of a part of one.

    Args:
        node: any node.

    Example:

    >>> from keras_fair.language import node_text, parse_statements
    >>> node_text(parse_statements("E[y | sex=Female] <= 0.5")[0].relation.left)
    'E[y | sex=Female]'
    """
    printer = _Printer(frozenset())
    if isinstance(node, Statement):
        return _statement(node)
    if isinstance(node, (Relation, Range)):
        return _relation(node, printer)
    if isinstance(node, Binder):
        return _binder(node)
    if isinstance(node, ValueSet):
        return printer.value_set(node.values)
    if isinstance(node, (Literal, Variable, Star)):
        return printer.value(node)
    return fold(node, printer).text


def _statement(node: Statement) -> str:
    bound = frozenset(name for binder in node.binders for name in binder.variables)
    text = _relation(node.relation, _Printer(bound))
    if node.binders:
        text = f"for {' and '.join(map(_binder, node.binders))}: {text}"
    if node.name is not None:
        text = f"{print_name(node.name)}: {text}"
    if node.confidence is not None:
        text += f" with confidence {print_number(node.confidence)}"
    if node.weight is not None:
        text += f" with weight {print_number(node.weight)}"
    return text


def _binder(node: Binder) -> str:
    return f"{', '.join(node.variables)} in {node_text(node.domain)}"


def _relation(node: Relation | Range, printer: _Printer) -> str:
    if isinstance(node, Range):
        return " <= ".join(fold(side, printer).text for side in (node.lower, node.operand, node.upper))
    text = f"{fold(node.left, printer).text} {node.operator} {fold(node.right, printer).text}"
    return text if node.tolerance is None else f"{text} +- {print_number(node.tolerance)}"


_SUM, _PRODUCT, _FACTOR = 1, 2, 3  # how tightly arithmetic binds
_ANY, _ALL, _ONE = 1, 2, 3  # how tightly conditions bind


class _Text(NamedTuple):
    """The text of a node, and how tightly it binds."""

    text: str
    level: int = _FACTOR
    under_or: str | None = None  # the text of a conjunction below 'or', where that is another

    def within(self, level: int) -> str:
        """The text, in parentheses where it binds less tightly than `level`."""
        return self.text if self.level >= level else f"({self.text})"


class _Printer(Algebra[_Text]):
    """Prints the nodes of one statement, whose variables it knows."""

    def __init__(self, variables: frozenset[str]) -> None:
        self.variables = variables

    def number(self, node: Number) -> _Text:
        return _Text(print_number(node.value))

    def leaf(self, node: Prediction | Label | Attribute) -> _Text:
        if isinstance(node, Label):
            return _Text("label")
        if isinstance(node, Attribute):
            return _Text(print_name(node.name))
        if node.output is None:
            return _Text("y")
        return _Text(f"y[{node.output if isinstance(node.output, int) else print_name(node.output)}]")

    def negative(self, node: Negative, operand: _Text) -> _Text:
        return _Text(f"-{operand.within(_FACTOR)}")

    def arithmetic(self, node: Arithmetic, left: _Text, right: _Text) -> _Text:
        own = _SUM if node.operator in "+-" else _PRODUCT
        return _Text(f"{left.within(own)} {node.operator} {right.within(own + 1)}", own)

    def statistic(self, node: Statistic) -> _Text:
        rule = rule_of(node)
        if isinstance(node, Dependence):
            parts = self.arguments(node)
        else:
            parts = ", ".join(fold(getattr(node, name), self).text for name in (*rule.values, *rule.events))
        group = "" if node.condition is None else f" | {fold(node.condition, self).text}"
        opening, closing = rule.brackets
        return _Text(f"{rule.name}{opening}{parts}{group}{closing}")

    def arguments(self, node: Dependence) -> str:
        """What stands in the parentheses of a dependence, but for its condition."""
        parts = [self.leaf(attribute).text for attribute in node.attributes]
        if node.value != Prediction(span=node.span):
            parts.append(f"y={fold(node.value, self).text}")
        if isinstance(node.label, Attribute):
            parts.append(f"label={self.leaf(node.label).text}")
        return ", ".join(parts)

    def function(self, node: Function, operands: Sequence[_Text]) -> _Text:
        return _Text(f"{node.name}({', '.join(operand.text for operand in operands)})")

    def comparison(self, node: Comparison) -> _Text:
        gap = "" if node.operator == "=" else " "
        return _Text(f"{fold(node.subject, self).text}{gap}{node.operator}{gap}{self.value(node.value)}")

    def membership(self, node: Membership) -> _Text:
        return _Text(f"{fold(node.subject, self).text} in {self.value_set(node.values)}")

    def negation(self, node: Not, operand: _Text) -> _Text:
        return _Text(f"not {operand.within(_ONE)}")

    def conjunction(self, node: And, operands: Sequence[_Text]) -> _Text:
        parts = [operand.within(_ONE) for operand in operands]
        return _Text(", ".join(parts), _ALL, " and ".join(parts))

    def disjunction(self, node: Or, operands: Sequence[_Text]) -> _Text:
        return _Text(" or ".join(each.under_or or each.within(_ALL) for each in operands), _ANY)

    def value_set(self, values: Iterable[Literal | Variable]) -> str:
        """`{value, ...}`."""
        return "{" + ", ".join(map(self.value, values)) + "}"

    def value(self, node: Literal | Variable | Star) -> str:
        """What a subject is compared with."""
        if isinstance(node, Star):
            return "*"
        return node.name if isinstance(node, Variable) else print_value(node.value, self.variables)
