"""Each statistic as a function of quotients of sums over samples, so that it can be pooled over batches.

    E[v | c]       S[v; c] / S[1; c]
    P[e | c]       S[1; e and c] / S[1; c], among those for whom e is known
    cov(u, v | c)  E[u v | c] - E[u | c] E[v | c], over those who have both
    corr(u, v | c) the same, and E[u u | c], E[v v | c]
    mutual_information(A | c)    the shares of each group in each of ten bins of y

where `S[v; c] = sum_i w_i m_i(c) v_i`. A condition that asks about `y` is a sum over its cases
(`keras_fair.soft.events`). `keras_fair.soft.term_values` makes statistics of quotients. `independence` and
`separation` are gaps between rates (`keras_fair.soft.distributions`). A statistic that does not depend on `y`
is a constant of the data, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keras_fair.groups.enumeration import Domains
from keras_fair.groups.truth import Given
from keras_fair.language import on_prediction
from keras_fair.language.nodes import (
    And,
    Attribute,
    Comparison,
    Correlation,
    Dependence,
    Label,
    Mean,
    Node,
    Share,
    Value,
)
from keras_fair.language.nodes import Statistic as StatisticNode
from keras_fair.language.tree import walk
from keras_fair.rows.scalars import Scalar
from keras_fair.rows.statistics import Statistics, is_known
from keras_fair.rows.values import Outputs
from keras_fair.soft.distributions import BINS, bins_of, groups_of
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
    """A statistic that depends on `y`, as a function of quotients.

    Args:
        kind: `"quotient"`, or what `keras_fair.soft.term_values` makes of several.
        quotients: their numbers.
        groups: of how many groups they are, for the mutual information.
        condition: which samples it is over, for messages.
    """

    kind: str
    quotients: tuple[int, ...]
    condition: Given
    groups: int = 1


class Moments(Statistics):
    """Numbers the statistics of one set of constraints, each once; those that depend on `y` are terms.

    Args:
        outputs, text, missing: see `Statistics`.
        domains: the values that groups are made of.
    """

    def __init__(self, outputs: Outputs, domains: Domains, missing: str = "error") -> None:
        super().__init__(outputs, domains.text, missing)
        self.domains = domains
        self.sums: dict[Sum, int] = {}
        self.quotients: dict[Quotient, int] = {}
        self.found: dict[Node, int] = {}
        self.made: list[Term] = []
        self.everyone = self._sum(Sum(Product(), None))

    def lowered(self, node: StatisticNode) -> tuple[dict[int, Scalar], Scalar]:
        """A statistic as a term, or as a constant of the data."""
        if not on_prediction(node):
            return super().lowered(node)
        if node not in self.found:
            self.found[node] = len(self.made)
            self.made.append(self._term(node))
        return {self.found[node]: Scalar(1.0)}, Scalar()

    def _term(self, node: StatisticNode) -> Term:
        if isinstance(node, Mean):
            mean = self._mean_of((node.value,), node.condition, self._present(node.value))
            return Term("quotient", (mean,), node.condition)
        if isinstance(node, Share):
            over = _both(is_known(node.event), node.condition)
            return Term("quotient", (self._quotient(_both(node.event, over), over),), node.condition)
        if isinstance(node, Dependence):
            shares = [
                self._quotient(_both(group, _both(bin_, node.condition)), node.condition)
                for group in groups_of(node, self.domains)
                for bin_ in bins_of(node, self.text)
            ]
            return Term("information", tuple(shares), node.condition, len(shares) // BINS)
        left, right = node.left, node.right
        products = [(left, right), (left,), (right,)]
        if isinstance(node, Correlation):
            products += [(left, left), (right, right)]
        present = self._present(left, right)
        means = tuple(self._mean_of(values, node.condition, present) for values in products)
        kind = "correlation" if isinstance(node, Correlation) else "covariance"
        return Term(kind, means, node.condition)

    def _mean_of(
        self, values: tuple[Value, ...], condition: Given, present: frozenset[str | None]
    ) -> int:
        return self._quotient(condition, condition, values, present)

    def _quotient(
        self,
        selected: Given,
        condition: Given,
        values: tuple[Value, ...] = (),
        present: frozenset[str | None] = frozenset(),
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
