"""How well probabilities predict labels of 0 and 1.

    accuracy   share of people with (y >= 0.5) == label
    AUC        P(y_i > y_j) + P(y_i = y_j) / 2 for i with label 1 and j with label 0, exactly, by ranks
    log loss   -mean(label log y + (1 - label) log(1 - y)), with y kept 1e-7 away from 0 and 1, as Keras does

Source of the AUC by ranks: Mann and Whitney 1947; Hanley and McNeil 1982.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

__all__ = ["Scores", "scores_of"]

_EPSILON = 1e-7


@dataclass(frozen=True)
class Scores:
    """Accuracy, area under the ROC curve and log loss; the AUC is NaN where only one label occurs."""

    accuracy: float
    auc: float
    log_loss: float


def scores_of(y: Any, label: Any) -> Scores:
    """The scores of predictions.

    Args:
        y: `(n,)` probabilities in [0, 1].
        label: `(n,)`, 0 or 1.

    Raises:
        ValueError: the lengths differ, or there is nobody.

    Example:

    >>> scores_of([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    Scores(accuracy=0.75, auc=0.75, log_loss=0.47...)
    """
    y, label = np.asarray(y, "float64"), np.asarray(label, "float64")
    if y.ndim != 1 or y.shape != label.shape or not len(y):
        raise ValueError(f"expected y and label of shape (n,), received shapes {y.shape} and {label.shape}")
    clipped = np.clip(y, _EPSILON, 1 - _EPSILON)
    return Scores(
        accuracy=float(np.mean((y >= 0.5) == (label == 1))),
        auc=_auc(y, label == 1),
        log_loss=float(-np.mean(label * np.log(clipped) + (1 - label) * np.log1p(-clipped))),
    )


def _auc(y: np.ndarray, positive: np.ndarray) -> float:
    """From the mean rank of the positives; people with the same prediction share the mean of their ranks."""
    positives = int(positive.sum())
    negatives = len(y) - positives
    if not positives or not negatives:
        return float("nan")
    rank = rankdata(y)
    return float((rank[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))
