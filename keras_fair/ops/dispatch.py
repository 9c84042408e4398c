"""`ops`: the functions of `keras.ops`, on NumPy where all of their arguments are NumPy's.

The solver is written once, against these names. Tensors go to the backend, which compiles the whole
(`keras_fair.ops.compilation`). Arrays and numbers stay in NumPy: nothing is compiled, so the first answer is
as quick as the second, in float64 on every backend, and Keras is not imported for it. Arrays of expressions
(`keras_fair.ops.traced`) have functions of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_fair.inputs.arrays import namespace, tensor_functions

__all__ = ["all_numpy", "as_numpy", "ops"]

_STATIC = (np.ndarray, np.generic, float, int, type(None), str, np.dtype)
_AT_HOME = frozenset((np.ndarray, np.float64, np.bool_, float, int, bool, type(None), str))  # a short way


class _Ops:
    """Every function is found when it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        in_numpy = getattr(namespace(), name)

        def function(*arguments: Any, **options: Any) -> Any:
            for argument in arguments:
                if type(argument) not in _AT_HOME and not all_numpy(argument):
                    return getattr(_functions_of(arguments), name)(*arguments, **options)
            for option in options.values():  # the dtype of a tensor is its backend's
                if type(option) not in _AT_HOME and not all_numpy(option):
                    return getattr(tensor_functions(), name)(*arguments, **options)
            return in_numpy(*arguments, **options)

        setattr(self, name, function)
        return function

    @staticmethod
    def while_loop(unfinished: Any, advance: Any, state: Any) -> Any:
        """The state, a tuple, says where the loop runs."""
        return _home_of(state).while_loop(unfinished, advance, state)

    @staticmethod
    def cond(condition: Any, chosen: Any, other: Any) -> Any:
        """The condition says where the choice is made."""
        return _home_of(condition).cond(condition, chosen, other)


ops = _Ops()


def all_numpy(value: Any) -> bool:
    """Whether an array, or all in nested tuples and lists, are NumPy's; numbers and None are at home
    everywhere."""
    if isinstance(value, (tuple, list)):
        return all(type(part) in _AT_HOME or all_numpy(part) for part in value)
    return isinstance(value, _STATIC)


def as_numpy(value: Any) -> Any:
    """A tensor, or all in nested tuples, as NumPy arrays; no gradient flows to them."""
    if isinstance(value, tuple):
        parts = map(as_numpy, value)
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value if isinstance(value, _STATIC) else tensor_functions().convert_to_numpy(value)


def _home_of(value: Any) -> Any:
    return namespace() if all_numpy(value) else tensor_functions()


def _functions_of(arguments: tuple[Any, ...]) -> Any:
    """The functions for arguments that are not all NumPy's; some may be lists of arrays."""
    first = arguments[0]
    return namespace(*arguments, *(first if isinstance(first, (list, tuple)) else ()))
