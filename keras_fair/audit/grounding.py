"""What constraints mean for given data: which combinations of values occur, and whether what they compare has
a meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from keras_fair.audit.sum_tables import Table
from keras_fair.audit.table_plans import Subject
from keras_fair.constraints import ConstraintSet
from keras_fair.errors import ConstraintTypeError, Reason
from keras_fair.groups.coding import MISSING, MISSING_GROUP, Entry, has_words
from keras_fair.groups.dates import periods_of
from keras_fair.groups.demands import compared_by
from keras_fair.groups.enumeration import Combination, Domains, Grouping
from keras_fair.groups.factors import attribute_of, make_factor
from keras_fair.groups.growing import GrowingFactor
from keras_fair.groups.truth import Atom
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.language.nodes import (
    Attribute,
    Comparison,
    Label,
    Membership,
    Prediction,
    Statement,
)
from keras_fair.language.tree import walk

__all__ = ["check", "occurring_in"]

Occurring = Callable[[tuple[Grouping, ...]], Iterable[Combination]]


def occurring_in(tables: Sequence[Table], states: Mapping[Subject, GrowingFactor]) -> Occurring:
    """Which combinations of values some sample may have, from the cells that occur."""

    def occurring(subjects: tuple[Grouping, ...]) -> Iterable[Combination]:
        wanted = [_subject(subject) for subject in subjects]
        combinations: set[Combination] = set()
        for table in tables:
            if not set(wanted) <= set(table.plan.subjects):
                continue
            for part in table.parts():
                there = (part.size > 0) | part.certain  # a certain cell occurs, with weight or without
                columns = [np.broadcast_to(part.states[subject], there.shape)[there] for subject in wanted]
                for combination in np.unique(np.stack(columns, axis=1), axis=0).tolist():
                    entries = [
                        _entry(states[subject], code)
                        for subject, code in zip(wanted, combination, strict=True)
                    ]
                    if None not in entries:
                        combinations.add(tuple(entry for entry in entries if entry is not None))
            break
        return combinations

    return occurring


def check(constraints: ConstraintSet, domains: Domains, vocabulary: Vocabulary) -> None:
    """Refuse comparisons that have no meaning.

    Raises:
        ConstraintTypeError: a value that an attribute does not have, an order of text, and the like.
    """
    text = constraints.text
    compared: dict[Attribute | Label | Prediction, dict[Atom, None]] = {}
    for statement in constraints:
        for atom in compared_by(statement, domains):
            compared.setdefault(atom.subject, {})[atom] = None
    periods = periods_of(constraints)
    for subject, atoms in compared.items():
        name = attribute_of(subject)
        values = None if name is None else vocabulary.values.get(name)
        if isinstance(subject, Label):
            values = vocabulary.label
        make_factor(
            subject,
            atoms,
            values=values,
            is_open=False,
            missing=vocabulary.missing,
            text=text,
            periods=None if name is None else periods.get(name),
        )
    if has_words(vocabulary.label):
        for statement in constraints:
            _refuse_label_in_arithmetic(statement, text)


def _refuse_label_in_arithmetic(statement: Statement, text: str) -> None:
    compared = {
        id(part.subject) for part in walk(statement) if isinstance(part, (Comparison, Membership))
    } | {id(binder.domain) for binder in statement.binders}
    for part in walk(statement):
        if isinstance(part, Label) and id(part) not in compared:
            raise ConstraintTypeError(
                "the label is used in arithmetic here: expected numbers, received text: encode it first",
                text=text,
                span=part.span,
                reason=Reason.WRONG_KIND,
            )


def _subject(subject: Grouping) -> Subject:
    return ("attribute", subject.name) if isinstance(subject, Attribute) else ("label", None)


def _entry(factor: GrowingFactor, state: int) -> Entry | None:
    if state == MISSING:
        return MISSING_GROUP if factor.missing == "group" else None
    return factor.entry(state)
