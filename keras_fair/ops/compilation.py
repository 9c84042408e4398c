"""Compiling the numeric core: with XLA in graphs of TensorFlow, with `jax.jit` on JAX, not at all on PyTorch.

The solver is many small operations in a loop. Each costs microseconds in a plain graph or eagerly, and
next to nothing once compiled together. Keras does not compile with XLA on a CPU unless asked to, so the core
is compiled by itself, inside whatever surrounds it. PyTorch runs what surrounds it eagerly: there NumPy
computes the core.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["compiled", "compiles_now", "padded_size", "refused_gradient", "solves_in_numpy"]


def compiled(function: Any, structure: Any) -> Any:
    """`function` with its first argument bound to the static `structure`, compiled by the backend in use."""

    def bound(*tensors: Any) -> Any:
        return function(structure, *tensors)

    if _backend() == "tensorflow":
        from keras_fair.ops.compilation_tensorflow import compiled as compile_here
    elif _backend() == "jax":
        from keras_fair.ops.compilation_jax import compiled as compile_here
    else:
        return bound
    return compile_here(bound)


def compiles_now() -> bool:
    """Whether tensors that come now go to a compiled program."""
    if _backend() == "tensorflow":
        from keras_fair.ops.compilation_tensorflow import compiles_now as compiles_here

        return compiles_here()
    return _backend() == "jax"


def padded_size(size: Any) -> Any:
    """The number of predictions to compute with, or None to take them as they are.

    Only TensorFlow pads; see `keras_fair.ops.compilation_tensorflow`.
    """
    if _backend() == "tensorflow":
        from keras_fair.ops.compilation_tensorflow import padded_size as padded_here

        return padded_here(size)
    # The solver takes maxima, and no numbers have none.
    return 1 if isinstance(size, int) and size == 0 else None


def refused_gradient(message: str, upstream: Sequence[Any], tensors: Sequence[Any]) -> Any:
    """The gradients of `tensors` where there are none; `upstream` are those of the results.

    A graph of TensorFlow refuses when it runs: a SavedModel holds the gradient of every function, and they
    are made when it is written.

    Raises:
        ValueError: with the message, everywhere else.
    """
    if _backend() == "tensorflow":
        from keras_fair.ops.compilation_tensorflow import refused_when_run

        return refused_when_run(message, upstream, tensors)
    raise ValueError(message)


def solves_in_numpy() -> bool:
    """Whether NumPy computes the core of tensors too; see `keras_fair.ops.compilation_torch`."""
    return _backend() == "torch"


def _backend() -> str:
    from keras import backend  # here, so that NumPy is not made to wait for Keras

    return str(backend.backend())
