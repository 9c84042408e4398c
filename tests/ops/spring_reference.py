"""The springs of a stream, row by row in plain numbers, as `keras_fair.ops.stream.springs` describes them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np


class Spring(NamedTuple):
    """Where a row is aimed at, how stiff it is, and the most that counts for its price."""

    lower: float
    upper: float
    stiffness: float
    most: float


def springs(
    rows: Any, came: np.ndarray, fair: np.ndarray, prices: np.ndarray, batch: int, step: float, margin: float
) -> list[Spring]:
    """The springs of the last `batch` arrivals on a domain of width 1.

    Args:
        rows: over all arrivals.
        came: raw predictions; fair: those given to all but the last batch, anything there.
        prices: before the batch.
    """
    t, before = float(len(came)), np.concatenate([fair[:-batch], came[-batch:]])
    m = np.asarray(rows.terms.matrix()).reshape(len(rows.terms), -1)
    r, n = came.reshape(-1), np.asarray(rows.terms.weights)
    weights, lower, upper = (np.asarray(part) for part in (rows.weights, rows.lower, rows.upper))
    values, whole = np.asarray(rows.values(before)), np.asarray(rows.violation(before))
    unit, curvature, variance, least = (np.zeros(len(rows)) for _ in range(4))
    for j in range(len(rows)):
        sizes, smallest = [], []
        for k in np.flatnonzero(n > 0):
            q = float(np.sum(m[k] ** 2))
            if not q:
                continue
            mean = float(np.sum(m[k] ** 2 * r)) / q
            count = float(np.sum(np.abs(m[k]))) ** 2 / q
            own = max(float(np.sum(m[k] ** 2 * r**2)) / q - mean**2, 0.0)
            spread = (count * own + 5.0 * np.var(r)) / (count + 5.0)
            curvature[j] += weights[j, k] ** 2 * q / n[k] ** 2
            variance[j] += weights[j, k] ** 2 * q / n[k] ** 2 * spread
            sizes.append(abs(weights[j, k]) * float(np.sum(np.abs(m[k]))) / n[k])
            smallest.append(abs(weights[j, k]) * q / float(np.sum(np.abs(m[k]))) / n[k])
        unit[j] = max(sizes, default=0.0) or 1.0
        least[j] = min((size for size in smallest if size > 0), default=1.0)
    found: list[Spring | None] = [None] * len(rows)
    for relation in rows.relations:
        members = [relation.rows] if relation.auxiliary else [(j,) for j in relation.rows]
        for together in members:
            total = sum(abs(prices[j]) for j in together) / (2.0 if relation.auxiliary else 1.0)
            active = [j for j in together if rows.active[j]]
            for j in together:
                part = {i: abs(prices[i]) / total for i in together} if total else {}
                part = part or {i: len(active) ** -0.5 if i in active else 0.0 for i in together}
                part = part if relation.auxiliary else {j: 1.0}
                c = sum(part[i] ** 2 * curvature[i] for i in together) or 1.0
                d = sum(part[i] ** 2 * variance[i] for i in together)
                size = sum(part[i] ** 2 * unit[i] ** 2 for i in together) / sum(
                    part[i] ** 2 for i in together
                )
                people = math.sqrt(size / c)
                firm = 8.0 * (total * t * c / math.sqrt(d or 1.0)) ** (2.0 / 3.0)
                firm = step * min(max(firm, 0.5 * people), 5.0 * people)
                firm += 5.0 * step * people * (5.0 * step * people * batch / t) ** 2
                others = max(d - part[j] ** 2 * variance[j], 0.0)
                swing = margin * variance[j] / math.sqrt(((variance[j] + others) or 1.0) * (2.0 * firm + 1.0))
                width = upper[j] - lower[j]
                swing = min(swing, 0.05 * unit[j] if math.isinf(width) else 0.5 * width)
                rho = step * t**1.5 / unit[j] ** 2
                bound = 1.0 / (min(least[i] for i in together) * rho)
                past = max(values[j] - upper[j], lower[j] - values[j], 0.0)
                past, over, under = (
                    (0.5 * whole[j], 0.0, 0.0)
                    if relation.auxiliary
                    else (past, values[j] - upper[j], lower[j] - values[j])
                )
                own_curvature = curvature[j] or c
                kappa = max(
                    firm / own_curvature, abs(prices[j]) * t / (min(width, unit[j]) - swing + 0.5 * bound)
                )
                stiff = kappa + rho * past / bound
                high = upper[j] - (kappa * swing + max(prices[j] * t, 0.0)) / stiff
                low = lower[j] + (kappa * swing + max(-prices[j] * t, 0.0)) / stiff
                if low > high:
                    at_upper = under <= 0.5 * bound if prices[j] > 0 else over > 0.5 * bound
                    low, high = (high, high) if at_upper else (low, low)
                found[j] = Spring(
                    low, high, stiff, min(0.1 + people**2 / 100.0, 1.0) * unit[j] / own_curvature
                )
    assert all(found)
    return found  # type: ignore[return-value]
