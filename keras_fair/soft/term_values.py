"""Statistics as functions of quotients, each with its derivative by them.

    quotient      q
    covariance    c = q_uv - q_u q_v
    correlation   c / sqrt(a b),     a = q_uu - q_u^2,  b = q_vv - q_v^2
    information   sum_gb p_gb log(p_gb / (p_g p_b)),   p = q / sum q
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_fair.inputs.arrays import Tensor, floats, namespace
from keras_fair.soft.moments import Term

__all__ = ["jacobian", "term_values"]

_TINY = 1e-12


def term_values(terms: Sequence[Term], quotients: Tensor) -> Tensor:
    """The statistics, `(T,)`, from the quotients `(Q,)`."""
    xp = namespace(quotients)
    values = xp.take(quotients, _first(terms), axis=0)
    for place, term in enumerate(terms):
        if term.kind != "quotient":
            own = [quotients[number] for number in term.quotients]
            here = floats(xp, np.arange(len(terms)) == place)
            values = values + here * (_KINDS[term.kind][0](xp, own, term.groups) - values[place])
    return values


def jacobian(terms: Sequence[Term], quotients: Tensor, count: int) -> Tensor:
    """The derivatives of the statistics by the quotients, `(T, Q)`."""
    xp = namespace(quotients)
    plain = np.zeros((len(terms), count))
    for place, term in enumerate(terms):
        if term.kind == "quotient":
            plain[place, term.quotients[0]] = 1.0
    total = floats(xp, plain)
    for place, term in enumerate(terms):
        if term.kind == "quotient":
            continue
        own = [quotients[number] for number in term.quotients]
        for number, slope in zip(term.quotients, _KINDS[term.kind][1](xp, own, term.groups), strict=True):
            where = np.zeros((len(terms), count))
            where[place, number] = 1.0
            total = total + floats(xp, where) * slope
    return total


def _first(terms: Sequence[Term]) -> np.ndarray:
    return np.array([term.quotients[0] for term in terms], dtype="int32")


def _covariance(xp: Any, own: list[Any], groups: int) -> Any:
    return own[0] - own[1] * own[2]


def _of_covariance(xp: Any, own: list[Any], groups: int) -> list[Any]:
    return [1.0, -own[2], -own[1]]


def _variances(xp: Any, own: list[Any]) -> tuple[Any, Any, Any]:
    a = xp.maximum(own[3] - own[1] * own[1], _TINY)
    b = xp.maximum(own[4] - own[2] * own[2], _TINY)
    return a, b, xp.sqrt(a * b)


def _correlation(xp: Any, own: list[Any], groups: int) -> Any:
    return _covariance(xp, own, groups) / _variances(xp, own)[2]


def _of_correlation(xp: Any, own: list[Any], groups: int) -> list[Any]:
    a, b, root = _variances(xp, own)
    r = _covariance(xp, own, groups) / root
    of_left, of_right = -own[2] / root + r * own[1] / a, -own[1] / root + r * own[2] / b
    return [1.0 / root, of_left, of_right, -r / (2.0 * a), -r / (2.0 * b)]


def _table(xp: Any, own: list[Any], groups: int) -> tuple[Any, Any]:
    """The joint shares, `(groups, bins)`, and the log of their ratio to the product of the margins."""
    shares = xp.reshape(xp.stack(own), (groups, -1))
    shares = shares / xp.maximum(xp.sum(shares), _TINY)
    margins = xp.sum(shares, axis=1, keepdims=True) * xp.sum(shares, axis=0, keepdims=True)
    ratio = xp.log(xp.maximum(shares, _TINY)) - xp.log(xp.maximum(margins, _TINY))
    return shares, xp.where(xp.greater(shares, _TINY), ratio, xp.zeros_like(ratio))


def _information(xp: Any, own: list[Any], groups: int) -> Any:
    shares, ratio = _table(xp, own, groups)
    return xp.sum(shares * ratio)


def _of_information(xp: Any, own: list[Any], groups: int) -> list[Any]:
    shares, ratio = _table(xp, own, groups)
    total = xp.maximum(xp.sum(xp.stack(own)), _TINY)
    slopes = xp.reshape((ratio - xp.sum(shares * ratio)) / total, (-1,))
    return [slopes[place] for place in range(len(own))]


_KINDS: dict[str, tuple[Callable[..., Any], Callable[..., list[Any]]]] = {
    "covariance": (_covariance, _of_covariance),
    "correlation": (_correlation, _of_correlation),
    "information": (_information, _of_information),
}
