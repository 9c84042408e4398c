"""Where predictions may lie, and which divergence measures a move inside it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Union

from keras_fair.ops.divergences import DIVERGENCES

__all__ = ["Domain", "DomainLike", "check_domain", "check_divergence"]

DomainLike = Union[tuple[float, float], None, str]


class Domain(NamedTuple):
    """An interval, all reals (`low, high` infinite), or the simplex of probability vectors."""

    low: float
    high: float
    simplex: bool

    @property
    def bounds(self) -> tuple[float, float]:
        """`low, high` of each prediction by itself."""
        return self.low, self.high

    def __str__(self) -> str:
        if self.simplex:
            return "the simplex"
        return (
            "all reals"
            if math.isinf(self.low) and math.isinf(self.high)
            else f"[{self.low:g}, {self.high:g}]"
        )


def check_domain(domain: DomainLike) -> Domain:
    """The domain that an argument means.

    Args:
        domain: `(low, high)` with `low < high`, either may be infinite; None for all reals; `"simplex"` for
            the outputs of a softmax.

    Raises:
        ValueError: it is none of these.
    """
    if domain is None:
        return Domain(-math.inf, math.inf, False)
    if isinstance(domain, str):
        if domain == "simplex":
            return Domain(0.0, 1.0, True)
    elif _is_pair(domain):
        low, high = (float(bound) for bound in domain)
        if low < high:
            return Domain(low, high, False)
        raise ValueError(f"expected domain=(low, high) with low < high, received domain={domain!r}")
    raise ValueError(f"expected domain=(low, high), None or 'simplex', received domain={domain!r}")


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


def _is_pair(domain: Any) -> bool:
    try:
        return len(domain) == 2 and all(isinstance(float(bound), float) for bound in domain)
    except (TypeError, ValueError):
        return False
