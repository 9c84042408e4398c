"""Samples that are well formed and probably not meant so: values that look alike, labels of other codes,
labels and predictions in each other's place.

Nothing is refused for it. Audits put the sentences into their notes; what enforces constraints warns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_fair.constraints import ConstraintSet
from keras_fair.errors import alike, quoted, some_of
from keras_fair.groups.accuracy import accuracy_place
from keras_fair.groups.coding import Values
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.extent import Extent
from keras_fair.language.functions import Ends
from keras_fair.language.nodes import Label, Literal
from keras_fair.language.tree import comparisons

__all__ = ["alike_values", "doubts_about_labels", "label_extent"]

_MOST_NAMED = 3  # sets of values that are alike, and codes


def alike_values(constraints: ConstraintSet, vocabulary: Vocabulary) -> tuple[str, ...]:
    """A sentence for each attribute, and the label, of which a reader takes several values for one.

    Args:
        constraints: parsed; other attributes are left out.
        vocabulary: the values that occur.

    Example:
        >>> import keras_fair as kf
        >>> rule = kf.parse("spread(E[y | sex=*]) <= 0.1")
        >>> (doubt,) = alike_values(rule, kf.Vocabulary({"sex": ["M", "m", "F"]}))
        >>> doubt.partition(":")[0]
        'Values of sex that look alike are different groups'
    """
    doubts = [
        _alike(name, values) for name, values in vocabulary.values.items() if name in constraints.attributes
    ]
    if constraints.uses_label:
        doubts.append(_alike("the label", vocabulary.label))
    return tuple(filter(None, doubts))


def doubts_about_labels(
    constraints: ConstraintSet, labels: Extent, domain: Ends, predictions: Extent | None = None
) -> tuple[str, ...]:
    """What to say about labels, a sentence each.

    Args:
        constraints: parsed.
        labels: between which values they lie; of labels that are text nothing is known.
        domain: between which values predictions lie.
        predictions: beside the labels, where they are there already.

    Example:
        >>> import keras_fair as kf
        >>> rule = kf.parse("equal_opportunity(sex) <= 0.1")
        >>> doubts_about_labels(rule, Extent.of(np.array([1, 2])), (0, 1))[0].partition(".")[0]
        'Labels lie between 1 and 2, and the constraints ask for label=1'
    """
    if not (constraints.uses_label and labels.known):
        return ()
    swapped = "" if predictions is None or not predictions.known else _swapped(predictions, labels)
    return tuple(filter(None, (_coded(constraints, labels, domain), swapped)))


def label_extent(label: Any) -> Extent:
    """Between which values labels lie; that of no numbers where they are text, or there are none."""
    values = None if label is None else np.asarray(label)
    if values is None or values.dtype.kind not in "fiub":
        return Extent.empty(1)
    return Extent.of(values.reshape(-1).astype("float64"))


def _alike(name: str, values: Values | None) -> str:
    sets = alike(value for value in values or () if isinstance(value, str))
    if not sets:
        return ""
    listed = some_of([" and ".join(map(quoted, each)) for each in sets], _MOST_NAMED, "; ")
    return (
        f"Values of {name} that look alike are different groups: {listed}. If they mean the same, make "
        "them one first (keras-fair: --normalize)."
    )


def _coded(constraints: ConstraintSet, labels: Extent, domain: Ends) -> str:
    """On labels outside 0 and 1 where all conditions on the label ask for one of these, or where they stand
    in arithmetic beside predictions that lie between."""
    if _in_unit(labels) or accuracy_place(constraints.statements) is not None:  # those are refused
        return ""
    asked = {
        value.value
        for statement in constraints
        for subject, _, value in comparisons(statement)
        if isinstance(subject, Label) and isinstance(value, Literal)
    }
    between = f"Labels lie between {labels.least[0]:.6g} and {labels.largest[0]:.6g}, and"
    if asked and asked <= {0, 1}:
        codes = some_of([f"{value:g}" for value in sorted(asked)], _MOST_NAMED)
        return (
            f"{between} the constraints ask for label={codes}. If another number stands for the outcome that "
            "they mean, bring the labels to 0 and 1 first."
        )
    beside = not asked and domain[0] >= 0 and domain[1] <= 1 and labels.least[0] == int(labels.least[0])
    if beside and labels.largest[0] - labels.least[0] in (1, 2):
        return f"{between} predictions between 0 and 1. If they are codes, bring the labels to 0 and 1 first."
    return ""


def _swapped(predictions: Extent, labels: Extent) -> str:
    if labels.binary[0] or not _in_unit(labels) or not predictions.binary.all():
        return ""
    return (
        "All predictions are 0 or 1, and labels lie between. If these are the scores and those the outcomes, "
        "they stand in each other's place."
    )


def _in_unit(numbers: Extent) -> bool:
    return bool(numbers.least.min() >= 0 and numbers.largest.max() <= 1)
