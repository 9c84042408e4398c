"""Rows of constraints over given data, in one call."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_fair.constraints import ConstraintSet
from keras_fair.groups.coding import Entry
from keras_fair.groups.enumeration import Combination, Grouping, column_name
from keras_fair.groups.factors import attribute_of
from keras_fair.groups.samples import needed_columns
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import concrete, is_tensor
from keras_fair.inputs.columns import Words, columns_of, is_matrix, read_column
from keras_fair.inputs.predictions import check_pairing
from keras_fair.inputs.refusals import InText
from keras_fair.language.dates import dated_columns
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.lower import first_places, lower
from keras_fair.rows.sample_doubts import alike_values, label_extent

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
    size: int | None = None,
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
        vocabulary: the values of the attributes, a `Vocabulary` or what makes one. One without values says
            what missing ones mean, and the values are those of the samples.
        domain: where predictions lie, see `lower`.
        size: how many samples there are, where no column, label or weight may show it.

    Raises:
        ConstraintTypeError: a constraint has no meaning for these samples, or can't be enforced.
        ValueError: the samples are malformed, or their rows are in different orders.
    """
    check_pairing(None, attributes, label, sample_weight)
    columns = columns_of(attributes)
    occurring = None
    if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
        vocabulary = Vocabulary(vocabulary)
    if vocabulary is None or vocabulary.is_empty:
        places = {name: span for name, span in first_places(constraints).items() if name is not None}
        needed_columns(columns, places, None, None, constraints.text)
        missing = "error" if vocabulary is None else vocabulary.missing
        at_hand = _AtHand(constraints, columns, label, missing)
        for doubt in alike_values(constraints, at_hand.vocabulary):
            warnings.warn(doubt, stacklevel=3)
        # Where entries may be missing all combinations are taken; those that nobody has make no row.
        vocabulary, occurring = at_hand.vocabulary, at_hand.occurring if missing == "error" else None
    plan = lower(
        constraints.statements, constraints.text, vocabulary, outputs, domain=domain, occurring=occurring
    )
    encoded, encoded_label = plan.encode(columns, label)
    return plan.evaluate({**columns, **encoded}, encoded_label, sample_weight, size=size)


class _AtHand:
    """The samples as their own vocabulary."""

    def __init__(self, constraints: ConstraintSet, columns: dict[str, Any], label: Any, missing: str) -> None:
        self.vocabulary = Vocabulary(missing=missing)
        self.columns, self.label = columns, label
        places, dated = first_places(constraints), dated_columns(constraints)
        for name in constraints.attributes:
            if name in columns and name not in dated:
                with InText(constraints.text, places[name]):
                    self.vocabulary.update({name: columns[name]})
        if label is not None and constraints.uses_label:
            self.vocabulary.update({}, [0, 1] if _is_soft(label) else label)

    def occurring(self, subjects: tuple[Grouping, ...]) -> set[Combination]:
        """The combinations of values of the subjects that occur; for probabilities, all values."""
        values, codes = zip(*map(self._coded, subjects), strict=True)
        coded = [code for code in codes if code is not None]
        joint = np.unique(np.stack(coded, axis=1), axis=0) if coded else np.zeros((1, 0), dtype=int)
        combinations: set[Combination] = set()
        for row in joint.tolist():
            rest = iter(row)
            chosen = [
                listed if code is None else [listed[next(rest)]]
                for listed, code in zip(values, codes, strict=True)
            ]
            combinations.update(itertools.product(*chosen))
        return combinations

    def _coded(self, subject: Grouping) -> tuple[Sequence[Entry], np.ndarray | None]:
        """Values of a subject, and the place of each sample's value among them; None for probabilities."""
        name = attribute_of(subject)
        column = self.label if name is None else self.columns[name]
        if isinstance(column, Mapping) or is_matrix(column):
            return self.vocabulary.listed(name) or (), None
        read = read_column(column, column_name(subject))
        if isinstance(read, Words):
            return read.words, read.codes
        distinct, places = np.unique(read.values, return_inverse=True)
        return read.decimals(distinct), places


def _is_soft(label: Any) -> bool:
    """Whether labels are probabilities of 1: between 0 and 1, and not all of them 0 or 1."""
    extent = label_extent(concrete(label) if is_tensor(label) else label)
    return extent.known and extent.least[0] >= 0 and extent.largest[0] <= 1 and not extent.binary[0]
