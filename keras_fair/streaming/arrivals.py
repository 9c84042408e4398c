"""The arrivals of a stream, checked before anything changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.errors import ConstraintTypeError, Reason
from keras_fair.groups.accuracy import check_accuracy_labels
from keras_fair.groups.samples import read_samples
from keras_fair.inputs.arrays import concrete, is_tensor
from keras_fair.inputs.domain import Domain
from keras_fair.inputs.predictions import (
    Predictions,
    check_lengths,
    check_pairing,
    read_predictions,
    read_weight,
)
from keras_fair.language.nodes import Label
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.plan_step import Batch
from keras_fair.streaming.stream_settings import LEAST_WEIGHT, MOST_WEIGHT

__all__ = ["Arrivals", "label_in_conditions"]

@dataclass(frozen=True)
class Arrivals:
    """Predictions and what comes with them.

    Attributes:
        predictions: as they were read.
        attributes: the caller's columns.
        label, weight, ids: `(n,)` arrays, or None.
    """

    predictions: Predictions
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
        check_pairing(y, attributes, label, weight)
        predictions = read_predictions(y, outputs=outputs, domain=domain)
        n = len(predictions)
        arrivals = cls(
            predictions=predictions,
            attributes={} if attributes is None else attributes,
            label=None if label is None else _label(label, n),
            weight=None if weight is None else _weight(weight),
            ids=None if ids is None else _ids(ids, n),
        )
        if arrivals.weight is not None:
            check_lengths({"sample_weight": len(arrivals.weight), "predictions": n})
        return arrivals

    @property
    def y(self) -> np.ndarray:
        """The predictions, `(n,)` or `(n, outputs)` float64."""
        return self.predictions.flat

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
        encoded, label = plan.encode(self.attributes, label)
        columns = {name: np.asarray(_array(column)) for name, column in encoded.items()}
        lengths: dict[str, int | None] = {repr(name): len(column) for name, column in columns.items()}
        check_lengths({**lengths, "predictions": len(self.y)})
        if not plan.uses_label:
            label = None
        elif label is not None:
            label = np.asarray(label)
            # Whole numbers are labels, anything else is a probability; so rows for labels stay fast.
            given = self.label is not None
            if label.dtype.kind == "f" and given and not np.any(label != np.round(label)):
                label = label.astype("int32")
        _check_values(plan, columns, label)
        return Batch(self.y, columns, label, self.weight)

    def shaped(self, y: np.ndarray) -> np.ndarray:
        """Predictions in the form of the caller's."""
        return self.predictions.shaped(y)

    def _stand_in(self, plan: RowPlan) -> np.ndarray:
        in_conditions = label_in_conditions(plan)
        if self.y.ndim > 1 or (in_conditions and not plan.binary_label):
            raise ConstraintTypeError(
                "this needs the label, and none was given: only where it is 0 or 1 and there is one output "
                "can the prediction stand in for it",
                text=plan.text,
                span=plan.needs.label,
                reason=Reason.LABEL_NEEDED,
            )
        return np.clip(self.y, 0.0, 1.0) if in_conditions else self.y


def _weight(weight: Any) -> np.ndarray:
    """Weights whose sums, and the sums of whose squares, stay numbers however many arrive."""
    values = read_weight(weight)
    there = values[values > 0]
    wrong = there[(there < LEAST_WEIGHT) | (there > MOST_WEIGHT)]
    if wrong.size:
        raise ValueError(
            "expected sample_weight of a stream to be 0 or from "
            f"{LEAST_WEIGHT:g} to {MOST_WEIGHT:g}, received {len(wrong)} that are not, such as "
            f"{wrong[0]:g}: sums of such weights are no numbers. Only ratios of weights count: divide them "
            "all by one number"
        )
    return values


def label_in_conditions(plan: RowPlan) -> bool:
    """Whether a condition compares the label."""
    return any(isinstance(subject, Label) for subject in plan.factors)


def _check_values(plan: RowPlan, columns: dict[str, np.ndarray], label: np.ndarray | None) -> None:
    """Check what encoding does not check: probabilities of groups, infinite numbers, and labels."""
    if any(column.ndim == 2 for column in columns.values()):
        read_samples(plan.needs, columns, label, None, None)
    if label is not None and plan.needs.accuracy is not None:
        check_accuracy_labels(label, plan.text, plan.needs.accuracy)
    if label is not None and label.dtype.kind == "f" and label.size and label_in_conditions(plan):
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


def _label(label: Any, n: int) -> np.ndarray:
    """A label as `(n,)`."""
    values = _array(label)
    if values.shape != (n,):
        raise ValueError(f"expected label of shape ({n},), received shape {values.shape}")
    return values


def _array(column: Any) -> np.ndarray:
    """A column as an array, `(n,)` where it is `(n, 1)`; masked entries stay masked."""
    values = np.asanyarray(concrete(column) if is_tensor(column) else column)
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _ids(ids: Any, n: int) -> list[Any]:
    listed = np.asarray(ids).reshape(-1).tolist()
    if len(listed) != n:
        raise ValueError(f"expected one of ids for each prediction, received {len(listed)} for {n}")
    if not all(isinstance(one, (str, int)) for one in listed):
        raise ValueError("expected ids to be text or whole numbers, received others")
    if len(set(map(str, listed))) < n:
        raise ValueError("expected ids that differ from each other, received one twice")
    return listed
