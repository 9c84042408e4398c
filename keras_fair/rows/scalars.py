"""Coefficients that may hold constants of the data: numbers that are known only once a batch is.

In `E[y | a] >= 0.8 * P[label=1] * E[y | b]` a coefficient is `0.8 * P[label=1]`. A `Scalar` is affine in
constants,

    number + sum_k coefficient_k * constant_k

and where two of them are multiplied, divided or compared, the result is a new, derived constant. Most
scalars are plain numbers. Base constants are statistics free of `y`; `keras_fair.rows.statistics` makes
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keras_fair.language.functions import FunctionRule

__all__ = ["Derived", "Key", "Scalar", "Scalars"]

Key = tuple[str, int]  # ("base", i) or ("derived", j)


@dataclass(frozen=True)
class Scalar:
    """`number + sum of coefficient * constant`."""

    number: float = 0.0
    parts: tuple[tuple[Key, float], ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether it holds no constant of the data."""
        return not self.parts

    def plus(self, other: Scalar) -> Scalar:
        """The sum."""
        if not other.parts:
            return Scalar(self.number + other.number, self.parts)
        joined = dict(self.parts)
        for key, coefficient in other.parts:
            joined[key] = joined.get(key, 0.0) + coefficient
        parts = tuple(sorted((key, value) for key, value in joined.items() if value != 0.0))
        return Scalar(self.number + other.number, parts)

    def times(self, factor: float) -> Scalar:
        """The product with a number."""
        if factor == 0.0:
            return Scalar()
        # adding 0.0 makes -0.0 into 0.0, so that equal scalars also print the same
        return Scalar(factor * self.number + 0.0, tuple((key, factor * value) for key, value in self.parts))


@dataclass(frozen=True)
class Derived:
    """A constant computed from others; `operator` is one of `* / max`."""

    operator: str
    operands: tuple[Scalar, ...]


class Scalars:
    """The derived constants of a set of constraints, each once."""

    def __init__(self) -> None:
        self.derived: dict[Derived, int] = {}

    def product(self, left: Scalar, right: Scalar) -> Scalar:
        """`left * right`."""
        if right.is_number:
            return left.times(right.number)
        if left.is_number:
            return right.times(left.number)
        return self._new(Derived("*", (left, right)))

    def quotient(self, left: Scalar, right: Scalar) -> Scalar:
        """`left / right`; where `right` is 0 in the data, what uses it cannot be estimated."""
        if right.is_number:
            return Scalar(
                left.number / right.number, tuple((key, value / right.number) for key, value in left.parts)
            )
        return self._new(Derived("/", (left, right)))

    def function(self, rule: FunctionRule, arguments: Sequence[Scalar]) -> Scalar:
        """A function of scalars, as the sum of maxima that it is. Without arguments it cannot be
        estimated."""
        if not arguments:
            return self._new(Derived("/", (Scalar(1.0), Scalar())))
        total = Scalar()
        for part in rule.maxima:
            total = total.plus(
                self._largest([argument.times(float(sign)) for argument in arguments for sign in part])
            )
        return total.times(-1.0) if rule.concave else total

    def _largest(self, operands: Sequence[Scalar]) -> Scalar:
        if len(operands) == 1:
            return operands[0]
        if all(operand.is_number for operand in operands):
            return Scalar(max(operand.number for operand in operands))
        return self._new(Derived("max", tuple(operands)))

    def _new(self, derived: Derived) -> Scalar:
        return Scalar(0.0, ((("derived", self.derived.setdefault(derived, len(self.derived))), 1.0),))
