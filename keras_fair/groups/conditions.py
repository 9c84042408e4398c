"""Conditions as truth tables over cells, so that a batch only has to say which cell each sample is in.

Conditions that ask for the same few attributes share a table:

    cell of a sample = the joint state of the attributes         (one integer a sample)
    table[c, cell]   = 1 where condition c holds in that cell    (NumPy, made when the text is lowered)

The table is exact for any nesting of `and`, `or` and `not`. It is exact too where the states of an
attribute are known as probabilities only: the membership is the sum of the table over the cells, each
with its probability. Evaluating batches is left to `keras_fair.groups.samples`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_fair.errors import ConstraintTypeError, Reason
from keras_fair.groups.factors import Factor
from keras_fair.groups.truth import Atom, Given, atoms, truth_of
from keras_fair.language.nodes import Subject

__all__ = ["Cluster", "joint_cluster", "make_clusters"]

SHARED_CELLS = 2048  # tables are joined as long as they have at most so many cells
MOST_CELLS = 65_536


@dataclass(frozen=True)
class Cluster:
    """Conditions that share a table.

    Args:
        subjects: what the cells tell apart, the last varies fastest.
        blocks: for each subject, `(states,)` int: states that no condition tells apart are one block.
        sizes: number of blocks of each subject.
        conditions: the conditions; None selects every sample.
        table: `(conditions, cells)` float, 0 or 1.
    """

    subjects: tuple[Subject, ...]
    blocks: tuple[np.ndarray, ...]
    sizes: tuple[int, ...]
    conditions: tuple[Given, ...]
    table: np.ndarray


def make_clusters(conditions: Sequence[Given], factors: Mapping[Subject, Factor], text: str) -> list[Cluster]:
    """Tables for all conditions: few of them, and each with few cells.

    Raises:
        ConstraintTypeError: one condition tells more than 65,536 kinds of samples apart.
    """
    groups: dict[frozenset[Subject], list[Given]] = {}
    for condition in dict.fromkeys(conditions):
        subjects = frozenset(atom.subject for atom in atoms(condition))
        groups.setdefault(subjects, []).append(condition)
    drafts: list[_Draft] = []
    wholes = [_draft(members, factors) for members in groups.values()]
    for whole in sorted(wholes, key=lambda draft: -draft.cells):
        single = whole.cells > MOST_CELLS
        for part in [_draft([each], factors) for each in whole.conditions] if single else [whole]:
            if part.cells > MOST_CELLS:
                raise ConstraintTypeError(
                    f"this condition tells {part.cells} kinds of samples apart, more than {MOST_CELLS}; "
                    "ask for less in one condition",
                    text=text,
                    span=None if part.conditions[0] is None else part.conditions[0].span,
                    reason=Reason.TOO_MANY,
                )
            for place, draft in enumerate(drafts):
                joined = _draft([*draft.conditions, *part.conditions], factors)
                if joined.cells <= max(SHARED_CELLS, draft.cells):
                    drafts[place] = joined
                    break
            else:
                drafts.append(part)
    return [_cluster(draft, factors) for draft in drafts]


def joint_cluster(conditions: Sequence[Given], factors: Mapping[Subject, Factor], text: str) -> Cluster:
    """One table of all kinds of samples that the comparisons in conditions tell apart; its only condition is
    everyone.

    Args:
        conditions: comparisons of subjects that have no factor are left out.
        factors: the states of each subject.
        text: of the constraints.

    Raises:
        ConstraintTypeError: there are more than 65,536 kinds.
    """
    draft = _draft(list(conditions), factors)
    if draft.cells > MOST_CELLS:
        raise ConstraintTypeError(
            f"these constraints tell {draft.cells} kinds of samples apart, more than {MOST_CELLS}",
            text=text,
            reason=Reason.TOO_MANY,
        )
    return _cluster(_Draft([None], draft.blocks), factors)


@dataclass(frozen=True)
class _Draft:
    """A cluster before its table is made."""

    conditions: list[Given]
    blocks: dict[Subject, np.ndarray]

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(int(block.max()) + 1 for block in self.blocks.values())

    @property
    def cells(self) -> int:
        return math.prod(self.sizes)


def _draft(conditions: list[Given], factors: Mapping[Subject, Factor]) -> _Draft:
    truths: dict[Subject, dict[bytes, np.ndarray]] = {}
    for condition in conditions:
        for atom in atoms(condition):
            if atom.subject not in factors:
                continue
            truth = factors[atom.subject].truth(atom)
            truths.setdefault(atom.subject, {})[truth.tobytes()] = truth
    blocks = {}
    for subject in sorted(truths, key=lambda subject: (type(subject).__name__, getattr(subject, "name", ""))):
        table = np.stack(list(truths[subject].values()), axis=1)
        seen: dict[bytes, int] = {}  # equal rows are one block; blocks are numbered as they appear
        numbered = [seen.setdefault(row.tobytes(), len(seen)) for row in table]
        blocks[subject] = np.array(numbered, dtype=np.int32)
    return _Draft(conditions, blocks)


def _cluster(draft: _Draft, factors: Mapping[Subject, Factor]) -> Cluster:
    subjects, blocks, sizes = tuple(draft.blocks), tuple(draft.blocks.values()), draft.sizes

    def along_axis(atom: Atom) -> np.ndarray:
        """The truth of a comparison over the grid of all cells, one axis a subject."""
        axis = subjects.index(atom.subject)
        of_block = np.zeros(sizes[axis])
        of_block[blocks[axis]] = factors[atom.subject].truth(atom)
        return of_block.reshape([-1 if place == axis else 1 for place in range(len(sizes))])

    everyone = np.ones((1,) * len(sizes))
    truths = [truth_of(condition, along_axis, everyone) for condition in draft.conditions]
    table = np.stack([np.broadcast_to(truth == 1, sizes).reshape(-1) for truth in truths])
    return Cluster(subjects, blocks, sizes, tuple(draft.conditions), table.astype("float64"))
