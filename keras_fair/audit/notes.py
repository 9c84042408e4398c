"""What is odd about samples, in words: groups that a reader takes for one, predictions on a large scale,
labels of other codes, statements that say nothing about the predictions or are not meant so.

Nothing is refused for it. `Audit.notes` holds these sentences, and every report shows them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from keras_fair.audit.expressions import affine_form, gap_form
from keras_fair.constraints import ConstraintSet, statement_names
from keras_fair.errors import quoted, some_of
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.extent import Extent
from keras_fair.language import on_prediction
from keras_fair.language.functions import Ends
from keras_fair.language.nodes import Attribute, Literal, Mean, Node, Prediction, Share
from keras_fair.language.tree import comparisons, walk
from keras_fair.rows.doubts import doubts_about
from keras_fair.rows.sample_doubts import alike_values, doubts_about_labels
from keras_fair.rows.values import Outputs

__all__ = ["notes_on"]

_MOST_NAMED = 3  # bounds, and statements
_ROUNDING = 1e-6  # by which the largest of predictions in [0, 1] may lie above 1


def notes_on(
    constraints: ConstraintSet, vocabulary: Vocabulary, outputs: Outputs, predictions: Extent, labels: Extent
) -> tuple[str, ...]:
    """What is to be pointed out about samples.

    Args:
        constraints: parsed.
        vocabulary: the values of the attributes that the constraints name, and of the label.
        outputs: of the model.
        predictions: between which values those of each output lie.
        labels: between which values labels that are numbers lie.

    Returns:
        Sentences, one a note; none where nothing is odd.
    """
    domain = _domain_of(predictions)
    notes = [
        *alike_values(constraints, vocabulary),
        _scale_note(constraints, outputs, predictions),
        _threshold_note(constraints, outputs, predictions),
        *doubts_about(constraints.statements, domain),
        _column_note(constraints),
        *doubts_about_labels(constraints, labels, domain, predictions),
    ]
    return tuple(note for note in notes if note)


def _scale_note(constraints: ConstraintSet, outputs: Outputs, predictions: Extent) -> str:
    """A note on predictions above 1 of whose mean a bound below 1 is asked."""
    largest = predictions.largest.tolist()
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
    listed = ", ".join(f"{bound:.6g}" for bound in list(bounds_of)[:_MOST_NAMED])
    name, reach = _name(outputs, output), f"{largest[output]:.6g}"
    return (
        f"Predictions {name} reach {reach}, and bounds on their means are below 1 ({listed}). If these were "
        "meant for predictions from 0 to 1, bring the predictions to that range first."
    )


def _threshold_note(constraints: ConstraintSet, outputs: Outputs, predictions: Extent) -> str:
    """A note on predictions beyond 0 and 1 that are compared with a number between."""
    compared: dict[int, dict[float, None]] = {}
    for statement in constraints:
        for subject, _, value in comparisons(statement):
            if not isinstance(subject, Prediction) or not isinstance(value, Literal):
                continue
            if not isinstance(value.value, str) and 0 < value.value < 1:
                place = outputs.index(subject, constraints.text)
                compared.setdefault(place, {})[float(value.value)] = None
    least, largest = predictions.least.tolist(), predictions.largest.tolist()
    beyond = [at for at in compared if least[at] < -_ROUNDING or largest[at] > 1 + _ROUNDING]
    if not beyond:
        return ""
    output = max(beyond, key=lambda at: largest[at] - least[at])
    listed = ", ".join(f"{number:.6g}" for number in list(compared[output])[:_MOST_NAMED])
    name, ends = _name(outputs, output), f"{least[output]:.6g} to {largest[output]:.6g}"
    return (
        f"Predictions {name} reach from {ends}, and are compared with {listed}. If that was meant for "
        "predictions from 0 to 1, bring them to that range first (keras-fair: --domain 0 1 refuses others)."
    )


def _name(outputs: Outputs, output: int) -> str:
    """What messages call an output."""
    if outputs.count == 1:
        return "y"
    return f"y[{outputs.names[output] if outputs.names else output}]"


def _domain_of(predictions: Extent) -> Ends:
    """Between which values predictions probably can lie: from 0 to 1, or as far as these reach."""
    if not predictions.known:
        return -math.inf, math.inf
    return min(0.0, float(predictions.least.min())), max(1.0, float(predictions.largest.max()))


def _column_note(constraints: ConstraintSet) -> str:
    """A note on statements about a column where others speak of y: the column may be the prediction."""
    names = [
        quoted(name)
        for name, statement in zip(statement_names(constraints.statements), constraints, strict=True)
        if not on_prediction(statement) and any(map(_of_column, walk(statement)))
    ]
    if not names:
        return ""
    it, its = ("it", "its") if len(names) == 1 else ("they", "their")
    verb = "does" if len(names) == 1 else "do"
    return (
        f"{some_of(names, _MOST_NAMED)} {verb} not name y, so the predictions do not matter: {it} "
        f"{'is' if len(names) == 1 else 'are'} about {its} columns alone. If a column holds the predictions, "
        "write y in its place, and give it as the predictions."
    )


def _of_column(node: Node) -> bool:
    """Whether a statistic is of an attribute: of its mean, or of an event about it. A column called loss
    holds what predictions were worth, not predictions."""
    if isinstance(node, Share):
        parts = walk(node.event)
    elif isinstance(node, Mean):
        parts = walk(node.value)
    else:
        return False
    return any(isinstance(part, Attribute) and part.name != "loss" for part in parts)


def _predictions(mean: Mean) -> Iterator[Prediction]:
    """The predictions that a mean is taken of, where it has their scale: no attribute is beside them."""
    nodes = list(walk(mean.value))
    if not any(isinstance(node, Attribute) for node in nodes):
        yield from (node for node in nodes if isinstance(node, Prediction))


def _number(bound: object) -> float:
    """A bound that is a plain number; NaN for others."""
    form = affine_form(bound)
    return form[1] if form is not None and not form[0] else math.nan
