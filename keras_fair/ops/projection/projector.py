"""The projection as one function: of tensors, compiled and differentiable; of NumPy arrays, as it is.

    y = argmin over y in the domain of  sum_i w_i D(y_i, r_i)   subject to   lower <= A y + V t + c <= upper

The answer is `keras_fair.ops.projection.answer`'s, the derivative `keras_fair.ops.projection.derivative`'s;
here the backend is told of both. Second derivatives are refused: they would need the derivative of that
derivative.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from keras_fair.ops.compilation import compiled, refused_gradient, solves_in_numpy
from keras_fair.ops.dispatch import all_numpy, as_numpy
from keras_fair.ops.projection.answer import project_problem
from keras_fair.ops.projection.derivative import (
    differentiable_floats,
    gradients,
    with_floats,
)
from keras_fair.ops.projection.one_prediction import project_one
from keras_fair.ops.projection.problem import Problem, Structure
from keras_fair.ops.projection.solution import Solution

__all__ = ["projector"]

_NO_SECOND_DERIVATIVE = (
    "second derivatives of a fair projection are not defined: expected first-order gradients, received a "
    "gradient of a gradient."
)


def projector(structure: Structure) -> Any:
    """The differentiable projection for problems of one structure.

    Args:
        structure: its static facts.

    Returns:
        A function of a `Problem` and of duals to start from (or None) that gives a `Solution`. Gradients
        reach the problem's floats through `y`.
    """

    def project(problem: Problem, start: Any = None) -> Solution:
        if all_numpy((problem, start)):
            return _in_numpy(structure, problem, start)
        if solves_in_numpy():
            return _differentiable(structure, problem, start)
        return _compiled_projector(structure)(problem, start)

    return project


def _in_numpy(structure: Structure, problem: Problem, start: Any) -> Solution:
    # Infinite bounds take part in differences, and what is not chosen may not be a number.
    with np.errstate(all="ignore"):
        return project_one(structure, problem) or project_problem(structure, problem, start)


def _differentiable(structure: Structure, problem: Problem, start: Any) -> Solution:
    """The projection of tensors whose backend differentiates what NumPy computes."""
    from keras_fair.ops.compilation_torch import differentiable

    given, start = as_numpy(problem), as_numpy(start)

    def solve(*floats: Any) -> tuple[Any, ...]:
        return tuple(_in_numpy(structure, with_floats(given, floats), start))

    def carry(of_y: Any, results: Any, *floats: Any) -> tuple[Any, ...]:
        with np.errstate(all="ignore"):
            return gradients(structure, with_floats(given, floats), Solution(*results).lam, of_y)

    solved = differentiable(solve, carry, _NO_SECOND_DERIVATIVE)
    return Solution(*solved(*differentiable_floats(problem)))


@lru_cache(maxsize=256)
def _compiled_projector(structure: Structure) -> Any:
    """The projection of tensors."""
    from keras import ops

    forward = compiled(project_problem, structure)
    backward = compiled(gradients, structure)

    def project(problem: Problem, start: Any) -> Solution:
        @ops.custom_gradient
        def projection(*floats: Any) -> Any:
            solve = _first_order_only(lambda *floats: tuple(forward(with_floats(problem, floats), start)))
            solved = solve(*floats)

            def gradient(*upstream: Any, **_: Any) -> Any:
                # TensorFlow hands over one gradient for each result, JAX one tuple of them.
                of_y = upstream[0][0] if isinstance(upstream[0], (tuple, list)) else upstream[0]
                carry = _first_order_only(
                    lambda u, lam, *floats: tuple(backward(with_floats(problem, floats), lam, u))
                )
                return carry(of_y, solved[2], *floats)

            return solved, gradient

        return Solution(*projection(*differentiable_floats(problem)))

    return project


def _first_order_only(function: Any) -> Any:
    """`function`, with a derivative that refuses."""

    from keras import ops

    @ops.custom_gradient
    def guarded(*tensors: Any) -> Any:
        def refuse(*upstream: Any, **_: Any) -> Any:
            return refused_gradient(_NO_SECOND_DERIVATIVE, upstream, tensors)

        return function(*(ops.stop_gradient(tensor) for tensor in tensors)), refuse

    return guarded
