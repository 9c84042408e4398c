"""The settings of a stream, checked: what is expected, and what was received."""

from __future__ import annotations

import math
from typing import Any

from keras_fair.inputs.domain import Domain

__all__ = ["domain_of", "not_negative", "positive", "saved_domain", "whole"]


def saved_domain(domain: Domain) -> Any:
    """A domain in a form that JSON keeps."""
    if domain.simplex:
        return "simplex"
    return [bound if math.isfinite(bound) else None for bound in domain.bounds]


def domain_of(saved: Any) -> Any:
    """A domain from its form in a state."""
    if isinstance(saved, str):
        return saved
    low, high = saved
    return (-math.inf if low is None else low, math.inf if high is None else high)


def positive(name: str, value: Any) -> float:
    """A number > 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ValueError(f"expected {name} to be a number > 0, received {name}={value!r}")
    return float(value)


def not_negative(name: str, value: Any) -> float:
    """A number >= 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError(f"expected {name} to be a number >= 0, received {name}={value!r}")
    return float(value)


def whole(name: str, value: Any, least: int) -> int:
    """A whole number, at least this much."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"expected {name} to be a whole number >= {least}, received {name}={value!r}")
    return value
