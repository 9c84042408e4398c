"""What constraints need from the samples: which columns, how finely divided, and which numbers.

    statements -> subjects (what conditions compare), quantities (what stands inside E and cov) -> tables

All of this is known before any data are seen, except the number of outputs. So samples can come in chunks and
be forgotten. `keras_fair.audit.estimates` says what the sums mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from keras_fair.constraints import ConstraintSet
from keras_fair.groups.accuracy import accuracy_place
from keras_fair.groups.dates import periods_of
from keras_fair.groups.demands import Demand, note_demands
from keras_fair.language.nodes import (
    Arithmetic,
    Attribute,
    Comparison,
    Correlation,
    Covariance,
    Dependence,
    Label,
    Mean,
    Membership,
    Node,
    Prediction,
    Span,
    Statement,
)
from keras_fair.language.tree import walk
from keras_fair.rows.values import Outputs

__all__ = [
    "Demands",
    "ScorePlan",
    "Subject",
    "TablePlan",
    "demands_of",
    "presence",
    "quantities_of",
    "subject_of",
]

Subject = tuple[str, Any]  # ("attribute", name), ("label", None), ("y", output), ("present", name or None)


@dataclass(frozen=True)
class TablePlan:
    """A table of sums: one cell for each joint state of its subjects, one sum for each quantity."""

    subjects: tuple[Subject, ...]
    quantities: tuple[Node, ...]


@dataclass(frozen=True)
class ScorePlan:
    """A table of scores: one row for each joint state of its subjects and each value.

    Args:
        subjects: what tells cells apart, the presence of what the value is made of included.
        value: the value whose distribution is kept.
        statements: the places of the statements that it serves.
    """

    subjects: tuple[Subject, ...]
    value: Node
    statements: tuple[int, ...]

    @property
    def quantities(self) -> tuple[Node, ...]:
        """As of a `TablePlan`: the value."""
        return (self.value,)


@dataclass(frozen=True)
class Demands:
    """All that constraints ask.

    Args:
        text: of the constraints.
        outputs: of the model.
        attributes: the columns, each with the place where it is first named.
        label: where the label is first named, or None.
        accuracy: where the first accuracy is written, or None. An accuracy needs labels in [0, 1].
        subjects: what conditions and quantifiers ask for.
        tables: the sums to take.
        table_of: for each statement the index of its table.
        scores: the distributions to keep.
        groups: the sets of attributes that conditions combine, each attribute alone first.
    """

    text: str
    outputs: Outputs
    attributes: dict[str, Span]
    label: Span | None
    accuracy: Span | None
    subjects: dict[Subject, Demand]
    tables: tuple[TablePlan, ...]
    table_of: tuple[int, ...]
    scores: tuple[ScorePlan, ...]
    groups: tuple[tuple[str, ...], ...]


def presence(name: str | None) -> Subject:
    """Whether a sample has a value of an attribute, or of the label, that is used in arithmetic."""
    return ("present", name)


def quantities_of(statistic: Any) -> tuple[Node, ...]:
    """What is summed for a statistic: nothing for a share; the value of a mean, and that of a distribution,
    whose groups are shown by their means; `u v`, `u`, `v` for a covariance, for a correlation the squares
    before `u`."""
    if isinstance(statistic, (Mean, Dependence)):
        return (statistic.value,)
    if isinstance(statistic, (Covariance, Correlation)):
        u, v = statistic.left, statistic.right
        pairs = [(u, v)] if isinstance(statistic, Covariance) else [(u, v), (u, u), (v, v)]
        products = [Arithmetic(operator="*", left=a, right=b, span=statistic.span) for a, b in pairs]
        return (*products, u, v)
    return ()


def demands_of(constraints: ConstraintSet, outputs: Outputs) -> Demands:
    """What constraints ask of samples.

    Raises:
        ConstraintTypeError: they name an output that the model does not have.
    """
    text = constraints.text
    subjects: dict[Subject, Demand] = {}
    places: dict[str | None, Span] = {}
    needs, groups = [], dict[tuple[str, ...], None]()
    scores: dict[tuple[tuple[Subject, ...], Node], list[int]] = {}
    for index, statement in enumerate(constraints):
        for node in walk(statement):
            if isinstance(node, (Attribute, Label)):
                places.setdefault(getattr(node, "name", None), node.span)
            elif isinstance(node, Prediction):
                outputs.index(node, text)
        asked = note_demands(statement, lambda node: subject_of(node, outputs, text), subjects)
        quantities = list(
            dict.fromkeys(quantity for node in walk(statement) for quantity in quantities_of(node))
        )
        for quantity in quantities:
            for leaf in walk(quantity):
                if isinstance(leaf, (Attribute, Label)):
                    name = getattr(leaf, "name", None)
                    asked.setdefault(presence(name))
                    subjects.setdefault(presence(name), Demand(leaf.span))
        needs.append((frozenset(asked), quantities))
        for value in dict.fromkeys(node.value for node in walk(statement) if isinstance(node, Dependence)):
            scores.setdefault((tuple(sorted(asked, key=repr)), value), []).append(index)
        groups.update((names, None) for names in _groups(statement))
    for name, periods in periods_of(constraints).items():
        subjects["attribute", name].periods = periods
    tables, table_of = _tables(needs)
    attributes = {name: span for name, span in places.items() if name is not None}
    alone = [(name,) for name in attributes]
    return Demands(
        text=text,
        outputs=outputs,
        attributes=attributes,
        label=places.get(None),
        accuracy=accuracy_place(constraints),
        subjects=subjects,
        tables=tables,
        table_of=table_of,
        scores=tuple(ScorePlan(*key, tuple(places)) for key, places in scores.items()),
        groups=(*alone, *(group for group in groups if len(group) > 1)),
    )


def subject_of(node: Any, outputs: Outputs, text: str) -> Subject:
    """What a condition compares.

    Raises:
        ConstraintTypeError: an output that the model does not have.
    """
    if isinstance(node, Attribute):
        return ("attribute", node.name)
    return ("label", None) if isinstance(node, Label) else ("y", outputs.index(node, text))


def _groups(statement: Statement) -> Iterable[tuple[str, ...]]:
    """The attributes that the statistics of a statement combine."""
    for node in walk(statement):
        if hasattr(node, "condition"):
            names = {
                part.subject.name
                for part in walk(node)
                if isinstance(part, (Comparison, Membership)) and isinstance(part.subject, Attribute)
            }
            if isinstance(node, Dependence):
                names |= {attribute.name for attribute in node.attributes}
            if names:
                yield tuple(sorted(names))


def _tables(
    needs: Sequence[tuple[frozenset[Subject], list[Node]]],
) -> tuple[tuple[TablePlan, ...], tuple[int, ...]]:
    """Few tables: a statement shares a table that has all its subjects."""
    sets: list[frozenset[Subject]] = []
    for asked, _ in sorted(needs, key=lambda need: -len(need[0])):
        if not any(asked <= subjects for subjects in sets):
            sets.append(asked)
    table_of = tuple(
        next(place for place, subjects in enumerate(sets) if asked <= subjects) for asked, _ in needs
    )
    quantities: list[dict[Node, None]] = [{} for _ in sets]
    for (_, wanted), place in zip(needs, table_of, strict=True):
        quantities[place].update(dict.fromkeys(wanted))
    tables = tuple(
        TablePlan(tuple(sorted(subjects, key=repr)), tuple(wanted))
        for subjects, wanted in zip(sets, quantities, strict=True)
    )
    return tables, table_of
