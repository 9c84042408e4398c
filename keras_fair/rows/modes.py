"""Which ways of enforcing and measuring take a constraint, and its rows, before any data are there."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

from keras_fair.constraints import ConstraintSet, nodes_of
from keras_fair.errors import MODES, ConstraintTypeError
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.language.functions import Ends
from keras_fair.language.nodes import (
    Attribute,
    Binder,
    Comparison,
    Node,
    Prediction,
    Star,
)
from keras_fair.rows.doubts import doubts_about
from keras_fair.rows.formulas import row_formulas

__all__ = ["Use", "check_enforceable", "output_names", "stand_ins", "use_of"]


class Use(NamedTuple):
    """What can be done with a statement.

    Attributes:
        modes: which take it.
        refusal: why the others don't, or None.
        rows: as formulas; none where no rows can hold it.
    """

    modes: tuple[str, ...]
    refusal: ConstraintTypeError | None
    rows: tuple[str, ...]


def check_enforceable(constraints: ConstraintSet, domain: Ends, stacklevel: int) -> None:
    """Refuse constraints that no rows can hold, and warn of those that are probably not meant so, before any
    data are there.

    Args:
        constraints: parsed.
        domain: between which values predictions lie.
        stacklevel: of the warning, as seen from the caller.

    Raises:
        ConstraintTypeError: a statement can be audited only.
    """
    vocabulary, _ = stand_ins(constraints)
    for place in range(len(constraints.statements)):
        try:
            refusal = use_of(constraints, place, vocabulary, domain).refusal
        except ConstraintTypeError:
            continue  # the stand-ins may be at fault: the data will tell
        if refusal is not None:
            raise refusal
    for doubt in doubts_about(constraints.statements, domain):
        warnings.warn(doubt, stacklevel=stacklevel + 1)


def use_of(
    constraints: ConstraintSet, place: int, vocabulary: Vocabulary, domain: tuple[float, float] | None
) -> Use:
    """What can be done with one statement.

    Args:
        constraints: the set it is in.
        place: its index.
        vocabulary: the values of the attributes, or stand-ins for them.
        domain: where predictions lie; None: that of the modes, from 0 to 1.

    Raises:
        ConstraintTypeError: no mode takes it: an attribute has no such value, for one.
    """
    try:
        relations = row_formulas(
            [constraints.statements[place]],
            constraints.text,
            vocabulary,
            output_names(constraints),
            domain=domain or (0.0, 1.0),
        )
    except ConstraintTypeError as refusal:
        if not refusal.modes:
            raise
        return Use(refusal.modes, refusal, ())
    return Use(MODES, None, tuple(row for relation in relations for row in relation.rows))


def output_names(constraints: ConstraintSet) -> Any:
    """As many outputs, or such names, as the constraints speak of."""
    outputs = [node.output for node in nodes_of(constraints) if isinstance(node, Prediction)]
    names = sorted({output for output in outputs if isinstance(output, str)})
    if names:
        return names
    return 1 + max((output for output in outputs if isinstance(output, int)), default=0)


def stand_ins(constraints: ConstraintSet) -> tuple[Vocabulary, list[str]]:
    """Without data: values for stars and quantifiers to run over (`race_1`, `race_2`), and for which
    attributes."""
    counts: dict[str, int] = {}
    for node in nodes_of(constraints):
        subject: Node | None = None
        count = 2
        if isinstance(node, Comparison) and isinstance(node.value, Star):
            subject = node.subject
        elif isinstance(node, Binder):
            subject, count = node.domain, max(2, len(node.variables))
        if isinstance(subject, Attribute):
            counts[subject.name] = max(count, counts.get(subject.name, 0))
    values = {name: [f"{name}_{place + 1}" for place in range(count)] for name, count in counts.items()}
    return Vocabulary(values, label=[0, 1]), sorted(values)
