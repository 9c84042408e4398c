"""Where predictions may lie: an interval, all reals, or the simplex."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Union

__all__ = ["Domain", "DomainLike", "check_domain"]


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
        if math.isinf(self.low) and math.isinf(self.high):
            return "all reals"
        return f"[{self.low:g}, {self.high:g}]"


DomainLike = Union[tuple[Union[float, None], Union[float, None]], Domain, str, None]


def check_domain(domain: DomainLike) -> Domain:
    """The domain that an argument means.

    Args:
        domain: `(low, high)` with `low < high`, either may be infinite or None for no bound; None for all
            reals; `"simplex"` for the outputs of a softmax; or a `Domain`.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(domain, Domain):
        return domain
    if domain is None:
        return Domain(-math.inf, math.inf, False)
    if isinstance(domain, str):
        if domain == "simplex":
            return Domain(0.0, 1.0, True)
    elif _is_pair(domain):
        low = -math.inf if domain[0] is None else float(domain[0])
        high = math.inf if domain[1] is None else float(domain[1])
        if low < high:
            return Domain(low, high, False)
        raise ValueError(f"expected domain=(low, high) with low < high, received domain={domain!r}")
    raise ValueError(f"expected domain=(low, high), None or 'simplex', received domain={domain!r}")


def _is_pair(domain: Any) -> bool:
    try:
        return len(domain) == 2 and all(bound is None or isinstance(float(bound), float) for bound in domain)
    except (TypeError, ValueError):
        return False
