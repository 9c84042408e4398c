"""What is wrong with a batch: predictions outside their domain, values that no one knows.

Outside a graph a fault is an error at once, and shows what was seen. Inside one each check is a pair of a
condition and a sentence, and `keras_fair.layers.guard` sees to it that a failed one is not passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from keras import backend, ops

from keras_fair.errors import ConstraintTypeError, near_names, quoted
from keras_fair.ops import Domain
from keras_fair.ops.precision import working_dtype
from keras_fair.rows.arrays import concrete
from keras_fair.rows.encoding import has_words
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.vocabulary import Vocabulary

__all__ = [
    "Check",
    "check_predictions",
    "check_shape",
    "check_unknown_numbers",
    "graph_checks",
    "unknown_text",
]


class Check(NamedTuple):
    """A condition, as a bool tensor, and what is wrong where it does not hold."""

    fine: Any
    message: str


def check_shape(shape: tuple[int | None, ...], domain: Domain) -> int:
    """The number of outputs of predictions of this shape.

    Raises:
        ValueError: it is not `(n,)`, `(n, 1)` or `(n, outputs)`, or one output is put on the simplex.
    """
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] is None):
        raise ValueError(
            f"expected predictions y of shape (n,), (n, 1) or (n, outputs), received shape={shape}"
        )
    outputs = 1 if len(shape) == 1 else int(shape[1] or 0)
    if outputs < 1 or (domain.simplex and outputs < 2):
        raise ValueError(f"expected predictions y with outputs in {domain}, received shape={shape}")
    return outputs


def check_predictions(values: np.ndarray, domain: Domain) -> None:
    """Raise ValueError where predictions are not numbers in the domain."""
    values = np.asarray(values)
    if values.size == 0:
        return
    slack, slack_of_sum = _slacks(values.dtype.name, domain)
    values = values.astype("float64")
    if not np.all(np.isfinite(values)):
        count = int(np.sum(~np.isfinite(values)))
        raise ValueError(f"expected finite predictions y, received {count} that are NaN or infinite")
    if values.min() < domain.low - slack or values.max() > domain.high + slack:
        raise ValueError(f"{_outside(domain)}, received values from {values.min():g} to {values.max():g}")
    if domain.simplex and np.abs(values.sum(axis=1) - 1.0).max() > slack_of_sum:
        raise ValueError(f"{_outside(domain)}, received vectors that do not add up to 1")


def unknown_text(vocabulary: Vocabulary, name: str, codes: Any, given: Any) -> str | None:
    """What is wrong where encoded text is outside the vocabulary, else None; `given` is what was encoded."""
    values = vocabulary.values.get(name) or ()
    read = concrete(codes)
    if read is None or read.ndim != 1 or not has_words(values) or vocabulary.is_open(name):
        return None
    outside = np.flatnonzero(read == len(values))
    if not len(outside):
        return None
    shown = concrete(given)
    entry = np.asarray(given if shown is None else shown).reshape(len(read), -1)[outside[0], 0]
    entry = None if isinstance(entry, np.integer) else entry.decode() if isinstance(entry, bytes) else entry
    return _unknown(values, name, len(outside), entry)


def check_unknown_numbers(plan: RowPlan, rows: LinearRows, columns: Mapping[str, Any]) -> None:
    """Raise ConstraintTypeError where a number, or a code, is outside the vocabulary."""
    for name, count in rows.unknown.items():
        known = concrete(count)
        if known is not None and known > 0:
            values, column = plan.vocabulary.values.get(name), concrete(columns[name])
            entry = None
            if column is not None and not has_words(values):
                entry = column.reshape(-1)[~np.isin(column, [v for v in values or () if v != "missing"])][0]
            message = _unknown(values or (), name, int(known), entry)
            raise ConstraintTypeError(message, text=plan.text, span=plan.needs.attributes[name])


def graph_checks(
    y: Any,
    domain: Domain,
    plan: RowPlan,
    rows: LinearRows,
    columns: Mapping[str, Any],
    *,
    refuse_unknown: bool,
) -> list[Check]:
    """The checks of a batch inside a graph. Names stand in backticks, for TensorFlow escapes quotes."""
    slack, slack_of_sum = _slacks(backend.standardize_dtype(y.dtype), domain)
    finite = np.finfo("float64").max
    low, high = max(domain.low - slack, -finite), min(domain.high + slack, finite)
    wide = ops.cast(y, working_dtype())
    inside = ops.all(
        ops.logical_and(ops.greater_equal(wide, low), ops.less_equal(wide, high))
    )  # NaN is in no interval
    checks = [Check(inside, f"{_outside(domain)}, received some that are outside it, infinite or NaN")]
    if domain.simplex:
        sums = ops.abs(ops.sum(wide, axis=-1) - 1.0)
        checks.append(
            Check(ops.all(ops.less_equal(sums, slack_of_sum)), f"{_outside(domain)}, received other sums")
        )
    if refuse_unknown:
        checks += [
            Check(ops.equal(count, 0), f"attribute `{name}` has values outside the vocabulary")
            for name, count in rows.unknown.items()
        ]
    if plan.vocabulary.missing == "error":
        checks += [
            Check(ops.equal(count, 0), f"attribute `{name}` has missing values (NaN or empty text)")
            for name, count in rows.missing.items()
        ]
        checks += [
            Check(
                ops.logical_not(ops.any(ops.isnan(columns[name]))),
                f"attribute `{name}` has missing values (NaN)",
            )
            for name in sorted(plan.needs.numbers - set(rows.missing))
            if backend.is_float_dtype(backend.standardize_dtype(columns[name].dtype))
        ]
    return checks


def _outside(domain: Domain) -> str:
    if domain.simplex:
        return "expected predictions y that are probabilities and add up to 1 (apply a softmax first)"
    if np.isinf(domain.low) and np.isinf(domain.high):
        return "expected finite predictions y"
    return f"expected predictions y in {domain} (apply a sigmoid to logits, or set domain=None)"


def _slacks(dtype: str, domain: Domain) -> tuple[float, float]:
    """How far rounding may put a prediction outside its domain, and a sum of probabilities from 1."""
    rounding = 2.0 ** (-7 if dtype == "bfloat16" else -10 if dtype == "float16" else -20)
    width = domain.high - domain.low
    return rounding * width if np.isfinite(width) else 0.0, max(4 * rounding, 1e-3)


def _unknown(values: tuple[Any, ...], name: str, count: int, entry: Any) -> str:
    shown = "" if entry is None else f", such as {quoted(entry)}{near_names(entry, values)}"
    return (
        f"attribute {quoted(name)} has {count} values outside the vocabulary{shown} "
        "(unknown='exclude' leaves such samples out of its groups)"
    )
