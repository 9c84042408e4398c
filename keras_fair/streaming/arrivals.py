"""The arrivals of a stream, checked before anything changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_fair.errors import ConstraintTypeError
from keras_fair.groups.samples import read_samples
from keras_fair.inputs.arrays import concrete
from keras_fair.inputs.domain import Domain
from keras_fair.language.nodes import Label
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.compiled_step import Batch

__all__ = ["Arrivals"]


@dataclass(frozen=True)
class Arrivals:
    """Predictions and what comes with them.

    Attributes:
        y: `(n,)` or `(n, outputs)` float64.
        shape, dtype: of the caller's predictions.
        attributes: the caller's columns.
        label, weight, ids: `(n,)` arrays, or None.
    """

    y: np.ndarray
    shape: tuple[int, ...]
    dtype: Any
    attributes: Any
    label: np.ndarray | None
    weight: np.ndarray | None
    ids: list[Any] | None

    @classmethod
    def read(
        cls, y: Any, attributes: Any, label: Any, weight: Any, ids: Any, domain: Domain, outputs: int
    ) -> Arrivals:
        """Read and check.

        Raises:
            ValueError: predictions are no finite numbers of the domain, or lengths differ.
        """
        predictions = np.asarray(concrete(y) if ops.is_tensor(y) else y)
        checked = _predictions(predictions, domain, outputs)
        n = len(checked)
        return cls(
            y=checked,
            shape=predictions.shape,
            dtype=predictions.dtype if predictions.dtype.kind == "f" else np.dtype("float64"),
            attributes={} if attributes is None else attributes,
            label=None if label is None else _column(label, "label", n),
            weight=None if weight is None else _weights(weight, n),
            ids=None if ids is None else _ids(ids, n),
        )

    @property
    def fractional(self) -> bool:
        """Whether the label holds probabilities."""
        if self.label is None or self.label.dtype.kind != "f":
            return False
        return bool(np.any((self.label > 0) & (self.label < 1)))

    @property
    def certain_label(self) -> np.ndarray | None:
        """The label, or None where there is none or it holds probabilities."""
        return None if self.fractional else self.label

    def batch(self, plan: RowPlan) -> Batch:
        """The batch for a plan, with its columns encoded. Where the constraints need a label and there is
        none, the prediction stands in as the probability of 1.

        Raises:
            ConstraintTypeError: a column is missing or does not fit.
            ValueError: columns of other lengths than the predictions.
        """
        label = self.label
        if plan.uses_label and label is None:
            label = self._stand_in(plan)
        columns, label = plan.encode(self.attributes, label)
        read = {name: np.asarray(concrete(c) if ops.is_tensor(c) else c) for name, c in columns.items()}
        for name, column in read.items():
            if len(column) != len(self.y):
                raise ValueError(
                    f"expected as many values in all columns, received: {name!r} has {len(column)}, "
                    f"predictions has {len(self.y)}"
                )
        read = {name: c[:, 0] if c.ndim == 2 and c.shape[1] == 1 else c for name, c in read.items()}
        if not plan.uses_label:
            label = None
        elif label is not None:
            label = np.asarray(label)
            # Whole numbers are labels, anything else is a probability; so rows for labels stay fast.
            if label.dtype.kind == "f" and not self._read_as_probability(label):
                label = label.astype("int32")
        _check_values(plan, read, label)
        return Batch(self.y, read, label, self.weight)

    def shaped(self, y: np.ndarray) -> np.ndarray:
        """Predictions in the form of the caller's."""
        return np.asarray(y).astype(self.dtype).reshape(self.shape)

    def _read_as_probability(self, label: np.ndarray) -> bool:
        return self.label is None or bool(np.any(label != np.round(label)))

    def _stand_in(self, plan: RowPlan) -> np.ndarray:
        in_conditions = _label_in_conditions(plan)
        if self.y.ndim > 1 or (in_conditions and not plan.binary_label):
            raise ConstraintTypeError(
                "this needs the label, and none was given: only where it is 0 or 1 and there is one output "
                "can the prediction stand in for it",
                text=plan.text,
                span=plan.needs.label,
            )
        return np.clip(self.y, 0.0, 1.0) if in_conditions else self.y


def _label_in_conditions(plan: RowPlan) -> bool:
    return any(isinstance(subject, Label) for subject in plan.factors)


def _check_values(plan: RowPlan, columns: dict[str, np.ndarray], label: np.ndarray | None) -> None:
    """Check what encoding does not check: probabilities of groups, and infinite numbers."""
    if any(column.ndim == 2 for column in columns.values()):
        read_samples(plan.needs, columns, label, None, None)
    if label is not None and label.dtype.kind == "f" and label.size and _label_in_conditions(plan):
        low, high = label.min(), label.max()
        if plan.binary_label and not (low >= 0.0 and high <= 1.0):
            raise ValueError(
                "expected the label as 0, 1 or a probability between them, received values from "
                f"{low:g} to {high:g}"
            )
    numbers = {**{repr(name): column for name, column in columns.items()}, "the label": label}
    for name, column in numbers.items():
        if column is not None and column.dtype.kind == "f" and np.isinf(column).any():
            raise ValueError(f"expected {name} to hold finite numbers, received infinite ones")


def _predictions(predictions: np.ndarray, domain: Domain, outputs: int) -> np.ndarray:
    shape = "(n,) or (n, 1)" if outputs == 1 else f"(n, {outputs})"
    fits = (
        predictions.ndim == 2 and predictions.shape[1] == outputs or (predictions.ndim == 1 and outputs == 1)
    )
    if predictions.dtype.kind not in "fiub" or not fits:
        raise ValueError(
            f"expected predictions y as numbers of shape {shape}, received shape {predictions.shape} "
            f"and dtype {predictions.dtype}"
        )
    y = predictions.astype("float64")
    y = y[:, 0] if y.ndim == 2 and outputs == 1 else y
    if y.size == 0:
        return y
    low, high = float(np.min(y)), float(np.max(y))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(
            f"expected finite predictions y, received {int(np.sum(~np.isfinite(y)))} that are not"
        )
    slack = 1e-6 * (domain.high - domain.low) if np.isfinite(domain.high - domain.low) else 0.0
    if low < domain.low - slack or high > domain.high + slack:
        raise ValueError(f"expected predictions y in {domain}, received values from {low:g} to {high:g}")
    if domain.simplex and np.abs(y.sum(axis=1) - 1.0).max() > 1e-3:
        raise ValueError("expected predictions y that add up to 1 for each sample; apply a softmax first")
    return y


def _column(column: Any, name: str, n: int) -> np.ndarray:
    values = np.asarray(concrete(column) if ops.is_tensor(column) else column)
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if values.shape != (n,):
        raise ValueError(f"expected {name} of shape ({n},), received shape {values.shape}")
    return values


def _weights(weight: Any, n: int) -> np.ndarray:
    weights = _column(weight, "sample_weight", n)
    if weights.dtype.kind not in "fiub" or not np.all(np.isfinite(weights) & (weights >= 0)):
        raise ValueError("expected sample_weight to be finite and >= 0, received others")
    return weights.astype("float64")


def _ids(ids: Any, n: int) -> list[Any]:
    listed = np.asarray(ids).reshape(-1).tolist()
    if len(listed) != n:
        raise ValueError(f"expected one of ids for each prediction, received {len(listed)} for {n}")
    if not all(isinstance(one, (str, int)) for one in listed):
        raise ValueError("expected ids to be text or whole numbers, received others")
    if len(set(map(str, listed))) < n:
        raise ValueError("expected ids that differ from each other, received one twice")
    return listed
