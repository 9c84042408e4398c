"""The columns that a text names, from what scikit-learn hands on: `X`, or metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keras_fair.errors import near_names, quoted
from keras_fair.inputs.columns import columns_of, is_table, read_column
from keras_fair.inputs.orders import check_order
from keras_fair.inputs.predictions import check_lengths

__all__ = ["named_columns"]


def named_columns(
    names: Iterable[str], X: Any, attributes: Any = None, columns: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Columns by name, `(n,)` each.

    Args:
        names: of the attributes.
        X: `(n, features)`, an array, a sparse matrix or a DataFrame.
        attributes: the columns as metadata, a DataFrame or a dict; what it lacks is taken from `X`.
        columns: where in `X` an attribute is, by name or by position, if not under its own name.

    Raises:
        ValueError: a column is nowhere, is not that of `X`, or has its rows in another order or number;
            `columns` names no attribute.
    """
    names, columns = tuple(names), columns or {}
    strange = sorted(set(columns) - set(names))
    if strange:
        raise ValueError(f"expected columns of the attributes {list(names)}, received one of {strange[0]!r}")
    given = columns_of(attributes)
    check_order({"X": X, "attributes": attributes, **given})
    size = X.shape[0] if hasattr(X, "shape") else len(X)
    found = {name: given[name] if name in given else _of_features(name, X, columns) for name in names}
    for name in set(given) & set(names):
        _check_same(name, given[name], X)
    for name, column in found.items():
        lengths = {"X": size, f"attribute {name!r}": _length(column)}
        if lengths["X"] != _length(column) and isinstance(attributes, Mapping) and name in given:
            raise ValueError(
                f"expected attribute {name!r} of {size} values, received {_length(column)}: scikit-learn "
                "cuts a DataFrame of attributes into folds, but not a dict"
            )
        check_lengths(lengths)
    return found


def _check_same(name: str, column: Any, X: Any) -> None:
    """A column that stands in `X` too says the same there."""
    if not is_table(X) or name not in columns_of(X):
        return
    own = read_column(columns_of(X)[name], f"column {name!r} of X")
    if read_column(column, f"attribute {name!r}").entries() != own.entries():
        raise ValueError(f"expected attribute {name!r} as in column {name!r} of X, received other values")


def _of_features(name: str, X: Any, columns: Mapping[str, Any]) -> Any:
    """One column of `X`."""
    place = columns.get(name, name)
    if is_table(X):
        features = columns_of(X)
        if not isinstance(place, str) and place not in features and isinstance(place, (int, np.integer)):
            place = list(features)[_position(name, place, len(features))]
        if place not in features:
            near = near_names(str(place), [str(feature) for feature in features])
            raise ValueError(
                f"expected a column {quoted(str(place))} of X, or attributes=, for attribute {name!r} of the "
                f"constraints; found none{near}"
            )
        return features[place]
    if not isinstance(place, (int, np.integer)) or isinstance(place, bool):
        raise ValueError(
            f"expected attribute {name!r} of the constraints in attributes=, or as a column of X: an X "
            f"without names of columns asks for columns={{{name!r}: position}}; received X of type "
            f"{type(X).__name__}"
        )
    array = X if hasattr(X, "shape") else np.asarray(X)
    column = array[:, _position(name, place, array.shape[1])]
    return column.toarray().reshape(-1) if hasattr(column, "toarray") else column


def _position(name: str, place: Any, width: int) -> int:
    if not -width <= place < width:
        raise ValueError(
            f"expected columns={{{name!r}: position}} within the {width} features of X, received {place}"
        )
    return int(place)


def _length(column: Any) -> int:
    shape = getattr(column, "shape", None)
    return int(shape[0]) if shape else len(column)
