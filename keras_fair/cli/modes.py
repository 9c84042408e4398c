"""Which ways of enforcing and measuring take a constraint, and its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from keras_fair.errors import MODES, ConstraintTypeError

if TYPE_CHECKING:
    from keras_fair.constraints import ConstraintSet
    from keras_fair.groups.vocabulary import Vocabulary
    from keras_fair.language.nodes import Node

__all__ = ["Use", "output_names", "stand_ins", "use_of"]


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
    from keras_fair.rows.formulas import row_formulas

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
    from keras_fair.constraints import nodes_of
    from keras_fair.language.nodes import Prediction

    outputs = [node.output for node in nodes_of(constraints) if isinstance(node, Prediction)]
    names = sorted({output for output in outputs if isinstance(output, str)})
    if names:
        return names
    return 1 + max((output for output in outputs if isinstance(output, int)), default=0)


def stand_ins(constraints: ConstraintSet) -> tuple[Vocabulary, list[str]]:
    """Without data: values for stars and quantifiers to run over (`race_1`, `race_2`), and for which
    attributes."""
    from keras_fair.constraints import nodes_of
    from keras_fair.groups.vocabulary import Vocabulary
    from keras_fair.language.nodes import Attribute, Binder, Comparison, Star

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
