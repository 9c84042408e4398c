"""The value of a ground relation, given the values of its statistics: sides, gap, bounds.

The gap and its bounds are those of `keras_fair.rows.relations`, so an audit and the rows that enforce a
constraint speak of the same number. Here it is computed for any relation, affine in `y` or not, from single
values of the statistics or from arrays, such as the draws of a bootstrap. NaN stands for what cannot be
estimated: it spreads through sums and products; `max`, `min` and `spread` skip it as long as enough arguments
are left (one, and two for a spread).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.groups.enumeration import Domains
from keras_fair.language import on_prediction
from keras_fair.language.fold import fold
from keras_fair.language.functions import FUNCTIONS, FunctionRule
from keras_fair.language.nodes import (
    STATISTICS,
    Arithmetic,
    Expression,
    Function,
    Negative,
    Node,
    Number,
    Range,
    Relation,
    Statistic,
)
from keras_fair.language.tree import children, walk
from keras_fair.rows.expansion import OverArguments, arguments
from keras_fair.rows.sameness import Forms

__all__ = [
    "GapForm",
    "RelationValue",
    "affine_form",
    "gap_form",
    "is_number",
    "is_smooth",
    "relation_value",
    "statistics_of",
    "value_of",
]

Lookup = Callable[[Statistic], Any]

_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@dataclass(frozen=True)
class RelationValue:
    """The two sides of a relation, its gap and the bounds of the gap; NaN where not estimable."""

    left: float
    right: float
    gap: float
    lower: float
    upper: float

    @property
    def violation(self) -> float:
        """How far the gap lies outside its bounds, >= 0, or NaN."""
        if any(math.isnan(number) for number in (self.gap, self.lower, self.upper)):
            return math.nan
        return max(self.lower - self.gap, self.gap - self.upper, 0.0)


@dataclass(frozen=True)
class GapForm:
    """A relation as `lower <= gap <= upper`, in expressions.

    Args:
        gap: the gap, but for its sign.
        lower: a number, infinity included, or an expression.
        upper: likewise.
        sign_of: the gap is also multiplied by the sign of this expression; None: it is not.
    """

    gap: Expression
    lower: Expression
    upper: Expression
    sign_of: Expression | None = None


def gap_form(relation: Relation | Range) -> GapForm:
    """The gap of a ground relation and the bounds of the gap."""
    if isinstance(relation, Range):
        return GapForm(relation.operand, relation.lower, relation.upper)
    span = relation.span
    left: Any = relation.left
    right: Any = relation.right

    def number(value: float) -> Number:
        return Number(value=value, span=span)

    def minus(left: Expression, right: Expression) -> Expression:
        return Arithmetic(operator="-", left=left, right=right, span=span)

    def plus(expression: Expression, bound: float) -> Expression:
        return Arithmetic(operator="+", left=expression, right=number(bound), span=span)

    tolerance = relation.tolerance or 0.0
    lower = -math.inf if relation.operator == "<=" else 0.0 - tolerance
    upper = math.inf if relation.operator == ">=" else tolerance
    for quotient, other, turned in ((left, right, False), (right, left, True)):
        if isinstance(quotient, Arithmetic) and quotient.operator == "/" and on_prediction(quotient.right):
            numerator: Any = quotient.left
            denominator: Any = quotient.right
            product = Arithmetic(operator="*", left=other, right=denominator, span=span)
            bounds = (-upper, -lower) if turned else (lower, upper)
            gap = minus(numerator, product)
            return GapForm(gap, number(bounds[0]), number(bounds[1]), denominator)
    if is_number(right):
        return GapForm(left, plus(right, lower), plus(right, upper))
    if is_number(left):
        return GapForm(right, plus(left, -upper), plus(left, -lower))
    return GapForm(minus(left, right), number(lower), number(upper))


def relation_value(relation: Relation | Range, lookup: Lookup, domains: Domains) -> RelationValue:
    """Evaluate a ground relation.

    Args:
        relation: without quantifiers, and without stars outside `max`, `min` and `spread`.
        lookup: the value of a statistic, NaN where it cannot be estimated.
        domains: the values that the stars inside `max`, `min` and `spread` run over.
    """

    values: dict[int, float] = {}  # by the identity of a node: a side may be the gap, too

    def value(node: Expression) -> float:
        if id(node) not in values:
            values[id(node)] = float(value_of(node, lookup, domains))
        return values[id(node)]

    form = gap_form(relation)
    gap = value(form.gap)
    if form.sign_of is not None:
        gap *= math.copysign(1.0, value(form.sign_of))
    if isinstance(relation, Range):
        return RelationValue(gap, math.nan, gap, value(form.lower), value(form.upper))
    left, right = value(relation.left), value(relation.right)
    return RelationValue(left, right, gap, value(form.lower), value(form.upper))


def is_number(node: Expression) -> bool:
    """Whether an expression contains no statistic."""
    return not any(isinstance(part, STATISTICS) for part in walk(node))


def is_smooth(node: Expression) -> bool:
    """Whether there is no function such as `abs` or `max` in an expression."""
    return isinstance(node, STATISTICS) or not any(isinstance(part, Function) for part in walk(node))


def statistics_of(node: Node, domains: Domains) -> tuple[Statistic, ...]:
    """The statistics that a tree is made of, each once, in the order of the text.

    Args:
        node: an expression, or a relation as for `relation_value`.
        domains: the values that the stars inside functions run over.
    """
    statistics: dict[Statistic, None] = {}
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, STATISTICS):
            statistics[node] = None
        elif isinstance(node, Function):
            waiting.extend(argument for _, argument in reversed(arguments(node, domains)))
        else:
            waiting.extend(reversed(list(children(node))))
    return tuple(statistics)


def value_of(node: Any, lookup: Lookup, domains: Domains) -> Any:
    """The value of an expression: a number, or an array where `lookup` gives arrays.

    Args:
        node: an expression.
        lookup: the value of a statistic.
        domains: the values that stars run over.
    """
    return fold(node, _Value(lookup, domains))


def affine_form(node: Any) -> tuple[dict[Statistic, float], float] | None:
    """An expression as a sum of multiples of statistics and a number; None where it is no such sum."""
    if not is_smooth(node):
        return None
    form = fold(node, _FORMS)
    weights = {atom: weight for atom, weight in form.weights.items() if isinstance(atom, STATISTICS)}
    return (weights, form.constant) if len(weights) == len(form.weights) else None


class _Value(OverArguments[Any]):
    """The values of expressions."""

    def __init__(self, lookup: Lookup, domains: Domains) -> None:
        super().__init__(domains)
        self.lookup = lookup

    def number(self, node: Number) -> Any:
        return node.value

    def negative(self, node: Negative, operand: Any) -> Any:
        return -operand

    def arithmetic(self, node: Arithmetic, left: Any, right: Any) -> Any:
        if node.operator != "/":
            return _OPERATORS[node.operator](left, right)
        if np.ndim(right) == 0:
            return left * math.nan if right == 0 else left / right
        there = np.asarray(right) != 0
        return np.where(there, left / np.where(there, right, 1.0), math.nan)

    def statistic(self, node: Statistic) -> Any:
        return self.lookup(node)

    def function(self, node: Function, operands: Sequence[Any]) -> Any:
        plain = all(isinstance(operand, (int, float)) for operand in operands)
        values = np.array(operands, dtype=float) if plain else np.stack(np.broadcast_arrays(*operands))
        return _function_value(FUNCTIONS[node.name], values)


def _function_value(rule: FunctionRule, values: np.ndarray) -> Any:
    """A function along the first axis, over what can be estimated."""
    estimable = ~np.isnan(values)
    enough = estimable.sum(axis=0) >= rule.least
    total = np.zeros(values.shape[1:])
    for signs in rule.maxima:
        largest = [np.where(estimable, sign * values, -np.inf).max(axis=0) for sign in signs]
        total = total + np.where(enough, np.max(largest, axis=0), 0.0)
    total = np.where(enough, -total if rule.concave else total, math.nan)
    return float(total) if total.ndim == 0 else total


_FORMS = Forms(Domains(None, ""))  # of expressions without functions, where no star is met
