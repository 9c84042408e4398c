"""What is odd about samples, in words: groups that a reader takes for one, predictions on a large scale.

Nothing is refused for it. `Audit.notes` holds these sentences, and every report shows them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from keras_fair.audit.expressions import affine_form, gap_form
from keras_fair.constraints import ConstraintSet
from keras_fair.errors import alike, quoted
from keras_fair.groups.coding import Values
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.language.nodes import Attribute, Mean, Prediction
from keras_fair.language.tree import walk
from keras_fair.rows.values import Outputs

__all__ = ["largest_of", "notes_on"]

_MOST_NAMED = 3  # sets of values that are alike, and bounds
_ROUNDING = 1e-6  # by which the largest of predictions in [0, 1] may lie above 1


def notes_on(
    constraints: ConstraintSet, vocabulary: Vocabulary, outputs: Outputs, largest: Sequence[float]
) -> tuple[str, ...]:
    """What is to be pointed out about samples.

    Args:
        constraints: parsed.
        vocabulary: the values of the attributes that the constraints name, and of the label.
        outputs: of the model.
        largest: the largest prediction of each output; minus infinity where there is none.

    Returns:
        Sentences, one a note; none where nothing is odd.
    """
    notes = [
        _alike_note(name, values)
        for name, values in vocabulary.values.items()
        if name in constraints.attributes
    ]
    if constraints.uses_label:
        notes.append(_alike_note("the label", vocabulary.label))
    notes.append(_scale_note(constraints, outputs, largest))
    return tuple(note for note in notes if note)


def _alike_note(name: str, values: Values | None) -> str:
    sets = alike(value for value in values or () if isinstance(value, str))
    if not sets:
        return ""
    listed = "; ".join(" and ".join(map(quoted, each)) for each in sets[:_MOST_NAMED])
    more = f"; and {len(sets) - _MOST_NAMED} more" if len(sets) > _MOST_NAMED else ""
    return (
        f"Values of {name} that look alike are different groups: {listed}{more}. If they mean the same, make "
        "them one first (keras-fair: --normalize)."
    )


def _scale_note(constraints: ConstraintSet, outputs: Outputs, largest: Sequence[float]) -> str:
    """A note on predictions above 1 of whose mean a bound below 1 is asked."""
    found: dict[int, dict[float, None]] = {}
    for statement in constraints:
        form = gap_form(statement.relation)
        of = {
            outputs.index(node, constraints.text)
            for mean in walk(form.gap)
            if isinstance(mean, Mean)
            for node in _predictions(mean)
        }
        bounds = [abs(bound) for bound in (_number(form.lower), _number(form.upper)) if 0 < abs(bound) < 1]
        for output in of:
            if bounds and largest[output] > 1 + _ROUNDING:
                found.setdefault(output, {}).update(dict.fromkeys(bounds))
    if not found:
        return ""
    output, bounds_of = max(found.items(), key=lambda pair: largest[pair[0]])
    several = outputs.count > 1
    name = f"y[{outputs.names[output] if outputs.names else output}]" if several else "y"
    listed = ", ".join(f"{bound:.6g}" for bound in list(bounds_of)[:_MOST_NAMED])
    return (
        f"Predictions {name} reach {largest[output]:.6g}, and bounds on their means are below 1 ({listed}). "
        "If these were meant for predictions from 0 to 1, bring the predictions to that range first."
    )


def _predictions(mean: Mean) -> Iterator[Prediction]:
    """The predictions that a mean is taken of, where it has their scale: no attribute is beside them."""
    nodes = list(walk(mean.value))
    if not any(isinstance(node, Attribute) for node in nodes):
        yield from (node for node in nodes if isinstance(node, Prediction))


def _number(bound: object) -> float:
    """A bound that is a plain number; NaN for others."""
    form = affine_form(bound)
    return form[1] if form is not None and not form[0] else math.nan


def largest_of(y: np.ndarray) -> np.ndarray:
    """The largest prediction of each output, `(outputs,)`, of `(n,)` or `(n, outputs)` with n >= 0."""
    return np.max(y[:, None] if y.ndim == 1 else y, axis=0, initial=-np.inf)
