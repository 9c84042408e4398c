"""The interval of a correlation, on Fisher's scale.

    z = atanh(r),      z -+ t(n - 2) max(e, 1 / sqrt(n - 3)),      and back by tanh

`e` is the error of z without any assumption on the distribution: the correlation moves with a sample by

    (a b - r (a^2 + b^2) / 2) / n,      a, b: the two values in units of their standard deviations, centred

whose squares are summed, over `1 - r^2`. `1 / sqrt(n - 3)` is the error where both are normal. In small
samples `e` comes out too small, so the larger of the two is taken. n is the effective size.

Sources: Fisher, Metron 1 (1921); Bishara and Hittner, Psychological Methods 17 (2012) on the normal
error.
"""

from __future__ import annotations

import math

import numpy as np

from keras_fair.audit.estimates import Groups
from keras_fair.audit.quantiles import t_quantile
from keras_fair.language.nodes import Correlation

__all__ = ["correlation_ends"]

_SURE = 1 - 1e-12


def correlation_ends(statistic: Correlation, groups: Groups, alpha: float) -> tuple[float, float] | None:
    """The ends of the interval; None where there are too few samples.

    Args:
        statistic: one that has a value.
        groups: of the table of its statement.
        alpha: one minus the confidence.
    """
    selected = groups.select(statistic)
    sums = groups.sums(selected.members)
    weight = float(sums[0])
    places = [1 + quantity for quantity in selected.quantities]
    _, uu, vv, u, v = (float(sums[place]) / weight for place in places)
    scale_u, scale_v = math.sqrt(uu - u * u), math.sqrt(vv - v * v)
    correlation = min(max(groups.estimate(statistic).value, -_SURE), _SURE)
    influence = np.zeros(len(sums))
    for place, factor in zip(
        (*places, 0),
        (
            1 / (scale_u * scale_v),
            -correlation / (2 * scale_u**2),
            -correlation / (2 * scale_v**2),
            correlation * u / scale_u**2 - v / (scale_u * scale_v),
            correlation * v / scale_v**2 - u / (scale_u * scale_v),
            u * v / (scale_u * scale_v) - correlation * ((u / scale_u) ** 2 + (v / scale_v) ** 2) / 2,
        ),
        strict=True,
    ):
        influence[place] += factor
    moved = squared = 0.0
    for part, mask in zip(groups.parts, groups.masks(selected.members), strict=True):
        moved += float(
            np.einsum("ckplq,ck,cl,p,q->", part.second, mask, mask, influence, influence, optimize=True)
        )
        squared += float(np.einsum("ckl,ck,cl->", part.second[:, :, 0, :, 0], mask, mask))
    size = weight**2 / squared
    if size <= 3:
        return None
    robust = math.sqrt(max(moved, 0.0)) / weight / (1 - correlation**2)
    reach = t_quantile(size - 2, alpha) * max(robust, 1 / math.sqrt(size - 3))
    centre = math.atanh(correlation)
    return math.tanh(centre - reach), math.tanh(centre + reach)
