"""The settings of a stream, checked: what is expected, and what was received."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from keras_fair.inputs.domain import Domain, check_domain
from keras_fair.ops.projection.divergences import DIVERGENCES, check_divergence
from keras_fair.ops.stream.state_vector import StreamRule

__all__ = [
    "LEAST_WEIGHT",
    "MOST_WEIGHT",
    "check_settings",
    "domain_of",
    "saved_domain",
    "stream_rule",
    "whole",
]

LEAST_WEIGHT, MOST_WEIGHT = 1e-30, 1e30  # of an arrival


def stream_rule(
    domain: Any, divergence: str, *, step: Any, margin: Any, guard: Any, half_life: Any
) -> StreamRule:
    """How a stream is held, from the arguments of `StreamingFairness`.

    Raises:
        ValueError: one of them does not fit.
    """
    where = check_domain(domain)
    return StreamRule(
        where,
        check_divergence(divergence, where),
        _number("step", step),
        _number("margin", margin, or_zero=True),
        bool(guard),
        math.inf if half_life is None else _half_life(half_life),
    )


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


def check_settings(settings: dict[str, Any]) -> None:
    """Check saved settings, those that are there.

    Raises:
        ValueError: one is unknown, or does not fit.
    """
    checks: dict[str, Callable[[Any], Any]] = {
        "divergence": _divergence,
        "step": lambda value: _number("step", value),
        "margin": lambda value: _number("margin", value, or_zero=True),
        "guard": lambda value: _truth("guard", value),
        "half_life": lambda value: value is None or _number("half_life", value),
        "save_every": lambda value: whole("save_every", value, 1),
        "sync_every": lambda value: whole("sync_every", value, 1),
        "window": lambda value: whole("window", value, 0),
        "learns": lambda value: _truth("learns", value),
    }
    for name, value in settings.items():
        if name not in checks:
            raise ValueError(f"expected 'settings' of a stream, found {name!a:.60} among them")
        try:
            checks[name](value)
        except (ValueError, TypeError, OverflowError) as fault:
            raise ValueError(f"{name!r} in 'settings': {fault}") from fault


def whole(name: str, value: Any, least: int) -> int:
    """A whole number, at least this much."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"expected {name} to be a whole number >= {least}, received {name}={value!r}")
    return value


def _half_life(value: Any) -> float:
    """A number of arrivals, > 1: with less, the last arrival alone outweighs all others together."""
    number = _number("half_life", value)
    if number <= 1.0:
        raise ValueError(
            f"expected half_life to be a number of arrivals > 1, received half_life={value!r}: the last "
            "arrival alone would outweigh all before it, and the gap would be that of one person"
        )
    return number


def _number(name: str, value: Any, or_zero: bool = False) -> float:
    """A finite number > 0, or >= 0."""
    wanted = ">= 0" if or_zero else "> 0"
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value < math.inf or (value == 0 and not or_zero):
        raise ValueError(f"expected {name} to be a number {wanted}, received {name}={value!r}")
    return float(value)


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected {name} to be true or false, received {name}={value!r}")
    return value


def _divergence(value: Any) -> str:
    if not isinstance(value, str) or value not in DIVERGENCES:
        raise ValueError(f"expected divergence to be one of {list(DIVERGENCES)}, received {value!a:.60}")
    return value
