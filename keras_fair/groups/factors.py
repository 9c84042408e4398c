"""Factors: the states of one attribute (or of the label) that conditions tell apart.

A condition asks only which state each sample is in. The states of text are its values; the states of
numbers are the intervals between the thresholds that conditions compare with:

    age < 25, age >= 60     ->     age < 25 | 25 <= age < 60 | 60 <= age | missing

Truth has three values, for every sample whose value is missing or outside the vocabulary belongs to no
group that is told by that attribute, negated or not (Kleene's logic): 0 false, 1/2 not known, 1 true. A
condition selects a sample where it is true.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from keras_fair.errors import ConstraintTypeError, near_names, quoted
from keras_fair.groups.coding import MISSING_GROUP, Entry, Values, has_words
from keras_fair.groups.enumeration import Grouping, subject_name
from keras_fair.language.dependence import not_affine
from keras_fair.language.nodes import (
    Attribute,
    Comparison,
    Condition,
    Label,
    Literal,
    Membership,
    Node,
    Prediction,
)
from keras_fair.language.tree import walk

__all__ = ["Atom", "Factor", "atoms", "make_factor"]

UNKNOWN = 0.5

_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_CUTS = {"<": (0,), ">=": (0,), "<=": (1,), ">": (1,), "=": (0, 1), "!=": (0, 1)}

Cut = tuple[float, int]  # (t, 0) lies just below t, (t, 1) just above it


@dataclass(frozen=True)
class Atom:
    """One comparison with a value."""

    subject: Grouping
    operator: str
    value: Entry
    node: Node


@dataclass(frozen=True)
class Factor:
    """The states of one attribute or of the label.

    Args:
        subject: the attribute, or the label.
        values: the values that a column of codes or of probabilities is in the order of; None where there are
            none.
        cuts: the sorted thresholds between the states of numbers; None for text.
        other: whether a text that is not listed is an ordinary value, different from those listed.
        missing_group: whether missing numbers are a group of their own.
        listed: whether a number must be one of `values` to be known (it is only compared for equality).
    """

    subject: Grouping
    values: Values | None
    cuts: tuple[Cut, ...] | None
    other: bool = False
    missing_group: bool = False
    listed: bool = False

    @property
    def states(self) -> int:
        """Number of states; the last is missing, and for text the one before it is outside the vocabulary."""
        return len(self.values or ()) + 2 if self.cuts is None else len(self.cuts) + 2

    def truth(self, atom: Atom) -> np.ndarray:
        """Where a comparison holds, `(states,)` in {0, 1/2, 1}."""
        negated = atom.operator == "!="
        if self.cuts is None:
            held = np.array([float(value == atom.value) for value in self.values or ()])
            ends = [float(negated) if self.other else UNKNOWN, UNKNOWN]
            return np.append(1 - held if negated else held, ends)
        if isinstance(atom.value, str):  # the group of missing numbers
            held = np.append(np.zeros(self.states - 1), 1.0)
            return 1 - held if negated else held
        inside = self._representatives()
        held = (
            inside == atom.value
            if atom.operator in ("=", "!=")
            else _COMPARE[atom.operator](inside, atom.value)
        ) * 1.0
        return np.append(1 - held if negated else held, float(negated) if self.missing_group else UNKNOWN)

    def state_of_value(self) -> np.ndarray:
        """The state of each of `values`, `(k,)` int."""
        if self.cuts is None:
            return np.arange(len(self.values or ()))
        return np.array(
            [
                self.states - 1 if isinstance(value, str) else self.state_of_number(value)
                for value in self.values or ()
            ],
            dtype=int,
        )

    def state_of_number(self, number: float) -> int:
        """The state of a number: how many cuts lie below it."""
        return sum(number > cut if above else number >= cut for cut, above in self.cuts or ())

    def _representatives(self) -> np.ndarray:
        """A number within each state but the last."""
        places = [cut for cut, _ in self.cuts or ()]
        if not places:
            return np.zeros(1)
        between = [
            low if low == high else low / 2 + high / 2 for low, high in zip(places, places[1:], strict=False)
        ]
        return np.array([-np.inf, *between, np.inf])


def atoms(condition: Condition, text: str) -> list[Atom]:
    """The comparisons of a condition on data.

    Raises:
        ConstraintTypeError: the condition asks for `y`.
    """
    found: list[Atom] = []
    for node in walk(condition):
        if isinstance(node, (Comparison, Membership)):
            if isinstance(node.subject, Prediction):
                raise not_affine(node.span, text)
            values = node.values if isinstance(node, Membership) else (node.value,)
            sign = "=" if isinstance(node, Membership) else node.operator
            found.extend(
                Atom(node.subject, sign, value.value, value) for value in values if isinstance(value, Literal)
            )
    return found


def make_factor(
    subject: Grouping,
    compared: Iterable[Atom],
    *,
    values: Values | None,
    is_open: bool,
    missing: str,
    text: str,
) -> Factor:
    """The factor that tells apart what the comparisons tell apart.

    Args:
        subject: the attribute, or the label.
        compared: all comparisons of it.
        values: its values in the vocabulary, if they are listed.
        is_open: a value that is not listed is no fault.
        missing: the policy of the vocabulary.
        text: the text of the constraints.

    Raises:
        ConstraintTypeError: a comparison with a value that the subject cannot have.
    """
    compared = list(compared)
    grouped = missing == "group"
    name = subject_name(subject)
    if has_words(values):
        for atom in compared:
            if atom.operator in _COMPARE:
                raise ConstraintTypeError(
                    f"{name} holds text, which has no order; compare it with '=' or 'in'",
                    text=text,
                    span=atom.node.span,
                )
            if not isinstance(atom.value, str):
                near = near_names(f"{atom.value:g}", values or ())
                raise ConstraintTypeError(
                    f"{name} holds text, and {atom.value:g} is a number{near}", text=text, span=atom.node.span
                )
            if atom.value not in (values or ()) and not is_open:
                if grouped and atom.value == MISSING_GROUP:
                    continue
                raise ConstraintTypeError(
                    f"{name} has no value {quoted(atom.value)}{near_names(atom.value, values or ())}",
                    text=text,
                    span=atom.node.span,
                )
        return Factor(subject, values, None, other=is_open)
    return _number_factor(subject, compared, values, is_open, grouped, text)


def _number_factor(
    subject: Grouping, compared: list[Atom], values: Values | None, is_open: bool, grouped: bool, text: str
) -> Factor:
    name = subject_name(subject)
    numbers = [value for value in values or () if not isinstance(value, str)]
    binary = isinstance(subject, Label) and set(numbers) <= {0.0, 1.0}
    cuts: set[Cut] = set()
    listed = bool(numbers) and all(atom.operator not in _COMPARE for atom in compared)
    for atom in compared:
        if isinstance(atom.value, str):
            if grouped and atom.value == MISSING_GROUP and atom.operator not in _COMPARE:
                continue
            shown = near_names(atom.value, [f"{value:g}" for value in numbers]) if numbers else ""
            raise ConstraintTypeError(
                f"{name} holds numbers, and {quoted(atom.value)} is text{shown}",
                text=text,
                span=atom.node.span,
            )
        known = not numbers or atom.value in numbers or (binary and atom.value in (0.0, 1.0))
        if atom.operator not in _COMPARE and not known and not is_open:
            near = near_names(f"{atom.value:g}", [f"{value:g}" for value in numbers])
            raise ConstraintTypeError(
                f"{name} has no value {atom.value:g}{near}", text=text, span=atom.node.span
            )
        cuts.update((float(atom.value), above) for above in _CUTS[atom.operator])
    return Factor(subject, values, tuple(sorted(cuts)), missing_group=grouped, listed=listed and not binary)


def is_binary_label(compared: Iterable[Atom]) -> bool:
    """Whether all comparisons of the label ask for 0 or 1, so that the label may be a probability of 1."""
    return all(atom.operator in ("=", "!=") and atom.value in (0.0, 1.0) for atom in compared)


def attribute_of(subject: Grouping) -> str | None:
    """The name of an attribute, None for the label."""
    return subject.name if isinstance(subject, Attribute) else None
