r"""The bordered system that each step on the quadratic model solves, eliminated once for several right-hand
sides.

    [D Q D + (I - D^2), -D V; -(D V)^T, 0] [x; s] = [right; lower_right]
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.linear_algebra import (
    over_both_sides,
    plus_diagonal,
    quasi_definite_inverse,
)
from keras_fair.ops.working_precision import rounding

__all__ = ["BorderedSystem", "bordered_system"]


class BorderedSystem(NamedTuple):
    """The system, eliminated once.

    `Q` has a unit diagonal, and `D` is a diagonal of factors in [0, 1]: a factor of zero takes a row out.

    Attributes:
        matrix: `D Q D + (I - D^2)`, (m, m), or its diagonal (m,).
        inverse: of it, with a small floor on the diagonal.
        border: `D V`, (m, p), or None without a border, as the next two.
        solved: (m, p) `matrix^-1 border`.
        schur_inverse: (p, p) inverse of `border^T matrix^-1 border`.
        refinements: steps of iterative refinement, which take the floor out again.
    """

    matrix: Any
    inverse: Any
    border: Any
    solved: Any
    schur_inverse: Any
    refinements: int

    def solve(self, right: Any, lower_right: Any) -> tuple[Any, Any]:
        """`x` (m,) and `s` (p,), or None without a border, for right-hand sides of these shapes."""
        first = self.inverse_times(right)
        if self.border is None:
            return first, None
        s = -ops.matmul(self.schur_inverse, lower_right + ops.matmul(ops.transpose(self.border), first))
        return first + ops.matmul(self.solved, s), s

    def inverse_times(self, v: Any) -> Any:
        """`matrix^-1 v`, for `v` of shape (m,) or (m, k)."""
        if len(self.inverse.shape) == 1:
            return v * (self.inverse if len(v.shape) == 1 else self.inverse[:, None])
        # The inverse is that of a matrix with a small floor, and loses digits on dependent rows: both are
        # refined away.
        x = ops.matmul(self.inverse, v)
        for _ in range(self.refinements):
            x = x + ops.matmul(self.inverse, v - ops.matmul(self.matrix, x))
        return x


def bordered_system(
    quadratic: Any, border: Any, members: Any, *, floor: float | None = None, refinements: int = 1
) -> BorderedSystem:
    """Eliminate the bordered system.

    Args:
        quadratic: `Q`, (m, m) with unit diagonal, or its diagonal (m,).
        border: `V`, (m, p), or None.
        members: the diagonal `D`, (m,).
        floor: of `quasi_definite_inverse`; default: rounding.
        refinements: steps of iterative refinement, which take the floor out again.
    """
    rounded = 30.0 * rounding(members.dtype)
    floor = rounded if floor is None else floor
    diagonal = len(quadratic.shape) == 1
    seen = members * members * quadratic if diagonal else quadratic * members[:, None] * members[None, :]
    matrix = plus_diagonal(seen, 1.0 - members * members)
    inverse = 1.0 / (matrix + rounded) if diagonal else quasi_definite_inverse(matrix, floor)
    system = BorderedSystem(matrix, inverse, None, None, None, refinements)
    if border is None:
        return system
    border = border * members[:, None]
    solved = system.inverse_times(border)
    schur = ops.matmul(ops.transpose(border), solved)
    # A scalar that no active row sees keeps its value.
    size = ops.sqrt(ops.diagonal(schur))
    size = ops.where(size > floor, size, ops.ones_like(size))
    inverse = over_both_sides(quasi_definite_inverse(over_both_sides(schur, size), floor), size)
    return system._replace(border=border, solved=solved, schur_inverse=inverse)
