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
from keras_fair.inputs.arrays import Tensor, divided, floats, is_tensor, namespace
from keras_fair.inputs.refusals import InText
from keras_fair.language.nodes import Label, Span, Subject
from keras_fair.rows.assemble import BoundedArrays, GapPlan, ScalarArray
from keras_fair.rows.linear import Gaps, LinearRows, RelationRows, relations_of_rows
from keras_fair.rows.measured import Layout, Measured, measure
from keras_fair.rows.rooms import Room
from keras_fair.rows.scalars import Derived
from keras_fair.rows.values import Outputs

__all__ = ["RowPlan"]


@dataclass(frozen=True)
class Dependence:
    """Which terms and constants must be estimable, as 0/1 matrices, for a row, a gap expression, a
    relation."""

    row_terms: np.ndarray
    row_constants: np.ndarray
    gap_terms: np.ndarray
    gap_constants: np.ndarray
    relation_constants: np.ndarray


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
    dependence: Dependence = field(repr=False)
    gap: GapPlan = field(repr=False)
    derived: tuple[tuple[Derived, tuple[ScalarArray, ...]], ...] = field(repr=False)
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
        constants, has_value = self._constants(measured.constant_sums, measured.constant_weights)
        unknown_constants = 1.0 - floats(xp, has_value)
        empty = floats(xp, xp.less_equal(terms.weights, 0))
        depend = self.dependence

        def estimable(of_terms: np.ndarray, of_constants: np.ndarray) -> Tensor:
            lacking = xp.matmul(floats(xp, of_terms), empty)
            if self.constants:
                lacking = lacking + xp.matmul(floats(xp, of_constants), unknown_constants)
            return xp.equal(lacking, 0)

        entries = estimable(depend.gap_terms, depend.gap_constants)
        for step in self.gap.reductions:
            entries = xp.concatenate([entries, step.known(entries)], axis=0)
        relation = xp.take(entries, self.gap.results, axis=0)
        if depend.relation_constants.any():
            lacking = xp.matmul(floats(xp, depend.relation_constants), unknown_constants)
            relation = xp.logical_and(relation, xp.equal(lacking, 0))
        active = estimable(depend.row_terms, depend.row_constants)
        relation_of_row = relations_of_rows(self.relations, len(self.names))
        if len(relation_of_row):
            active = xp.logical_and(active, xp.take(relation, relation_of_row, axis=0))
        gaps = Gaps(
            **self.gap.arrays.evaluate(xp, constants),
            known=entries,
            reductions=self.gap.reductions,
            results=self.gap.results,
            signs=self.gap.signs,
            estimable=relation,
        )
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

    def _constants(self, sums: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The values of the constants, derived ones included, and which can be estimated."""
        xp = namespace(sums, weights)
        has_value = xp.greater(weights, 0)
        values = divided(sums, weights, has_value)
        for place, (derived, operands) in enumerate(self.derived):
            to_come = (0, len(self.derived) - place)
            padded = xp.pad(values, to_come)
            lacking = xp.pad(1.0 - floats(xp, has_value), to_come)
            arguments = xp.concatenate([operand.evaluate(xp, padded) for operand in operands], axis=0)
            needed = np.concatenate([operand.needs() for operand in operands]).astype("float64")
            usable = xp.equal(xp.matmul(floats(xp, needed), lacking), 0)
            value, fine = _derived(derived.operator, arguments, usable)
            values = xp.concatenate([values, xp.reshape(value, (1,))], axis=0)
            has_value = xp.concatenate([has_value, xp.reshape(fine, (1,))], axis=0)
        return values, has_value


def _derived(operator: str, operands: Tensor, usable: Tensor) -> tuple[Tensor, Tensor]:
    """A derived constant and whether it can be estimated; 0 where it cannot."""
    xp = namespace(operands, usable)
    if operator == "max":
        largest = xp.max(xp.where(usable, operands, xp.full_like(operands, -1e30)))
        fine = xp.any(usable)
        return xp.where(fine, largest, xp.zeros_like(largest)), fine
    fine = xp.all(usable)
    if operator == "*":
        return xp.where(fine, operands[0] * operands[1], xp.zeros_like(operands[0])), fine
    fine = xp.logical_and(fine, xp.not_equal(operands[1], 0))
    return divided(operands[0], operands[1], fine), fine
