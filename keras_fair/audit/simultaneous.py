"""Expressions with `abs`, `max`, `min` and `spread`: their smooth parts, and what intervals of these allow.

If all parts lie in their intervals at once, the expression lies in its image. Sums and products are taken as
interval arithmetic does, so the image may be wider than necessary, never narrower.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple, TypeVar

import numpy as np

from keras_fair.audit.expressions import is_smooth, value_of
from keras_fair.groups.enumeration import Domains
from keras_fair.language.fold import fold
from keras_fair.language.functions import EVERYTHING, FUNCTIONS, Ends
from keras_fair.language.nodes import (
    Arithmetic,
    Expression,
    Function,
    Negative,
    Node,
    Number,
    Statistic,
)
from keras_fair.rows.expansion import OverArguments
from keras_fair.rows.ranges import Ranges

__all__ = ["image", "leaves", "together"]

Result = TypeVar("Result")
Value = Callable[[Any], float]  # of a statistic
_MOST_PAIRED = 32  # arguments of a spread whose pairs are taken one by one


def leaves(node: Any, domains: Domains, value: Value) -> list[Expression]:
    """The largest smooth parts of an expression, each once; of a spread the differences of its arguments.

    Arguments that cannot be estimated are left out, as they are of the value.
    """
    return list(dict.fromkeys(fold(node, _Parts(domains, value)).leaves))


def image(node: Any, ends: Mapping[Expression, Ends], domains: Domains, value: Value) -> Ends:
    """The values that an expression can take while its parts lie between their ends.

    Args:
        node: an expression.
        ends: those of its `leaves`.
        domains: the values that stars run over.
        value: of a statistic.
    """
    return fold(node, _Image(ends, domains, value))


def together(draws: dict[Expression, np.ndarray], alpha: float) -> dict[Expression, tuple[float, float]]:
    """Intervals of several expressions that hold together with probability `1 - alpha` among the draws."""
    if len(draws) == 1:
        ((part, values),) = draws.items()
        low, high = np.quantile(values, [alpha / 2, 1 - alpha / 2])
        return {part: (float(low), float(high))}
    size = max(values.size for values in draws.values())
    depth = np.full(size, size)  # how deep each draw lies, in the part where it is most extreme
    ordered = {}
    for part, values in draws.items():
        if values.size < size:
            ordered[part] = np.broadcast_to(values, (size,))
            continue
        order = np.argsort(values, kind="stable")
        rank = np.empty(size, dtype=int)
        rank[order] = np.arange(size)
        depth = np.minimum(depth, np.minimum(rank, size - 1 - rank))
        ordered[part] = values[order]
    kept = int(np.sort(depth)[math.floor(alpha * size)])
    return {part: (float(values[kept]), float(values[size - 1 - kept])) for part, values in ordered.items()}


class _OverEstimable(OverArguments[Result]):
    """A pass over the arguments that can be estimated. Of a function over few of them, such as `spread`, it
    takes the differences of all pairs, whose intervals are tighter than what those of the arguments allow."""

    def __init__(self, domains: Domains, value: Value) -> None:
        super().__init__(domains)
        self.value = value
        self.paired: set[int] = set()  # the identities of the functions that pairs are taken of

    def operands(self, node: Function) -> Iterable[Node]:
        every: Iterable[Any] = super().operands(node)
        estimable = [
            operand for operand in every if not math.isnan(float(value_of(operand, self.value, self.domains)))
        ]
        if not _is_paired(node, estimable):
            return estimable
        self.paired.add(id(node))
        return [
            Arithmetic(operator="-", left=left, right=right, span=left.span)
            for left, right in combinations(estimable, 2)
        ]


class _Side(NamedTuple):
    """The largest smooth parts of an expression; `smooth` where it is one itself."""

    smooth: bool
    leaves: tuple[Expression, ...] = ()


class _Parts(_OverEstimable[_Side]):
    """Gathers the largest smooth parts."""

    def number(self, node: Number) -> _Side:
        return _Side(True)

    def statistic(self, node: Statistic) -> _Side:
        return _Side(True, (node,))

    def negative(self, node: Negative, operand: _Side) -> _Side:
        return _of_smooth(node, operand)

    def arithmetic(self, node: Arithmetic, left: _Side, right: _Side) -> _Side:
        return _of_smooth(node, _Side(left.smooth and right.smooth, left.leaves + right.leaves))

    def function(self, node: Function, operands: Sequence[_Side]) -> _Side:
        return _Side(False, tuple(leaf for operand in operands for leaf in operand.leaves))


def _of_smooth(node: Expression, inner: _Side) -> _Side:
    """A smooth expression is one part, unless it is a number alone."""
    return _Side(True, (node,)) if inner.smooth and inner.leaves else inner


class _Image(_OverEstimable[Ends], Ranges):
    """The ranges of expressions, from those of their smooth parts."""

    def __init__(self, ends: Mapping[Expression, Ends], domains: Domains, value: Value) -> None:
        super().__init__(domains, value)
        self.ends = ends

    def statistic(self, node: Statistic) -> Ends:
        return self.ends.get(node, EVERYTHING)  # of one inside a larger part, that of the part counts

    def negative(self, node: Negative, operand: Ends) -> Ends:
        return self.ends.get(node) or super().negative(node, operand)

    def arithmetic(self, node: Arithmetic, left: Ends, right: Ends) -> Ends:
        return self.ends.get(node) or super().arithmetic(node, left, right)

    def function(self, node: Function, operands: Sequence[Ends]) -> Ends:
        if id(node) not in self.paired:
            return super().function(node, operands)
        pairs = [FUNCTIONS["abs"].range([pair]) for pair in operands]
        return FUNCTIONS["max"].range(pairs)


def _is_paired(node: Function, estimable: Sequence[Expression]) -> bool:
    """Whether a function is the largest difference of its arguments, and they are few and smooth."""
    is_difference = FUNCTIONS[node.name].maxima == FUNCTIONS["spread"].maxima
    return is_difference and 2 <= len(estimable) <= _MOST_PAIRED and all(map(is_smooth, estimable))
