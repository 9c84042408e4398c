"""An audit that takes samples as they come: chunk after chunk, shard beside shard, and keeps sums only."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_fair.audit.cells import MOST_CELLS, Coded
from keras_fair.audit.chunk import Chunk, growing_factors, learnt
from keras_fair.audit.demands import Demands, Subject, demands_of
from keras_fair.audit.histograms import Histograms
from keras_fair.audit.measure import Measurement, measure
from keras_fair.audit.result import Audit
from keras_fair.audit.tables import Table
from keras_fair.constraints import ConstraintSet, parse
from keras_fair.groups.coding import MISSING, UNKNOWN
from keras_fair.groups.growing import GrowingFactor
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.predictions import Predictions, check_pairing, read_predictions
from keras_fair.language.nodes import Node
from keras_fair.rows.values import Outputs

__all__ = ["Auditor"]

_BLOCK = 262_144  # samples that are looked at together


class Auditor:
    """Constraints measured on samples that arrive in chunks, in any order, larger together than memory.

    It keeps sums over the groups that the constraints tell apart, so `result()` is that of an audit of all
    samples at once, to rounding, intervals included. Values of attributes are learnt as they arrive.

    Args:
        constraints: text, or a parsed `ConstraintSet`.
        vocabulary: the values of attributes, where they are known; those of others are learnt. Its policy for
            missing values holds.
        outputs: names of the columns of `y`; default: as many as the first chunk has.
        confidence: of the intervals, in (0, 1); None: no intervals, for samples that are everyone there is.
            `with confidence p` in the text has precedence over a number, not over None.
        simultaneous: whether the intervals of one quantified constraint are to hold all at once.
        seed: of the bootstrap, an integer >= 0.
        slack: how far outside its bounds a number may lie, by rounding, and still count as within.

    Raises:
        ConstraintError: the constraints are malformed.
        ValueError: another argument is.

    Example:

    >>> import keras_fair as kf
    >>> auditor = kf.Auditor("E[y | sex=Female] >= 0.5")
    >>> for y, sex in [([0.7, 0.9], ["Female", "Male"]), ([0.9, 0.8], ["Female", "Female"])]:
    ...     _ = auditor.update(y, {"sex": sex})
    >>> found = auditor.result()
    >>> round(found.relations[0].gap, 6), found.samples
    (0.8, 4)
    """

    def __init__(
        self,
        constraints: str | ConstraintSet,
        *,
        vocabulary: Vocabulary | None = None,
        outputs: Sequence[str] | None = None,
        confidence: float | None = 0.95,
        simultaneous: bool = False,
        seed: int = 0,
        slack: float = 1e-6,
    ) -> None:
        if not slack >= 0:
            raise ValueError(f"expected slack >= 0, received slack={slack!r}")
        if confidence is not None and not 0 < confidence < 1:
            raise ValueError(f"expected confidence in (0, 1) or None, received confidence={confidence!r}")
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ValueError(f"expected seed to be an integer >= 0, received seed={seed!r}")
        self.constraints = parse(constraints)
        self.vocabulary = Vocabulary.from_config((vocabulary or Vocabulary()).get_config())
        self.confidence, self.simultaneous, self.seed, self.slack = confidence, simultaneous, int(seed), slack
        self.samples = 0
        self._outputs = None if outputs is None else Outputs.of(outputs)
        self._demands: Demands | None = None
        self._states: dict[Subject, GrowingFactor] = {}
        self._tables: list[Table] = []
        self._binary: dict[Node, bool] = {}
        self._histograms: Histograms | None = None
        self._weights = (np.inf, -np.inf)
        self._outside: dict[Subject, list[int]] = {}

    def update(self, y: Any, attributes: Any, label: Any = None, sample_weight: Any = None) -> Auditor:
        """Add samples.

        Args:
            y: `(n,)`, `(n, 1)` or `(n, outputs)` predictions, a NumPy array or a tensor.
            attributes: the columns that the constraints name, `(n,)` each; a dict of arrays or a DataFrame.
            label: `(n,)`, the ground truth; needed where a constraint uses it.
            sample_weight: `(n,)` weights >= 0; default: all 1.

        Returns:
            The auditor itself.

        Raises:
            ConstraintError: the constraints have no meaning for these data.
            ValueError: predictions, columns or weights are malformed. Nothing of the chunk counts then.
        """
        check_pairing(y, attributes, label, sample_weight)
        predictions = read_predictions(y)
        with self._whole(len(predictions)):
            self._take(predictions, attributes, label, sample_weight)
        return self

    def merge(self, other: Auditor) -> Auditor:
        """Add the samples that another auditor of the same constraints has seen.

        Returns:
            The auditor itself; the other one is left as it is.

        Raises:
            ValueError: it audits other constraints, or with another vocabulary.
        """
        if not isinstance(other, Auditor) or other.constraints != self.constraints:
            raise ValueError("expected an auditor of the same constraints to merge")
        if other.vocabulary != self.vocabulary:
            raise ValueError("expected an auditor with the same vocabulary to merge")
        if other._demands is None or other._outputs is None:
            return self
        with self._whole(sum(table.size for table in other._tables)):
            self._join(other)
        return self

    def result(self) -> Audit:
        """The audit of all samples so far; more may follow.

        Raises:
            ConstraintError: the data give the constraints no meaning.
            ValueError: there are no samples.
        """
        if not self.samples or self._demands is None or self._outputs is None or self._histograms is None:
            raise ValueError("expected at least one sample to audit, received shape (0,)")
        return measure(
            Measurement(
                constraints=self.constraints,
                demands=self._demands,
                vocabulary=learnt(self.vocabulary, self._demands, self._states),
                outputs=self._outputs,
                states=self._states,
                tables=self._tables,
                binary=self._binary,
                histograms=self._histograms,
                weights=self._weights,
                outside={subject: (counts[0], counts[1]) for subject, counts in self._outside.items()},
                samples=self.samples,
                confidence=self.confidence,
                simultaneous=self.simultaneous,
                seed=self.seed,
                slack=self.slack,
            )
        )

    @contextmanager
    def _whole(self, more: int) -> Iterator[None]:
        """Whatever fails inside leaves nothing behind: no value, no sum.

        Args:
            more: how many cells may be added. Sums are copied only where there may be too many of them:
                nothing else fails once it is known which cells samples are in.
        """
        kept = dict(vars(self))
        kept["_states"] = {subject: states.copied() for subject, states in self._states.items()}
        kept["_outside"] = {subject: list(counts) for subject, counts in self._outside.items()}
        kept["_binary"] = dict(self._binary)
        if any(table.size + more > MOST_CELLS for table in self._tables):
            kept["_tables"], kept["_histograms"] = copy.deepcopy((self._tables, self._histograms))
        try:
            yield
        except Exception:
            vars(self).update(kept)
            raise

    def _take(
        self,
        predictions: Predictions,
        attributes: Any,
        label: Any,
        sample_weight: Any,
    ) -> None:
        """Add samples; see `update`."""
        if self._demands is None:
            self._begin(predictions.outputs)
        assert self._demands is not None
        assert self._outputs is not None
        if predictions.outputs != self._outputs.count:
            raise ValueError(
                f"expected predictions of shape (n, {self._outputs.count}), one column for each of outputs, "
                f"received shape {predictions.values.shape}"
            )
        chunk = Chunk(
            self._demands,
            self.constraints.text,
            self._outputs,
            predictions,
            attributes,
            label,
            sample_weight,
            self.vocabulary,
        )
        coded = chunk.coded(self._states)
        quantities = {
            quantity: chunk.value(quantity) for table in self._tables for quantity in table.plan.quantities
        }
        for start in range(0, chunk.size, _BLOCK):
            self._add(chunk, coded, quantities, slice(start, min(start + _BLOCK, chunk.size)))
        self.samples += chunk.size

    def _join(self, other: Auditor) -> None:
        """Add the samples of another auditor; see `merge`."""
        assert other._outputs is not None
        if self._demands is None:
            self._outputs = other._outputs if self._outputs is None else self._outputs
            self._begin(other._outputs.count)
        if self._outputs != other._outputs:
            raise ValueError("expected an auditor with the same outputs to merge")
        codes = {
            subject: np.array([0, 1, UNKNOWN, MISSING])
            if subject[0] == "present"
            else self._states[subject].learn(other._states[subject])
            for subject in (*self._states, *self._presences())
        }
        for mine, theirs in zip(self._tables, other._tables, strict=True):
            mine.merge(theirs, codes)
        assert self._histograms is not None
        assert other._histograms is not None
        self._histograms.merge(other._histograms, codes)
        for quantity, binary in other._binary.items():
            self._binary[quantity] = self._binary[quantity] and binary
        self._weights = (
            min(self._weights[0], other._weights[0]),
            max(self._weights[1], other._weights[1]),
        )
        for subject, counts in other._outside.items():
            for place, count in enumerate(counts):
                self._outside[subject][place] += count
        self.samples += other.samples

    def _begin(self, outputs: int) -> None:
        self._outputs = self._outputs or Outputs.of(outputs)
        if self._outputs.count != outputs:
            raise ValueError(
                f"expected predictions of shape (n, {self._outputs.count}), one column for each of outputs, "
                f"received shape (n, {outputs})"
            )
        self._demands = demands_of(self.constraints, self._outputs)
        self._states = growing_factors(self._demands, self.vocabulary)
        self._tables = [Table(plan) for plan in self._demands.tables]
        self._binary = {quantity: True for table in self._tables for quantity in table.plan.quantities}
        self._histograms = Histograms(self._demands)
        self._outside = {("attribute", name): [0, 0] for name in self._demands.attributes}
        if self._demands.label is not None:
            self._outside["label", None] = [0, 0]

    def _presences(self) -> list[Subject]:
        assert self._demands is not None
        return [subject for subject in self._demands.subjects if subject[0] == "present"]

    def _add(
        self, chunk: Chunk, coded: dict[Subject, Coded], quantities: dict[Node, Any], where: slice
    ) -> None:
        """Add the sums of a block of a chunk."""
        assert self._histograms is not None
        n = where.stop - where.start
        block = {
            subject: Coded(
                None if one.codes is None else one.codes[where],
                one.size,
                one.states,
                None if one.shares is None else one.shares[where],
            )
            for subject, one in coded.items()
        }
        weight = None if chunk.weight is None else chunk.weight[where]
        taken = {
            quantity: value if np.ndim(value) == 0 else value[where] for quantity, value in quantities.items()
        }
        taken = {quantity: _without_nan(value) for quantity, value in taken.items()}
        counted = None if weight is None or weight.all() else weight > 0
        for quantity, value in taken.items():
            whose = value if counted is None or np.ndim(value) == 0 else value[counted]
            self._binary[quantity] = self._binary[quantity] and _all_binary(whose)
        for table in self._tables:
            table.add(block, [taken[quantity] for quantity in table.plan.quantities], weight, n)
        known = np.ones(1) if weight is None else weight if counted is None else weight[counted]
        if len(known):
            self._weights = (
                min(self._weights[0], float(known.min())),
                max(self._weights[1], float(known.max())),
            )
        for subject, counts in self._outside.items():
            one = block.get(subject)
            if one is None:
                counts[1] += int(np.isnan(chunk.numbers(subject[1])[where]).sum())
            elif one.codes is not None:
                if self._states[subject].kind != "numbers":
                    counts[0] += int(np.count_nonzero(one.codes == UNKNOWN))
                counts[1] += int(np.count_nonzero(one.codes == MISSING))
            elif one.shares is not None and MISSING in one.states:
                counts[1] += round(float(one.shares[:, one.states.index(MISSING)].sum()))
        measured = {name: chunk.numbers(name)[where] for name in self._histograms.measured}
        self._histograms.add(chunk.predictions.values[where, 0], block, measured, weight)


def _without_nan(value: Any) -> Any:
    """A quantity with 0 where it has no value; the sample is then not among the members of a statistic."""
    if np.ndim(value) and np.isnan(np.sum(value)):
        return np.where(np.isnan(value), 0.0, value)
    return value


def _all_binary(value: Any) -> bool:
    """Whether all values are 0 or 1."""
    values = np.atleast_1d(value)
    return all(np.all((part == 0) | (part == 1)) for part in (values[:256], values))
