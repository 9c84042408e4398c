"""Factors: the states of one subject (an attribute, the label, a prediction) that conditions tell apart.

A condition asks only which state each sample is in. The states of text are its values; the states of
numbers are the intervals between the thresholds that conditions compare with:

    age < 25, age >= 60     ->     age < 25 | 25 <= age < 60 | 60 <= age | unknown | missing

The last state of every subject is for missing values, and the one before it for values outside the
vocabulary. Truth has three values (Kleene's logic): 0 false, 1/2 not known, 1 true. So a sample with a
missing or unknown value belongs to no group of that subject, negated or not. A condition selects a sample
where it is true.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_fair.errors import ConstraintTypeError, Reason, near_names, quoted
from keras_fair.groups.coding import MISSING_GROUP, Entry, Values, has_words
from keras_fair.groups.enumeration import subject_name
from keras_fair.groups.thresholds import Cut
from keras_fair.inputs.precision import PRECISIONS, rounded
from keras_fair.language.nodes import (
    Attribute,
    Comparison,
    Condition,
    Label,
    Literal,
    Membership,
    Node,
    Prediction,
    Subject,
)
from keras_fair.language.tree import walk

__all__ = [
    "CUTS",
    "NOT_KNOWN",
    "Atom",
    "Factor",
    "atoms",
    "attribute_of",
    "compared_in",
    "is_binary_label",
    "make_factor",
    "meant_number",
    "representatives",
    "truth_of_comparison",
]

NOT_KNOWN = 0.5

CUTS = {"<": (0,), ">=": (0,), "<=": (1,), ">": (1,), "=": (0, 1), "!=": (0, 1)}
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_TRUTHS = {"True": 1.0, "true": 1.0, "False": 0.0, "false": 0.0}


@dataclass(frozen=True)
class Atom:
    """One comparison with a value."""

    subject: Subject
    operator: str
    value: Entry
    node: Node


@dataclass(frozen=True)
class Factor:
    """The states of one subject.

    Args:
        subject: the attribute, the label or the prediction.
        values: the values, in the order of codes and of columns of probabilities; None where there are none.
        cuts: the sorted thresholds between the states of numbers; None for text.
        other: whether a text that is not listed is an ordinary value, different from those listed.
        missing_group: whether missing numbers are a group of their own.
        listed: whether a number must be one of `values` to be known (it is only compared for equality).
    """

    subject: Subject
    values: Values | None
    cuts: tuple[Cut, ...] | None
    other: bool = False
    missing_group: bool = False
    listed: bool = False

    @property
    def states(self) -> int:
        """Number of states; the last is missing, the one before it outside the vocabulary."""
        return 2 + (len(self.values or ()) if self.cuts is None else len(self.cuts) + 1)

    @property
    def points(self) -> tuple[Entry, ...]:
        """A value of each state but the last two."""
        return (self.values or ()) if self.cuts is None else representatives(self.cuts)

    def truth(self, atom: Atom) -> np.ndarray:
        """Where a comparison holds, `(states,)` in {0, 1/2, 1}."""
        value = meant_number(atom.value) if self.cuts is not None else atom.value
        return truth_of_comparison(
            self.points, atom.operator, value, other=self.other, missing_group=self.missing_group
        )

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
    if sign in _COMPARE:
        truth[:-2] = [float(_COMPARE[sign](point, value)) for point in points]
    else:
        truth[:-2] = [float((point == value) != negated) for point in points]
    return truth


def representatives(cuts: Sequence[Cut]) -> tuple[float, ...]:
    """A number within each interval between thresholds."""
    places = [cut for cut, _ in cuts]
    if not places:
        return (0.0,)
    between = [
        low if low == high else low / 2 + high / 2 for low, high in zip(places, places[1:], strict=False)
    ]
    return (-np.inf, *between, np.inf)


def meant_number(value: Entry) -> Entry:
    """The number that a written value of a column of numbers means: 1 for `True`, 0 for `False`."""
    return _TRUTHS.get(value, value) if isinstance(value, str) else value


def atoms(condition: Condition | None) -> list[Atom]:
    """The comparisons of a condition, each with one value; variables and stars are skipped."""
    compared: list[Atom] = []
    for node in walk(condition) if condition is not None else ():
        if isinstance(node, (Comparison, Membership)):
            values = node.values if isinstance(node, Membership) else (node.value,)
            sign = "=" if isinstance(node, Membership) else node.operator
            compared += [
                Atom(node.subject, sign, value.value, value) for value in values if isinstance(value, Literal)
            ]
    return compared


def compared_in(conditions: Iterable[Condition | None]) -> dict[Subject, list[Atom]]:
    """All comparisons of some conditions, by what is compared; each once."""
    compared: dict[Subject, dict[Atom, None]] = {}
    for condition in dict.fromkeys(conditions):
        for atom in atoms(condition):
            compared.setdefault(atom.subject, {})[atom] = None
    return {subject: list(of_subject) for subject, of_subject in compared.items()}


def make_factor(
    subject: Subject,
    compared: Iterable[Atom],
    *,
    values: Values | None,
    is_open: bool,
    missing: str,
    text: str,
) -> Factor:
    """The factor whose states the comparisons tell apart.

    Args:
        subject: the attribute, or the label.
        compared: all comparisons of it.
        values: its values in the vocabulary, if they are listed.
        is_open: a value that is not listed is not an error.
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
                    reason=Reason.WRONG_KIND,
                )
            if not isinstance(atom.value, str):
                near = near_names(f"{atom.value:g}", values or ())
                if isinstance(subject, Label):
                    near += ": encode the label as 0 and 1, or compare it with its text"
                raise ConstraintTypeError(
                    f"{name} holds text, and {atom.value:g} is a number{near}",
                    text=text,
                    span=atom.node.span,
                    reason=Reason.WRONG_KIND,
                )
            if atom.value not in (values or ()) and not is_open:
                if grouped and atom.value == MISSING_GROUP:
                    continue
                raise ConstraintTypeError(
                    f"{name} has no value {quoted(atom.value)}{near_names(atom.value, values or ())}",
                    text=text,
                    span=atom.node.span,
                    reason=Reason.UNKNOWN_VALUE,
                )
        return Factor(subject, values, None, other=is_open)
    return _number_factor(subject, compared, values, is_open, grouped, text)


