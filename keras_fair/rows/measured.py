"""Measuring a batch: its terms and its constants of the data, over `keras.ops` or NumPy.

    N = sum_i w_i m_i,    sum_i w_i m_i beta_i,    coefficients w_i m_i alpha_i

There is no loop over samples, and on large batches one pass over the samples serves all conditions of a
cluster.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_fair.groups.conditions import Cluster
from keras_fair.groups.factors import Factor, attribute_of
from keras_fair.groups.membership import Members, member_of, outside
from keras_fair.groups.samples import Samples
from keras_fair.groups.thresholds import is_missing
from keras_fair.inputs.arrays import Tensor, floats
from keras_fair.language.nodes import (
    Arithmetic,
    Attribute,
    Label,
    Negative,
    Number,
    Subject,
)
from keras_fair.language.nodes import Value as ValueNode
from keras_fair.rows.term_layout import Layout, Quantity, TermGroup
from keras_fair.rows.terms import CellFamily, Family, Terms

__all__ = ["Measured", "measure"]


@dataclass(frozen=True)
class Measured:
    """What is measured on a batch: its terms, and the constants of the data as sums and weights.

    Sums and weights of several batches add up; `dataclasses.replace` them to pool.

    Args:
        terms: the T terms.
        constant_sums: `(K,)`, `sum_i w_i m_i beta_i`; constant_weights: `(K,)`, `N`. A constant is their
            quotient.
        certain: every sample is wholly inside or wholly outside each group.
        unknown: number of samples, by attribute, whose value is outside the vocabulary.
        missing: number of samples, by attribute, whose value is missing.
    """

    terms: Terms
    constant_sums: Tensor
    constant_weights: Tensor
    certain: bool
    unknown: dict[str, Tensor] = field(default_factory=dict)
    missing: dict[str, Tensor] = field(default_factory=dict)


def measure(
    layout: Layout,
    clusters: Sequence[Cluster],
    factors: Mapping[Subject, Factor],
    samples: Samples,
    outputs: int,
    fractional_label: bool,
) -> Measured:
    """Measure a batch.

    Args:
        layout: where the statistics are.
        clusters: the conditions.
        factors: the states that they tell apart.
        samples: the batch.
        outputs: number of outputs of the model.
        fractional_label: whether conditions read the label as the probability of 1.
    """
    xp = samples.xp
    members = [
        member_of(cluster, factors, samples, fractional_label=fractional_label) for cluster in clusters
    ]
    quantities = _Quantities(samples, outputs)
    sums = [
        xp.reshape(member.sums([quantities.of(quantity) for quantity in wanted], samples), (-1,))
        for member, wanted in zip(members, layout.quantities, strict=True)
        if wanted
    ]
    flat = xp.concatenate(sums, axis=0) if sums else floats(xp, np.zeros(0))
    weights = xp.take(flat, layout.term_weights, axis=0)
    families, start = [], 0
    for group in layout.groups:
        place = slice(start, start + len(group.rows))
        families.append(_family(group, members[group.cluster], quantities, weights, place))
        start = place.stop
    terms = Terms(
        families=_families(xp, families),
        constants=floats(xp, np.zeros(len(layout.order))),
        weights=weights,
        outputs=outputs,
    )
    unknown, missing = outside(factors, samples)
    return Measured(
        terms=terms,
        constant_sums=xp.take(flat, layout.constant_sums, axis=0),
        constant_weights=xp.take(flat, layout.constant_weights, axis=0),
        certain=all(member.shares is None for member in members),
        unknown=unknown,
        missing=missing,
    )


class _Quantities:
    """Numbers per sample, each computed once; None where all are 1."""

    def __init__(self, samples: Samples, outputs: int) -> None:
        self.samples = samples
        self.outputs = outputs
        self._weights: dict[frozenset[str | None], Tensor | None] = {frozenset(): samples.weight}
        self._values: dict[ValueNode, Tensor] = {}
        self._scales: dict[object, Tensor | None] = {}

    def of(self, quantity: Quantity) -> Tensor | None:
        """`w_i`, or `w_i beta_i`, `(n,)`."""
        weight = self.weight(quantity.present)
        return weight if quantity.factor is None else self._times(weight, quantity.factor)

    def weight(self, present: frozenset[str | None]) -> Tensor | None:
        """`w_i`, 0 where one of the columns is missing."""
        if present not in self._weights:
            weight, xp = self.samples.weight, self.samples.xp
            for name in present:
                if name not in self.samples.complete:
                    weight = self.samples.ones() if weight is None else weight
                    weight = xp.where(is_missing(self.samples.column(name)), xp.zeros_like(weight), weight)
            self._weights[present] = weight
        return self._weights[present]

    def scale(self, group: TermGroup) -> Tensor | None:
        """`w_i alpha_i`, `(n,)` or `(n, outputs)`; None where all are 1 and there is one output."""
        key = (group.alphas, group.present)
        if key not in self._scales:
            weight = self.weight(group.present)
            scaled = {output: self._times(weight, alpha) for output, alpha in group.alphas}
            if self.outputs == 1:
                self._scales[key] = scaled[0]
            else:
                ones = self.samples.ones()
                columns = [scaled.get(output, ones * 0.0) for output in range(self.outputs)]
                columns = [ones if column is None else column for column in columns]
                self._scales[key] = self.samples.xp.stack(columns, axis=1)
        return self._scales[key]

    def _times(self, weight: Tensor | None, factor: ValueNode) -> Tensor | None:
        if isinstance(factor, Number):
            if factor.value == 1.0:
                return weight
            return factor.value * (self.samples.ones() if weight is None else weight)
        value = self._value(factor)
        return value if weight is None else weight * value

    def _value(self, node: ValueNode) -> Tensor:
        """A value free of `y`: a number, or a tensor `(n,)`; missing entries count as 0."""
        if isinstance(node, Number):
            return node.value
        if node not in self._values:
            self._values[node] = self._computed(node)
        return self._values[node]

    def _computed(self, node: ValueNode) -> Tensor:
        xp = self.samples.xp
        if isinstance(node, (Attribute, Label)):
            name = attribute_of(node)
            column = floats(xp, self.samples.column(name))
            if name in self.samples.complete:
                return column
            return xp.where(xp.isnan(column), xp.zeros_like(column), column)
        if isinstance(node, Negative):
            return -self._value(node.operand)  # type: ignore[arg-type]
        if isinstance(node, Arithmetic):
            left, right = self._value(node.left), self._value(node.right)  # type: ignore[arg-type]
            operators = {"+": xp.add, "-": xp.subtract, "*": xp.multiply, "/": xp.divide}
            return operators[node.operator](left, right)
        raise TypeError(f"expected a value free of y, received node={type(node).__name__}")


def _family(
    group: TermGroup, member: Members, quantities: _Quantities, weights: Tensor, place: slice
) -> Family | CellFamily:
    scale = quantities.scale(group)
    if member.cells is not None:
        totals = weights[place] if scale is None else None  # each coefficient is 1
        return CellFamily(member.table[group.rows], member.cells, scale, group.disjoint, totals)
    xp = quantities.samples.xp
    shares = xp.take(member.shares, group.rows, axis=0)
    if scale is None:
        return Family(len(group.rows), shares)
    shares = shares if len(scale.shape) == 1 else xp.expand_dims(shares, -1)
    return Family(len(group.rows), shares * xp.expand_dims(scale, 0))


def _families(xp: Any, families: Sequence[Family | CellFamily]) -> tuple[Family | CellFamily, ...]:
    """The families. Dense ones that follow each other are joined to one."""
    joined: list[Family | CellFamily] = []
    for kind, following in itertools.groupby(families, type):
        run = list(following)
        if kind is Family and len(run) > 1:
            coefficients = xp.concatenate([family.coefficients for family in run], axis=0)
            run = [Family(sum(family.size for family in run), coefficients)]
        joined += run
    return tuple(joined)
