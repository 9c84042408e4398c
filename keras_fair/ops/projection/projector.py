"""The projection as one differentiable function, compiled.

    y = argmin over y in the domain of  sum_i w_i D(y_i, r_i)   subject to   lower <= A y + V t + c <= upper

The answer is `keras_fair.ops.projection.answer`'s, the derivative `keras_fair.ops.projection.derivative`'s;
here the backend is told of both. Second derivatives are refused: they would need the derivative of that
derivative.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from keras import ops

from keras_fair.ops.compilation import compiled, refused_gradient
from keras_fair.ops.projection.answer import Projected, project_problem
from keras_fair.ops.projection.derivative import (
    differentiable_floats,
    gradients,
    with_floats,
)
from keras_fair.ops.projection.problem import Problem, Structure

__all__ = ["projector"]

_NO_SECOND_DERIVATIVE = (
    "second derivatives of a fair projection are not defined: expected first-order gradients, received a "
    "gradient of a gradient."
)


@lru_cache(maxsize=256)
def projector(structure: Structure) -> Any:
    """The differentiable projection for problems of one structure.

    Args:
        structure: its static facts.

    Returns:
        A function of a `Problem` and of duals to start from (or None) that gives a `Projected`. Gradients
        reach the problem's floats through `y`.
    """
    forward = compiled(project_problem, structure)
    backward = compiled(gradients, structure)

    def project(problem: Problem, start: Any = None) -> Projected:
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

        return Projected(*projection(*differentiable_floats(problem)))

    return project


def _first_order_only(function: Any) -> Any:
    """`function`, with a derivative that refuses."""

    @ops.custom_gradient
    def guarded(*tensors: Any) -> Any:
        def refuse(*upstream: Any, **_: Any) -> Any:
            return refused_gradient(_NO_SECOND_DERIVATIVE, upstream, tensors)

        return function(*(ops.stop_gradient(tensor) for tensor in tensors)), refuse

    return guarded
