"""What `for ... in` and `*` enumerate: the values of an attribute or of the label, and which combinations
occur.

The values come from a `Vocabulary`. This module refuses to enumerate values that are not known, and points at
the place in the text.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from keras_fair.errors import ConstraintTypeError, Reason, near_names, quoted
from keras_fair.groups.coding import Entry
from keras_fair.groups.vocabulary import MOST_NUMBERS, Vocabulary
from keras_fair.language.nodes import (
    Attribute,
    Label,
    Prediction,
    Span,
    Subject,
    ValueSet,
)

__all__ = ["MOST_GROUPS", "Combination", "Domains", "Grouping", "column_name", "subject_name"]

MOST_GROUPS = 100_000  # ground relations of one statement, or groups of one star

Grouping = Attribute | Label
Combination = tuple[Entry, ...]


@dataclass(frozen=True)
class Domains:
    """The values that quantifiers and stars run over.

    Args:
        vocabulary: the values by attribute; None where no vocabulary was given.
        text: the text of the constraints, for the caret.
        occurring: which combinations of values occur among given subjects; None: all combinations are
            enumerated (a combination that no sample has makes rows inactive).
    """

    vocabulary: Vocabulary | None
    text: str
    occurring: Callable[[tuple[Grouping, ...]], Iterable[Combination]] | None = None

    def values(self, domain: Grouping | ValueSet) -> tuple[tuple[Entry, Span | None], ...]:
        """The values of a domain, each with the place where it is written, if it is."""
        if isinstance(domain, ValueSet):
            return tuple((literal.value, literal.span) for literal in domain.values)
        return tuple((value, None) for value in self._enumerated(domain, domain.span))

    def combinations(self, subjects: Sequence[Grouping], span: Span) -> list[Combination]:
        """Every combination of values of the subjects of stars, in the order of the vocabulary."""
        values = [self._enumerated(subject, subject.span) for subject in subjects]
        found: Iterable[Combination]
        if len(subjects) == 1 or self.occurring is None:
            found, size = itertools.product(*values), math.prod(map(len, values))
        else:
            found = _in_order(self.occurring(tuple(subjects)), values)
            size = len(found)
        if size > MOST_GROUPS:
            raise ConstraintTypeError(
                f"these make {size} groups, more than {MOST_GROUPS}; name the ones that matter",
                text=self.text,
                span=span,
                reason=Reason.TOO_MANY,
            )
        return list(found)

    def _enumerated(self, subject: Grouping, span: Span) -> tuple[Entry, ...]:
        vocabulary = Vocabulary() if self.vocabulary is None else self.vocabulary
        name, attributes = subject_name(subject), vocabulary.values
        values = vocabulary.listed(None if isinstance(subject, Label) else subject.name)
        if values is not None:
            return values
        if isinstance(subject, Label):
            message = (
                "the values of the label are not known here; "
                "adapt a Vocabulary to attributes and label, or give Vocabulary(..., label=[0, 1])"
            )
        elif subject.name in attributes:
            message = (
                f"{name} has no listed values: it holds numbers, more than {MOST_NUMBERS} different ones, "
                "or the vocabulary gives None; compare it with '<', or give its values to the Vocabulary"
            )
        elif attributes:
            message = f"no attribute named {name} in the vocabulary{near_names(subject.name, attributes)}"
        else:
            message = (
                f"the values of {name} are not known here; learn them from data first, with "
                f"adapt({{{subject_name(subject)}: ...}}) of the model or layer, or give a Vocabulary"
            )
        raise ConstraintTypeError(message, text=self.text, span=span, reason=Reason.VALUES_NOT_KNOWN)


def _in_order(occurring: Iterable[Combination], values: Sequence[tuple[Entry, ...]]) -> list[Combination]:
    """The combinations of listed values, each once, in the order of the lists."""
    places = [{value: place for place, value in enumerate(listed)} for listed in values]
    of_combination = {
        combination: tuple(place.get(value, -1) for place, value in zip(places, combination, strict=True))
        for combination in occurring
    }
    listed = [combination for combination, order in of_combination.items() if min(order) >= 0]
    return sorted(listed, key=of_combination.__getitem__)


def subject_name(subject: Subject) -> str:
    """What a message calls an attribute, the label or a prediction."""
    if isinstance(subject, Prediction):
        return "y"
    return "label" if isinstance(subject, Label) else quoted(subject.name)


def column_name(subject: Subject) -> str:
    """What a message calls the column of an attribute, of the label or of a prediction."""
    if isinstance(subject, Attribute):
        return f"attribute {quoted(subject.name)}"
    return "the label" if isinstance(subject, Label) else "predictions y"
