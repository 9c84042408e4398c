r"""The last resort: a primal-dual interior-point method over predictions and rows together.

The dual has few unknowns, but where it is steep in one direction and flat in another (predictions that are
all but 0 or 1, weights over many decades, rows at the edge of what the domain allows) its duals are not exact
enough to say where the predictions are. So here the predictions are unknowns too. With the duals `p` and `q`
of the ends of the domain, all divergences have one set of conditions,

    k w (y - r) - p + q + A^T lam = 0        k = 1 for the Euclidean ones, 0 for cross-entropies
    p (y - low) = P + mu,   q (high - y) = Q + mu

with `P = Q = 0` for a Euclidean divergence, and `P = w r`, `Q = w (1 - r)` for a cross-entropy, whose slope
`-w r / y` is a barrier by itself. The rows have such conditions too. Each step solves them linearised and
aims at a smaller `mu` (Mehrotra, SIAM J. Optim. 2(4), 1992, with the weighted targets of Jansen, Roos,
Terlaky and Vial, Math. Programming 62, 1993). Eliminating `y` sample by sample leaves the bordered system of
`keras_fair.ops.projection.interior_point`: a step costs what one on the dual does.

Where the rows cannot be met, the least violation is found first, the same way and without a divergence; then
the closest predictions that violate the rows no more.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.central_equations import Equations
from keras_fair.ops.projection.central_point import (
    Aim,
    Central,
    bounded,
    ends_of,
    errors_of,
    first_point,
)
from keras_fair.ops.projection.control_flow import choose, iterate
from keras_fair.ops.projection.dual import Dual

__all__ = ["central_answer"]


# A step is shortened to one of these parts of itself, where a product would fall below this part of its aim:
# from there the next steps would be short.
_PARTS = (1.0, 0.9, 0.75, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
_CENTRAL = 0.05


class _Search(NamedTuple):
    steps: Any
    mu: Any
    point: Central
    error: Any
    best: Central
    least_error: Any


def central_answer(dual: Dual, aim: Aim, mu: Any, *, steps: int, enough: float) -> tuple[Central, Any, Any]:
    """The best point that the method comes to, its error and the steps it took.

    Args:
        dual: of the projection, for its problem and its scales.
        aim: what is looked for.
        mu: () what products are to begin with, relative to those that move a prediction across the domain.
        steps: at most so many.
        enough: it ends at an error below this.
    """

    def unfinished(search: _Search) -> Any:
        return ops.logical_and(search.steps < steps, search.error > enough)

    def advance(search: _Search) -> _Search:
        point, mu = _step(dual, aim, search.point, search.mu)
        error = ops.maximum(*errors_of(dual, aim, point))
        broken = ops.logical_not(ops.isfinite(error))
        better = error < search.least_error
        return _Search(
            steps=search.steps + 1,
            mu=mu,
            point=point,
            error=ops.where(broken, ops.zeros_like(error), error),
            best=choose(better, point, search.best),
            least_error=ops.where(better, error, search.least_error),
        )

    mu, point = first_point(dual, aim, mu)
    far = np.inf * ops.ones_like(mu)
    none = ops.convert_to_tensor(0, dtype="int32")
    last = iterate(unfinished, advance, _Search(none, mu, point, far, point, far))
    return last.best, last.least_error, last.steps


def _step(dual: Dual, aim: Aim, point: Central, mu: Any) -> tuple[Central, Any]:
    """One predictor-corrector step, and the next `mu`."""
    newton = Equations.at(dual, aim, point)
    ahead = newton.direction(0.0 * mu, None, mu)
    length = ops.minimum(_longest(point, ahead), 1.0)
    aimed = ops.maximum((1.0 - length) ** 3, 1e-4) * mu
    direction = newton.direction(aimed, ahead, length * length)
    length = ops.minimum(0.9995 * _longest(point, direction), 1.0)
    length = length * _central_part(dual, aim, point, direction, length, mu, aimed)
    return point.moved(direction, length), mu + length * (aimed - mu)


def _central_part(
    dual: Dual, aim: Aim, point: Central, direction: Central, length: Any, mu: Any, aimed: Any
) -> Any:
    """() the largest part of a step at whose end no product is much below what it aims at."""
    parts = ops.convert_to_tensor(np.array(_PARTS), dtype=mu.dtype)
    of, to = point.rows, direction.rows
    has_floor, has_ceiling = ends_of(dual, point.y)
    has_high, has_low, _ = bounded(aim)
    central = []
    for x, dx, z, dz, there, least in (
        (point.p, direction.p, point.low_gap, direction.low_gap, has_floor, aim.at_low),
        (point.q, direction.q, point.high_gap, direction.high_gap, has_ceiling, aim.at_high),
        (of.p, to.p, of.high_gap, to.high_gap, has_high, 0.0 * has_high),
        (of.q, to.q, of.low_gap, to.low_gap, has_low, 0.0 * has_low),
    ):
        lengths = (length * parts)[:, None]
        product = (x + lengths * dx) * (z + lengths * dz)
        near = product >= _CENTRAL * (least + mu + lengths * (aimed - mu))
        central.append(ops.all(ops.logical_or(near, ops.equal(there, 0.0)), axis=1))
    good = ops.logical_and(ops.logical_and(central[0], central[1]), ops.logical_and(central[2], central[3]))
    return ops.maximum(ops.max(ops.where(good, parts, 0.0 * parts)), _PARTS[-1])


def _longest(point: Central, direction: Central) -> Any:
    """() the length at which the first dual or gap along a direction becomes zero."""
    longest = [point.rows.longest_step(direction.rows)]
    for x, dx in zip(point[1:-1], direction[1:-1], strict=True):
        falling = dx < 0
        ratio = -x / ops.where(falling, dx, -ops.ones_like(dx))
        longest.append(ops.min(ops.where(falling, ratio, ops.full_like(x, 1e10))))
    return ops.min(ops.stack(longest))
