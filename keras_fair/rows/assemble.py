"""From lowered relations to arrays: the static half of the rows.

Everything here is NumPy and is done once, when constraints are lowered. Coefficients that hold constants
of the data are kept as a `ScalarArray`, which is a tensor once these constants are known.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.inputs.arrays import Tensor, floats
from keras_fair.rows.convex import Affine, Convex
from keras_fair.rows.epigraph import Bound, Row
from keras_fair.rows.linear import Reduction
from keras_fair.rows.scalars import Scalar

__all__ = [
    "BoundedArrays",
    "GapPlan",
    "Numbering",
    "ScalarArray",
    "bounded_arrays",
    "gap_plan",
    "scalar_array",
    "unique_names",
]


@dataclass(frozen=True)
class Numbering:
    """Where each term and each constant stands in the arrays; derived constants follow the base ones."""

    term: Sequence[int]
    constants: int
    derived: int

    @property
    def size(self) -> int:
        """Number of constants, derived ones included."""
        return self.constants + self.derived

    def constant(self, key: tuple[str, int]) -> int:
        """The place of a constant."""
        return key[1] if key[0] == "base" else self.constants + key[1]

    def coefficients(self, scalar: Scalar) -> np.ndarray:
        """The coefficients of the constants in a scalar, `(size,)`."""
        coefficients = np.zeros(self.size)
        for key, coefficient in scalar.parts:
            coefficients[self.constant(key)] = coefficient
        return coefficients


@dataclass(frozen=True)
class ScalarArray:
    """An array of numbers, some of which take further terms from constants of the data.

    Args:
        numbers: array of any shape.
        places: `(p,)` int, flat indices of the entries with constants.
        coefficients: `(p, K)`.
    """

    numbers: np.ndarray
    places: np.ndarray
    coefficients: np.ndarray

    def evaluate(self, xp: Any, constants: Tensor) -> Tensor:
        """The array, from the values of the constants, in a namespace of `keras_fair.inputs.arrays`."""
        numbers = floats(xp, self.numbers)
        if not len(self.places):
            return numbers
        added = xp.matmul(floats(xp, self.coefficients), constants)
        added = xp.segment_sum(added, xp.cast(self.places, "int32"), num_segments=self.numbers.size)
        return numbers + xp.reshape(added, self.numbers.shape)

    def needs(self) -> np.ndarray:
        """Which constants each entry of the first axis needs, `(m, K)` bool."""
        needed = np.zeros((len(self.numbers), self.coefficients.shape[1]), dtype=bool)
        first_axis = np.unravel_index(self.places, self.numbers.shape)[0]
        np.logical_or.at(needed, first_axis, self.coefficients != 0)
        return needed


def scalar_array(
    shape: tuple[int, ...], entries: Mapping[int, Scalar], numbering: Numbering, fill: float = 0.0
) -> ScalarArray:
    """The array with these scalars at flat indices, and `fill` elsewhere."""
    numbers = np.full(int(np.prod(shape)), fill)
    places = []
    for place, scalar in entries.items():
        numbers[place] = scalar.number
        if not scalar.is_number:
            places.append(place)
    coefficients = np.array([numbering.coefficients(entries[place]) for place in places])
    return ScalarArray(
        numbers.reshape(shape),
        np.array(places, dtype="int32"),
        coefficients.reshape(len(places), numbering.size),
    )


@dataclass(frozen=True)
class BoundedArrays:
    """Affine expressions of the terms, `weights @ T + offset`, and bounds, infinite where there is none.

    Args:
        weights: `(m, T)`; offset: `(m,)`.
        lower, upper: one bound for each row, or for each relation.
    """

    weights: ScalarArray
    offset: ScalarArray
    lower: ScalarArray
    upper: ScalarArray

    def evaluate(self, xp: Any, constants: Tensor) -> dict[str, Tensor]:
        """The arrays by name, from the values of the constants."""
        return {name: array.evaluate(xp, constants) for name, array in vars(self).items()}


def bounded_arrays(
    affines: Sequence[Affine], bounds: Sequence[Bound | Row], numbering: Numbering
) -> BoundedArrays:
    """The arrays of affine expressions and of bounds."""
    terms = len(numbering.term)
    weights, offset = {}, {}
    for row, affine in enumerate(affines):
        for term, weight in affine.weights.items():
            weights[row * terms + numbering.term[term]] = weight
        offset[row] = affine.constant
    lower = {place: bound.lower for place, bound in enumerate(bounds) if bound.lower is not None}
    upper = {place: bound.upper for place, bound in enumerate(bounds) if bound.upper is not None}
    return BoundedArrays(
        scalar_array((len(affines), terms), weights, numbering),
        scalar_array((len(affines),), offset, numbering),
        scalar_array((len(bounds),), lower, numbering, -np.inf),
        scalar_array((len(bounds),), upper, numbering, np.inf),
    )


@dataclass(frozen=True)
class GapPlan:
    """How gaps follow from the terms; see `keras_fair.rows.linear.Gaps`."""

    arrays: BoundedArrays
    reductions: tuple[Reduction, ...]
    results: np.ndarray
    signs: np.ndarray


def gap_plan(bounds: Sequence[Bound], numbering: Numbering) -> GapPlan:
    """The gaps of relations, with all maxima of one level in one step."""
    tree = _GapTree()
    roots = [tree.entry(bound.expression) for bound in bounds]
    reductions, place = tree.steps()
    return GapPlan(
        bounded_arrays(tree.affines, bounds, numbering),
        tuple(reductions),
        np.array([place[root] for root in roots], dtype="int32"),
        np.array([float(bound.sign) for bound in bounds]),
    )


class _GapTree:
    """Entries of gaps: affine ones, then maxima and sums of earlier ones, each with its level."""

    def __init__(self) -> None:
        self.affines: list[Affine] = []
        self._nodes: list[tuple[str, list[int], int, int]] = []  # kind, entries, needed, level

    def entry(self, expression: Convex) -> int:
        """The node of a convex expression."""
        affine = self._add("affine", [len(self.affines)], 0)
        self.affines.append(expression.affine)
        if not expression.parts:
            return affine
        parts = [
            self._add("max", [self.entry(below.expression) for below in part.alternatives], part.needed)
            for part in expression.parts
        ]
        return self._add("sum", [affine, *parts], len(parts) + 1)

    def steps(self) -> tuple[list[Reduction], dict[int, int]]:
        """The reductions in order, and the entry at which each node stands."""
        place = {node: below[0] for node, (kind, below, _, _) in enumerate(self._nodes) if kind == "affine"}
        reductions, size = [], len(self.affines)
        for level in range(1, 1 + max((level for *_, level in self._nodes), default=0)):
            for kind in ("max", "sum"):
                nodes = [n for n, (k, _, _, at) in enumerate(self._nodes) if (k, at) == (kind, level)]
                if nodes:
                    reductions.append(self._reduction(kind, nodes, place))
                    place.update({node: size + index for index, node in enumerate(nodes)})
                    size += len(nodes)
        return reductions, place

    def _add(self, kind: str, below: list[int], needed: int) -> int:
        level = 0 if kind == "affine" else 1 + max((self._nodes[node][3] for node in below), default=0)
        self._nodes.append((kind, below, needed, level))
        return len(self._nodes) - 1

    def _reduction(self, kind: str, nodes: list[int], place: Mapping[int, int]) -> Reduction:
        width = max(1, *(len(self._nodes[node][1]) for node in nodes))
        indices = np.zeros((len(nodes), width), dtype="int32")
        present = np.zeros((len(nodes), width), dtype=bool)
        for row, node in enumerate(nodes):
            below = self._nodes[node][1]
            indices[row, : len(below)] = [place[earlier] for earlier in below]
            present[row, : len(below)] = True
        return Reduction(
            kind, indices, present, np.array([self._nodes[node][2] for node in nodes], dtype="int32")
        )


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names, repeated ones numbered: `a`, `a (2)`."""
    counters: dict[str, Iterator[int]] = {}
    taken = set(names)
    numbered = []
    for name in names:
        unique = name
        if name in counters:
            unique = next(text for n in counters[name] if (text := f"{name} ({n})") not in taken)
            taken.add(unique)
        counters.setdefault(name, itertools.count(2))
        numbered.append(unique)
    return tuple(numbered)
