"""Guarding on PyTorch, where nothing is in a graph: a fault is an error at once.

`torch.compile` would make operations of its own of what NumPy computes here; it is kept out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from keras_fair.layers.checks import Check, all_fine

__all__ = ["guard", "is_traced", "kept_from_compilers"]


def guard(name: str, checks: Sequence[Check]) -> None:
    """Raise ValueError where a check fails, with the message of the first that does.

    Args:
        name: of the layer.
        checks: of the batch.
    """
    if all_fine(checks):
        return
    for fault in (fault for check in checks for fault in check.faults):
        if not fault.absent().all():
            raise ValueError(f"{name}: {fault.message}")


def is_traced() -> bool:
    """Whether a call is recorded for an export."""
    return bool(torch.jit.is_tracing() or torch.compiler.is_exporting())


def kept_from_compilers(method: Callable[..., Any]) -> Any:
    """A method that is run as it is inside of what `torch.compile` compiles."""
    return torch.compiler.disable(method)
