"""Quantiles by TensorFlow Probability, which is imported when the first interval is asked for.

Called one by one its functions take milliseconds, and an audit may ask for thousands; compiled they take a
tenth of one. So they stand here, beside TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

__all__ = ["rate_limits", "t_quantile"]


@lru_cache(maxsize=100_000)
def rate_limits(ones: float, size: float, alpha: float) -> tuple[float, float]:
    """The limits of Clopper and Pearson for a rate.

    Each end is where a tail of the binomial distribution has probability `alpha / 2`, so the interval holds
    the true rate at least as often as it says, at any size.

    Args:
        ones: how many of `size` samples have it.
        size: > 0.
        alpha: in (0, 1), one minus the confidence.

    Source: Clopper and Pearson, Biometrika 26 (1934), by quantiles of the Beta distribution.

    Example:

    >>> [round(limit, 4) for limit in rate_limits(0, 20, 0.05)]
    [0.0, 0.1684]
    """
    low = _beta_quantile(ones, size - ones + 1, alpha / 2) if ones > 0 else 0.0
    high = _beta_quantile(ones + 1, size - ones, 1 - alpha / 2) if ones < size else 1.0
    return low, high


@lru_cache(maxsize=100_000)
def t_quantile(freedom: float, alpha: float) -> float:
    """The number that the absolute value of Student's t exceeds with probability `alpha`.

    Args:
        freedom: degrees of freedom, > 0.
        alpha: in (0, 1).

    Example:

    >>> round(t_quantile(19, 0.05), 4)
    2.0930
    """
    share = _beta_quantile(0.5, freedom / 2, 1 - alpha)  # t^2 / (freedom + t^2) is a Beta variable
    return math.sqrt(freedom * share / (1 - share))


def _beta_quantile(one: float, other: float, probability: float) -> float:
    if abs(probability - 0.5) < 1e-9:  # where TensorFlow Probability 0.25 is wrong in the third digit
        probability = 0.5 + 1e-9
    return float(_compiled()(np.float64(one), np.float64(other), np.float64(probability)))


@lru_cache(maxsize=1)
def _compiled() -> Callable[[np.float64, np.float64, np.float64], np.float64]:
    import tensorflow as tf
    from tensorflow_probability import distributions

    number = tf.TensorSpec((), tf.float64)

    @tf.function(input_signature=[number, number, number])
    def quantile(one: tf.Tensor, other: tf.Tensor, probability: tf.Tensor) -> tf.Tensor:
        return distributions.Beta(one, other, validate_args=False).quantile(probability)

    return quantile
