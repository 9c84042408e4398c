"""The people that a rule is learnt from: read once, cut into parts as often as needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from keras_fair.constraints import nodes_of
from keras_fair.groups.samples import needed_columns
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.columns import columns_of
from keras_fair.inputs.domain import Domain
from keras_fair.inputs.predictions import (
    check_lengths,
    check_pairing,
    read_predictions,
    read_weight,
)
from keras_fair.language.dates import dated_columns
from keras_fair.language.nodes import Label
from keras_fair.postprocessing.curves import Curve, curves_of
from keras_fair.postprocessing.meaning import Meaning
from keras_fair.postprocessing.promised_rows import OneSided, one_sided
from keras_fair.postprocessing.service_groups import ServiceGroups, service_groups
from keras_fair.rows.linear import LinearRows, relations_of_rows
from keras_fair.rows.lower import first_places, lower
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.terms import CellFamily

__all__ = ["Calibration", "plan_for", "read_calibration", "vocabulary_of"]

_TAKEN = 0.9  # of the room between two bounds, by a margin at most


@dataclass(frozen=True)
class Calibration:
    """People with their scores.

    Attributes:
        plan: the constraints, lowered.
        groups: which groups people are in.
        columns: the encoded columns that the plan needs, `(n,)` each.
        label: `(n,)` encoded, or None.
        scores: `(n,)` float64.
        weight: `(n,)`, or None.
        utility: `(n,)`, what accepting each person is worth; zeros for a rule of scores.
        cells: `(n,)` int, the group of each.
    """

    plan: RowPlan
    groups: ServiceGroups
    columns: dict[str, np.ndarray]
    label: np.ndarray | None
    scores: np.ndarray
    weight: np.ndarray | None
    utility: np.ndarray
    cells: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def rows(self) -> LinearRows:
        """The rows over these people."""
        return self.plan.evaluate(self.columns, self.label, self.weight, size=len(self))

    @cached_property
    def inequalities(self) -> list[OneSided]:
        """What has to hold between means of these people."""
        return one_sided(self.rows)

    @cached_property
    def curves(self) -> list[Curve]:
        """The thresholds of each group that somebody is in."""
        return curves_of(self.rows, self.scores, self.cells, self.utility, self.weight)

    def held(self, margins: np.ndarray) -> LinearRows:
        """The rows, each relation held inside its bounds by its margin, `(R,)`. Some room between two bounds
        is left to rules that know whole people only."""
        rows = self.rows
        assert rows.moves is not None
        moved = rows.moves * margins[relations_of_rows(rows.relations, len(rows))]
        width, total = np.asarray(rows.upper) - np.asarray(rows.lower), moved.sum(axis=0)
        part = np.minimum(1.0, _TAKEN * width / np.maximum(total, 1e-300))
        return replace(rows, margins=moved * part)

    def part(self, people: np.ndarray) -> Calibration:
        """Some of the people.

        Args:
            people: `(k,)` int.
        """
        return replace(
            self,
            columns={name: column[people] for name, column in self.columns.items()},
            label=None if self.label is None else self.label[people],
            scores=self.scores[people],
            weight=None if self.weight is None else self.weight[people],
            utility=self.utility[people],
            cells=self.cells[people],
        )

    def members(self, term: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Who belongs to a term, `(k,)` int, and the coefficients of what the rule gives out, `(k,)`; None
        where all are 1.

        Raises:
            ValueError: membership is not certain: labels are probabilities.
        """
        place = term
        for family in self.rows.terms.families:
            if place < family.size:
                break
            place -= family.size
        if not isinstance(family, CellFamily):
            raise ValueError("expected labels that are known, received probabilities: they promise nothing")
        people = np.flatnonzero(family.table[place, np.asarray(family.cells)])
        if self.weight is not None:
            people = people[self.weight[people] > 0]  # the others are in no mean
        if family.scale is None:
            return people, None
        scale = np.asarray(family.scale).reshape(-1)[people]
        if self.weight is not None:
            scale = (scale / self.weight[people]).round(12)  # labels stay two numbers
        return people, None if (scale == 1).all() else scale


def plan_for(meaning: Meaning, vocabulary: Vocabulary, domain: Domain) -> RowPlan:
    """What a text asks of a rule, lowered."""
    bounds = (0.0, 1.0) if meaning.decides else domain.bounds
    return lower(meaning.rows.statements, meaning.rows.text, vocabulary, domain=bounds)


def read_calibration(
    meaning: Meaning,
    plan: RowPlan,
    scores: Any,
    attributes: Any,
    label: Any,
    sample_weight: Any,
    domain: Domain,
) -> Calibration:
    """Read people; their utility is still to come.

    Raises:
        ConstraintError: columns or labels do not fit the text.
        ValueError: scores or weights are malformed, or lengths differ.
    """
    check_pairing(scores, attributes, label, sample_weight)
    values = read_predictions(scores, outputs=1, domain=domain).flat
    n = len(values)
    if not n:
        raise ValueError("expected at least one person to learn from, received shape (0,)")
    weight = None if sample_weight is None else read_weight(sample_weight)
    columns, encoded_label = plan.encode(attributes, label)
    check_lengths({"scores": n, "sample_weight": None if weight is None else len(weight)})
    groups = service_groups(plan)
    calibration = Calibration(
        plan=plan,
        groups=groups,
        columns={name: np.asarray(column) for name, column in columns.items()},
        label=None if encoded_label is None or not plan.uses_label else np.asarray(encoded_label).reshape(-1),
        scores=values,
        weight=weight,
        utility=np.zeros(n),
        cells=np.asarray(groups.cells(columns, n)).astype(int),
    )
    _ = calibration.rows  # columns and labels are checked where they are read
    return calibration


def vocabulary_of(meaning: Meaning, attributes: Any, label: Any, missing: str) -> Vocabulary:
    """The values that occur.

    Raises:
        ConstraintTypeError: a column is not given.
    """
    places = {name: span for name, span in first_places(meaning.rows).items() if name is not None}
    needed_columns(attributes, places, None, None, meaning.rows.text)
    wanted = set(meaning.rows.attributes) - set(dated_columns(meaning.rows))
    columns = {name: column for name, column in columns_of(attributes).items() if name in wanted}
    needs_label = any(isinstance(node, Label) for node in nodes_of(meaning.rows))
    return Vocabulary(missing=missing).adapt(columns, label if needs_label else None)
