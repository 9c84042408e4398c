"""The values of statistics, whichever way they depend on `y`, from sums over cells.

    E[v | c]      = sum_i w_i m_i v_i / sum_i w_i m_i
    P[e | c]      = sum_i w_i m_i e_i / sum_i w_i m_i
    cov(u, v | c) = E[u v | c] - E[u | c] E[v | c]

A condition selects cells, and a sum over its samples is a sum over these cells. Samples that lack a value
which `v`, `u` or `e` needs are left out. Groups are those of the rows that enforce a constraint: groups known
as probabilities, missing and unknown values mean the same here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_fair.audit.demands import Subject, presence, quantities_of
from keras_fair.audit.expressions import Statistic
from keras_fair.audit.tables import Part, Table
from keras_fair.groups.conditions import Given, truth_of
from keras_fair.groups.factors import Atom
from keras_fair.groups.growing import GrowingFactor
from keras_fair.language.nodes import (
    Attribute,
    Label,
    Node,
    Prediction,
    Share,
)
from keras_fair.language.tree import walk
from keras_fair.rows.statistics import is_known
from keras_fair.rows.values import Outputs

__all__ = ["Estimate", "Groups", "Selected"]

Masks = tuple[np.ndarray, ...]  # one `(cells, k)` for each part of the table


@dataclass(frozen=True)
class Estimate:
    """The value of a statistic, NaN where nobody has weight; the size and the weight of who takes part."""

    value: float
    size: float
    weight: float


@dataclass(frozen=True)
class Selected:
    """A statistic among the cells of its table.

    Args:
        statistic: without variables and stars.
        members: the cells of its condition that its value, or its event, is known for.
        event: those of them that a share counts; for others the same as `members`.
        quantities: the places of its quantities in the table.
    """

    statistic: Statistic
    members: Masks
    event: Masks
    quantities: tuple[int, ...]


class Groups:
    """The groups that conditions select in one table.

    Args:
        table: the sums.
        states: what the states of each subject mean.
        outputs: of the model.
        text: of the constraints.
        scale: what all weights are divided by.
    """

    def __init__(
        self,
        table: Table,
        states: Mapping[Subject, GrowingFactor],
        outputs: Outputs,
        text: str,
        scale: float = 1.0,
    ) -> None:
        self.parts = tuple(_scaled(part, scale) for part in table.parts())
        self._states, self._outputs, self._text = states, outputs, text
        self._place = {quantity: place for place, quantity in enumerate(table.plan.quantities)}
        self._found: dict[Statistic, Selected] = {}
        self._masks: dict[Given, Masks] = {}

    @property
    def certain(self) -> bool:
        """Whether every sample is in a group or not, none in part."""
        return all(part.certain for part in self.parts)

    def select(self, statistic: Statistic) -> Selected:
        """The cells of a statistic."""
        if statistic not in self._found:
            members = self._mask(statistic.condition)
            needed = {
                getattr(leaf, "name", None)
                for quantity in quantities_of(statistic)
                for leaf in walk(quantity)
                if isinstance(leaf, (Attribute, Label))
            }
            for name in needed:
                members = _both(members, tuple(part.states[presence(name)] == 1 for part in self.parts))
            event = members
            if isinstance(statistic, Share):
                members = _both(members, self._mask(is_known(statistic.event)))
                event = _both(members, self._mask(statistic.event))
            places = tuple(self._place[quantity] for quantity in quantities_of(statistic))
            self._found[statistic] = Selected(statistic, members, event, places)
        return self._found[statistic]

    def estimate(self, statistic: Statistic) -> Estimate:
        """The value of a statistic."""
        found = self.select(statistic)
        size = sum(float(part.size[mask].sum()) for part, mask in zip(self.parts, found.members, strict=True))
        total = weight = self.sum(found.members, 0)
        if not total > 0:
            return Estimate(math.nan, size, weight)
        if isinstance(statistic, Share):
            return Estimate(self.sum(found.event, 0) / total, size, weight)
        means = [self.sum(found.members, 1 + place) / total for place in found.quantities]
        value = means[0] if len(means) == 1 else means[0] - means[1] * means[2]
        return Estimate(value if math.isfinite(value) else math.nan, size, weight)

    def scatter_is_unseen(self, statistic: Statistic, binary: Sequence[bool]) -> bool:
        """Whether all values of a group are the same, and those of others are not: no scatter is seen.

        Its standard error is then 0, whatever others there may be whom the samples lack. Values of 0 and 1
        have intervals that know of this.
        """
        found = self.select(statistic)
        places = [place for place in found.quantities[-2:] if not binary[place]]
        if statistic.condition is None or not self.certain:
            return False
        everyone = self.select(replace(statistic, condition=None))
        return any(
            self._alike(found.members, place) and not self._alike(everyone.members, place) for place in places
        )

    def _alike(self, masks: Masks, quantity: int) -> bool:
        """Whether a quantity is the same for all samples of some cells, to rounding."""
        place = 1 + quantity
        mean = self.sum(masks, place) / self.sum(masks, 0)
        square, cross, count = (
            sum(
                float(part.second[:, 0, i, 0, j][mask[:, 0]].sum())
                for part, mask in zip(self.parts, masks, strict=True)
            )
            for i, j in ((place, place), (0, place), (0, 0))
        )
        return square - 2 * mean * cross + mean**2 * count <= 1e-12 * square

    def sum(self, masks: Masks, quantity: int) -> float:
        """The weighted sum of a quantity over some cells; 0 is their weight."""
        return sum(
            float(part.first[..., quantity][mask].sum()) for part, mask in zip(self.parts, masks, strict=True)
        )

    def _mask(self, condition: Given) -> Masks:
        if condition not in self._masks:
            self._masks[condition] = tuple(
                np.broadcast_to(self._truth(condition, part) == 1, part.size.shape) for part in self.parts
            )
        return self._masks[condition]

    def _truth(self, condition: Given, part: Part) -> np.ndarray:
        """The truth of a condition in each cell."""

        def of_atom(atom: Atom) -> np.ndarray:
            subject = self.subject(atom.subject)
            return self._states[subject].truth(atom.operator, atom.value)[part.states[subject]]

        return truth_of(condition, of_atom, np.ones((1, 1)))

    def subject(self, node: Node) -> Subject:
        """What a condition compares."""
        if isinstance(node, Attribute):
            return ("attribute", node.name)
        if isinstance(node, Prediction):
            return ("y", self._outputs.index(node, self._text))
        return ("label", None)


def _both(one: Masks, other: Masks) -> Masks:
    return tuple(a & b for a, b in zip(one, other, strict=True))


def _scaled(part: Part, scale: float) -> Part:
    if scale == 1.0:
        return part
    return Part(part.states, part.size, part.first / scale, part.second / scale**2, part.certain)
