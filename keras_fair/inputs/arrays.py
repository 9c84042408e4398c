"""One set of names for arrays: `keras.ops` for tensors, NumPy where all inputs are NumPy.

PyTorch has functions of its own for these names, see `keras_fair.inputs.arrays_torch`.

Rows are computed by one piece of code, written against `keras.ops`. Outside a graph every operation of a
backend costs tens of microseconds, and some of them ten times the time of NumPy on a million rows. So where
all inputs are NumPy arrays, the same code runs on NumPy under the same names.

Keras is imported when the first tensor appears, so that code with NumPy arrays only does not wait for it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from keras_fair.inputs.precision import LARGEST_WHOLE

__all__ = [
    "Tensor",
    "computes_on_host",
    "concrete",
    "divided",
    "dtype_of",
    "flat",
    "floats",
    "given_back",
    "is_numpy",
    "is_tensor",
    "largest_whole",
    "namespace",
    "on_host",
    "static_size",
    "tensor_functions",
    "widest_float",
]

Tensor = Any

_BACKENDS = ("tensorflow", "jax", "jaxlib", "torch", "keras")  # packages that have tensors


def _reduction(function: Any) -> Any:
    def reduced(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return function.reduce(x, axis=axis, keepdims=keepdims)

    return reduced


class _NumPy:
    """NumPy under the names of `keras.ops`, for the names that differ; and for those that NumPy takes
    microseconds for before it begins."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        setattr(self, name, function)
        return function

    @staticmethod
    def cast(x: Any, dtype: str) -> np.ndarray:
        return np.asarray(x).astype(dtype, copy=False)

    @staticmethod
    def convert_to_tensor(x: Any, dtype: str | None = None) -> np.ndarray:
        return np.asarray(x, dtype=dtype)

    @staticmethod
    def convert_to_numpy(x: Any) -> np.ndarray:
        return np.asarray(x)

    @staticmethod
    def segment_sum(data: np.ndarray, segment_ids: np.ndarray, num_segments: int) -> np.ndarray:
        if data.ndim == 1:
            return np.bincount(segment_ids, weights=data, minlength=num_segments)
        columns = [np.bincount(segment_ids, weights=column, minlength=num_segments) for column in data.T]
        return np.stack(columns, axis=1)

    sum = staticmethod(_reduction(np.add))
    max = staticmethod(_reduction(np.maximum))
    min = staticmethod(_reduction(np.minimum))
    any = staticmethod(_reduction(np.logical_or))
    all = staticmethod(_reduction(np.logical_and))

    @staticmethod
    def ones_like(x: Any, dtype: Any = None) -> np.ndarray:
        return np.ones(x.shape, dtype or x.dtype)

    @staticmethod
    def zeros_like(x: Any, dtype: Any = None) -> np.ndarray:
        return np.zeros(x.shape, dtype or x.dtype)

    @staticmethod
    def full_like(x: Any, fill_value: Any) -> np.ndarray:
        filled = np.empty(x.shape, x.dtype)
        filled.fill(fill_value)
        return filled

    @staticmethod
    def stack(x: Any, axis: int = 0) -> np.ndarray:
        return np.array(x) if axis == 0 else np.stack(x, axis)

    @staticmethod
    def expand_dims(x: Any, axis: int) -> np.ndarray:
        return np.asarray(x)[None] if axis == 0 else np.expand_dims(x, axis)

    @staticmethod
    def transpose(x: np.ndarray) -> np.ndarray:
        return x.T

    @staticmethod
    def pad(x: np.ndarray, pad_width: Any, constant_values: Any = 0.0) -> np.ndarray:
        widths = pad_width if isinstance(pad_width[0], tuple) else (pad_width,) * x.ndim
        shape = [before + size + after for size, (before, after) in zip(x.shape, widths, strict=True)]
        padded = np.full(shape, constant_values, x.dtype)
        places = zip(x.shape, widths, strict=True)
        padded[tuple(slice(before, before + size) for size, (before, _) in places)] = x
        return padded

    @staticmethod
    def stop_gradient(x: Any) -> Any:
        return x

    @staticmethod
    def unstack(x: np.ndarray, num: int) -> list[Any]:
        return [x[place] for place in range(num)]

    @staticmethod
    def one_hot(x: Any, num_classes: int, dtype: Any = None) -> np.ndarray:
        return np.asarray(np.expand_dims(x, -1) == np.arange(num_classes), dtype)

    @staticmethod
    def while_loop(unfinished: Any, advance: Any, state: Any) -> Any:
        while unfinished(*state):
            state = advance(*state)
        return state

    @staticmethod
    def cond(condition: Any, chosen: Any, other: Any) -> Any:
        return chosen() if condition else other()


_NUMPY = _NumPy()


def is_numpy(*arrays: Any) -> bool:
    """Whether all of these are NumPy arrays, numbers, or None."""
    return all(array is None or isinstance(array, (np.ndarray, np.generic, int, float)) for array in arrays)


def is_tensor(array: Any) -> bool:
    """Whether this is a tensor of the backend in use, one inside a graph included."""
    kind: Any = type(array)
    if isinstance(array, (np.ndarray, list, tuple)) or not _may_be_tensor(kind):
        return False
    from keras import ops

    return bool(ops.is_tensor(array))


