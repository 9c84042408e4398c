"""What is audited: one chunk of predictions, attributes, label and weights, checked and ready to be asked.

Nothing is remembered here from chunk to chunk; what must be is in `keras_fair.audit.states`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fair.audit.demands import Demands
from keras_fair.errors import ConstraintTypeError, near_names, quoted
from keras_fair.groups.coding import encode_column, has_words
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.columns import columns_of
from keras_fair.language.nodes import Attribute, Label, Negative, Node, Number, Prediction, Span
from keras_fair.rows.values import Outputs

__all__ = ["Shown", "Chunk", "precision_of", "predictions_of"]


class Chunk:
    """Some samples.

    Args:
        demands: what the constraints ask of them.
        text: of the constraints.
        outputs: of the model.
        y: `(n, outputs)` float64, see `predictions_of`.
        attributes: a dict of columns or a DataFrame.
        label: `(n,)` or None.
        sample_weight: `(n,)` or None.
        vocabulary: what is known of the values of attributes.
        precision: that predictions were given in, see `precision_of`.

    Raises:
        ConstraintTypeError: an attribute or the label is lacking.
        ValueError: columns of different lengths, or weights that are none.
    """

    def __init__(
        self,
        demands: Demands,
        text: str,
        outputs: Outputs,
        y: np.ndarray,
        attributes: Any,
        label: Any,
        sample_weight: Any,
        vocabulary: Vocabulary,
        precision: type[np.generic] | None = None,
    ) -> None:
        self.demands, self.text, self.outputs, self.vocabulary = demands, text, outputs, vocabulary
        self.y = y
        self.size = len(y)
        given = columns_of(attributes)
        for name, span in demands.attributes.items():
            if name not in given:
                raise ConstraintTypeError(
                    f"no attribute named {quoted(name)}{near_names(name, given)}", text=text, span=span
                )
        if demands.label is not None and label is None:
            raise ConstraintTypeError(
                "this needs the label, and none was given", text=text, span=demands.label
            )
        flat = {name: _flat(given[name]) for name in demands.attributes}
        truth = None if demands.label is None else _flat(label)
        self._precisions = {name: precision_of(column) for name, column in (*flat.items(), (None, truth))}
        self._precision = precision
        self.columns = {name: _readable(column) for name, column in flat.items()}
        self.label = _readable(truth)
        lengths = {quoted(name): _length(column) for name, column in self.columns.items()}
        lengths["label"] = None if self.label is None else _length(self.label)
        self.weight = None if sample_weight is None else _weights(sample_weight)
        lengths["sample_weight"] = None if self.weight is None else len(self.weight)
        known = {name: length for name, length in lengths.items() if length is not None}
        known["predictions"] = self.size
        if not self.size and any(known.values()):
            raise ValueError(
                "expected predictions y as numbers of shape (n,), (n, 1) or (n, outputs), "
                f"received shape {y.shape[: 1 if y.shape[1] == 1 else 2]}"
            )
        if len(set(known.values())) > 1:
            shown = ", ".join(f"{name} has {length}" for name, length in known.items())
            raise ValueError(f"expected as many values in all columns, received: {shown}")
        self._numbers: dict[str | None, np.ndarray] = {}
        self._values: dict[Node, Any] = {}

    def precision(self, kind: str, name: Any) -> type[np.generic] | None:
        """The precision that the values of a subject were given in; None: that of float64."""
        return self._precision if kind == "y" else self._precisions[name]

    def numbers(self, name: str | None) -> np.ndarray:
        """An attribute (None: the label) that stands in arithmetic, `(n,)`, NaN where it is missing."""
        if name not in self._numbers:
            self._numbers[name] = self._read(name)
        return self._numbers[name]

    def value(self, node: Any) -> Any:
        """A value of each sample, `(n,)`, or a number for all of them."""
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Prediction):
            return self.y[:, self.outputs.index(node, self.text)]
        if isinstance(node, (Attribute, Label)):
            return self.numbers(getattr(node, "name", None))
        if node not in self._values:
            if isinstance(node, Negative):
                self._values[node] = -self.value(node.operand)
            else:
                left, right = np.asarray(self.value(node.left)), np.asarray(self.value(node.right))
                operators = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
                with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                    self._values[node] = operators[node.operator](left, right)
        return self._values[node]

    def _read(self, name: str | None) -> np.ndarray:
        what = "the label" if name is None else f"attribute {quoted(name)}"
        span = self.demands.attributes[name] if name is not None else self.demands.label
        known = self.vocabulary.label if name is None else self.vocabulary.values.get(name)
        column = self.label if name is None else self.columns[name]
        with Shown(self.text, span):
            if has_words(known) or isinstance(column, Mapping) or len(getattr(column, "shape", ())) > 1:
                raise ValueError(f"{what} stands in arithmetic here: expected numbers")
            try:
                found = np.asarray(encode_column(column, None, self.vocabulary.missing, what), "float64")
            except ValueError as fault:
                if "received text" in str(fault):
                    raise ValueError(f"{what} stands in arithmetic here: {fault}") from None
                raise
            if np.isinf(found).any():
                count = int(np.isinf(found).sum())
                raise ValueError(f"expected {what} to hold finite numbers, received {count} infinite")
        if name is None and self.demands.accuracy is not None:
            wrong = found[(found < 0) | (found > 1)]
            if len(wrong):
                raise ConstraintTypeError(
                    "an accuracy is label*y + (1 - label)*(1 - y): expected labels in [0, 1], "
                    f"received label={wrong[0]:g}",
                    text=self.text,
                    span=self.demands.accuracy,
                )
        return found


class Shown:
    """Turns a ValueError about a column into one that points at the place that asks for it."""

    def __init__(self, text: str, span: Span | None) -> None:
        self.text, self.span = text, span

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, ValueError) and not isinstance(fault, ConstraintTypeError):
            raise ConstraintTypeError(str(fault), text=self.text, span=self.span) from None


def precision_of(column: Any) -> type[np.generic] | None:
    """The type of the numbers of a column, where it is coarser than float64; None elsewhere.

    A threshold must be rounded to it before it is compared, as NumPy and pandas do: 0.7 in float32 is less
    than 0.7 in float64.
    """
    from keras import ops

    given = ops.convert_to_numpy(column) if ops.is_tensor(column) else column
    if isinstance(given, (list, tuple)):
        given = next((one for one in given if hasattr(one, "dtype")), None)
    name = str(getattr(given, "dtype", "")).lower()
    if name == "bfloat16":
        return np.asarray(given).dtype.type
    return {"float32": np.float32, "float16": np.float16}.get(name)


def predictions_of(y: Any) -> np.ndarray:
    """Predictions as float64 `(n, outputs)`.

    Raises:
        ValueError: they are no finite numbers, or of another shape.
    """
    from keras import ops

    given = _readable(ops.convert_to_numpy(y) if ops.is_tensor(y) else np.asarray(y))
    if given.dtype.kind not in "fiub" or given.ndim not in (1, 2):
        raise ValueError(
            "expected predictions y as numbers of shape (n,), (n, 1) or (n, outputs), "
            f"received shape {given.shape} and dtype {given.dtype}"
        )
    if not np.isfinite(np.sum(given, dtype="float64")) and not np.all(np.isfinite(given)):
        count = int(np.sum(~np.isfinite(given)))
        raise ValueError(f"expected finite predictions y, received {count} that are NaN or infinite")
    width = 1 if given.ndim == 1 else given.shape[1]
    return given.astype("float64", copy=False).reshape(len(given), width)


def _flat(column: Any) -> Any:
    """A column as read by NumPy and pandas: tensors become arrays, and `(n, 1)` becomes `(n,)`."""
    from keras import ops

    if isinstance(column, Mapping):
        return {value: _flat(shares) for value, shares in column.items()}
    if ops.is_tensor(column) or hasattr(column, "numpy"):
        column = column.numpy() if hasattr(column, "numpy") else ops.convert_to_numpy(column)
    if getattr(column, "ndim", 1) == 2 and column.shape[1] == 1 and isinstance(column, np.ndarray):
        return column[:, 0]
    return column


def _readable(column: Any) -> Any:
    """bfloat16, which is a type of its own to NumPy, as float32."""
    if isinstance(column, np.ndarray) and column.dtype.name == "bfloat16":
        return column.astype("float32")
    return column


def _length(column: Any) -> int | None:
    if isinstance(column, Mapping):
        return max((len(shares) for shares in column.values()), default=None)
    shape = getattr(column, "shape", None)
    if shape:
        return int(shape[0])
    return len(column) if hasattr(column, "__len__") and not isinstance(column, (str, bytes)) else None


def _weights(sample_weight: Any) -> np.ndarray:
    from keras import ops

    given = ops.convert_to_numpy(sample_weight) if ops.is_tensor(sample_weight) else np.asarray(sample_weight)
    if given.dtype.kind not in "fiub":
        raise ValueError(f"expected sample_weight to be numbers, received dtype={given.dtype}")
    weight = given.astype("float64", copy=False)
    if weight.ndim == 2 and weight.shape[1] == 1:
        weight = weight[:, 0]
    if weight.ndim != 1:
        raise ValueError(f"expected sample_weight of shape (n,), received shape={weight.shape}")
    if weight.size and not (np.min(weight) >= 0 and np.isfinite(np.sum(weight))):
        bad = int(np.sum(~(np.isfinite(weight) & (weight >= 0))))
        raise ValueError(
            f"expected sample_weight to be finite and >= 0, received {bad} that are not, "
            f"such as {weight[~(np.isfinite(weight) & (weight >= 0))][0]}"
        )
    return weight
