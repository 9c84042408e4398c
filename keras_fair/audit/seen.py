"""All that is kept of the samples of an audit: sums, and the values of attributes, learnt as they arrive.

A chunk or a shard is added as a whole or not at all. Every fault is noticed before any sum is changed, and
values that were learnt from a refused chunk are forgotten (`Seen.whole`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from keras_fair.audit.cells import MOST_CELLS, Coded
from keras_fair.audit.chunk import Chunk, growing_factors
from keras_fair.audit.histograms import Histograms
from keras_fair.audit.score_tables import ScoreTable
from keras_fair.audit.seen_state import (
    Arrays,
    factor_values,
    histogram_state,
    restore_factor,
    restore_histograms,
    restore_scores,
    restore_tables,
    scores_state,
    tables_state,
)
from keras_fair.audit.sum_tables import Table
from keras_fair.audit.table_plans import Subject, demands_of
from keras_fair.constraints import ConstraintSet
from keras_fair.groups.coding import MISSING, UNKNOWN
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.extent import Extent
from keras_fair.language.nodes import Node
from keras_fair.rows.values import Outputs

__all__ = ["Seen"]

_BLOCK = 262_144  # samples that are looked at together


class Seen:
    """The sums and values of all samples so far.

    Args:
        constraints: what is asked of them.
        outputs: of the model.
        vocabulary: the known values of attributes.

    Attributes:
        demands: what the constraints ask.
        factors: the states of all that conditions compare.
        tables: sums over the cells that conditions tell apart.
        score_tables: the distributions that statistics are of.
        histograms: the scores of groups.
        binary: of each quantity, whether all its values are 0 or 1.
        weights: the least and the largest weight above 0.
        outside: of each attribute, and of the label, how many values were unknown and how many missing.
        predictions, labels: between which values they lie; of labels that are text nothing is known.
        samples: how many samples.
    """

    def __init__(self, constraints: ConstraintSet, outputs: Outputs, vocabulary: Vocabulary) -> None:
        self.demands = demands_of(constraints, outputs)
        self.factors = growing_factors(self.demands, vocabulary)
        self.tables = [Table(plan) for plan in self.demands.tables]
        self.score_tables = [ScoreTable(plan) for plan in self.demands.scores]
        self.histograms = Histograms(self.demands)
        self.binary: dict[Node, bool] = {
            quantity: True for table in self.tables for quantity in table.plan.quantities
        }
        self.weights = (np.inf, -np.inf)
        self.outside: dict[Subject, list[int]] = {
            ("attribute", name): [0, 0] for name in self.demands.attributes
        }
        if self.demands.label is not None:
            self.outside["label", None] = [0, 0]
        self.predictions, self.labels = Extent.empty(outputs.count), Extent.empty(1)
        self.samples = 0

    @property
    def cells(self) -> int:
        """How many cells occur in all tables."""
        return sum(table.size for table in self.tables)

    @contextmanager
    def whole(self, more: int) -> Iterator[None]:
        """If the code inside fails, no value and no sum of it is kept.

        Args:
            more: how many cells may be added. Sums are copied only where there may be too many cells: nothing
                else fails once the cells of the samples are known.
        """
        kept = dict(vars(self))
        kept["factors"] = {subject: factor.copied() for subject, factor in self.factors.items()}
        kept["outside"] = {subject: list(counts) for subject, counts in self.outside.items()}
        kept["binary"] = dict(self.binary)
        if any(table.size + more > MOST_CELLS for table in self.tables):
            parts = ("tables", "score_tables", "histograms")
            kept.update(copy.deepcopy({part: kept[part] for part in parts}))
        try:
            yield
        except Exception:
            vars(self).update(kept)
            raise

    def add(self, chunk: Chunk) -> None:
        """Add the samples of a chunk.

        Raises:
            ConstraintTypeError: a column does not fit the constraints, or what was seen before.
            ValueError: there are too many cells.
        """
        coded = chunk.coded(self.factors)
        quantities = {quantity: chunk.value(quantity) for quantity in self.binary}
        for start in range(0, chunk.size, _BLOCK):
            self._add(chunk, coded, quantities, slice(start, min(start + _BLOCK, chunk.size)))
        self.predictions = self.predictions.joined(Extent.of(chunk.predictions.values))
        self.labels = self.labels.joined(chunk.labels)
        self.samples += chunk.size

    def merge(self, other: Seen) -> None:
        """Add the samples that others have seen with the same constraints.

        Raises:
            ValueError: they saw text where these saw numbers, or there are too many cells.
        """
        codes = {
            subject: np.array([0, 1, UNKNOWN, MISSING])
            if subject[0] == "present"
            else self.factors[subject].learn(other.factors[subject])
            for subject in self.demands.subjects
        }
        for mine, theirs in zip(self.tables, other.tables, strict=True):
            mine.merge(theirs, codes)
        for scores, their_scores in zip(self.score_tables, other.score_tables, strict=True):
            scores.merge(their_scores, codes)
        self.histograms.merge(other.histograms, codes)
        for quantity, binary in other.binary.items():
            self.binary[quantity] = self.binary[quantity] and binary
        self._note_weights(*other.weights)
        self.predictions = self.predictions.joined(other.predictions)
        self.labels = self.labels.joined(other.labels)
        for subject, counts in other.outside.items():
            for place, count in enumerate(counts):
                self.outside[subject][place] += count
        self.samples += other.samples

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Values and arrays that can be packed."""
        tables, arrays = tables_state(self.tables)
        scores, score_arrays = histogram_state(self.histograms)
        distributions, of_distributions = scores_state(self.score_tables)
        values = {
            "factors": [factor_values(factor) for factor in self.factors.values()],
            "tables": tables,
            "scores": scores,
            "distributions": distributions,
            "binary": list(self.binary.values()),
            "weights": list(self.weights),
            "extents": [self.predictions.state, self.labels.state],
            "outside": [list(counts) for counts in self.outside.values()],
            "samples": self.samples,
        }
        return values, {**arrays, **score_arrays, **of_distributions}

    def restore(self, values: dict[str, Any], arrays: Arrays) -> None:
        """Take over a state that was packed with the same constraints. No samples were added here yet.

        Raises:
            ValueError, KeyError, TypeError, IndexError: it is the state of something else.
        """
        for factor, learnt in zip(self.factors.values(), values["factors"], strict=True):
            restore_factor(factor, learnt)
        restore_tables(self.tables, values["tables"], arrays)
        # Sums of before there were distributions hold none, and their constraints ask for none.
        restore_scores(self.score_tables, values.get("distributions", []), arrays)
        restore_histograms(self.histograms, values["scores"], arrays)
        for quantity, binary in zip(list(self.binary), values["binary"], strict=True):
            self.binary[quantity] = bool(binary)
        least, largest = values["weights"]
        self.weights = (float(least), float(largest))
        self.predictions, self.labels = map(Extent.restored, values["extents"])
        for counts, (unknown, missing) in zip(self.outside.values(), values["outside"], strict=True):
            counts[:] = [int(unknown), int(missing)]
        self.samples = int(values["samples"])

    def _add(
        self, chunk: Chunk, coded: dict[Subject, Coded], quantities: dict[Node, Any], where: slice
    ) -> None:
        """Add the sums of a block of a chunk."""

        def here(array: np.ndarray | None) -> np.ndarray | None:
            return None if array is None else array[where]

        block = {
            subject: replace(column, codes=here(column.codes), shares=here(column.shares))
            for subject, column in coded.items()
        }
        weight = here(chunk.weight)
        counted = None if weight is None or weight.all() else weight > 0
        values = {
            quantity: _without_nan(value if np.ndim(value) == 0 else value[where])
            for quantity, value in quantities.items()
        }
        for quantity, value in values.items():
            of_counted = value if counted is None or np.ndim(value) == 0 else value[counted]
            self.binary[quantity] = self.binary[quantity] and _all_binary(of_counted)
        for table in self.tables:
            in_table = [values[quantity] for quantity in table.plan.quantities]
            table.add(block, in_table, weight, where.stop - where.start)
        for scores in self.score_tables:
            scores.add(block, values[scores.plan.value], weight, where.stop - where.start)
        positive = np.ones(1) if weight is None else weight if counted is None else weight[counted]
        if len(positive):
            self._note_weights(float(positive.min()), float(positive.max()))
        self._note_outside(chunk, block, where)
        measured = {name: chunk.numbers(name)[where] for name in self.histograms.measured}
        self.histograms.add(chunk.predictions.values[where, 0], block, measured, weight)

    def _note_weights(self, least: float, largest: float) -> None:
        self.weights = (min(self.weights[0], least), max(self.weights[1], largest))

    def _note_outside(self, chunk: Chunk, block: dict[Subject, Coded], where: slice) -> None:
        """Count the values that are unknown or missing."""
        for subject, counts in self.outside.items():
            column = block.get(subject)
            if column is None:
                counts[1] += int(np.isnan(chunk.numbers(subject[1])[where]).sum())
            elif column.codes is not None:
                if self.factors[subject].kind != "numbers":
                    counts[0] += int(np.count_nonzero(column.codes == UNKNOWN))
                counts[1] += int(np.count_nonzero(column.codes == MISSING))
            elif column.shares is not None and MISSING in column.states:
                counts[1] += round(float(column.shares[:, column.states.index(MISSING)].sum()))


def _without_nan(value: Any) -> Any:
    """A quantity with 0 where it has no value; the sample is then not among the members of a statistic."""
    if np.ndim(value) and np.isnan(np.sum(value)):
        return np.where(np.isnan(value), 0.0, value)
    return value


def _all_binary(value: Any) -> bool:
    """Whether all values are 0 or 1."""
    values = np.atleast_1d(value)
    return all(np.all((part == 0) | (part == 1)) for part in (values[:256], values))
