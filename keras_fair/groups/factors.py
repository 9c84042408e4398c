"""Factors: the states of one subject (an attribute, the label, a prediction) that conditions tell apart.

A condition asks only which state each sample is in. The states of text are its values; the states of
numbers are the intervals between the thresholds that conditions compare with:

    age < 25, age >= 60     ->     age < 25 | 25 <= age < 60 | 60 <= age | unknown | missing

The last state of every subject is for missing values, and the one before it for values outside the
vocabulary. Where a comparison holds in each state is said by `keras_fair.groups.truth`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_fair.errors import ConstraintTypeError, Reason, near_names, quoted
from keras_fair.groups.coding import MISSING_GROUP, Entry, Values, forms_of, has_words
from keras_fair.groups.dates import Periods
from keras_fair.groups.enumeration import subject_name
from keras_fair.groups.thresholds import CUTS, Cut
from keras_fair.groups.truth import ORDERED, Atom, truth_of_comparison
from keras_fair.inputs.precision import PRECISIONS, rounded
from keras_fair.language.nodes import (
    Attribute,
    Label,
    Prediction,
    Subject,
)

__all__ = [
    "Factor",
    "attribute_of",
    "is_binary_label",
    "make_factor",
    "meant_number",
    "representatives",
    "state_of_number",
]

_TRUTHS = {"True": 1.0, "true": 1.0, "False": 0.0, "false": 0.0}


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
        periods: what dates are compared with; `values` are then the periods.
    """

    subject: Subject
    values: Values | None
    cuts: tuple[Cut, ...] | None
    other: bool = False
    missing_group: bool = False
    listed: bool = False
    periods: Periods | None = None

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
        if self.periods is not None:
            missing = "group" if MISSING_GROUP in (self.values or ()) else "exclude"
            return self.periods.truth(atom.operator, str(atom.value), missing=missing)
        value = meant_number(atom.value) if self.cuts is not None else atom.value
        return truth_of_comparison(
            self.points, atom.operator, value, other=self.other, missing_group=self.missing_group
        )

    def state_of_value(self) -> np.ndarray:
        """The state of each of `values`, `(k,)` int."""
        values, last = self.values or (), self.states - 1
        if self.cuts is None:
            return np.arange(len(values))
        states = [last if isinstance(value, str) else self.state_of_number(value) for value in values]
        return np.array(states, dtype=int)

    def state_of_number(self, number: float) -> int:
        """The state of a number."""
        return state_of_number(self.cuts or (), number)


def state_of_number(cuts: Iterable[Cut], number: float) -> int:
    """The state of a number: how many cuts lie below it."""
    return sum(number > cut if above else number >= cut for cut, above in cuts)


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


def make_factor(
    subject: Subject,
    compared: Iterable[Atom],
    *,
    values: Values | None,
    is_open: bool,
    missing: str,
    text: str,
    periods: Periods | None = None,
) -> Factor:
    """The factor whose states the comparisons tell apart.

    Args:
        subject: the attribute, or the label.
        compared: all comparisons of it.
        values: its values in the vocabulary, if they are listed.
        is_open: a value that is not listed is not an error.
        missing: the policy of the vocabulary.
        text: the text of the constraints.
        periods: what its dates are compared with; None where they are not compared by order.

    Raises:
        ConstraintTypeError: a comparison with a value that the subject cannot have.
    """
    compared = list(compared)
    grouped = missing == "group"
    name = subject_name(subject)
    if periods is not None:
        for atom in compared:
            if atom.value == MISSING_GROUP and not grouped:
                message = f"{name} has no group of missing dates; Vocabulary(missing='group') makes one"
                raise _refused(message, text, atom, Reason.UNKNOWN_VALUE)
        return Factor(subject, periods.values(missing), None, periods=periods)
    if has_words(values):
        for atom in compared:
            if atom.operator in ORDERED:
                message = f"{name} holds text, which has no order; compare it with '=' or 'in'"
                raise _refused(message, text, atom, Reason.WRONG_KIND)
            if not isinstance(atom.value, str):
                near = near_names(f"{atom.value:g}", values or ())
                if isinstance(subject, Label):
                    near += ": encode the label as 0 and 1, or compare it with its text"
                message = f"{name} holds text, and {atom.value:g} is a number{near}"
                raise _refused(message, text, atom, Reason.WRONG_KIND)
            if set(forms_of(atom.value)).isdisjoint(values or ()) and not is_open:
                if grouped and atom.value == MISSING_GROUP:
                    continue
                message = f"{name} has no value {quoted(atom.value)}{near_names(atom.value, values or ())}"
                raise _refused(message, text, atom, Reason.UNKNOWN_VALUE)
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
    listed = bool(numbers) and all(atom.operator not in ORDERED for atom in compared)
    for atom in compared:
        value = meant_number(atom.value) if truths else atom.value
        if isinstance(value, str):
            if grouped and value == MISSING_GROUP and atom.operator not in ORDERED:
                continue
            held = "is a number" if isinstance(subject, Prediction) else "holds numbers"
            message = f"{name} {held}, and {quoted(value)} is text{_advice(subject, value, numbers)}"
            raise _refused(message, text, atom, Reason.WRONG_KIND)
        possible = not numbers or _lists(numbers, value) or (binary and value in (0.0, 1.0))
        if atom.operator not in ORDERED and not possible and not is_open:
            near = near_names(f"{value:g}", [f"{number:g}" for number in numbers])
            raise _refused(f"{name} has no value {value:g}{near}", text, atom, Reason.UNKNOWN_VALUE)
        cuts.update((float(value), above) for above in CUTS[atom.operator])
    return Factor(subject, values, tuple(sorted(cuts)), missing_group=grouped, listed=listed and not binary)


def _refused(message: str, text: str, atom: Atom, reason: Reason) -> ConstraintTypeError:
    return ConstraintTypeError(message, text=text, span=atom.node.span, reason=reason)


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
