"""Reading predictions and weights, and checking that what belongs together has one length."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.inputs.arrays import Tensor, concrete, flat, is_tensor
from keras_fair.inputs.columns import Words, read_column
from keras_fair.inputs.domain import Domain
from keras_fair.inputs.orders import check_order
from keras_fair.inputs.precision import precision_name

__all__ = [
    "Predictions",
    "check_predictions",
    "check_lengths",
    "check_pairing",
    "check_weight",
    "chosen_output",
    "domain_slack",
    "length_of",
    "number_array",
    "outside_message",
    "part_of_output",
    "read_predictions",
    "read_weight",
    "replaced_output",
]


@dataclass(frozen=True)
class Predictions:
    """Predictions as they are measured.

    Args:
        values: `(n, outputs)` float64.
        precision: the precision that they were given in.
        shape: the shape that they were given in.
        dtype: the dtype that they were given in; float64 where that was no float.
    """

    values: np.ndarray
    precision: str
    shape: tuple[int, ...]
    dtype: np.dtype

    def __len__(self) -> int:
        return len(self.values)

    @property
    def outputs(self) -> int:
        """How many predictions a sample has."""
        return int(self.values.shape[1])

    @property
    def flat(self) -> np.ndarray:
        """`(n,)` where a sample has one prediction, else `(n, outputs)`."""
        return flat(self.values)

    def shaped(self, values: np.ndarray) -> np.ndarray:
        """Other predictions of the same samples in the shape and type of these."""
        return np.asarray(values).astype(self.dtype).reshape(self.shape)


def read_predictions(y: Any, *, outputs: int | None = None, domain: Domain | None = None) -> Predictions:
    """Read predictions.

    Args:
        y: `(n,)`, `(n, 1)` or `(n, outputs)`: numbers in a list, an array, a tensor, a pandas, polars or
            pyarrow column.
        outputs: how many predictions a sample has; default: as many as there are.
        domain: where they lie; default: anywhere.

    Raises:
        ValueError: they are no finite numbers, some are masked, they have another shape, or lie outside the
            domain.
    """
    values, precision = number_array(y, "predictions y")
    expected = {None: "(n,), (n, 1) or (n, outputs)", 1: "(n,) or (n, 1)"}.get(outputs, f"(n, {outputs})")
    width = values.shape[-1] if values.ndim > 1 else 1
    if values.dtype.kind not in "fiub" or values.ndim not in (1, 2) or outputs not in (None, width):
        raise ValueError(
            f"expected predictions y as numbers of shape {expected}, "
            f"received shape {values.shape} and dtype {values.dtype}"
        )
    check_predictions(values, domain, precision)
    dtype = values.dtype if values.dtype.kind == "f" else np.dtype("float64")
    numbers = values.astype("float64", copy=False).reshape(len(values), width)
    return Predictions(numbers, precision, values.shape, dtype)


def chosen_output(predicted: Any, output: str | int | None) -> Any:
    """The output of a model that constraints are on.

    Args:
        predicted: what the model gives: one tensor or array, or a dict or list of them.
        output: the key or the place of the one; None where there is one only.

    Raises:
        ValueError: there are several, and none or another one was named.
    """
    if not isinstance(predicted, (Mapping, list, tuple)):
        if output is None:
            return predicted
        raise ValueError(f"expected a model of several outputs, of which output={output!r} is one")
    there = list(predicted) if isinstance(predicted, Mapping) else list(range(len(predicted)))
    if output is None and len(there) == 1:
        output = there[0]
    if output not in there:
        raise ValueError(
            f"expected one of the outputs {there}, that the constraints are on, received output={output!r}: "
            f"name it, for example with output={there[0]!r}"
        )
    return predicted[output]  # type: ignore[index]


def part_of_output(part: Any, output: str | int | None) -> Any:
    """The labels or weights of the output that constraints are on.

    Args:
        part: of all outputs, in a dict or, where outputs have places, in a list; or of the one.
        output: see `chosen_output`.
    """
    of_several = isinstance(part, Mapping) or (
        isinstance(output, int) and isinstance(part, (list, tuple))  # else a list is a column
    )
    return chosen_output(part, output) if of_several else part


def replaced_output(predicted: Any, chosen: Any, fair: Any) -> Any:
    """What a model gives, with `fair` where `chosen`, of `chosen_output`, was."""
    if isinstance(predicted, Mapping):
        return {key: fair if value is chosen else value for key, value in predicted.items()}
    if isinstance(predicted, (list, tuple)):
        return type(predicted)([fair if value is chosen else value for value in predicted])
    return fair


def check_predictions(values: np.ndarray, domain: Domain | None, precision: str) -> None:
    """Refuse predictions that are NaN, infinite or outside their domain.

    Args:
        values: `(n,)` or `(n, outputs)` numbers.
        domain: where they lie; None: anywhere.
        precision: the precision that they were given in. It says how far rounding may put them outside.

    Raises:
        ValueError: some are.
    """
    if not values.size:
        return
    low, high = float(values.min()), float(values.max())  # NaN where one of them is
    if not math.isfinite(low) or not math.isfinite(high):
        count = int(np.sum(~np.isfinite(values)))
        raise ValueError(f"expected finite predictions y, received {count} that are NaN or infinite")
    if domain is None:
        return
    slack, slack_of_sum = domain_slack(precision, domain)
    if low < domain.low - slack or high > domain.high + slack:
        raise ValueError(f"{outside_message(domain)}, received values from {low:g} to {high:g}")
    if domain.simplex:
        sums = values.sum(axis=1, dtype="float64")
        if np.abs(sums - 1.0).max() > slack_of_sum:
            raise ValueError(
                f"{outside_message(domain)}, received sums from {sums.min():g} to {sums.max():g}"
            )


def outside_message(domain: Domain) -> str:
    """What is expected of predictions in a domain."""
    if domain.simplex:
        return "expected predictions y that are probabilities and add up to 1 (apply a softmax first)"
    if np.isinf(domain.low) and np.isinf(domain.high):
        return "expected finite predictions y"
    return f"expected predictions y in {domain} (apply a sigmoid to logits, or set domain=None)"


def domain_slack(precision: str, domain: Domain) -> tuple[float, float]:
    """How far rounding may put a prediction outside its domain, and a sum of probabilities from 1.

    Where one end of the domain is infinite, it is relative to the other end; to 1 where that is zero, or both
    are infinite.
    """
    rounding = 2.0 ** {"bfloat16": -7, "float16": -10}.get(precision, -20)
    width = domain.high - domain.low
    reach = width
    if not math.isfinite(width):
        reach = max((abs(end) for end in domain.bounds if math.isfinite(end)), default=0.0) or 1.0
    return rounding * reach, max(4 * rounding, 1e-3)


def read_weight(sample_weight: Any) -> np.ndarray:
    """Read sample weights, `(n,)` float64.

    Args:
        sample_weight: `(n,)` or `(n, 1)` numbers in any container.

    Raises:
        ValueError: they are no numbers, some are masked, negative or not finite, or they have another shape.
    """
    values, _ = number_array(sample_weight, "sample_weight")
    if values.dtype.kind not in "fiub":
        raise ValueError(f"expected sample_weight to be numbers, received dtype={values.dtype}")
    return check_weight(values.astype("float64", copy=False))


def check_weight(weight: Tensor) -> Tensor:
    """Sample weights as `(n,)`.

    Args:
        weight: `(n,)` or `(n, 1)` floats, an array or a tensor.

    Raises:
        ValueError: they have another shape, or some are negative or not finite, which is not known inside a
            graph.
    """
    weight = flat(weight)
    if len(weight.shape) != 1:
        raise ValueError(f"expected sample_weight of shape (n,), received shape={tuple(weight.shape)}")
    values = concrete(weight)
    if values is None or not values.size:
        return weight
    if not (np.min(values) >= 0 and np.isfinite(np.sum(values, dtype="float64"))):
        wrong = values[~(np.isfinite(values) & (values >= 0))]
        if len(wrong):
            raise ValueError(
                f"expected sample_weight to be finite and >= 0, received {len(wrong)} that are not, "
                f"such as {wrong[0]}"
            )
        raise ValueError("expected sample_weight with a finite sum, received weights whose sum is infinite")
    return weight


def check_lengths(lengths: Mapping[str, int | None]) -> None:
    """Refuse columns of different lengths.

    Args:
        lengths: the length of each column, by its name in messages; None where it is not known.

    Raises:
        ValueError: two of them differ.
    """
    stated = {name: length for name, length in lengths.items() if length is not None}
    if len(set(stated.values())) > 1:
        shown = ", ".join(f"{name} has {length}" for name, length in stated.items())
        raise ValueError(f"expected as many values in all columns, received: {shown}")


def check_pairing(y: Any, attributes: Any, label: Any, sample_weight: Any) -> None:
    """Refuse pandas objects that belong together and have different orders; see `check_order`."""
    parts = {"predictions y": y}
    if isinstance(attributes, Mapping):
        parts.update({f"attribute {name!r}": column for name, column in attributes.items()})
    else:
        parts["attributes"] = attributes
    check_order({**parts, "label": label, "sample_weight": sample_weight})


def length_of(column: Any) -> int | None:
    """How many samples a column has; None where it does not say."""
    if isinstance(column, Mapping):
        return max((len(shares) for shares in column.values()), default=None)
    shape = getattr(column, "shape", None)
    if shape:
        return int(shape[0])
    return len(column) if hasattr(column, "__len__") and not isinstance(column, (str, bytes)) else None


def number_array(values: Any, what: str) -> tuple[np.ndarray, str]:
    """Numbers of any container as an array, and the precision that they were given in.

    Args:
        values: predictions or weights of any shape.
        what: what messages call them.

    Raises:
        ValueError: some are masked, or they are a tensor inside a graph.
    """
    if is_tensor(values):
        values = concrete(values)
        if values is None:
            raise ValueError(f"expected {what} that have values, received a tensor inside a graph")
    if not isinstance(values, np.ndarray) and (hasattr(values, "dtype") or hasattr(values, "null_count")):
        column = read_column(values, what)  # of pandas, polars or pyarrow
        if isinstance(column, Words):
            raise ValueError(f"expected {what} to be numbers, received text")
        return column.values, column.precision
    array = values if isinstance(values, np.ndarray) else np.asarray(values)
    if isinstance(array, np.ma.MaskedArray):
        count = int(np.ma.getmaskarray(array).sum())
        if count:
            raise ValueError(f"expected {what} without masked values, received {count} that are masked")
        array = np.ma.getdata(array)
    if array.dtype.kind == "V" and array.dtype.name == "bfloat16":
        return array.astype("float32"), "bfloat16"
    return array, precision_name(array)
