"""Who has which knots: the groups of people that a rule tells apart, by their attributes alone.

A text may compare women of label 1 with men of label 1; in service nobody's label is known. A rule's groups
are the finest kinds of people that the text's comparisons of attributes tell apart:

    group of a person = the joint state of the compared attributes

`keras_fair.groups` decides the states, for rules as for layers, in NumPy and in graphs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from keras_fair.groups.coding import MISSING, UNKNOWN, Entry
from keras_fair.groups.conditions import Cluster, joint_cluster
from keras_fair.groups.enumeration import subject_name
from keras_fair.groups.factors import Factor, attribute_of
from keras_fair.groups.membership import member_of
from keras_fair.groups.samples import Needs, read_samples
from keras_fair.inputs.arrays import Tensor
from keras_fair.language.nodes import Attribute, Subject
from keras_fair.rows.plan import RowPlan

__all__ = ["ServiceGroups", "service_groups"]


@dataclass(frozen=True)
class ServiceGroups:
    """The joint states of the attributes that a text compares.

    Attributes:
        cluster: the joint states, as cells.
        needs: the columns that have to be read.
        names: of each cell, such as `race=Black, sex=Female`.
        outside: `(cells,)` bool, whether some attribute is missing or outside the vocabulary there.
    """

    cluster: Cluster
    needs: Needs
    names: tuple[str, ...]
    outside: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def cells(self, columns: Mapping[str, Any], size: Any) -> Tensor:
        """The cell of each person, `(n,)` int: of NumPy columns in NumPy, of tensors in a graph.

        Args:
            columns: encoded, as `RowPlan.encode` gives them; others are left alone.
            size: n, a number or a scalar tensor.

        Raises:
            ValueError: a column holds probabilities of groups, or has another length.
        """
        for name in self.needs.attributes:
            if len(getattr(columns[name], "shape", (0,))) == 2 and columns[name].shape[1] != 1:
                raise ValueError(
                    f"a frozen rule treats a person by a group that is known, and attribute {name!r} gives "
                    "probabilities of groups"
                )
        samples = read_samples(self.needs, columns, None, None, size)
        member = member_of(self.cluster, self.needs.factors, samples, fractional_label=False)
        return member.cells


def service_groups(plan: RowPlan) -> ServiceGroups:
    """The groups that the comparisons of a plan tell apart."""
    factors: dict[Subject, Factor] = {
        subject: factor for subject, factor in plan.factors.items() if isinstance(subject, Attribute)
    }
    compared = {attribute_of(subject) for subject in factors}
    needs = replace(
        plan.needs,
        attributes={name: span for name, span in plan.needs.attributes.items() if name in compared},
        numbers=frozenset(),
        label=None,
        accuracy=None,
        factors=factors,
    )
    conditions = [condition for cluster in plan.clusters for condition in cluster.conditions]
    cluster = joint_cluster(conditions, factors, plan.text)
    states = [
        _states(subject, factors, block)
        for subject, block in zip(cluster.subjects, cluster.blocks, strict=True)
    ]
    grids = np.meshgrid(*[np.arange(size) for size in cluster.sizes], indexing="ij")
    joint = np.stack([grid.reshape(-1) for grid in grids], axis=1) if grids else np.zeros((1, 0), dtype=int)
    names = tuple(
        ", ".join(states[axis][block] for axis, block in enumerate(row)) or "everyone"
        for row in joint.tolist()
    )
    outside = np.zeros(len(joint), dtype=bool)
    for axis, block in enumerate(cluster.blocks):
        apart = [int(block[state]) for state in (UNKNOWN, MISSING) if _apart(block, state)]
        outside |= np.isin(joint[:, axis], apart)
    return ServiceGroups(cluster, needs, names, outside)


def _apart(block: np.ndarray, state: int) -> bool:
    """Whether a block holds nobody but those without a known value."""
    return not (block[:UNKNOWN] == block[state]).any()


def _states(subject: Subject, factors: Mapping[Subject, Any], block: np.ndarray) -> list[str]:
    """What each block of a subject is called."""
    factor, name = factors[subject], subject_name(subject).strip("'")
    called: list[list[str]] = [[] for _ in range(int(block.max()) + 1)]
    for place, text in enumerate(_points(factor.points, factor.cuts, name)):
        called[int(block[place])].append(text)
    together = block[UNKNOWN] == block[MISSING]
    others = {int(block[UNKNOWN]): f"another {name}", int(block[MISSING]): f"{name} missing"}
    if together:
        others = {int(block[MISSING]): f"{name} not known"}
    return [" or ".join(texts) if texts else others[place] for place, texts in enumerate(called)]


def _points(points: tuple[Entry, ...], cuts: Any, name: str) -> list[str]:
    if cuts is None:
        return [f"{name}={point}" for point in points]
    texts = []
    for place in range(len(points)):
        low = None if place == 0 else cuts[place - 1]
        high = None if place == len(cuts) else cuts[place]
        left = "" if low is None else f"{low[0]:g} {'<' if low[1] else '<='} "
        right = "" if high is None else f" {'<=' if high[1] else '<'} {high[0]:g}"
        same = low is not None and high is not None and low[0] == high[0]
        texts.append(f"{name}={low[0]:g}" if same and low is not None else f"{left}{name}{right}")
    return texts
