"""Limits of rates and quantiles of Student's t."""

from __future__ import annotations

from functools import lru_cache

from scipy import special

__all__ = ["rate_limits", "t_quantile"]


@lru_cache(maxsize=100_000)
def rate_limits(ones: float, size: float, alpha: float) -> tuple[float, float]:
    """The limits of Clopper and Pearson for a rate.

    Each end is where a tail of the binomial distribution has probability `alpha / 2`, so the interval holds
    the true rate at least as often as it claims, at any size.

    Args:
        ones: how many of `size` samples have the value 1.
        size: > 0.
        alpha: in (0, 1), one minus the confidence.

    Source: Clopper and Pearson, Biometrika 26 (1934), by quantiles of the Beta distribution.

    Example:

    >>> [round(limit, 4) for limit in rate_limits(0, 20, 0.05)]
    [0.0, 0.1684]
    """
    low = float(special.betaincinv(ones, size - ones + 1, alpha / 2)) if ones > 0 else 0.0
    high = float(special.betaincinv(ones + 1, size - ones, 1 - alpha / 2)) if ones < size else 1.0
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
    return float(special.stdtrit(freedom, 1 - alpha / 2))
