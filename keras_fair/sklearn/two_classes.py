"""What scikit-learn hands to an estimator of two classes: its target, checked, and features with a shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import validate_data

__all__ = ["routes", "seen_before", "two_classes", "weighted", "with_shape"]


def two_classes(y: np.ndarray) -> np.ndarray:
    """The classes of a target, `(2,)`, sorted.

    Args:
        y: `(n,)`.

    Raises:
        ValueError: there is one class, or there are more than two.
    """
    check_classification_targets(y)
    classes = np.unique(y)
    if type_of_target(y, input_name="y") != "binary":
        raise ValueError(
            f"Only binary classification is supported: expected 2 classes, received {len(classes)}"
        )
    if len(classes) != 2:
        raise ValueError(f"expected y of 2 classes, received one class: {classes.tolist()}")
    return classes


def weighted(y: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
    """The targets that count.

    Args:
        y: `(n,)`.
        sample_weight: `(n,)` >= 0, or None.

    Raises:
        ValueError: all weights are zero.
    """
    if sample_weight is None:
        return y
    counted = y[sample_weight > 0]
    if not len(counted):
        raise ValueError("expected sample_weight > 0 for some people, received zero or less for all")
    return counted


def with_shape(X: Any) -> Any:
    """Features that know their shape; a list of rows becomes an array."""
    return X if hasattr(X, "shape") else np.asarray(X)


def routes() -> bool:
    """Whether scikit-learn routes metadata."""
    return bool(get_config()["enable_metadata_routing"])


def seen_before(estimator: Any, X: Any) -> Any:
    """Features `(n, k)` at prediction, checked against those of `fit`.

    Args:
        estimator: fitted.
        X: the features.

    Raises:
        ValueError: they have another shape, number or names.
    """
    X = with_shape(X)
    if len(X.shape) != 2:
        raise ValueError(f"expected X of shape (n, features), received {tuple(X.shape)}. Reshape your data")
    validate_data(estimator, X=X, reset=False, skip_check_array=True)
    return X
