r"""The springs that hold the pooled rows: how stiff each is, and where it begins to pull.

A row at the value `v`, with the bound `b` above it, is pulled by

    lambda(v) = p t  +  kappa (v - b + swing)  +  rho x0 max(v - b, 0) / B,        at least 0

- `p t` is what lasts: `p` is the price of the row, the mean of `lambda / t` so far.
- `kappa` answers chance, and no more than pays: `kappa = K / C` with

      K = step (8 (|p| t C / sqrt(D))^(2/3), within 0.5 ... 5 times sqrt(n))  +  what a batch bears

  `C` and `D` are those of `keras_fair.ops.stream.noise`, `n = u^2 / C` is how many people the row's groups
  are worth. The value then swings by `sqrt(D / (2 K + 1))`, and is kept `margin` of these inside its bound:
  that is `swing`, at most half of the distance of two bounds.
- The rest holds the bound against every order: `rho = step t^1.5 / u^2`, `B = W u N / (step t^1.5)` is the
  most that the theorem allows, `x0` how far the row is past `b` with the batch as it came. So it is, at
  least, the convex spring `rho x |x| / B`, which pulls anybody to the end of the domain at `x = B`.

Given `x0` this is a line: a stiffness, and a bound where it starts, which is what the projection takes. The
rows of a relation with auxiliary scalars, such as a spread, share their chance: each answers for the part of
it that its price has.

docs/mathematics.md derives all of it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from keras_fair.inputs.arrays import floats, namespace
from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.linear_algebra import positive_or_one
from keras_fair.ops.stream.noise import RowNoise
from keras_fair.ops.stream.state_vector import StreamRule
from keras_fair.rows.linear import LinearRows, relations_of_rows
from keras_fair.rows.margins import held_rows

__all__ = ["Springs", "springs", "width_of"]

_FIRM, _SOFTEST, _FIRMEST = 8.0, 0.5, 5.0  # of K, times the step
_LARGEST_MARGIN = 0.05  # of the domain's width, where a row has one bound only
_FEW, _MANY = 0.1, 100.0  # a price of n people counts to this part of the domain's width, and n by that more
_BEYOND = 0.5  # of B: how far beyond the opposite bound a pull may begin


class Springs(NamedTuple):
    """How a step holds its rows; m rows.

    Attributes:
        aimed: the rows with the bounds where the springs begin to pull.
        stiffness: (m,).
        most: (m,) the largest pull that counts for a price.
    """

    aimed: LinearRows
    stiffness: Any
    most: Any


def springs(
    rows: LinearRows,
    rule: StreamRule,
    noise: RowNoise,
    prices: Any,
    raw: Any,
    deviation: Any,
    t: Any,
    arrived: Any,
) -> Springs:
    """The springs of a step. No gradient flows through them.

    Args:
        rows: the pooled rows with their own bounds. A margin of the layer is kept besides the rule's.
        rule: how they are held.
        noise: how chance moves the rows.
        prices: (m,) p.
        raw: the raw predictions of the batch, in the form that terms take.
        deviation: () of all raw predictions.
        t: () arrivals; arrived: () those of the batch.
    """
    own, rows = rows, held_rows(rows)
    width = width_of(rule, deviation)
    group = _Together.of(rows, ops.abs(prices))
    pull = prices * t

    # K, and the swing that it leaves
    curvature = positive_or_one(ops.where(noise.curvature > 0, noise.curvature, group.whole(noise.curvature)))
    variance = positive_or_one(group.whole(noise.variance))
    together = positive_or_one(group.whole(noise.curvature))
    size = group.whole(ops.square(noise.unit)) / group.whole(ops.ones_like(pull))
    root = ops.sqrt(size / together)  # of n
    lasting = ops.where(group.shared, group.pull * t, ops.abs(pull))
    firm = _FIRM * (lasting * together / ops.sqrt(variance)) ** (2.0 / 3.0)
    firm = ops.minimum(ops.maximum(firm, _SOFTEST * root), _FIRMEST * root)
    batch = _FIRMEST * root * ops.square(_FIRMEST * rule.step * root * arrived / t)
    firm = rule.step * (firm + batch)
    others = ops.maximum(group.whole(noise.variance) - ops.square(group.share) * noise.variance, 0.0)
    swing = (
        rule.margin
        * noise.variance
        / ops.sqrt(positive_or_one((noise.variance + others) * (2.0 * firm + 1.0)))
    )
    between = rows.upper - rows.lower
    largest = ops.where(ops.isinf(between), _LARGEST_MARGIN * width * noise.unit, 0.5 * between)
    swing = ops.minimum(swing, largest)

    # what holds the bound against every order
    rho = rule.step * t**1.5 / ops.square(noise.unit)
    bound = width / (group.least(noise.least) * rho)
    values = rows.values(raw)
    over, under = ops.maximum(values - rows.upper, 0.0), ops.maximum(rows.lower - values, 0.0)
    past = ops.maximum(over, under)
    if group.any:  # where auxiliary scalars are open, a row alone is past nothing
        past = ops.where(group.shared, 0.5 * own.violation(raw), past)
        over, under = (ops.where(group.shared, 0.0, side) for side in (over, under))
    barrier = rho * past / bound

    # the line
    room = ops.minimum(between, width * noise.unit) - swing + _BEYOND * bound
    kappa = ops.maximum(firm / curvature, ops.abs(pull) / positive_or_one(room))
    stiffness = kappa + barrier
    inwards = ops.stop_gradient(kappa * swing / stiffness)
    droop = ops.stop_gradient(pull / stiffness)
    lower = rows.lower + inwards + ops.maximum(-droop, 0.0)
    upper = rows.upper - inwards - ops.maximum(droop, 0.0)
    # Where they cross, the side that has a price is kept, unless the row was far past the other one.
    at_upper = ops.where(pull > 0, under <= _BEYOND * bound, over > _BEYOND * bound)
    aimed = replace(
        rows,
        lower=ops.where(at_upper, ops.minimum(lower, upper), lower),
        upper=ops.where(at_upper, upper, ops.maximum(lower, upper)),
    )
    most = ops.minimum(_FEW + ops.square(root) / _MANY, 1.0) * width * noise.unit / curvature
    return Springs(aimed, ops.stop_gradient(stiffness), ops.stop_gradient(most))


def width_of(rule: StreamRule, deviation: Any) -> Any:
    """The width of the domain; where it has none, that of a uniform distribution that deviates as much."""
    width = rule.domain.high - rule.domain.low
    return width if math.isfinite(width) else positive_or_one(math.sqrt(12.0) * deviation)


class _Together(NamedTuple):
    """The rows of each of g relations that have auxiliary scalars, and their parts in what pulls it.

    A row by itself has the whole.

    Attributes:
        any: whether there are such relations.
        shared: (m,) bool, rows of one of them.
        members: (g, m) 0 or 1.
        share: (m,) the row's part, 1 for a row by itself.
        pull: (m,) the relation's price, 0 for a row by itself.
    """

    any: bool
    shared: np.ndarray
    members: Any
    share: Any
    pull: Any

    @classmethod
    def of(cls, rows: LinearRows, prices: Any) -> _Together:
        """Of the rows, by their prices without sign. Before there are prices all rows have equal parts."""
        owner = relations_of_rows(rows.relations, len(rows))
        auxiliary = [index for index, relation in enumerate(rows.relations) if relation.auxiliary]
        members = (owner[None, :] == np.array(auxiliary, dtype=owner.dtype)[:, None]).astype("float64")
        shared = members.any(axis=0)
        ones = ops.ones_like(prices)
        if not auxiliary:
            return cls(False, shared, members, ones, ones * 0.0)
        members = floats(namespace(prices), members)
        total = _spread_out(members, 0.5 * ops.matmul(members, prices))
        active = ops.cast(rows.active, prices.dtype)
        count = _spread_out(members, ops.matmul(members, active))
        equal = active / ops.sqrt(positive_or_one(count))
        share = ops.where(total > 0, prices / positive_or_one(total), equal)
        return cls(True, shared, members, ops.where(shared, share, ones), total)

    def whole(self, x: Any) -> Any:
        """(m,) of a relation the sum, weighted with the squares of the parts; of a row by itself its own."""
        if not self.any:
            return x
        total = _spread_out(self.members, ops.matmul(self.members, ops.square(self.share) * x))
        return ops.where(self.shared, total, x)

    def least(self, x: Any) -> Any:
        """(m,) the least of a relation; of a row by itself its own."""
        if not self.any:
            return x
        smallest = ops.min(ops.where(self.members > 0, x[None, :], np.inf), axis=1)
        smallest = ops.where(ops.isinf(smallest), ops.ones_like(smallest), smallest)
        return ops.where(self.shared, _spread_out(self.members, smallest), x)


def _spread_out(members: Any, of_relations: Any) -> Any:
    """(m,) for each row what (g,) has for its relation, else 0."""
    return ops.matmul(of_relations, members)
