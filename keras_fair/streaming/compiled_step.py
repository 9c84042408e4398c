"""The step of a stream, compiled for arrays: what serves a request without a model.

Requests come in any size; compiled programs are for fixed ones. A batch is filled up to the next size with
entries that weigh nothing and are no arrivals.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_fair.language.nodes import Attribute
from keras_fair.ops.compilation import compiled_vector
from keras_fair.ops.stream.state_vector import Readout, StreamRule
from keras_fair.ops.stream.step import stream_step
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.plan import RowPlan

__all__ = ["Batch", "CompiledStep"]

_Form = tuple[tuple[str, tuple[int, ...], str], ...]


class Batch(NamedTuple):
    """What arrives, as NumPy arrays.

    Attributes:
        r: `(n,)` or `(n, outputs)` predictions, float64.
        columns: encoded columns.
        label: `(n,)` or None.
        weight: `(n,)` or None.
    """

    r: np.ndarray
    columns: dict[str, np.ndarray]
    label: np.ndarray | None = None
    weight: np.ndarray | None = None


class CompiledStep:
    """`stream_step` for one plan.

    Each further tensor that goes into a compiled program costs as much as a small step, so a batch goes in as
    one vector, and a program is kept for each form of batch.

    Args:
        plan: the lowered constraints.
        rule: how they are held.
    """

    def __init__(self, plan: RowPlan, rule: StreamRule) -> None:
        self.readout = Readout(plan)
        self.plan, self._rule = plan, rule
        self._programs: dict[_Form, Any] = {}
        self._listed = {
            subject.name: next(value for value in factor.values if not isinstance(value, str))
            for subject, factor in plan.factors.items()
            if isinstance(subject, Attribute) and factor.listed and factor.values
        }

    def __call__(self, vector: np.ndarray, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """The predictions, as those that came in, and a readout, from a state `(size,)`."""
        n = len(batch.r)
        size = _size(n)
        present = None
        if size != n:
            weight = np.ones(n) if batch.weight is None else batch.weight
            batch = Batch(
                _filled(batch.r, size, at=self._resting),
                {name: self._filled_column(name, column, size) for name, column in batch.columns.items()},
                None if batch.label is None else _filled(batch.label, size),
                _filled(weight, size, at=0.0),
            )
            present = (np.arange(size) < n).astype("float64")
        parts = {"r": batch.r, "label": batch.label, "weight": batch.weight, "present": present}
        arrays = {name: array for name, array in parts.items() if array is not None}
        arrays |= {f"column {name}": column for name, column in batch.columns.items()}
        form = tuple((name, array.shape, array.dtype.kind) for name, array in arrays.items())
        flat = np.concatenate(
            [self.readout.fresh(vector), *(array.reshape(-1) for array in arrays.values())], dtype="float64"
        )
        if form not in self._programs:
            self._programs[form] = compiled_vector(self._step, form, len(flat))
        answer = np.asarray(ops.convert_to_numpy(self._programs[form](flat)))
        y = answer[self.readout.size :].reshape(batch.r.shape)
        return y[:n], answer[: self.readout.size]

    def _filled_column(self, name: str, column: np.ndarray, size: int) -> np.ndarray:
        """A column with more entries, of a value that counts neither as unknown nor as missing."""
        if column.ndim == 2:
            return _filled(column, size)
        return _filled(column, size, at=self._listed.get(name, 0))

    @property
    def _resting(self) -> float:
        domain = self._rule.domain
        if domain.simplex:
            return 1.0 / self.plan.outputs.count
        return domain.low if np.isfinite(domain.low) else min(domain.high, 0.0)

    def _step(self, form: _Form, flat: Any) -> Any:
        """The readout and the predictions as one vector, from the readout before and the batch as one."""
        flat = ops.cast(flat, working_dtype())
        before = flat[: self.readout.size]
        tensors: dict[str, Any] = {}
        columns: dict[str, Any] = {}
        start = self.readout.size
        for name, shape, kind in form:
            size = math.prod(shape)
            part = ops.reshape(flat[start : start + size], shape)
            part = part if kind == "f" else ops.cast(part, "int32")
            start += size
            if name.startswith("column "):
                columns[name.removeprefix("column ")] = part
            else:
                tensors[name] = part
        label = tensors.get("label")
        step = stream_step(
            self.plan,
            self._rule,
            before[self.readout.parts["vector"]],
            tensors["r"],
            columns,
            label,
            tensors.get("weight"),
            tensors.get("present"),
            fractional_label=label is not None and "float" in str(label.dtype),
        )
        y = ops.cast(step.projection.y, working_dtype())
        return ops.concatenate([self.readout.after(before, step), ops.reshape(y, (-1,))], axis=0)


def _size(n: int) -> int:
    """The size of program for n arrivals: a power of two up to 16, then eighths of one."""
    if n <= 16:
        return 1 << max(n - 1, 0).bit_length()
    step = 1 << max((n - 1).bit_length() - 3, 4)
    return step * -(-n // step)


def _filled(column: np.ndarray, size: int, at: float | None = None) -> np.ndarray:
    """A column with more entries: a number, or the last one again."""
    more = size - len(column)
    last = column[-1:] if at is None else np.full_like(column[:1], at)
    return np.concatenate([column, np.repeat(last, more, axis=0)])
