"""The truth of a condition: false, true, or not known.

Truth has three values (Kleene's logic): 0 false, 1/2 not known, 1 true. A comparison with a missing value, or
with a value outside the vocabulary, is not known, and so is its negation. `and` is the least of its truths,
`or` the largest, `not` is one minus its truth. A condition selects a sample where it is true, so a sample
without a value is in no group that this value decides.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from keras_fair.groups.coding import MISSING_GROUP, Entry, forms_of
from keras_fair.language.nodes import (
    And,
    Condition,
    Literal,
    Node,
    Not,
    Or,
    Subject,
)
from keras_fair.language.tree import comparisons

__all__ = [
    "NOT_KNOWN",
    "ORDERED",
    "Atom",
    "Given",
    "atoms",
    "compared_in",
    "truth_of",
    "truth_of_comparison",
]

NOT_KNOWN = 0.5

ORDERED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

Given = Condition | None  # None: all samples


@dataclass(frozen=True)
class Atom:
    """One comparison with a value."""

    subject: Subject
    operator: str
    value: Entry
    node: Node


def atoms(condition: Condition | None) -> list[Atom]:
    """The comparisons of a condition, each with one value; variables and stars are skipped."""
    return [
        Atom(subject, sign, value.value, value)
        for subject, sign, value in (() if condition is None else comparisons(condition))
        if isinstance(value, Literal)
    ]


def compared_in(conditions: Iterable[Condition | None]) -> dict[Subject, list[Atom]]:
    """All comparisons of some conditions, by what is compared; each once."""
    compared: dict[Subject, dict[Atom, None]] = {}
    for condition in dict.fromkeys(conditions):
        for atom in atoms(condition):
            compared.setdefault(atom.subject, {})[atom] = None
    return {subject: list(of_subject) for subject, of_subject in compared.items()}


def truth_of_comparison(
    points: Sequence[Entry], sign: str, value: Entry, *, other: bool = False, missing_group: bool = False
) -> np.ndarray:
    """Where a comparison holds, `(len(points) + 2,)` in {0, 1/2, 1}.

    Args:
        points: a value of each state but the last two.
        sign: one of `= != < <= > >=`.
        value: what the subject is compared with; the word `missing` with numbers is the group of missing
            numbers.
        other: whether what is outside the vocabulary is an ordinary value, different from all points.
        missing_group: whether missing numbers are a group of their own.
    """
    negated = sign == "!="
    numbers = not any(isinstance(point, str) for point in points)
    truth = np.full(len(points) + 2, NOT_KNOWN)
    if other:
        truth[-2] = float(negated)
    if missing_group and numbers:
        truth[-1] = float((value == MISSING_GROUP) != negated) if isinstance(value, str) else float(negated)
    if sign in ORDERED:
        truth[:-2] = [float(ORDERED[sign](point, value)) for point in points]
    else:
        same = forms_of(value)
        truth[:-2] = [float((point in same) != negated) for point in points]
    return truth


def truth_of(condition: Given, of_atom: Callable[[Atom], np.ndarray], everyone: np.ndarray) -> np.ndarray:
    """The truth of a condition in each cell, in Kleene's logic: 0 false, 1/2 not known, 1 true.

    Args:
        condition: without variables and stars; None holds everywhere.
        of_atom: the truth of one comparison, in an array that broadcasts to the cells.
        everyone: ones, in the shape that arrays have where nothing is compared.
    """
    if condition is None:
        return everyone
    if isinstance(condition, Not):
        return 1 - truth_of(condition.operand, of_atom, everyone)
    if isinstance(condition, (And, Or)):
        join = np.minimum if isinstance(condition, And) else np.maximum
        return reduce(join, (truth_of(operand, of_atom, everyone) for operand in condition.operands))
    return reduce(np.maximum, map(of_atom, atoms(condition)), 0 * everyone)
