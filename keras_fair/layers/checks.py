"""What is wrong with a batch: predictions outside their domain, unknown values.

Outside a graph a fault raises an error at once, which shows the faulty value. Inside a graph a check is a
condition with the faults that may cause it to fail, and `keras_fair.layers.guard` reports failed checks.
Every batch evaluates the conditions; the faults are told apart only after a condition has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from keras import backend

from keras_fair.errors import ConstraintTypeError, near_names, quoted
from keras_fair.groups.accuracy import outside_message as accuracy_message
from keras_fair.groups.coding import has_words
from keras_fair.groups.thresholds import equal_to, is_whole
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import concrete, dtype_of
from keras_fair.inputs.precision import LARGEST_WHOLE, precision_name, shortest
from keras_fair.inputs.predictions import domain_slack, outside_message
from keras_fair.ops import Domain
from keras_fair.ops.dispatch import ops
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.plan import RowPlan

__all__ = [
    "Check",
    "BatchFault",
    "Strangers",
    "all_fine",
    "check_missing_codes",
    "check_shape",
    "check_unknown_numbers",
    "graph_checks",
    "holds_codes",
    "unknown_text",
]


class BatchFault(NamedTuple):
    """What may be wrong: a bool tensor of any shape, made when it is asked for, and a sentence."""

    absent: Callable[[], Any]
    message: str


class Check(NamedTuple):
    """A condition on each sample or on the batch, () or (n, ...) bool, and the faults where it fails."""

    fine: Any
    faults: Sequence[BatchFault]


class StrangersSeen(Protocol):
    """Whatever holds what `Strangers` holds."""

    @property
    def unknown(self) -> Mapping[str, Any]: ...
    @property
    def missing(self) -> Mapping[str, Any]: ...


class Strangers(NamedTuple):
    """How many samples have a value outside the vocabulary, and how many have none, by attribute, () each."""

    unknown: Mapping[str, Any]
    missing: Mapping[str, Any]


def all_fine(checks: Sequence[Check]) -> Any:
    """Whether all checks hold, () bool: one pass over the samples, however many checks there are."""
    whole = [check.fine for check in checks if not len(check.fine.shape)]
    of_samples = [check.fine for check in checks if len(check.fine.shape)]
    of_samples = [fine if len(fine.shape) == 1 else ops.all(fine, axis=1) for fine in of_samples]
    conditions = whole + ([ops.all(_conjunction(of_samples))] if of_samples else [])
    return _conjunction(conditions)


def _conjunction(conditions: Sequence[Any]) -> Any:
    total = conditions[0]
    for condition in conditions[1:]:
        total = ops.logical_and(total, condition)
    return total


def check_shape(shape: tuple[int | None, ...], domain: Domain) -> int:
    """The number of outputs of predictions of this shape.

    Raises:
        ValueError: it is not `(n,)`, `(n, 1)` or `(n, outputs)`, or the domain is the simplex and there is
            one output.
    """
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] is None):
        raise ValueError(
            f"expected predictions y of shape (n,), (n, 1) or (n, outputs), received shape={shape}"
        )
    outputs = 1 if len(shape) == 1 else int(shape[1] or 0)
    if outputs < 1 or (domain.simplex and outputs < 2):
        raise ValueError(f"expected predictions y with outputs in {domain}, received shape={shape}")
    return outputs


def unknown_text(vocabulary: Vocabulary, name: str, codes: Any, column: Any) -> str | None:
    """What is wrong where encoded text is outside the vocabulary, else None. `column` is the text."""
    values = vocabulary.values.get(name) or ()
    read = concrete(codes)
    if read is None or read.ndim != 1 or not has_words(values) or vocabulary.is_open(name):
        return None
    outside = np.flatnonzero(read == len(values))
    if not len(outside):
        return None
    entries = concrete(column)
    entry = np.asarray(column if entries is None else entries).reshape(len(read), -1)[outside[0], 0]
    entry = None if isinstance(entry, np.integer) else entry.decode() if isinstance(entry, bytes) else entry
    return _unknown(values, name, len(outside), entry)


def check_unknown_numbers(plan: RowPlan, rows: StrangersSeen, columns: Mapping[str, Any]) -> None:
    """Raise ConstraintTypeError where a number, or a code, is outside the vocabulary."""
    for name, count in rows.unknown.items():
        outside = concrete(count)
        if outside is not None and outside > 0:
            values, column = plan.vocabulary.values.get(name), concrete(columns[name])
            entry = None
            if column is not None and not has_words(values):
                numbers = [value for value in values or () if not isinstance(value, str)]
                listed = equal_to(column.reshape(-1), numbers, passes=True)
                entry = shortest(float(column.reshape(-1)[~listed][0]), precision_name(column))
            message = _unknown(values or (), name, int(outside), entry)
            raise ConstraintTypeError(message, text=plan.text, span=plan.needs.attributes[name])


def check_missing_codes(plan: RowPlan, rows: StrangersSeen) -> None:
    """Raise ConstraintTypeError where a code stands for a missing value, and the vocabulary takes none."""
    for name, count in rows.missing.items() if plan.vocabulary.missing == "error" else ():
        missing = concrete(count)
        if missing is not None and missing > 0:
            message = (
                f"attribute {name!r} has {int(missing)} missing values; choose what they mean: "
                "Vocabulary(missing='exclude') or Vocabulary(missing='group')"
            )
            raise ConstraintTypeError(message, text=plan.text, span=plan.needs.attributes[name])


def graph_checks(
    y: Any,
    domain: Domain,
    plan: RowPlan,
    rows: StrangersSeen,
    columns: Mapping[str, Any],
    weight: Any = None,
    *,
    label: Any = None,
    refuse_unknown: bool,
) -> list[Check]:
    """The checks of a batch inside a graph. Names are in backticks, because TensorFlow escapes quotes."""
    checks = _prediction_checks(y, domain)
    if weight is not None:
        there = ops.logical_and(ops.greater_equal(weight, 0), ops.less(weight, np.inf))  # NaN is neither
        checks.append(_plain(there, "expected sample_weight >= 0 and finite, received some that is not"))
    coded = {name for name, column in columns.items() if holds_codes(plan, name, column)}
    for name in sorted(coded):
        checks.append(_code_check(plan, name, columns[name], refuse_unknown and name in rows.unknown))
    if refuse_unknown:
        message = "attribute `{}` has values outside the vocabulary"
        checks += [
            _plain(ops.equal(count, 0), message.format(name))
            for name, count in rows.unknown.items()
            if name not in coded
        ]
    if plan.vocabulary.missing == "error":
        message = "attribute `{}` has missing values (NaN or empty text)"
        checks += [
            _plain(ops.equal(count, 0), message.format(name))
            for name, count in rows.missing.items()
            if name not in coded
        ]
        checks += [
            _plain(ops.logical_not(ops.isnan(columns[name])), message.format(name))
            for name in sorted(plan.needs.numbers - set(rows.missing))
            if not is_whole(columns[name])
        ]
    checks += [
        _plain(
            _exact(columns[name]), f"attribute `{name}` holds whole numbers beyond 2^53: give them as text"
        )
        for name in sorted(set(plan.needs.attributes) - coded)
        if dtype_of(columns[name]) in ("int64", "uint64")
    ]
    if plan.needs.accuracy is not None and label is not None:
        checks.append(_plain(_is_rate(label), f"{accuracy_message()}, received some that are outside"))
    return checks


def holds_codes(plan: RowPlan, name: str, column: Any) -> bool:
    """Whether a column holds codes of words: whole numbers, one a sample."""
    single = len(column.shape) == 1 or column.shape[1] == 1
    return single and has_words(plan.vocabulary.values.get(name)) and "int" in dtype_of(column)


def _prediction_checks(y: Any, domain: Domain) -> list[Check]:
    slack, slack_of_sum = domain_slack(backend.standardize_dtype(y.dtype), domain)
    finite = np.finfo(working_dtype()).max  # of that type: Keras takes a plain float for a float32
    low, high = max(domain.low - slack, -finite), min(domain.high + slack, finite)
    wide = ops.cast(y, working_dtype())
    inside = ops.logical_and(ops.greater_equal(wide, low), ops.less_equal(wide, high))  # NaN is in none
    checks = [
        _plain(inside, f"{outside_message(domain)}, received some that are outside it, infinite or NaN")
    ]
    if domain.simplex:
        sums = ops.abs(ops.sum(wide, axis=-1) - 1.0)
        checks.append(
            _plain(ops.less_equal(sums, slack_of_sum), f"{outside_message(domain)}, received other sums")
        )
    return checks


def _code_check(plan: RowPlan, name: str, column: Any, refuse_unknown: bool) -> Check:
    size = len(plan.vocabulary.values[name] or ())
    refuse_missing = plan.vocabulary.missing == "error"
    within = BatchFault(lambda: _between(column, size + 1), f"attribute `{name}` has codes out of range")
    listed = BatchFault(
        lambda: ops.not_equal(column, size), f"attribute `{name}` has values outside the vocabulary"
    )
    there = BatchFault(
        lambda: ops.not_equal(column, size + 1), f"attribute `{name}` has missing values (NaN or empty text)"
    )
    faults = [within, *([listed] if refuse_unknown else []), *([there] if refuse_missing else [])]
    fine = _between(column, size + 1 - refuse_missing - (refuse_unknown and refuse_missing))
    if refuse_unknown and not refuse_missing:
        fine = ops.logical_and(fine, listed.absent())
    return Check(fine, faults)


def _exact(column: Any) -> Any:
    """Where a float64 too tells whole numbers apart from their neighbours."""
    inside = ops.less_equal(column, LARGEST_WHOLE)
    if "uint" in dtype_of(column):
        return inside
    return ops.logical_and(inside, ops.greater_equal(column, -LARGEST_WHOLE))


def _is_rate(label: Any) -> Any:
    """Where a label lies in [0, 1], or is missing."""
    outside = ops.logical_or(ops.less(label, 0), ops.greater(label, 1))
    return ops.logical_not(outside)


def _between(column: Any, highest: int) -> Any:
    return ops.logical_and(ops.greater_equal(column, 0), ops.less_equal(column, highest))


def _plain(fine: Any, message: str) -> Check:
    return Check(fine, [BatchFault(lambda: fine, message)])


def _unknown(values: tuple[Any, ...], name: str, count: int, entry: Any) -> str:
    shown = "" if entry is None else f", such as {quoted(entry)}{near_names(entry, values)}"
    return (
        f"attribute {quoted(name)} has {count} values outside the vocabulary{shown} "
        "(unknown='exclude' leaves such samples out of its groups)"
    )
