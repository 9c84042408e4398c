"""Columns as one matrix that a Keras model takes: numbers standardised, text one-hot.

Everything is fitted on the training people alone. With mean `m` and standard deviation `s` of a number's
recorded training values, its column is `(x - m) / s`; a missing number is 0 there and 1 in a column of its
own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_fair.datasets.split import Split
from keras_fair.errors import near_names

__all__ = ["Encoded", "encode"]


class Encoded(NamedTuple):
    """Features as matrices: `train` `(n, k)`, `test` `(n', k)`, both `float32`, and the `names` of the k
    columns."""

    train: np.ndarray
    test: np.ndarray
    names: tuple[str, ...]


def encode(train: Split, test: Split, *, exclude: str | Sequence[str] = ()) -> Encoded:
    """Turn the features of a data set into matrices for a Keras model.

    Numbers are standardised, text becomes one column per value (`occupation=trade`), a missing value has a
    column of its own (`occupation=missing`), and a column that never varies in training is left out. A value
    that occurs only among the test people is 0 in every column.

    Args:
        train: The training people; means, deviations and values are taken from them.
        test: The test people, with the same features.
        exclude: Names of features to leave out, for instance the protected ones. A name that is only an
            attribute is accepted, and there is nothing to leave out for it. Other features may still stand in
            for what is left out.

    Returns:
        `Encoded(train, test, names)`.

    Raises:
        ValueError: If a name in `exclude` is neither a feature nor an attribute, or no feature is left.

    Example:

    >>> from keras_fair.datasets import encode, lending
    >>> train, test = lending.load_data()
    >>> x_train, x_test, names = encode(train, test, exclude=["sex", "race"])
    >>> x_train.shape == (train.size, len(names)), x_train.dtype
    (True, dtype('float32'))
    """
    left_out = {exclude} if isinstance(exclude, str) else set(exclude)
    present = set(train.features) | set(train.attributes)
    for name in sorted(left_out - present):
        near = near_names(name, present)
        raise ValueError(f"expected exclude to name features, received exclude={name!r}{near}")

    columns: _Columns = []
    for feature, column in train.features.items():
        if feature not in left_out:
            columns_of = _text_columns if column.dtype.kind in "US" else _number_columns
            columns += columns_of(feature, column, test.features[feature])
    if not columns:
        raise ValueError(f"expected a feature to be left, received exclude={sorted(left_out)!r}")
    names, of_train, of_test = zip(*columns, strict=True)
    return Encoded(np.stack(of_train, axis=1), np.stack(of_test, axis=1), names)


_Columns = list[tuple[str, np.ndarray, np.ndarray]]


def _text_columns(feature: str, train: np.ndarray, test: np.ndarray) -> _Columns:
    values = np.unique(train)
    if len(values) < 2:
        return []
    return [
        (
            f"{feature}={value or 'missing'}",
            (train == value).astype(np.float32),
            (test == value).astype(np.float32),
        )
        for value in values
    ]


def _number_columns(feature: str, train: np.ndarray, test: np.ndarray) -> _Columns:
    columns: _Columns = []
    recorded = train[~np.isnan(train)].astype(np.float64)
    mean, deviation = (recorded.mean(), recorded.std()) if len(recorded) else (0.0, 0.0)
    if deviation > 0:
        scaled = [np.nan_to_num((part - mean) / deviation).astype(np.float32) for part in (train, test)]
        columns.append((feature, scaled[0], scaled[1]))
    if 0 < len(recorded) < len(train):
        columns.append(
            (f"{feature}=missing", np.isnan(train).astype(np.float32), np.isnan(test).astype(np.float32))
        )
    return columns
