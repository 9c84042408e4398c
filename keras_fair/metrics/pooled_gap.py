"""The gap of constraints over all samples of many batches, exactly.

It keeps the sums that `keras_fair.ops.stream.pooled` makes the gap of; a mean of gaps of batches would be
something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_fair.constraints import Constraints, parse
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.predictions import check_pairing, read_predictions, read_weight
from keras_fair.ops.stream.pooled import PooledSums
from keras_fair.packing import SumsError, pack, unpack
from keras_fair.rows.lower import lower
from keras_fair.rows.summary import summary_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["PooledGap"]


@keras.saving.register_keras_serializable(package="keras_fair")
class PooledGap(keras.metrics.Metric):
    """Gap and violation of each constraint, pooled over all batches since the last reset.

    For evaluation loops of your own; in `fit`, `FairnessMonitor` does the same. It runs eagerly, in NumPy,
    and holds a few numbers a constraint.

    Args:
        constraints: text, or a `ConstraintSet`, affine in `y`.
        vocabulary: a `Vocabulary` or a dict from attribute to values; needed for `*` and `for ... in
            attribute`.
        outputs: number of outputs of the model.
        domain: where predictions lie.
        name: of the metric.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> metric = kf.metrics.PooledGap("parity: E[y | sex=Female] == E[y | sex=Male] +- 0.1")
        >>> metric.update_state(np.array([0.2, 0.8]), {"sex": ["Female", "Male"]})
        >>> metric.update_state(np.array([0.6, 0.6]), {"sex": ["Female", "Female"]})
        >>> {name: round(value, 4) for name, value in metric.result().items()}
        {'parity_gap': -0.3333, 'parity_violation': 0.2333}
    """

    def __init__(
        self,
        constraints: Constraints,
        *,
        vocabulary: Vocabulary | Mapping[str, Any] | None = None,
        outputs: int = 1,
        domain: Any = (0.0, 1.0),
        name: str = "pooled_gap",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.constraints = parse(constraints)
        self.vocabulary = Vocabulary(vocabulary) if isinstance(vocabulary, Mapping) else vocabulary
        self.outputs = outputs
        self.domain = domain
        self.plan = lower(
            self.constraints.statements, self.constraints.text, self.vocabulary, outputs, domain=domain
        )
        self._pooled = PooledSums.none(self.plan)

    def update_state(self, y: Any, attributes: Any, label: Any = None, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y: `(n,)`, `(n, 1)` or `(n, outputs)` predictions.
            attributes: dict of columns or a DataFrame.
            label: `(n,)`, where the constraints need it.
            sample_weight: `(n,)`, weights of the statistics.
        """
        check_pairing(y, attributes, label, sample_weight)
        predictions = read_predictions(y, outputs=self.outputs)
        weight = None if sample_weight is None else read_weight(sample_weight)
        columns, label = self.plan.encode(attributes, label)
        measured = self.plan.measure(columns, label, weight, size=len(predictions))
        self._pooled = self._pooled.plus(PooledSums.of(measured, predictions.flat))

    def result(self) -> dict[str, float]:
        """`{name}_gap` and `{name}_violation` of each statement; NaN where they can't be estimated."""
        return summary_of(self.constraints.statements, self._pooled.rows(self.plan), np.zeros(0))

    def reset_state(self) -> None:
        """Forget all batches."""
        self._pooled = PooledSums.none(self.plan)

    def add(self, y: Any, attributes: Any, label: Any = None, sample_weight: Any = None) -> PooledGap:
        """`update_state`, under the name of `keras_fair.sums.MergeableSums`; returns the metric itself."""
        self.update_state(y, attributes, label, sample_weight)
        return self

    def merge(self, other: PooledGap) -> PooledGap:
        """Add the batches of another metric; returns this one, and leaves the other as it is.

        Raises:
            ValueError: it is of other constraints, values, outputs or another domain.
        """
        if not isinstance(other, PooledGap):
            raise ValueError(f"expected a PooledGap to merge with, received {type(other).__name__}")
        mine, theirs = self._measured_config(), other._measured_config()
        for name, value in mine.items():
            if theirs[name] != value:
                raise ValueError(
                    f"expected metrics of the same {name} to merge, received {value!r} and {theirs[name]!r}"
                )
        self._pooled = self._pooled.plus(other._pooled)
        return self

    def to_bytes(self) -> bytes:
        """The metric and its sums."""
        return pack("PooledGap", self.get_config(), vars(self._pooled))

    @classmethod
    def from_bytes(cls, packed: Buffer) -> PooledGap:
        """The metric that `to_bytes` gave.

        Raises:
            SumsError: the bytes are damaged, or of something else.
        """
        config, arrays = unpack("PooledGap", packed)
        try:
            metric = cls.from_config(config)
            pooled = PooledSums.of_state(arrays)
        except (KeyError, TypeError, ValueError) as fault:
            raise SumsError(f"expected the bytes of a PooledGap, received others: {fault}") from fault
        for name, empty in vars(metric._pooled).items():
            array = vars(pooled)[name]
            if array.shape != empty.shape or array.dtype != empty.dtype:
                raise SumsError(f"expected {name} of shape {empty.shape}, received shape {array.shape}")
        metric._pooled = pooled
        return metric

    def __reduce__(self) -> tuple[Any, ...]:
        # Keras pickles configuration and variables, and would lose the sums.
        return type(self).from_bytes, (self.to_bytes(),)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._measured_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PooledGap:
        config = dict(config)
        if config["vocabulary"] is not None:
            config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        return cls(**config)

    def _measured_config(self) -> dict[str, Any]:
        """What decides what the sums mean."""
        return {
            "constraints": str(self.constraints),
            "vocabulary": None if self.vocabulary is None else self.vocabulary.get_config(),
            "outputs": self.outputs,
            "domain": self.domain
            if self.domain is None or isinstance(self.domain, str)
            else list(self.domain),
        }
