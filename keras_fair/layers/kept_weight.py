"""Weights in which a layer keeps what it saw of batches: nothing trains or casts them."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from keras_fair.inputs.arrays import on_host

__all__ = ["kept_weight", "weight_read"]


def kept_weight(
    add_weight: Any, name: str, shape: tuple[int, ...], dtype: str, initializer: Any = "zeros"
) -> Any:
    """A weight of a layer.

    Args:
        add_weight: of the layer.
        name, shape, dtype, initializer: as there.

    Raises:
        ValueError: the device of PyTorch has no float64.
    """
    if dtype == "float64" and "mps" in str(getattr(ops.convert_to_tensor(0), "device", "")):
        raise ValueError(
            "expected a device that has float64, received mps: set KERAS_TORCH_DEVICE=cpu before Keras is "
            "imported"
        )
    return add_weight(
        shape=shape,
        initializer=initializer,
        dtype=dtype,
        trainable=False,
        autocast=False,
        aggregation="only_first_replica",
        name=name,
    )


def weight_read(weight: Any) -> Any:
    """The value of such a weight, which stays as it is when the weight is written: a tensor, on PyTorch an
    array."""
    value = on_host(ops.convert_to_tensor(weight))
    return np.array(value) if isinstance(value, np.ndarray) else value