def namespace(*arrays: Any) -> Any:
    """The functions for these arrays: `keras.ops`, or NumPy under the same names if all are NumPy's. Arrays
    of a class that has `own_functions` (`keras_fair.ops.traced`) bring theirs."""
    if is_numpy(*arrays):
        return _NUMPY
    for array in arrays:
        own = getattr(type(array), "own_functions", None)
        if own is not None:
            return own
    return tensor_functions()


def tensor_functions() -> Any:
    """The functions for tensors of the backend in use: `keras.ops`; on PyTorch the same names in float64."""
    if _runs_on_torch():
        from keras_fair.inputs.arrays_torch import TORCH

        return TORCH
    from keras import ops

    return ops


def computes_on_host() -> bool:
    """Whether `on_host` takes tensors to NumPy."""
    return _runs_on_torch()


def on_host(x: Tensor) -> Any:
    """On PyTorch, a tensor as an array of NumPy where no gradient flows to it: nothing is compiled there, and
    NumPy is quicker. Elsewhere what came in."""
    if not is_tensor(x) or not _runs_on_torch():
        return x
    from keras_fair.inputs.arrays_torch import on_host as on_host_here

    return on_host_here(x)


def given_back(x: Any, like: Tensor, dtype: Any = None) -> Tensor:
    """What was computed from `on_host` of a tensor, as a tensor again, on its device.

    Args:
        x: an array or a tensor.
        like: the tensor that came in.
        dtype: of the result; default: that of `x`.
    """
    if not _runs_on_torch():
        return x if dtype is None else tensor_functions().cast(x, dtype)
    from keras_fair.inputs.arrays_torch import tensor_like

    return tensor_like(x, like, dtype)


def dtype_of(array: Any) -> str:
    """The name of the dtype of an array or a tensor."""
    if isinstance(array, (np.ndarray, np.generic)):
        return array.dtype.name
    from keras import backend

    return str(backend.standardize_dtype(array.dtype))


def widest_float() -> str:
    """The widest float type that sums of tensors keep: "float64", or "float32" on JAX without x64."""
    from keras import backend, ops

    if _runs_on_torch():
        return "float64"  # on the host, wherever tensors are
    return str(backend.standardize_dtype(ops.convert_to_tensor(np.zeros(1)).dtype))


def largest_whole() -> int:
    """The largest whole number that tensors keep apart from its neighbours: 2^53, or 2^31 - 1 on JAX without
    x64, which has no 64-bit integers."""
    return 2**31 - 1 if widest_float() == "float32" else LARGEST_WHOLE


def floats(xp: Any, values: Any) -> Tensor:
    """Values in the dtype that all sums are in: float64 in NumPy, `widest_float` in tensors."""
    if xp is _NUMPY:
        return np.asarray(values, dtype="float64")
    if hasattr(xp, "floats"):
        return xp.floats(values)
    dtype = widest_float()
    return xp.cast(values, dtype) if is_tensor(values) else xp.convert_to_tensor(np.asarray(values), dtype)


def divided(numerator: Any, denominator: Tensor, where: Tensor) -> Tensor:
    """The quotient where a condition holds; elsewhere 0, with gradient 0 too."""
    xp = namespace(numerator, denominator, where)
    quotient = xp.divide(numerator, xp.where(where, denominator, xp.ones_like(denominator)))
    return xp.where(where, quotient, xp.zeros_like(quotient))


def flat(column: Tensor) -> Tensor:
    """A column `(n,)` from one of `(n,)` or `(n, 1)`; another shape stays as it is."""
    return column[:, 0] if len(column.shape) == 2 and column.shape[1] == 1 else column


def writable(array: np.ndarray) -> np.ndarray:
    """The array, or a copy of one that is read-only: out of shared memory, a memory map, or a pickle whose
    buffers lie elsewhere."""
    return array if array.flags.writeable else array.copy()


def concrete(tensor: Tensor) -> np.ndarray | None:
    """The values of a tensor as a NumPy array, or None inside a graph, where there are none yet."""
    if isinstance(tensor, np.ndarray):
        return tensor
    if isinstance(tensor, np.generic):
        return np.asarray(tensor)
    # A tensor in a graph of TensorFlow, or a tracer of JAX: NumPy would warn before it fails.
    if hasattr(tensor, "graph") or hasattr(tensor, "_trace"):
        return None
    from keras import ops

    try:
        return np.asarray(ops.convert_to_numpy(tensor))
    except Exception:  # each backend raises an error of its own for a tensor without values
        return None


def static_size(tensor: Tensor) -> int | None:
    """The length of the first axis where it is known before the graph runs."""
    size = tensor.shape[0]
    return size if isinstance(size, int) else None


@lru_cache(maxsize=1)
def _runs_on_torch() -> bool:
    from keras import backend

    return bool(backend.backend() == "torch")


@lru_cache(maxsize=1024)
def _may_be_tensor(kind: Any) -> bool:
    return any(parent.__module__.partition(".")[0] in _BACKENDS for parent in kind.__mro__)
