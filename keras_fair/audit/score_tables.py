"""The distribution of a value in each cell: what statistics of whole distributions keep of the samples.

    (cell, score) -> size, sum w s, sum (w s)^2

A cell is a joint state of subjects, as in `keras_fair.audit.cells`. Scores are kept as they are while at
most `MOST_ROWS` pairs of a cell and a score differ. Beyond that they are rounded down to fewer bits, all
alike, by no more than is needed: neighbours become one, and equal numbers stay equal. So the table does
not depend on the order of the samples or on the chunks that they came in, and tables can be merged.

A score is held as a whole number in the order of the floats: the bits of an IEEE 754 double, those of
negative numbers turned over. To round by one bit halves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from keras_fair.audit.cells import Coded
from keras_fair.audit.sum_tables import Part
from keras_fair.audit.table_plans import ScorePlan, Subject

__all__ = ["MOST_ROWS", "ScoreTable"]

MOST_ROWS = 200_000
_PENDING = 65_536  # rows that wait to be added up
_ALL_BUT_SIGN = np.int64(0x7FFF_FFFF_FFFF_FFFF)


@dataclass
class _Rows:
    """`(rows, subjects)` states, `(rows,)` scores and `(rows, 3)` sums."""

    keys: np.ndarray
    scores: np.ndarray
    sums: np.ndarray


class ScoreTable:
    """The distribution of one value in the cells of some subjects.

    Args:
        plan: the subjects and the value.

    Attributes:
        level: by how many bits scores are rounded.
        certain: whether every sample was wholly in one cell.
    """

    def __init__(self, plan: ScorePlan) -> None:
        self.plan = plan
        self.level = 0
        self.certain = True
        width = len(plan.subjects)
        self._rows = _Rows(np.zeros((0, width), np.int64), np.zeros(0, np.int64), np.zeros((0, 3)))
        self._pending: list[_Rows] = []

    @property
    def rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`(rows, subjects)` states, `(rows,)` rounded scores, in order, and `(rows, 3)` sums: the size, the
        weight and the squared weight."""
        self._settle()
        return self._rows.keys, self._rows.scores, self._rows.sums

    def add(
        self,
        coded: Mapping[Subject, Coded],
        values: np.ndarray | float,
        weight: np.ndarray | None,
        n: int,
    ) -> None:
        """Add `n` samples.

        Args:
            coded: the states of the subjects.
            values: `(n,)`, or a number for all; finite.
            weight: `(n,)` or None. A sample with a weight of 0 does not count.
        """
        mine = [coded[subject] for subject in self.plan.subjects]
        scores = _ordered(np.broadcast_to(np.asarray(values, "float64"), (n,))) >> self.level
        weights = np.ones(n) if weight is None else np.asarray(weight, "float64")
        soft = [
            [(state, column.shares[:, place]) for place, state in enumerate(column.states)]
            for column in mine
            if column.shares is not None
        ]
        self.certain = self.certain and not soft
        for states in product(*soft):
            share = np.ones(n)
            for _, each in states:
                share = share * each
            left = iter(states)
            keys = np.empty((n, len(mine)), np.int64)
            for place, column in enumerate(mine):
                keys[:, place] = next(left)[0] if column.codes is None else column.codes
            counts = (weights > 0) & (share > 0)
            whole = weights * share
            sums = np.stack([share, whole, whole**2], axis=1)
            self._put(_Rows(keys[counts], scores[counts], sums[counts]))

    def merge(self, other: ScoreTable, codes: Mapping[Subject, np.ndarray]) -> None:
        """Add the samples of another table; `codes` gives the code here of each of its codes."""
        keys, scores, sums = other.rows
        mine = np.stack(
            [codes[subject][column] for subject, column in zip(self.plan.subjects, keys.T, strict=True)],
            axis=1,
        )
        self._settle()
        self._raise(max(other.level, self.level))
        self.certain = self.certain and other.certain
        self._put(_Rows(mine, scores >> (self.level - other.level), sums))

    def parts(self) -> Iterator[Part]:
        """The cells as those of a table with one quantity, the value; squares are those of the weights."""
        keys, scores, sums = self.rows
        first = np.stack([sums[:, 1], sums[:, 1] * self.values(scores)], axis=1)[:, None, :]
        second = np.zeros((len(keys), 1, 2, 1, 2))
        second[:, 0, 0, 0, 0] = sums[:, 2]
        states = {
            subject: column[:, None] for subject, column in zip(self.plan.subjects, keys.T, strict=True)
        }
        yield Part(states, sums[:, :1], first, second, self.certain)

    def values(self, scores: np.ndarray) -> np.ndarray:
        """The numbers that rounded scores stand for, `(rows,)` float64."""
        return _unordered(scores << self.level)

    def state(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Values and arrays that can be packed."""
        rows = list(self.rows)  # which may round them further
        return {"level": self.level, "certain": self.certain}, rows

    def restore(self, values: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> None:
        """Take over the state of another table of this plan.

        Raises:
            ValueError: the arrays have other shapes.
        """
        keys, scores, sums = arrays
        count, width = len(scores), len(self.plan.subjects)
        if keys.shape != (count, width) or sums.shape != (count, 3) or not 0 <= int(values["level"]) < 64:
            raise ValueError("sums of scores have other shapes than these constraints ask for")
        self.level, self.certain = int(values["level"]), bool(values["certain"])
        self._rows, self._pending = _Rows(keys.astype(np.int64), scores.astype(np.int64), sums), []

    def _put(self, rows: _Rows) -> None:
        self._pending.append(rows)
        if sum(len(each.scores) for each in self._pending) > _PENDING:
            self._settle()

    def _settle(self) -> None:
        if not self._pending:
            return
        every, self._pending = [self._rows, *self._pending], []
        self._rows = _added(
            _Rows(
                np.concatenate([each.keys for each in every]),
                np.concatenate([each.scores for each in every]),
                np.concatenate([each.sums for each in every]),
            )
        )
        while len(self._rows.scores) > MOST_ROWS and self.level < 63:
            self._raise(self.level + 1)

    def _raise(self, level: int) -> None:
        """Round scores by so many bits; none are pending."""
        if level > self.level:
            rows = self._rows
            self._rows = _added(_Rows(rows.keys, rows.scores >> (level - self.level), rows.sums))
            self.level = level


def _added(rows: _Rows) -> _Rows:
    """The rows in order, those of the same cell and score added up."""
    if not len(rows.scores):
        return rows
    order = np.lexsort((rows.scores, *rows.keys.T[::-1]))
    keys, scores, sums = rows.keys[order], rows.scores[order], rows.sums[order]
    new = np.ones(len(scores), dtype=bool)
    new[1:] = (scores[1:] != scores[:-1]) | np.any(keys[1:] != keys[:-1], axis=1)
    starts = np.flatnonzero(new)
    return _Rows(keys[starts], scores[starts], np.add.reduceat(sums, starts, axis=0))


def _ordered(values: np.ndarray) -> np.ndarray:
    """Floats as whole numbers in the same order; 0 and -0 are one."""
    bits = (values + 0.0).view(np.int64)
    return bits ^ ((bits >> 63) & _ALL_BUT_SIGN)


def _unordered(codes: np.ndarray) -> np.ndarray:
    return (codes ^ ((codes >> 63) & _ALL_BUT_SIGN)).view(np.float64)
