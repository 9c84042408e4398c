"""A table: the sums of one set of subjects, whichever of them are certain in a chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_fair.audit.cells import Cells, Coded
from keras_fair.audit.table_plans import Subject, TablePlan

__all__ = ["Part", "Table"]

_Soft = tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Part:
    """The cells of a table in which the same subjects are certain.

    Args:
        states: for each subject of the table its state, broadcastable to `(cells, k)`.
        size: `(cells, k)`; first: `(cells, k, 1 + Q)`; second: `(cells, k, 1 + Q, k, 1 + Q)`.
        certain: whether all subjects are certain.
    """

    states: Mapping[Subject, np.ndarray]
    size: np.ndarray
    first: np.ndarray
    second: np.ndarray
    certain: bool


class Table:
    """Sums over samples by the joint state of some subjects."""

    def __init__(self, plan: TablePlan) -> None:
        self.plan = plan
        self._cells: dict[_Soft, Cells] = {}

    @property
    def cells(self) -> tuple[Cells, ...]:
        """The cells, in parts that have the same certain subjects."""
        return tuple(self._cells.values())

    @property
    def size(self) -> int:
        """How many cells occur."""
        return sum(cells.count for cells in self._cells.values())

    def add(
        self,
        coded: Mapping[Subject, Coded],
        quantities: Sequence[np.ndarray | float],
        weight: np.ndarray | None,
        n: int,
    ) -> None:
        """Add `n` samples; see `Cells.add`."""
        mine = [coded[subject] for subject in self.plan.subjects]
        soft = tuple((place, column.states) for place, column in enumerate(mine) if column.shares is not None)
        self.part(soft).add(mine, quantities, weight, n)

    def merge(self, other: Table, codes: Mapping[Subject, np.ndarray]) -> None:
        """Add the sums of other samples; `codes` gives the code here of each of their codes."""
        subjects = self.plan.subjects
        for soft, cells in other._cells.items():
            mine = tuple(
                (place, tuple(int(codes[subjects[place]][state]) for state in states))
                for place, states in soft
            )
            self.part(mine).merge(cells, [codes[subjects[place]] for place in cells.hard])

    def parts(self) -> Iterator[Part]:
        """The sums, in parts that have the same certain subjects."""
        for cells in self._cells.values():
            grid, keys = cells.grid, cells.keys
            states = {
                self.plan.subjects[place]: column[:, None]
                for place, column in zip(cells.hard, keys.T, strict=True)
            }
            for axis, (place, _) in enumerate(cells.soft):
                states[self.plan.subjects[place]] = np.array([[joint[axis] for joint in grid]])
            yield Part(states, *cells.sums, certain=not cells.soft)

    def part(self, soft: _Soft) -> Cells:
        """The cells in which these subjects are known as probabilities; empty ones where there are none."""
        if soft not in self._cells:
            places = {place for place, _ in soft}
            hard = tuple(place for place in range(len(self.plan.subjects)) if place not in places)
            self._cells[soft] = Cells(hard, soft, len(self.plan.quantities))
        return self._cells[soft]
