"""A plan: constraints lowered once, ready for any number of batches.

    lower <= W T + V t + c <= upper

`evaluate` is the only code that reads samples: NumPy arrays eagerly, or tensors inside a graph whose batch
size is not known. It measures the terms and the constants of the data, and `bind` turns these into rows. A
stream pools terms and constants over batches, so it calls the two steps separately.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_fair.groups.coding import has_words
from keras_fair.groups.conditions import Cluster
from keras_fair.groups.factors import Factor
from keras_fair.groups.samples import Needs, needed_columns, read_samples
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import floats, is_tensor, namespace
from keras_fair.inputs.refusals import InText
from keras_fair.language.nodes import Label, Span, Subject
from keras_fair.rows.assemble import BoundedArrays
from keras_fair.rows.gap_values import GapValues, estimable
from keras_fair.rows.linear import LinearRows, RelationRows, relations_of_rows
from keras_fair.rows.measured import Layout, Measured, measure
from keras_fair.rows.rooms import Room
from keras_fair.rows.values import Outputs

__all__ = ["RowPlan"]


@dataclass(frozen=True)
class RowPlan:
    """Constraints lowered for a vocabulary and a number of outputs. Made by `keras_fair.rows.lower`.

    Args:
        text: the text that places point into.
        outputs: the outputs of the model.
        vocabulary: encodes the columns: the given vocabulary, completed by the values that the constraints
            name.
        names: of the rows, unique.
        relations: the ground relations.
        disjoint: no sample belongs to two terms and no term to two rows, as long as groups are certain.
        groups, rooms, moves, margins: see `keras_fair.rows.linear.LinearRows`.
        row_terms, row_constants: which terms and constants each row needs, as 0 and 1.
        term_keys, constant_keys: a text for each term and constant, which identifies it in a plan for more
            values.
    """

    text: str
    outputs: Outputs
    vocabulary: Vocabulary
    names: tuple[str, ...]
    relations: tuple[RelationRows, ...]
    disjoint: bool
    needs: Needs = field(repr=False)
    factors: dict[Subject, Factor] = field(repr=False)
    clusters: tuple[Cluster, ...] = field(repr=False)
    layout: Layout = field(repr=False)
    arrays: BoundedArrays = field(repr=False)
    aux: np.ndarray = field(repr=False)
    row_terms: np.ndarray = field(repr=False)
    row_constants: np.ndarray = field(repr=False)
    gap_values: GapValues = field(repr=False)
    rooms: tuple[Room, ...] = field(repr=False)
    moves: np.ndarray = field(repr=False)
    margins: np.ndarray | None = field(default=None, repr=False)
    binary_label: bool = False
    term_keys: tuple[str, ...] = field(default=(), repr=False)
    groups: tuple[str, ...] = field(default=(), repr=False)
    constant_keys: tuple[str, ...] = field(default=(), repr=False)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of the columns that are needed, sorted."""
        return tuple(sorted(self.needs.attributes))

    @property
    def uses_label(self) -> bool:
        """Whether the label is needed."""
        return self.needs.label is not None

    @property
    def terms(self) -> int:
        """Number of terms, T."""
        return self.arrays.weights.numbers.shape[1]

    @property
    def constants(self) -> int:
        """Number of constants of the data, K, derived ones left out."""
        return len(self.layout.constant_sums)

    def encode(self, attributes: Any, label: Any = None) -> tuple[dict[str, Any], Any]:
        """The needed columns and the label, encoded by the vocabulary.

        Args:
            attributes: a dict of columns or a DataFrame; columns that are not needed are ignored.
            label: `(n,)`, or None.

        Raises:
            ConstraintTypeError: a column is not given or does not fit; the caret is at the place that needs
                it.
        """
        needed = needed_columns(attributes, self.needs.attributes, None, None, self.text)
        columns: dict[str, Any] = {}
        for name, span in self.needs.attributes.items():
            with InText(self.text, span):
                columns.update(self.vocabulary.encode(needed, [name]))
        if label is None or self.needs.label is None:
            return columns, label
        if is_tensor(label) and not has_words(self.vocabulary.label):
            return columns, label  # its dtype says whether it may be a probability
        with InText(self.text, self.needs.label):
            return columns, self.vocabulary.encode_label(label)

    def evaluate(
        self, columns: Mapping[str, Any], label: Any = None, sample_weight: Any = None, **options: Any
    ) -> LinearRows:
        """The rows of a batch, in float64 where the backend has it: `bind` of what `measure` gives for the
        same arguments."""
        return self.bind(self.measure(columns, label, sample_weight, **options))

    def measure(
        self,
        columns: Mapping[str, Any],
        label: Any = None,
        sample_weight: Any = None,
        *,
        size: Any = None,
        fractional_label: bool | None = None,
    ) -> Measured:
        """The terms and the constants of a batch.

        Args:
            columns: encoded columns, as `encode` or `Vocabulary.encode` give them; others are ignored.
            label: `(n,)` or `(n, 1)`, numbers; a probability of 1 in [0, 1] where conditions ask for
                `label=0` or `label=1` only.
            sample_weight: `(n,)`, finite and >= 0; default: all 1.
            size: the number of samples, a number or a scalar tensor; needed where no column, label or weight
                shows it.
            fractional_label: whether the label may be a probability. Default: by its values, or inside a
                graph by whether its dtype is a float. False allows faster rows.

        Raises:
            ConstraintTypeError, ValueError: see `keras_fair.groups.samples`.
        """
        samples = read_samples(self.needs, columns, label, sample_weight, size)
        soft = self.binary_label and fractional_label is not False and Label(span=Span(0, 0)) in self.factors
        if soft and fractional_label is None:
            soft = samples.may_be_fractional()
        return measure(self.layout, self.clusters, self.factors, samples, self.outputs.count, soft)

    def bind(self, measured: Measured) -> LinearRows:
        """The rows, from terms and constants, which may be pooled over batches:
        `dataclasses.replace(measured, ...)`."""
        terms = measured.terms
        xp = namespace(terms.weights, measured.constant_sums)
        constants, has_value = self.gap_values.constants(measured.constant_sums, measured.constant_weights)
        there = xp.greater(terms.weights, 0)
        gaps = self.gap_values.gaps(constants, has_value, there)
        active = estimable(
            self.row_terms, self.row_constants, 1.0 - floats(xp, there), 1.0 - floats(xp, has_value)
        )
        relation_of_row = relations_of_rows(self.relations, len(self.names))
        if len(relation_of_row):
            active = xp.logical_and(active, xp.take(gaps.estimable, relation_of_row, axis=0))
        arrays = self.arrays.evaluate(xp, constants)
        for name, none in (("lower", -np.inf), ("upper", np.inf)):
            arrays[name] = xp.where(active, arrays[name], xp.full_like(arrays[name], none))
        return LinearRows(
            terms=terms,
            **arrays,
            aux=floats(xp, self.aux),
            names=self.names,
            active=active,
            disjoint=self.disjoint and measured.certain,
            relations=self.relations,
            gap=gaps,
            unknown=measured.unknown,
            missing=measured.missing,
            groups=self.groups,
            rooms=self.rooms,
            moves=self.moves,
            margins=self.margins,
        )
