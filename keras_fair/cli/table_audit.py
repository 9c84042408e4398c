"""Auditing the samples of a table, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fair.cli.distinct_values import CHUNK
from keras_fair.cli.input_fault import InputFault
from keras_fair.cli.table_samples import TableChunk, TableSamples
from keras_fair.rows.modes import output_names

if TYPE_CHECKING:
    from keras_fair.audit import Audit
    from keras_fair.constraints import ConstraintSet
    from keras_fair.groups.vocabulary import Vocabulary

__all__ = ["audited", "tried"]

_FEW = 100  # samples that show whether constraints have a meaning


def audited(
    constraints: ConstraintSet,
    samples: TableSamples,
    *,
    chunk_size: int = CHUNK,
    **options: Any,
) -> Audit:
    """Audit samples; without a column of predictions all of them are taken as 0.

    Args:
        constraints: parsed.
        samples: of a table.
        chunk_size: samples in memory at a time.
        options: of `Auditor`, such as `confidence`.

    Raises:
        InputFault: the samples give the constraints no meaning.
    """
    from keras_fair.audit import Auditor
    from keras_fair.groups.vocabulary import Vocabulary

    with _faults_of(samples):
        auditor = Auditor(
            constraints,
            vocabulary=Vocabulary(missing=samples.missing),
            outputs=_outputs(constraints, samples),
            **options,
        )
        left = samples.size
        for part in samples.parts(chunk_size):
            y = _predictions(constraints, part, min(chunk_size, left))
            left -= len(y)
            auditor.update(y, part.attributes, part.label, part.weight)
        audit = auditor.result()
    audit = replace(audit, notes=(*samples.joined(), *audit.notes))
    if samples.missing != "group":
        return audit
    compared = _compared(constraints)  # samples without a value of these are a group, and so in the table
    return replace(audit, missing={name: n for name, n in audit.missing.items() if name not in compared})


def tried(constraints: ConstraintSet, samples: TableSamples, vocabulary: Vocabulary) -> tuple[str, ...]:
    """See that samples give constraints a meaning, by measuring a few of them.

    Args:
        constraints: parsed.
        samples: of a table.
        vocabulary: the values that occur in all of it.

    Returns:
        What is odd about all the samples; see `keras_fair.audit.notes`.

    Raises:
        InputFault: they don't, or a prediction or a weight is missing or out of range.
    """
    from keras_fair.audit import audit
    from keras_fair.audit.notes import notes_on
    from keras_fair.inputs.columns import Numbers, read_column
    from keras_fair.inputs.extent import Extent
    from keras_fair.rows.values import Outputs

    outputs = Outputs.of(samples.predictions or output_names(constraints))
    predictions, labels = Extent.empty(outputs.count), Extent.empty(1)
    for place, part in enumerate(samples.parts()):
        if part.y is not None:
            predictions = predictions.joined(Extent.of(part.y))
        label = None if part.label is None else read_column(part.label, "the label")
        if isinstance(label, Numbers):
            labels = labels.joined(Extent.of(label.values))
        if place:
            continue  # the parts look at every sample themselves
        few = min(_FEW, samples.size)
        with _faults_of(samples):
            audit(
                constraints,
                _predictions(constraints, part, few)[:few],
                {name: np.asarray(column)[:few] for name, column in part.attributes.items()},
                None if part.label is None else np.asarray(part.label)[:few],
                vocabulary=vocabulary,
                outputs=_outputs(constraints, samples),
            )
    return (*samples.joined(), *notes_on(constraints, vocabulary, outputs, predictions, labels))


def _compared(constraints: ConstraintSet) -> set[str]:
    """The attributes that tell groups."""
    from keras_fair.constraints import nodes_of
    from keras_fair.language.nodes import Attribute, Comparison, Membership

    compared = (node for node in nodes_of(constraints) if isinstance(node, (Comparison, Membership)))
    subjects = (node.subject for node in compared)
    return {subject.name for subject in subjects if isinstance(subject, Attribute)}


def _outputs(constraints: ConstraintSet, samples: TableSamples) -> Sequence[str] | None:
    """The names of the outputs."""
    named = samples.predictions or output_names(constraints)
    return None if isinstance(named, int) else named


def _predictions(constraints: ConstraintSet, part: TableChunk, size: int) -> np.ndarray:
    if part.y is not None:
        return part.y
    named = output_names(constraints)
    return np.zeros((size, named if isinstance(named, int) else len(named)))


@contextmanager
def _faults_of(samples: TableSamples) -> Iterator[None]:
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is told below, or is no number
            yield
    except (ArithmeticError, np.linalg.LinAlgError) as fault:
        raise InputFault(
            f"{samples.name}: expected numbers that can be squared and multiplied in float64, in the columns "
            f"and in the constraints, received some that are too large: {fault}"
        ) from fault
    except ValueError as fault:
        raise InputFault(f"{samples.name}: {fault}") from fault
