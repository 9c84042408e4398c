"""An audit that takes samples in chunks, merges shards, and keeps sums only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_fair.audit.chunk import Chunk, learnt
from keras_fair.audit.measure import Questions, measure
from keras_fair.audit.result import Audit
from keras_fair.audit.seen import Seen
from keras_fair.constraints import Constraints, parse
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.predictions import check_pairing, read_predictions
from keras_fair.inputs.settings import check_confidence, check_seed
from keras_fair.packing import SumsError, pack, unpack
from keras_fair.rows.values import Outputs

__all__ = ["Auditor"]

_SETTINGS = ("confidence", "simultaneous", "seed", "slack")


class Auditor:
    """An audit of samples that arrive in chunks, in any order. All chunks together may exceed memory.

    It follows `keras_fair.sums.MergeableSums`: `add` is `update`, auditors of shards can be merged, and
    `to_bytes` carries one to another process.

    It keeps sums over the groups that the constraints tell apart, so `result()` is that of an audit of all
    samples at once, to rounding, intervals included. Values of attributes are learnt as they arrive.

    For a statistic of a whole distribution, such as `independence(sex)`, it keeps which scores occur in each
    group and how often: up to 200,000 pairs of a group and a score. Beyond that scores are rounded, relative
    to their size and by no more than it takes.

    Args:
        constraints: text, or a parsed `ConstraintSet`.
        vocabulary: the values of attributes, where they are known; those of others are learnt. Its policy for
            missing values applies.
        outputs: names of the columns of `y`; default: as many as the first chunk has.
        confidence: of the intervals, in (0, 1); None: no intervals, for samples that are the whole
            population. `with confidence p` in the text has precedence over a number, not over None.
        simultaneous: whether the intervals of one quantified constraint are to hold all at once.
        seed: of the bootstrap, an integer >= 0.
        slack: how far outside its bounds a number may lie, by rounding, and still count as within.

    Raises:
        ConstraintError: the constraints are malformed.
        ValueError: another argument is malformed.

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
        constraints: Constraints,
        *,
        vocabulary: Vocabulary | Mapping[str, Any] | None = None,
        outputs: Sequence[str] | None = None,
        confidence: float | None = 0.95,
        simultaneous: bool = False,
        seed: int = 0,
        slack: float = 1e-6,
    ) -> None:
        if not slack >= 0:
            raise ValueError(f"expected slack >= 0, received slack={slack!r}")
        confidence, seed = check_confidence(confidence), check_seed(seed)
        self.constraints = parse(constraints)
        if not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(vocabulary)
        self.vocabulary = Vocabulary.from_config(vocabulary.get_config())
        self.confidence, self.simultaneous, self.seed, self.slack = confidence, simultaneous, seed, slack
        self._outputs = None if outputs is None else Outputs.of(outputs)
        self._seen: Seen | None = None

    @property
    def samples(self) -> int:
        """How many samples were added."""
        return 0 if self._seen is None else self._seen.samples

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
            ValueError: predictions, columns or weights are malformed. Then nothing of the chunk is counted.
        """
        check_pairing(y, attributes, label, sample_weight)
        predictions = read_predictions(y)
        outputs = self._agreed(Outputs.of(predictions.outputs))
        seen = self._seen or Seen(self.constraints, outputs, self.vocabulary)
        chunk = Chunk(seen.demands, predictions, attributes, label, sample_weight, self.vocabulary)
        with seen.whole(len(predictions)):
            seen.add(chunk)
        self._outputs, self._seen = outputs, seen
        return self

    add = update

    def merge(self, other: Auditor) -> Auditor:
        """Add the samples that another auditor of the same constraints has seen.

        Returns:
            The auditor itself; the other one is left as it is.

        Raises:
            ValueError: it has other constraints, another vocabulary or other outputs.
        """
        if not isinstance(other, Auditor) or other.constraints != self.constraints:
            raise ValueError("expected an auditor of the same constraints to merge")
        if other.vocabulary != self.vocabulary:
            raise ValueError("expected an auditor with the same vocabulary to merge")
        if other._seen is None or other._outputs is None:
            return self
        outputs = self._outputs or other._outputs
        if outputs != other._outputs:
            raise ValueError("expected an auditor with the same outputs to merge")
        seen = self._seen or Seen(self.constraints, outputs, self.vocabulary)
        with seen.whole(other._seen.cells):
            seen.merge(other._seen)
        self._outputs, self._seen = outputs, seen
        return self

    def result(self) -> Audit:
        """The audit of all samples so far; more may follow.

        Raises:
            ConstraintError: the data give the constraints no meaning.
            ValueError: there are no samples.
        """
        return measure(*self.so_far())

    def so_far(self) -> tuple[Questions, Seen, Vocabulary]:
        """What is asked, what was seen, and the values of attributes that are known by now.

        Raises:
            ValueError: there are no samples.
        """
        if not self.samples or self._seen is None:
            raise ValueError("expected at least one sample to audit, received shape (0,)")
        settings = {name: getattr(self, name) for name in _SETTINGS}
        questions = Questions(self.constraints, **settings)
        return questions, self._seen, learnt(self.vocabulary, self._seen.demands, self._seen.factors)

    def to_bytes(self) -> bytes:
        """The constraints and the sums so far as bytes, to continue in another process.

        The bytes hold the values of attributes and the sums of all groups, even small ones, but no samples.
        Where a constraint is about a whole distribution they hold the scores of each group too.
        """
        seen, arrays = (None, {}) if self._seen is None else self._seen.state()
        values = {
            "constraints": self.constraints.text,
            "vocabulary": self.vocabulary.get_config(),
            "outputs": None if self._outputs is None else [self._outputs.count, list(self._outputs.names)],
            **{name: getattr(self, name) for name in _SETTINGS},
            "seen": seen,
        }
        return pack("Auditor", values, arrays)

    @classmethod
    def from_bytes(cls, packed: Any) -> Auditor:
        """The auditor that `to_bytes` was called on.

        Args:
            packed: bytes, or another buffer.

        Raises:
            SumsError: the bytes are damaged, or belong to something else.
        """
        values, arrays = unpack("Auditor", packed)
        try:
            settings = {name: values[name] for name in _SETTINGS}
            vocabulary = Vocabulary.from_config(values["vocabulary"])
            auditor = cls(values["constraints"], vocabulary=vocabulary, **settings)
            if values["outputs"] is not None:
                count, names = values["outputs"]
                auditor._outputs = Outputs.of(tuple(names) or int(count))
            if values["seen"] is not None and auditor._outputs is not None:
                auditor._seen = Seen(auditor.constraints, auditor._outputs, auditor.vocabulary)
                auditor._seen.restore(values["seen"], arrays)
        except (KeyError, TypeError, IndexError, ValueError) as fault:
            raise SumsError(f"expected the sums of an auditor, received others: {fault!r:.200}") from fault
        return auditor

    def _agreed(self, outputs: Outputs) -> Outputs:
        """The outputs of the model. Refuses predictions with another number of outputs."""
        if self._outputs is None:
            return outputs
        if self._outputs.count != outputs.count:
            raise ValueError(
                f"expected predictions of shape (n, {self._outputs.count}), one column for each of outputs, "
                f"received shape (n, {outputs.count})"
            )
        return self._outputs
