"""The values of statistics on data at hand, whichever way they depend on `y`.

    E[v | c]      = sum_i w_i m_i v_i / sum_i w_i m_i
    P[e | c]      = sum_i w_i m_i e_i / sum_i w_i m_i
    cov(u, v | c) = E[u v | c] - E[u | c] E[v | c]

Each condition becomes a row `E[y | c]`, whose value for the numbers `v` in place of `y` is `E[v | c]`. So
groups are those of the rows that enforce a constraint: groups known as probabilities, missing and unknown
values mean the same here. A comparison with `y` is one with a further column that holds the predictions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from keras_fair.audit.expressions import Statistic
from keras_fair.audit.samples import AuditData
from keras_fair.language.nodes import (
    And,
    Arithmetic,
    Attribute,
    Condition,
    Label,
    Mean,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Prediction,
    Relation,
    Share,
    Statement,
)
from keras_fair.language.tree import walk
from keras_fair.rows import LinearRows, lower

__all__ = ["Estimate", "estimate"]

Given = Condition | None


@dataclass(frozen=True)
class Estimate:
    """The value of a statistic, NaN where its group has no weight; the size and the weight of the group."""

    value: float
    size: float
    weight: float


def estimate(statistics: Sequence[Statistic], data: AuditData) -> dict[Statistic, Estimate]:
    """Measure statistics.

    Args:
        statistics: without variables and stars.
        data: what is audited.

    Raises:
        ConstraintTypeError: a condition or a value does not fit the data.
        ValueError: columns of different lengths, or weights that are none.
    """
    asked = {statistic: _conditions(statistic, data) for statistic in statistics}
    groups = _Groups([condition for pair in asked.values() for condition in pair], statistics, data)
    return {statistic: _estimate(statistic, *pair, groups) for statistic, pair in asked.items()}


def _conditions(statistic: Statistic, data: AuditData) -> tuple[Given, Given]:
    """Which samples the weight is of, and which the sum is over."""
    given = None if statistic.condition is None else _on_columns(statistic.condition, data)
    if not isinstance(statistic, Share):
        return given, given
    event = _on_columns(statistic.event, data)
    return given, event if given is None else And(operands=(event, given), span=statistic.span)


def _on_columns(condition: Condition, data: AuditData) -> Condition:
    """The condition with comparisons of `y` turned into comparisons of the column that holds it."""
    if isinstance(condition, Not):
        return replace(condition, operand=_on_columns(condition.operand, data))
    if isinstance(condition, (And, Or)):
        return replace(condition, operands=tuple(_on_columns(each, data) for each in condition.operands))
    if isinstance(condition.subject, Prediction):
        name = data.prediction_column(condition.subject)
        return replace(condition, subject=Attribute(name=name, span=condition.subject.span))
    return condition


def _estimate(statistic: Statistic, given: Given, selected: Given, groups: _Groups) -> Estimate:
    size, weight = groups.size(given), groups.weight(given)
    if isinstance(statistic, Share):
        value = groups.weight(selected) / weight if weight > 0 else math.nan
        return Estimate(value, size, weight)
    if isinstance(statistic, Mean):
        return Estimate(groups.mean(statistic.value, given), size, weight)
    u, v = statistic.left, statistic.right
    product = Arithmetic(operator="*", left=u, right=v, span=statistic.span)
    columns = _columns(product)
    means = [groups.mean(value, given, columns) for value in (product, u, v)]
    return Estimate(means[0] - means[1] * means[2], size, weight)


class _Groups:
    """The groups that conditions select, and weighted means over them."""

    def __init__(self, conditions: Sequence[Given], statistics: Sequence[Statistic], data: AuditData) -> None:
        self.data = data
        self._place = {condition: place for place, condition in enumerate(dict.fromkeys(conditions))}
        statements = [_mean_of_prediction(condition, statistics[0]) for condition in self._place]
        self._plan = lower(statements, data.text, data.vocabulary, domain=None)
        label = data.label if self._plan.uses_label else None
        self._encoded = self._plan.encode(data.all_columns, label)
        self._rows: dict[Any, LinearRows] = {}
        self._means: dict[Any, np.ndarray] = {}
        self._weighted = self._rows_of(frozenset())
        self._weights = _weights(self._weighted)
        self._sizes = self._weights
        if data.sample_weight is not None:
            self._sizes = _weights(self._plan.evaluate(*self._encoded, size=data.size))

    def size(self, condition: Given) -> float:
        """How many samples fulfil a condition."""
        return float(self._sizes[self._place[condition]])

    def weight(self, condition: Given) -> float:
        """The sum of their weights."""
        return float(self._weights[self._place[condition]])

    def mean(self, value: Node, condition: Given, columns: frozenset[str] | None = None) -> float:
        """The weighted mean of a value over those samples that have all of these columns."""
        columns = _columns(value) if columns is None else columns
        if (value, columns) not in self._means:
            rows = self._rows_of(columns)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                numbers = np.broadcast_to(np.asarray(self._value(value), "float64"), (self.data.size,))
            there = ~np.any([np.isnan(self.data.numbers(name)) for name in columns] or [[False]], axis=0)
            found = np.asarray(rows.values(np.where(there, numbers, 0.0)))
            self._means[value, columns] = np.where(np.asarray(rows.estimable), found, math.nan)
        return float(self._means[value, columns][self._place[condition]])

    def _rows_of(self, columns: frozenset[str]) -> LinearRows:
        """One row `E[y | c]` a condition; samples that lack one of the columns weigh nothing."""
        lacking = frozenset(name for name in columns if np.isnan(self.data.numbers(name)).any())
        if lacking not in self._rows:
            weight = self.data.sample_weight
            if lacking:
                weight = np.ones(self.data.size) if weight is None else np.asarray(weight, "float64")
                for name in lacking:
                    weight = np.where(np.isnan(self.data.numbers(name)), 0.0, weight)
            self._rows[lacking] = self._plan.evaluate(*self._encoded, weight, size=self.data.size)
        return self._rows[lacking]

    def _value(self, node: Any) -> Any:
        """A value of each sample, `(n,)`, or a number for all of them."""
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Prediction):
            return self.data.prediction(node)
        if isinstance(node, Attribute):
            return self.data.numbers(node.name)
        if isinstance(node, Label):
            return self.data.label_numbers(node)
        if isinstance(node, Negative):
            return -self._value(node.operand)
        left, right = np.asarray(self._value(node.left)), np.asarray(self._value(node.right))
        operators = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
        return operators[node.operator](left, right)


def _mean_of_prediction(condition: Given, place: Node) -> Statement:
    """`E[y | condition] >= 0`."""
    span = place.span if condition is None else condition.span
    mean = Mean(value=Prediction(span=span), condition=condition, span=span)
    zero = Number(value=0.0, span=span)
    return Statement(relation=Relation(left=mean, operator=">=", right=zero, span=span), span=span)


def _weights(rows: LinearRows) -> np.ndarray:
    """The weight of the one term of each row."""
    return np.asarray(rows.weights) @ np.asarray(rows.terms.weights)


def _columns(value: Node) -> frozenset[str]:
    """The attributes that stand in a value."""
    return frozenset(node.name for node in walk(value) if isinstance(node, Attribute))
