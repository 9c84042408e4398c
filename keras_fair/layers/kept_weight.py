"""Weights in which a layer keeps what it saw of batches: nothing trains or casts them."""

from __future__ import annotations

from typing import Any

__all__ = ["kept_weight"]


def kept_weight(
    add_weight: Any, name: str, shape: tuple[int, ...], dtype: str, initializer: Any = "zeros"
) -> Any:
    """A weight of a layer.

    Args:
        add_weight: of the layer.
        name, shape, dtype, initializer: as there.
    """
    return add_weight(
        shape=shape,
        initializer=initializer,
        dtype=dtype,
        trainable=False,
        autocast=False,
        aggregation="only_first_replica",
        name=name,
    )
