"""What is wrong with the people that a rule is called for: outside a graph errors, inside one checks.

The readers and checks of `keras_fair.layers` do what projections need too; here is what only rules need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_fair.groups.thresholds import is_missing
from keras_fair.inputs.arrays import concrete, dtype_of
from keras_fair.inputs.domain import Domain
from keras_fair.inputs.predictions import number_array
from keras_fair.layers.checks import (
    BatchFault,
    Check,
    Strangers,
    check_shape,
    graph_checks,
    holds_codes,
)
from keras_fair.postprocessing.unknown_groups import known_groups
from keras_fair.rows.plan import RowPlan

__all__ = [
    "check_one_score",
    "is_symbolic",
    "known_check",
    "read_lots",
    "refuse_missing_codes",
    "service_checks",
]


def is_symbolic(tensor: Any) -> bool:
    """Whether this is a tensor that has no values yet."""
    return ops.is_tensor(tensor) and concrete(tensor) is None


def check_one_score(shape: tuple[int | None, ...], domain: Domain) -> None:
    """Raise ValueError where predictions of this shape are not one a person."""
    if check_shape(shape, domain) != 1:
        raise ValueError(
            f"expected one score a person, predictions y of shape (n,) or (n, 1), received shape={shape}"
        )


def read_lots(lots: Any) -> Any:
    """Lots as numbers, checked where they have values; tensors inside a graph and None as they are.

    Raises:
        ValueError: they are no numbers in [0, 1), one a person.
    """
    if lots is None or is_symbolic(lots):
        return lots
    values, _ = number_array(lots, "lots")
    if values.dtype.kind not in "fiu" or values.ndim not in (1, 2) or values.shape[1:] not in ((), (1,)):
        raise ValueError(
            f"expected lots as numbers of shape (n,), received shape={values.shape} and dtype={values.dtype}"
        )
    # 1 is what a lot below it may be rounded to.
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(f"expected lots in [0, 1), received lots from {values.min():g} to {values.max():g}")
    return values if values.dtype.kind == "f" else values.astype("float32")


def refuse_missing_codes(plan: RowPlan, columns: Mapping[str, Any]) -> None:
    """Raise ValueError where codes say that a value is missing, and the vocabulary's policy is "error"."""
    for name, column in columns.items():
        if plan.vocabulary.missing == "error" and holds_codes(plan, name, column):
            count = int(np.sum(concrete(column) == len(plan.vocabulary.values[name] or ()) + 1))
            if count:
                raise ValueError(f"attribute {name!r} has {count} missing values (NaN or empty text)")


def service_checks(
    y: Any, domain: Domain, plan: RowPlan, columns: Mapping[str, Any], lots: Any
) -> list[Check]:
    """The checks of a batch inside a graph.

    Args:
        y: scores.
        domain: of the scores.
        plan: the constraints, with what service needs.
        columns: encoded.
        lots: `(n,)`, or None.
    """
    missing = {
        name: ops.sum(ops.cast(is_missing(column), "int32"))
        for name, column in columns.items()
        if not holds_codes(plan, name, column) and "float" in dtype_of(column)
    }
    checks = graph_checks(y, domain, plan, Strangers({}, missing), columns, refuse_unknown=False)
    if lots is not None:
        inside = ops.logical_and(ops.greater_equal(lots, 0), ops.less_equal(lots, 1))  # see `read_lots`
        checks.append(_plain(inside, "expected lots in [0, 1), received some that are not"))
    return checks


def known_check(known: Any, names: Sequence[str], row_of_cell: np.ndarray) -> Check:
    """That the rule knows the group of each person.

    Args:
        known: `(n,)` bool.
        names: of all groups.
        row_of_cell: of each group, -1 where the rule doesn't know it.
    """
    groups = known_groups(names, row_of_cell)
    return _plain(known, f"expected people of groups that the rule knows ({groups}), received others")


def _plain(fine: Any, message: str) -> Check:
    return Check(fine, [BatchFault(lambda: fine, message)])
