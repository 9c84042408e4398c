"""Compiling with `jax.jit` on JAX, eagerly and inside other transformations."""

from __future__ import annotations

from typing import Any

import jax

__all__ = ["compiled"]


def compiled(function: Any) -> Any:
    """`function` compiled once for each set of shapes."""
    return jax.jit(function)
