"""PyTorch under the names of `keras.ops`, in float64, on the host.

`keras.ops` on PyTorch takes float64 back to float32 in products, maxima and minima, and leaves NumPy arrays
beside tensors to chance. Here floats stay as wide as they are, and arrays beside tensors become tensors.

Nothing is compiled on PyTorch, so tensors are needed where a gradient flows and nowhere else. What needs none
is a NumPy array: `on_host` makes these of what comes in, `stop_gradient` of what has been computed. Tensors
of another device are moved to the host and back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from ml_dtypes import bfloat16

__all__ = ["TORCH", "needs_gradient", "on_host", "tensor_like"]

_OTHER_NAMES = {
    "equal": "eq",
    "not_equal": "ne",
    "less": "lt",
    "less_equal": "le",
    "greater": "gt",
    "greater_equal": "ge",
    "arcsinh": "asinh",
}
_HOST = torch.device("cpu")


def needs_gradient(x: Any) -> bool:
    """Whether this is a tensor that a gradient flows to at the moment."""
    return isinstance(x, torch.Tensor) and x.requires_grad and torch.is_grad_enabled()


def on_host(x: Any) -> Any:
    """A tensor as a NumPy array, or as a tensor on the host where a gradient flows to it.

    The array shares the memory of a tensor on the host. What is no tensor, or a tensor without values, stays
    as it is.
    """
    if isinstance(x, torch.Tensor) and not x.is_meta:
        return _host_tensor(x) if needs_gradient(x) else _array(x)
    return x


def tensor_like(x: Any, like: torch.Tensor, dtype: Any = None) -> torch.Tensor:
    """An array or a tensor as a tensor on the device of another one; of its own dtype where none is given."""
    tensor = _tensor(x)
    return tensor.to(device=like.device, dtype=tensor.dtype if dtype is None else _type(dtype))


class _Torch:
    """Names that PyTorch has too, or has under another name, take arrays beside tensors."""

    def __getattr__(self, name: str) -> Any:
        function: Callable[..., Any] = getattr(torch, _OTHER_NAMES.get(name, name))

        def called(*arguments: Any) -> Any:
            return function(*map(_tensor, arguments))

        setattr(self, name, called)
        return called

    @staticmethod
    def floats(x: Any) -> torch.Tensor:
        return _tensor(x).to(torch.float64)

    @staticmethod
    def cast(x: Any, dtype: Any) -> torch.Tensor:
        return _tensor(x).to(_type(dtype))

    @staticmethod
    def convert_to_tensor(x: Any, dtype: Any = None) -> torch.Tensor:
        return _tensor(x) if dtype is None else TORCH.cast(x, dtype)

    @staticmethod
    def convert_to_numpy(x: Any) -> np.ndarray:
        return _array(x) if isinstance(x, torch.Tensor) else np.asarray(x)

    @staticmethod
    def stop_gradient(x: Any) -> Any:
        return _array(x) if isinstance(x, torch.Tensor) else x

    @staticmethod
    def shape(x: Any) -> tuple[int, ...]:
        return tuple(x.shape)

    @staticmethod
    def size(x: torch.Tensor) -> int:
        return x.numel()

    @staticmethod
    def reshape(x: Any, shape: Any) -> torch.Tensor:
        return _tensor(x).reshape(shape)

    @staticmethod
    def expand_dims(x: Any, axis: int) -> torch.Tensor:
        return _tensor(x).unsqueeze(axis)

    @staticmethod
    def transpose(x: torch.Tensor) -> torch.Tensor:
        return x.T

    @staticmethod
    def broadcast_to(x: Any, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.broadcast_to(_tensor(x), shape)

    @staticmethod
    def repeat(x: Any, repeats: int, axis: int) -> torch.Tensor:
        return torch.repeat_interleave(_tensor(x), repeats, dim=axis)

    @staticmethod
    def stack(x: Any, axis: int = 0) -> torch.Tensor:
        return torch.stack(_of_one_type(x), dim=axis)

    @staticmethod
    def concatenate(x: Any, axis: int = 0) -> torch.Tensor:
        return torch.cat(_of_one_type(x), dim=axis)

    @staticmethod
    def unstack(x: torch.Tensor, num: int) -> list[torch.Tensor]:
        return list(torch.unbind(x))

    @staticmethod
    def take(x: Any, indices: Any, axis: int) -> torch.Tensor:
        x, indices = _tensor(x), _tensor(indices).to(torch.int64)
        axis %= x.dim()
        taken = torch.index_select(x, axis, indices.reshape(-1))
        return taken.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))

    @staticmethod
    def pad(x: Any, pad_width: Any, constant_values: Any = 0.0) -> torch.Tensor:
        x = _tensor(x)
        widths = pad_width if isinstance(pad_width[0], tuple) else (pad_width,) * x.dim()
        sides = [side for width in reversed(widths) for side in width]
        return torch.nn.functional.pad(x, sides, value=constant_values)

    @staticmethod
    def segment_sum(data: Any, segment_ids: Any, num_segments: int) -> torch.Tensor:
        data = _tensor(data)
        sums = torch.zeros((num_segments, *data.shape[1:]), dtype=data.dtype)
        return sums.index_add(0, _tensor(segment_ids).to(torch.int64), data)

    @staticmethod
    def matmul(a: Any, b: Any) -> torch.Tensor:
        return torch.matmul(*_of_one_type((a, b)))

    @staticmethod
    def tensordot(a: Any, b: Any, axes: int) -> torch.Tensor:
        return torch.tensordot(*_of_one_type((a, b)), dims=axes)

    @staticmethod
    def einsum(subscripts: str, *operands: Any) -> torch.Tensor:
        return torch.einsum(subscripts, *_of_one_type(operands))

    @staticmethod
    def sum(x: Any, axis: Any = None, keepdims: bool = False) -> torch.Tensor:
        return torch.sum(_tensor(x), dim=axis, keepdim=keepdims)

    @staticmethod
    def max(x: Any, axis: Any = None, keepdims: bool = False) -> torch.Tensor:
        return torch.amax(_tensor(x), dim=() if axis is None else axis, keepdim=keepdims)

    @staticmethod
    def min(x: Any, axis: Any = None, keepdims: bool = False) -> torch.Tensor:
        return torch.amin(_tensor(x), dim=() if axis is None else axis, keepdim=keepdims)

    @staticmethod
    def any(x: Any, axis: Any = None) -> torch.Tensor:
        return torch.any(_tensor(x)) if axis is None else torch.any(_tensor(x), dim=axis)

    @staticmethod
    def all(x: Any, axis: Any = None) -> torch.Tensor:
        return torch.all(_tensor(x)) if axis is None else torch.all(_tensor(x), dim=axis)

    @staticmethod
    def cumsum(x: Any, axis: int) -> torch.Tensor:
        return torch.cumsum(_tensor(x), dim=axis)

    @staticmethod
    def sort(x: Any, axis: int = -1) -> torch.Tensor:
        return torch.sort(_tensor(x), dim=axis).values

    @staticmethod
    def argmax(x: Any, axis: int | None = None) -> torch.Tensor:
        return torch.argmax(_tensor(x), dim=axis)

    @staticmethod
    def one_hot(x: Any, num_classes: int, dtype: Any) -> torch.Tensor:
        return TORCH.cast(_tensor(x)[..., None] == torch.arange(num_classes), dtype)

    @staticmethod
    def ones(shape: Any, dtype: Any = "float64") -> torch.Tensor:
        return torch.ones(shape, dtype=_type(dtype))

    @staticmethod
    def zeros(shape: Any, dtype: Any = "float64") -> torch.Tensor:
        return torch.zeros(shape, dtype=_type(dtype))

    @staticmethod
    def full_like(x: Any, fill_value: Any) -> torch.Tensor:
        return torch.full_like(_tensor(x), fill_value)

    @staticmethod
    def while_loop(unfinished: Any, advance: Any, state: Any) -> Any:
        while unfinished(*state):
            state = advance(*state)
        return state

    @staticmethod
    def cond(condition: Any, chosen: Any, other: Any) -> Any:
        return chosen() if condition else other()


TORCH = _Torch()


def _tensor(x: Any) -> torch.Tensor:
    """As a tensor on the host: floats of Python and of lists are float64."""
    if isinstance(x, torch.Tensor):
        return _host_tensor(x)
    array = np.asarray(x)
    if array.dtype == bfloat16:
        return torch.from_numpy(array.view("int16").copy()).view(torch.bfloat16)
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:  # PyTorch computes with bytes and signed numbers
        array = array.astype("int64")
    # It takes no negative steps, and warns of arrays that may not be written to.
    own = array.flags.writeable and all(step >= 0 for step in array.strides)
    return torch.as_tensor(array if own else array.copy())


def _host_tensor(x: torch.Tensor) -> torch.Tensor:
    return x if x.device == _HOST else x.to(_HOST)


def _type(dtype: Any) -> torch.dtype:
    """A dtype of PyTorch from one of NumPy, or from its name."""
    if isinstance(dtype, torch.dtype):
        return dtype
    named: torch.dtype = getattr(torch, str(np.dtype(dtype)) if not isinstance(dtype, str) else dtype)
    return named


def _array(x: torch.Tensor) -> np.ndarray:
    x = _host_tensor(x.detach())
    return x.view(torch.int16).numpy().view(bfloat16) if x.dtype == torch.bfloat16 else x.numpy()


def _of_one_type(parts: Any) -> list[torch.Tensor]:
    """Tensors of the widest type among them: PyTorch takes no others together."""
    tensors = [_tensor(part) for part in parts]
    dtype = tensors[0].dtype
    for tensor in tensors[1:]:
        dtype = torch.promote_types(dtype, tensor.dtype)
    return [tensor.to(dtype) for tensor in tensors]