def _number_factor(
    subject: Subject, compared: list[Atom], values: Values | None, is_open: bool, grouped: bool, text: str
) -> Factor:
    name = subject_name(subject)
    numbers = [value for value in values or () if not isinstance(value, str)]
    truths = set(numbers) <= {0.0, 1.0}
    binary = isinstance(subject, Label) and truths
    cuts: set[Cut] = set()
    listed = bool(numbers) and all(atom.operator not in _COMPARE for atom in compared)
    for atom in compared:
        value = meant_number(atom.value) if truths else atom.value
        if isinstance(value, str):
            if grouped and value == MISSING_GROUP and atom.operator not in _COMPARE:
                continue
            raise ConstraintTypeError(
                f"{name} {'is a number' if isinstance(subject, Prediction) else 'holds numbers'}, and "
                f"{quoted(value)} is text{_advice(subject, value, numbers)}",
                text=text,
                span=atom.node.span,
                reason=Reason.WRONG_KIND,
            )
        possible = not numbers or _lists(numbers, value) or (binary and value in (0.0, 1.0))
        if atom.operator not in _COMPARE and not possible and not is_open:
            near = near_names(f"{value:g}", [f"{number:g}" for number in numbers])
            raise ConstraintTypeError(
                f"{name} has no value {value:g}{near}",
                text=text,
                span=atom.node.span,
                reason=Reason.UNKNOWN_VALUE,
            )
        cuts.update((float(value), above) for above in CUTS[atom.operator])
    return Factor(subject, values, tuple(sorted(cuts)), missing_group=grouped, listed=listed and not binary)


def _lists(numbers: Sequence[float], value: float) -> bool:
    """Whether a number is listed, also after rounding to a precision that the list was learnt in."""
    return any(rounded(value, precision) in numbers for precision in PRECISIONS)


def _advice(subject: Subject, value: str, numbers: Sequence[float]) -> str:
    """The end of a message about text that is compared with numbers."""
    try:
        number = float(value)
    except ValueError:
        number = None
    if number is not None and (not numbers or number in numbers):
        return f"; write {number:g}, without quotes"
    if isinstance(subject, Label):
        return "; encode the label as numbers, or compare it with the numbers that it holds"
    return near_names(value, [f"{number:g}" for number in numbers]) if numbers else ""


def is_binary_label(compared: Iterable[Atom]) -> bool:
    """Whether all comparisons of the label ask for 0 or 1, so that the label may be a probability of 1."""
    return all(atom.operator in ("=", "!=") and meant_number(atom.value) in (0.0, 1.0) for atom in compared)


def attribute_of(subject: Subject) -> str | None:
    """The name of an attribute, None for the label."""
    return subject.name if isinstance(subject, Attribute) else None
