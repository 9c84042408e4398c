r"""How one prediction answers a price: the minimiser of a divergence plus a linear term, in closed form.

For a prediction `r` and a price `b` (the row duals seen from one sample, `b = (A^T lam) / w`)

    y(r, b) = argmin over y in the domain of  D(y, r) + b y

| divergence | domain | answer |
| --- | --- | --- |
| euclidean | [low, high] | `clip(r - b, low, high)` |
| euclidean | simplex | the projection of `r - b` on the probability simplex (Held, Wolfe and Crowder, 1974) |
| binary_crossentropy | [0, 1] | the root in (0, 1) of `b y^2 - (1 + b) y + r = 0` |
| categorical_crossentropy | simplex | `y_k = r_k / (nu + b_k)`, with the `nu` that makes them add up to one |

Each response carries its derivatives. On an interval `dy/db = -curvature`; on the simplex
`dy/db = -(diag(g) - g g^T / sum(g))` with `g` the curvature: the same map, restricted to directions that keep
the sum. `dy/dr` is the diagonal `gain`, on the simplex followed by the same restriction.

Predictions that are exactly 0 or 1 under the binary cross-entropy are no special case: `D(y, 1) = -log y`
is finite for all `y > 0`, and a price above 1 moves such a prediction to `1 / b` (one below -1 moves a
prediction of 0 to `1 + 1 / b`). As `D(y, r)` is continuous in `r` and strictly convex in `y`, the answer is
the limit of the answers to predictions clipped to `[eps, 1 - eps]` as `eps` falls to zero; no `eps` is
chosen. Only where the rows push a prediction all the way to the other end is no answer of finite distance
left; then the rows count.

A category whose probability is exactly zero keeps it: the cross-entropy has no price for raising it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_fair.inputs.domain import Domain
from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.linear_algebra import inverse_where
from keras_fair.ops.projection.settings import settings_for
from keras_fair.ops.working_precision import rounding

__all__ = ["DIVERGENCES", "Response", "respond", "check_divergence"]

DIVERGENCES = ("euclidean", "binary_crossentropy", "categorical_crossentropy")


class Response(NamedTuple):
    """A prediction's answer to a price. All of the shape of the prediction.

    Attributes:
        y: the minimiser, in the domain.
        curvature: `-dy/db` on an interval; on the simplex the `g` of the module's docstring.
        gain: the diagonal factor of `dy/dr`.
    """

    y: Any
    curvature: Any
    gain: Any


def respond(divergence: str, simplex: bool, r: Any, b: Any, low: Any, high: Any) -> Response:
    """The response of predictions `r` to prices `b`.

    Args:
        divergence: one of `DIVERGENCES`.
        simplex: whether the last axis holds probabilities that add up to one.
        r: (n,) or, on the simplex, (n, outputs) float tensor.
        b: the prices, of the same shape.
        low, high: the interval, scalars, may be infinite; not used on the simplex.
    """
    if divergence == "euclidean":
        return _euclidean_simplex(r, b) if simplex else _euclidean_interval(r, b, low, high)
    if divergence == "binary_crossentropy":
        return _binary_crossentropy(r, b)
    return _categorical_crossentropy(r, b)


def _euclidean_interval(r: Any, b: Any, low: Any, high: Any) -> Response:
    shifted = r - b
    # An entry exactly at its bound can still move inwards: it counts as free.
    free = ops.cast(ops.logical_and(shifted >= low, shifted <= high), r.dtype)
    return Response(ops.minimum(ops.maximum(shifted, low), high), free, free)


def _binary_crossentropy(r: Any, b: Any) -> Response:
    half = 1.0 + b
    root = ops.sqrt(ops.maximum(half * half - 4.0 * b * r, 0.0))
    # Both forms are the root in [0, 1]; each subtracts nothing on its side.
    above = half > 0
    denominator = ops.where(above, half + root, 2.0 * b)
    numerator = ops.where(above, 2.0 * r, half - root)
    vanishing = ops.equal(denominator, 0.0)
    y = numerator / ops.where(vanishing, ops.ones_like(r), denominator)
    y = ops.minimum(ops.maximum(y, 0.0), 1.0)
    # At root = 0 (r = 0, b = -1 and r = 1, b = 1) the response has a kink; the steeper side is bounded by
    # one.
    flat = ops.equal(root, 0.0)
    gain = ops.where(flat, ops.ones_like(r), 1.0 / ops.where(flat, ops.ones_like(r), root))
    return Response(y, y * (1.0 - y) * gain, gain)


def _euclidean_simplex(r: Any, b: Any) -> Response:
    shifted = r - b
    outputs = int(r.shape[-1])
    descending = -ops.sort(-shifted, axis=-1)
    counts = ops.cast(ops.arange(1, outputs + 1), r.dtype)
    thresholds = (ops.cumsum(descending, axis=-1) - 1.0) / counts
    inside = ops.cast(descending > thresholds, r.dtype)
    support = ops.sum(inside, axis=-1, keepdims=True)
    last = ops.cast(ops.equal(counts, support), r.dtype)
    threshold = ops.sum(thresholds * last, axis=-1, keepdims=True)
    free = ops.cast(shifted >= threshold, r.dtype)
    return Response(ops.maximum(shifted - threshold, 0.0), free, free)


def _categorical_crossentropy(r: Any, b: Any) -> Response:
    # phi(nu) = sum_k r_k / (nu + b_k) - 1 is convex and falls; Newton's method from a point left of the root
    # climbs to it monotonically. max_k(r_k - b_k) is such a point: there one term alone is already one.
    positive = r > 0
    start = ops.max(
        ops.where(positive, r - b, ops.full_like(r, -1e300 if r.dtype == "float64" else -1e37)), -1
    )
    nu = ops.expand_dims(start, -1)

    def newton(step: Any, nu: Any, excess: Any) -> tuple[Any, Any, Any]:
        gain = inverse_where(positive, nu + b)
        y = r * gain
        excess = ops.sum(y, axis=-1, keepdims=True) - 1.0
        return step + 1, nu + excess / ops.sum(y * gain, axis=-1, keepdims=True), ops.max(ops.abs(excess))

    def unfinished(step: Any, nu: Any, excess: Any) -> Any:
        return ops.logical_and(step < settings_for(r.dtype).response_steps, excess > 4.0 * rounding(r.dtype))

    first = (ops.convert_to_tensor(0, dtype="int32"), nu, ops.max(ops.ones_like(nu)))
    _, nu, _ = ops.while_loop(unfinished, newton, first)
    gain = inverse_where(positive, nu + b)
    y = r * gain
    y = y / ops.sum(y, axis=-1, keepdims=True)
    return Response(y, y * gain, gain)


def check_divergence(divergence: str, domain: Domain) -> str:
    """The divergence, where it fits the domain.

    Raises:
        ValueError: an unknown divergence, or one for another domain.
    """
    if divergence not in DIVERGENCES:
        raise ValueError(
            f"expected divergence to be one of {list(DIVERGENCES)}, received divergence={divergence!r}"
        )
    if divergence == "binary_crossentropy" and (domain.simplex or domain.bounds != (0.0, 1.0)):
        raise ValueError(
            f"expected domain=(0, 1) with divergence='binary_crossentropy', received {domain}; outputs of a "
            "softmax take divergence='categorical_crossentropy'"
        )
    if divergence == "categorical_crossentropy" and not domain.simplex:
        raise ValueError(
            f"expected domain='simplex' with divergence='categorical_crossentropy', received {domain}; a "
            "single probability takes divergence='binary_crossentropy'"
        )
    return divergence
