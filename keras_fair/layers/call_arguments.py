"""From the arguments of a call to what a plan reads: predictions, encoded columns, label and weights.

Text in NumPy, pandas and lists is encoded in NumPy, text tensors of TensorFlow inside the graph, both by the
vocabulary of the plan. Numbers are not changed. Integers for an attribute of text are read as codes of
`Vocabulary.encode` where there is a vocabulary. Without one the order of the codes is not known, and they are
refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from keras import backend, ops

from keras_fair.errors import ConstraintTypeError, Reason, quoted
from keras_fair.groups.coding import has_words
from keras_fair.groups.dates import CODES_OF_DATES
from keras_fair.groups.enumeration import column_name
from keras_fair.groups.samples import needed_columns
from keras_fair.groups.thresholds import cast_column
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import (
    concrete,
    dtype_of,
    is_tensor,
    largest_whole,
    widest_float,
)
from keras_fair.inputs.columns import columns_of
from keras_fair.inputs.precision import precision_name
from keras_fair.inputs.predictions import check_pairing, check_predictions, read_weight
from keras_fair.inputs.refusals import InText
from keras_fair.language.nodes import Attribute
from keras_fair.layers.checks import holds_codes, unknown_text
from keras_fair.ops import Domain
from keras_fair.rows.plan import RowPlan

__all__ = ["CallArguments", "check_names", "clipped_codes", "encode", "encode_known", "ranked", "unpacked"]

_OWN_KEYS = ("y", "label", "sample_weight")


class CallArguments(NamedTuple):
    """The arguments of one call."""

    y: Any
    attributes: dict[str, Any]
    label: Any
    sample_weight: Any


def unpacked(y: Any, attributes: Any, label: Any, sample_weight: Any) -> CallArguments:
    """The arguments of a call, passed separately or as one dict `{"y": ..., attribute: ...}`.

    Raises:
        ValueError: the dict has no `"y"`, or other arguments were passed beside it.
    """
    if not isinstance(y, Mapping):
        check_pairing(y, attributes, label, sample_weight)
        columns = {name: ranked(column) for name, column in columns_of(attributes).items()}
        return CallArguments(y, columns, ranked(label), ranked(sample_weight))
    if "y" not in y:
        raise ValueError(
            f"expected predictions under 'y' where all inputs are one dict, received keys {sorted(y)}"
        )
    if attributes is not None or label is not None or sample_weight is not None:
        raise ValueError(
            "expected all inputs in one dict or all as separate arguments, "
            "received a dict as y and other arguments"
        )
    rest = {name: ranked(column) for name, column in y.items() if name not in _OWN_KEYS}
    return CallArguments(y["y"], rest, ranked(y.get("label")), ranked(y.get("sample_weight")))


def ranked(column: Any) -> Any:
    """A column of one number a sample as `(n,)` where even its rank is not known.

    TensorFlow forgets the rank of what was `(n,)` in one call of `fit` and `(n, 1)` in the next.
    """
    shape = getattr(column, "shape", ())
    return ops.reshape(column, (-1,)) if getattr(shape, "rank", 0) is None else column


def check_names(plan: RowPlan, call: CallArguments) -> None:
    """Raise ConstraintTypeError, with the place, where an attribute or the label is not given."""
    needed_columns(call.attributes, plan.needs.attributes, call.label, plan.needs.label, plan.text)


def encode(
    plan: RowPlan, call: CallArguments, listed: Collection[str], domain: Domain, *, refuse_unknown: bool
) -> CallArguments:
    """The call with the columns that a plan needs, and the label, encoded; the predictions are checked.

    Args:
        plan: the lowered constraints.
        call: its arguments.
        listed: the attributes whose values a vocabulary lists; only then do codes mean something.
        domain: of the predictions.
        refuse_unknown: whether a value outside the vocabulary is an error, where it can be seen.

    Raises:
        ConstraintTypeError: a column does not fit; the caret is at the place that needs it.
        ValueError: predictions are not numbers in the domain, where that can be seen.
    """
    columns: dict[str, Any] = {}
    for name, span in plan.needs.attributes.items():
        column = call.attributes[name]
        dated = plan.vocabulary.is_dated(name)
        if dated and _is_codes(column) and dtype_of(column) == CODES_OF_DATES:
            columns[name] = column
            continue
        if not dated and _is_codes(column) and has_words(plan.vocabulary.values.get(name)):
            if name not in listed:
                raise ConstraintTypeError(
                    f"expected attribute {quoted(name)} to hold text, received integers: codes have a "
                    "meaning only where the values are known; adapt a Vocabulary to the attributes, or "
                    "give one",
                    text=plan.text,
                    span=span,
                    reason=Reason.WRONG_KIND,
                )
            columns[name] = column
            continue
        with InText(plan.text, span):
            columns.update(plan.vocabulary.encode({name: column}, [name]))
            wrong = unknown_text(plan.vocabulary, name, columns[name], column) if refuse_unknown else None
            if wrong is not None:
                raise ValueError(wrong)
            columns[name] = _kept_apart(columns[name], plan, name)
    label = call.label
    if label is not None and plan.needs.label is not None:
        with InText(plan.text, plan.needs.label):
            label = plan.vocabulary.encode_label(label)
    weight = call.sample_weight
    if weight is not None and not is_tensor(weight):
        weight = read_weight(weight)
    values = concrete(call.y)
    if values is not None:
        check_predictions(values, domain, precision_name(values))
    return CallArguments(call.y, columns, label, weight)


def encode_known(vocabulary: Vocabulary, columns: Any, *, refuse_unknown: bool) -> dict[str, Any]:
    """Columns of a vocabulary, encoded; raises ValueError for text outside it where that is refused."""
    encoded = vocabulary.encode(columns)
    for name, column in encoded.items():
        wrong = unknown_text(vocabulary, name, column, columns[name]) if refuse_unknown else None
        if wrong is not None:
            raise ValueError(wrong)
    return encoded


def clipped_codes(plan: RowPlan, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns with codes brought into their range, for a graph that cannot refuse any. A code out of
    range is read as a value outside the vocabulary."""
    clipped = dict(columns)
    for name, column in columns.items():
        if holds_codes(plan, name, column):
            size = len(plan.vocabulary.values[name] or ())
            inside = ops.logical_and(ops.greater_equal(column, 0), ops.less_equal(column, size + 1))
            clipped[name] = ops.where(inside, column, ops.full_like(column, size))
    return clipped


def _is_codes(column: Any) -> bool:
    """Whether a column holds whole numbers, one a sample."""
    if not hasattr(column, "dtype") or len(column.shape) > 1 and column.shape[1] != 1:
        return False
    if isinstance(column, np.ndarray):
        return column.dtype.kind in "iu"
    try:
        return "int" in str(backend.standardize_dtype(column.dtype))
    except ValueError:  # a dtype of pandas, which Keras does not know
        return False


def _kept_apart(column: Any, plan: RowPlan, name: str) -> Any:
    """A column of numbers as the backend holds it. What conditions tell apart stays apart."""
    factor = plan.factors.get(Attribute(name, span=plan.needs.attributes[name]))
    if widest_float() == "float64" or not isinstance(column, np.ndarray) or column.ndim != 1:
        return column
    if factor is None or factor.cuts is None or precision_name(column) != "float64":
        return column
    what = column_name(factor.subject)
    return cast_column(column, factor.cuts, widest_float(), what, largest=largest_whole())
