"""The gap of constraints over all samples of a stream of batches, exactly.

    T = (sum over batches of (M y + constants)) / (sum over batches of N)

Each term is a quotient of two sums, and sums add up over batches; a mean of gaps of batches would be
something else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_fair.constraints import ConstraintSet, parse
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.metrics.summary import statement_names, summarised
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.lower import lower
from keras_fair.rows.measured import Measured

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
        constraints: str | ConstraintSet,
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
        self._pooled: Measured | None = None
        self._sums = np.zeros(self.plan.terms)

    def update_state(self, y: Any, attributes: Any, label: Any = None, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y: `(n,)`, `(n, 1)` or `(n, outputs)` predictions.
            attributes: dict of columns or a DataFrame.
            label: `(n,)`, where the constraints need it.
            sample_weight: `(n,)`, weights of the statistics.
        """
        y = np.asarray(ops.convert_to_numpy(y), dtype="float64")
        y = y[:, 0] if self.outputs == 1 and y.ndim == 2 else y
        columns, label = self.plan.encode(attributes, label)
        measured = self.plan.measure(columns, label, sample_weight, size=len(y))
        self._sums = self._sums + _array(measured.terms.sums(y))
        self._pooled = measured if self._pooled is None else _added(self._pooled, measured)

    def result(self) -> dict[str, float]:
        """`{name}_gap` and `{name}_violation` of each statement; NaN where they can't be estimated."""
        names = statement_names(self.constraints.statements)
        if self._pooled is None:
            return {f"{name}_{what}": float("nan") for name in names for what in ("gap", "violation")}
        rows: LinearRows = self.plan.bind(self._pooled)
        if rows.gap is None:
            raise ValueError("expected rows made from constraints, received rows without relations")
        weights = _array(rows.terms.weights)
        terms = np.where(
            weights > 0, (self._sums + _array(rows.terms.constants)) / np.where(weights > 0, weights, 1), 0
        )
        gaps = _array(rows.gap.values(terms))
        return summarised(
            names,
            rows.relations,
            gaps,
            _array(rows.gap.lower),
            _array(rows.gap.upper),
            _array(rows.gap.estimable),
        )

    def reset_state(self) -> None:
        """Forget all batches."""
        self._pooled = None
        self._sums = np.zeros(self.plan.terms)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "constraints": str(self.constraints),
            "vocabulary": None if self.vocabulary is None else self.vocabulary.get_config(),
            "outputs": self.outputs,
            "domain": self.domain
            if self.domain is None or isinstance(self.domain, str)
            else list(self.domain),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PooledGap:
        config = dict(config)
        if config["vocabulary"] is not None:
            config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        return cls(**config)


def _added(one: Measured, other: Measured) -> Measured:
    """Sums and weights of two batches together; of the samples themselves nothing is kept."""
    terms = dataclasses.replace(
        other.terms,
        families=(),
        constants=_array(one.terms.constants) + _array(other.terms.constants),
        weights=_array(one.terms.weights) + _array(other.terms.weights),
    )
    return dataclasses.replace(
        other,
        terms=terms,
        constant_sums=_array(one.constant_sums) + _array(other.constant_sums),
        constant_weights=_array(one.constant_weights) + _array(other.constant_weights),
    )


def _array(tensor: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor))
