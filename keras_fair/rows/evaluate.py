"""Rows of constraints over given data, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_fair.constraints import ConstraintSet
from keras_fair.errors import ConstraintTypeError
from keras_fair.groups.enumeration import Combination, Grouping
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import concrete
from keras_fair.inputs.columns import columns_of
from keras_fair.inputs.predictions import check_pairing
from keras_fair.language.nodes import Attribute, Label, Span
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.lower import lower

__all__ = ["rows_of"]


def rows_of(
    constraints: ConstraintSet,
    attributes: Any,
    label: Any = None,
    *,
    outputs: int | Sequence[str] = 1,
    sample_weight: Any = None,
    vocabulary: Vocabulary | Mapping[str, Any] | None = None,
    domain: Any = (0.0, 1.0),
) -> LinearRows:
    """The rows of constraints over given samples.

    Without a vocabulary the values are those of the samples: a value that does not occur in them is an error,
    several stars in one statistic run over the combinations that occur, and missing entries are an error.

    Args:
        constraints: a parsed set.
        attributes: a dict of columns or a DataFrame.
        label: `(n,)`.
        outputs: the number of outputs of the model, or their names.
        sample_weight: `(n,)`.
        vocabulary: the values of the attributes, a `Vocabulary` or what makes one.
        domain: where predictions lie, see `lower`.

    Raises:
        ConstraintTypeError: a constraint has no meaning for these samples, or can't be enforced.
        ValueError: the samples are malformed, or their rows are in different orders.
    """
    check_pairing(None, attributes, label, sample_weight)
    columns = columns_of(attributes)
    occurring = None
    if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
        vocabulary = Vocabulary(vocabulary)
    if vocabulary is None:
        at_hand = _AtHand(constraints, columns, label)
        vocabulary, occurring = at_hand.vocabulary, at_hand.occurring
    plan = lower(
        constraints.statements, constraints.text, vocabulary, outputs, domain=domain, occurring=occurring
    )
    encoded, encoded_label = plan.encode(columns, label)
    return plan.evaluate({**columns, **encoded}, encoded_label, sample_weight)


class _AtHand:
    """The samples as their own vocabulary."""

    def __init__(self, constraints: ConstraintSet, columns: dict[str, Any], label: Any) -> None:
        self.vocabulary = Vocabulary()
        self.columns, self.label = columns, label
        for name in constraints.attributes:
            span = _first_place(constraints, name)
            if name in columns:
                try:
                    self.vocabulary.update({name: columns[name]})
                except ValueError as fault:
                    raise ConstraintTypeError(str(fault), text=constraints.text, span=span) from None
        if label is not None and constraints.uses_label:
            self.vocabulary.update({}, label)

    def occurring(self, subjects: tuple[Grouping, ...]) -> set[Combination]:
        """The combinations of values of the subjects that occur; for probabilities, all values."""
        values, codes = [], []
        for subject in subjects:
            listed = (
                self.vocabulary.label if isinstance(subject, Label) else self.vocabulary.values[subject.name]
            )
            listed = listed or ()
            values.append(listed)
            codes.append(self._codes(subject, listed))
        coded = [code for code in codes if code is not None]
        joint = np.unique(np.stack(coded, axis=1), axis=0) if coded else np.zeros((1, 0), dtype=int)
        combinations: set[Combination] = set()
        for row in joint.tolist():
            partial: list[Combination] = [()]
            rest = iter(row)
            for listed, code in zip(values, codes, strict=True):
                chosen = (
                    listed
                    if code is None
                    else [listed[place] for place in [next(rest)] if place < len(listed)]
                )
                partial = [(*head, value) for head in partial for value in chosen]
            combinations.update(partial)
        return combinations

    def _codes(self, subject: Grouping, listed: Sequence[Any]) -> np.ndarray | None:
        """The place of each sample's value among those listed, or None where there are probabilities."""
        if isinstance(subject, Label):
            encoded = self.vocabulary.encode_label(self.label)
        else:
            encoded = self.vocabulary.encode(self.columns, [subject.name])[subject.name]
        entries = concrete(encoded)
        if entries is None or entries.ndim == 2:
            return None
        if entries.dtype.kind in "iu":
            return np.minimum(entries, len(listed))
        numbers = np.array([value for value in listed if not isinstance(value, str)])
        places = np.clip(np.searchsorted(numbers, entries), 0, max(len(numbers) - 1, 0))
        return (
            np.where(numbers[places] == entries, places, len(listed))
            if len(numbers)
            else np.zeros(len(entries), dtype=int)
        )


def _first_place(constraints: ConstraintSet, name: str) -> Span | None:
    from keras_fair.language.tree import walk

    for statement in constraints.statements:
        for node in walk(statement):
            if isinstance(node, Attribute) and node.name == name:
                return node.span
    return None
