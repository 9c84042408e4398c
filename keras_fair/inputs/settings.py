"""Settings that many of the library's tools take: what is legal, and what a refusal says."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["check_choice", "check_confidence", "check_count", "check_positive", "check_seed"]


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """One of several words.

    Raises:
        ValueError: it is any other.
    """
    if value not in choices:
        raise ValueError(f"expected {name} to be one of {choices}, received {name}={value!r}")
    return str(value)


def check_confidence(confidence: Any) -> float | None:
    """A confidence in (0, 1), or None for none.

    Raises:
        ValueError: it is neither.
    """
    is_number = isinstance(confidence, (int, float, np.integer, np.floating))
    if confidence is not None and not (is_number and 0 < confidence < 1):
        raise ValueError(f"expected confidence in (0, 1) or None, received confidence={confidence!r}")
    return None if confidence is None else float(confidence)


def check_seed(seed: Any) -> int:
    """A seed, an integer >= 0.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"expected seed to be an integer >= 0, received seed={seed!r}")
    return int(seed)


def check_count(name: str, value: Any) -> int:
    """A number of times, an integer >= 1.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"expected {name} to be an integer >= 1, received {name}={value!r}")
    return int(value)


def check_positive(name: str, value: Any) -> float:
    """A finite number > 0.

    Raises:
        ValueError: it is something else.
    """
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not 0 < value < np.inf:
        raise ValueError(f"expected {name} to be a number > 0, received {name}={value!r}")
    return float(value)
