"""PyTorch compiles nothing here: the projection and its derivative are computed in NumPy, on the host.

`torch.autograd.Function` hands over the gradient of each result and takes one for each argument. Only the
first result has a gradient here; all others stay NumPy's. `torch.compile` is kept out: it would make
operations of its own of what NumPy computes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from keras_fair.inputs.arrays_torch import TORCH, tensor_like

__all__ = ["differentiable"]

Function = Callable[..., tuple[Any, ...]]


def differentiable(solve: Function, carry: Function, refusal: str) -> Function:
    """A function of tensors and arrays from two of NumPy arrays.

    Args:
        solve: gives results for float arguments.
        carry: gives the gradients of these arguments, from that of the first result, all results, and the
            arguments.
        refusal: the message where a gradient of a gradient is asked for.

    Returns:
        A function of the arguments of `solve`. Its first result is a tensor on the host, through which
        gradients flow to those arguments that are tensors; the others are arrays and numbers of NumPy.
    """

    def solved(*floats: Any) -> tuple[Any, ...]:
        results: tuple[Any, ...] = _Solved.apply(solve, carry, refusal, *floats)
        return results

    return solved


class _Solved(torch.autograd.Function):
    """The results, and how gradients are carried from the first of them to the arguments."""

    @staticmethod
    @torch.compiler.disable
    def forward(ctx: Any, solve: Function, carry: Function, refusal: str, *floats: Any) -> tuple[Any, ...]:
        first, *others = solve(*map(_array, floats))
        ctx.carry, ctx.refusal, ctx.results = carry, refusal, (first, *others)
        ctx.floats = [None if isinstance(each, torch.Tensor) else each for each in floats]
        ctx.save_for_backward(*(each for each in floats if isinstance(each, torch.Tensor)))
        return (TORCH.floats(first), *others)

    @staticmethod
    @torch.compiler.disable
    def backward(ctx: Any, *upstream: Any) -> tuple[Any, ...]:
        saved = iter(ctx.saved_tensors)  # complains of what was changed in between
        floats = [next(saved) if each is None else each for each in ctx.floats]
        carried = _Carried.apply(ctx.carry, ctx.refusal, ctx.results, upstream[0], *floats)
        return (None, None, None, *carried)


class _Carried(torch.autograd.Function):
    """The gradients of the arguments; None for arrays. Their own gradients are refused."""

    @staticmethod
    @torch.compiler.disable
    def forward(
        ctx: Any, carry: Function, refusal: str, results: tuple[Any, ...], upstream: Any, *floats: Any
    ) -> tuple[Any, ...]:
        ctx.refusal = refusal
        gradients = carry(_array(upstream), results, *map(_array, floats))
        return tuple(
            tensor_like(gradient, each, each.dtype) if isinstance(each, torch.Tensor) else None
            for gradient, each in zip(gradients, floats, strict=True)
        )

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        raise ValueError(ctx.refusal)


def _array(x: Any) -> np.ndarray:
    return TORCH.convert_to_numpy(x)
