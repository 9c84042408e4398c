"""Each statistic as a quotient of sums over samples, so that it can be pooled over batches.

    E[v | c]       S[v; c] / S[1; c]
    P[e | c]       S[1; e and c] / S[1; c], among those for whom e is known
    cov(u, v | c)  E[u v | c] - E[u | c] E[v | c], over those who have both

where `S[v; c] = sum_i w_i m_i(c) v_i`. A condition that asks about `y` is a sum over its cases
(`keras_fair.soft.events`). A statistic that does not depend on `y` is a constant of the data, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keras_fair.groups.truth import Given
from keras_fair.language import on_prediction
from keras_fair.language.nodes import (
    And,
    Attribute,
    Comparison,
    Covariance,
    Label,
    Mean,
    Node,
    Share,
    Value,
)
from keras_fair.language.tree import walk
from keras_fair.rows.scalars import Scalar
from keras_fair.rows.statistics import Statistics, is_known
from keras_fair.rows.values import Outputs
from keras_fair.soft.events import cases_of

__all__ = ["Moments", "Product", "Quotient", "Sum", "Term"]


@dataclass(frozen=True)
class Product:
    """A number for each sample: the product of values and of the truths of events.

    Args:
        values: numbers for each sample.
        events: comparisons of `y`, each with the truth that counts.
        present: the columns (None: the label) without which a sample does not count.
    """

    values: tuple[Value, ...] = ()
    events: tuple[tuple[Comparison, bool], ...] = ()
    present: frozenset[str | None] = frozenset()


@dataclass(frozen=True)
class Sum:
    """`S[product; condition]`, where the condition is free of `y`."""

    product: Product
    condition: Given


@dataclass(frozen=True)
class Quotient:
    """The sum of some sums over the sum of others, by their numbers."""

    above: tuple[int, ...]
    below: tuple[int, ...]


@dataclass(frozen=True)
class Term:
    """A statistic that depends on `y`: one quotient; or `a - b c` of three, for a covariance.

    Args:
        quotients: one number, or three.
        condition: which samples it is over, for messages.
    """

    quotients: tuple[int, ...]
    condition: Given


class Moments(Statistics):
    """Numbers the statistics of one set of constraints, each once; those that depend on `y` are terms.

    Args:
        outputs, text, missing: see `Statistics`.
    """

    def __init__(self, outputs: Outputs, text: str, missing: str = "error") -> None:
        super().__init__(outputs, text, missing)
        self.sums: dict[Sum, int] = {}
        self.quotients: dict[Quotient, int] = {}
        self.found: dict[Node, int] = {}
        self.made: list[Term] = []
        self.everyone = self._sum(Sum(Product(), None))

    def lowered(self, node: Mean | Share | Covariance) -> tuple[dict[int, Scalar], Scalar]:
        """A statistic as a term, or as a constant of the data."""
        if not on_prediction(node):
            return super().lowered(node)
        if node not in self.found:
            self.found[node] = len(self.made)
            self.made.append(Term(self._quotients(node), node.condition))
        return {self.found[node]: Scalar(1.0)}, Scalar()

    def _quotients(self, node: Mean | Share | Covariance) -> tuple[int, ...]:
        if isinstance(node, Mean):
            return (self._mean_of((node.value,), node.condition, self._present(node.value)),)
        if isinstance(node, Share):
            known = is_known(node.event)
            over = _both(known, node.condition)
            return (self._quotient(_both(node.event, over), over, (), frozenset()),)
        present = self._present(node.left, node.right)
        pairs = ((node.left, node.right), (node.left,), (node.right,))
        return tuple(self._mean_of(values, node.condition, present) for values in pairs)

    def _mean_of(
        self, values: tuple[Value, ...], condition: Given, present: frozenset[str | None]
    ) -> int:
        return self._quotient(condition, condition, values, present)

    def _quotient(
        self, selected: Given, condition: Given, values: tuple[Value, ...], present: frozenset[str | None]
    ) -> int:
        above = tuple(
            self._sum(Sum(Product(values, case.events, present), case.rest))
            for case in cases_of(selected, self.text)
        )
        below = tuple(
            self._sum(Sum(Product((), case.events, present), case.rest))
            for case in cases_of(condition, self.text)
        )
        return self.quotients.setdefault(Quotient(above, below), len(self.quotients))

    def _sum(self, wanted: Sum) -> int:
        return self.sums.setdefault(wanted, len(self.sums))

    def _present(self, *values: Value) -> frozenset[str | None]:
        return frozenset(columns_in(values)) if self.missing != "error" else frozenset()


def columns_in(values: Iterable[Node]) -> set[str | None]:
    """The attributes in values, and None for the label."""
    leaves = [leaf for value in values for leaf in walk(value) if isinstance(leaf, (Attribute, Label))]
    return {leaf.name if isinstance(leaf, Attribute) else None for leaf in leaves}


def _both(condition: Given, other: Given) -> Given:
    if condition is None or other is None:
        return other if condition is None else condition
    return And(operands=(condition, other), span=condition.span)
