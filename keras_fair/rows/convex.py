"""Expressions as convex functions of the terms, by the rules of disciplined convex programming (DCP).

    e = W.T + c + sum_j max_i e_ji        with convex e_ji

Every function is such a sum of maxima, or the negative of one (`keras_fair.language.functions`), so an
expression and its negative are lowered side by side. An expression free of `y` is a number, or a constant of
the data, also with functions in it. `keras_fair.language.curvature` has already checked that the text asks
for convex expressions only. `keras_fair.rows.epigraph` makes rows of this form.

Source: Grant, Boyd, Ye, Disciplined Convex Programming (2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from keras_fair.errors import ConstraintTypeError, Reason
from keras_fair.groups.enumeration import Domains
from keras_fair.language import on_prediction
from keras_fair.language.functions import FUNCTIONS, rule_of
from keras_fair.language.levels import sign_of
from keras_fair.language.nodes import Arithmetic, Function, Negative, Number, Statistic
from keras_fair.rows.expansion import OverArguments, arguments
from keras_fair.rows.scalars import Scalar, Scalars
from keras_fair.rows.statistics import Statistics

__all__ = ["Affine", "Alternative", "Convex", "Expressions", "Lowered", "Maximum"]


@dataclass(frozen=True)
class Affine:
    """`sum of weight * term + sum of coefficient * auxiliary scalar + constant`."""

    weights: dict[int, Scalar] = field(default_factory=dict)
    aux: dict[int, float] = field(default_factory=dict)
    constant: Scalar = Scalar()

    def plus(self, other: Affine) -> Affine:
        """The sum; terms that cancel are left out."""
        weights = dict(self.weights)
        for term, weight in other.weights.items():
            weights[term] = weights[term].plus(weight) if term in weights else weight
        aux = dict(self.aux)
        for index, coefficient in other.aux.items():
            aux[index] = aux.get(index, 0.0) + coefficient
        weights = {term: weight for term, weight in weights.items() if weight != Scalar()}
        return Affine(weights, aux, self.constant.plus(other.constant))

    def times(self, factor: Scalar, scalars: Scalars) -> Affine:
        """The product with a scalar; there are no auxiliary scalars in it yet."""
        weights = {term: scalars.product(weight, factor) for term, weight in self.weights.items()}
        return Affine(weights, {}, scalars.product(self.constant, factor))

    def negative(self) -> Affine:
        """The same with the opposite sign."""
        weights = {term: weight.times(-1.0) for term, weight in self.weights.items()}
        aux = {index: -coefficient for index, coefficient in self.aux.items()}
        return Affine(weights, aux, self.constant.times(-1.0))


@dataclass(frozen=True)
class Alternative:
    """One argument of a maximum; `group` says which group it is of, where a star made it."""

    group: str
    expression: Convex


@dataclass(frozen=True)
class Maximum:
    """A maximum of alternatives; `needed` of them have to be estimable (two for a spread)."""

    alternatives: tuple[Alternative, ...]
    needed: int = 1


@dataclass(frozen=True)
class Convex:
    """An affine function plus maxima of convex ones."""

    affine: Affine = Affine()
    parts: tuple[Maximum, ...] = ()

    def plus(self, other: Convex) -> Convex:
        """The sum."""
        return Convex(self.affine.plus(other.affine), self.parts + other.parts)

    def times(self, factor: Scalar, scalars: Scalars) -> Convex:
        """The product with a scalar that is never negative, or any scalar where there are no maxima."""
        parts = tuple(
            Maximum(
                tuple(Alternative(a.group, a.expression.times(factor, scalars)) for a in part.alternatives),
                part.needed,
            )
            for part in self.parts
        )
        return Convex(self.affine.times(factor, scalars), parts)


@dataclass(frozen=True)
class Lowered:
    """An expression over the terms.

    Args:
        up: the expression as a convex function; None where it is not convex.
        down: the negative of the expression as a convex function; None where it is not concave.
        constant: its value, where it is free of `y`.
        sign: 1 or -1 where it is free of `y` and known never to be below or above 0, else 0.
    """

    up: Convex | None
    down: Convex | None
    constant: Scalar | None = None
    sign: int = 0

    @classmethod
    def free(cls, constant: Scalar, sign: int) -> Lowered:
        """An expression free of `y`."""
        if constant.is_number:
            sign = (constant.number > 0) - (constant.number < 0)
        up, down = Convex(Affine(constant=constant)), Convex(Affine(constant=constant.times(-1.0)))
        return cls(up, down, constant, sign)

    @property
    def number(self) -> float | None:
        """Its value, where that is a plain number."""
        return self.constant.number if self.constant is not None and self.constant.is_number else None

    def negative(self) -> Lowered:
        """The same with the opposite sign."""
        constant = None if self.constant is None else self.constant.times(-1.0)
        return Lowered(self.down, self.up, constant, -self.sign)

    def plus(self, other: Lowered) -> Lowered:
        """The sum."""
        if self.constant is not None and other.constant is not None:
            return self.free(self.constant.plus(other.constant), sign_of("+", self.sign, other.sign))
        return Lowered(_sum(self.up, other.up), _sum(self.down, other.down))


class Expressions(OverArguments[Lowered]):
    """Lowers expressions of one set of constraints; statistics and constants are numbered as they are met."""

    def __init__(self, statistics: Statistics, domains: Domains) -> None:
        super().__init__(domains)
        self.statistics = statistics
        self.scalars = statistics.scalars
        self.text = domains.text

    def number(self, node: Number) -> Lowered:
        return Lowered.free(Scalar(node.value), 0)

    def statistic(self, node: Statistic) -> Lowered:
        weights, constant = self.statistics.lowered(node)
        if not weights:
            return Lowered.free(constant, rule_of(node).sign)
        affine = Affine(weights, {}, constant)
        return Lowered(Convex(affine), Convex(affine.negative()))

    def negative(self, node: Negative, operand: Lowered) -> Lowered:
        return operand.negative()

    def arithmetic(self, node: Arithmetic, left: Lowered, right: Lowered) -> Lowered:
        if node.operator == "+":
            return left.plus(right)
        if node.operator == "-":
            return left.plus(right.negative())
        if node.operator == "/":
            return self._quotient(left, right, node)
        return self.product(left, right) if right.constant is None else self.product(right, left)

    def function(self, node: Function, operands: Sequence[Lowered]) -> Lowered:
        rule = FUNCTIONS[node.name]
        constants = [operand.constant for operand in operands if operand.constant is not None]
        if len(constants) == len(operands) and not (constants == [] and on_prediction(node)):
            return Lowered.free(self.scalars.function(rule, constants), rule.sign)
        groups = [group for group, _ in arguments(node, self.domains)]
        parts = []
        for signs in rule.maxima:
            alternatives: list[Alternative] = []
            for group, operand in zip(groups, operands, strict=True):
                for sign in signs:
                    expression = operand.up if sign > 0 else operand.down
                    if expression is None:
                        return Lowered(None, None)
                    alternatives.extend(_flattened(Alternative(group, expression)))
            parts.append(Maximum(tuple(alternatives), rule.least))
        convex = Convex(parts=tuple(parts))
        return Lowered(None, convex) if rule.concave else Lowered(convex, None)

    def product(self, factor: Lowered, operand: Lowered) -> Lowered:
        """The product of an expression free of `y` and any expression."""
        constant = factor.constant
        assert constant is not None  # a product of two expressions in y was refused with its text
        if operand.constant is not None:
            product = self.scalars.product(operand.constant, constant)
            return Lowered.free(product, sign_of("*", factor.sign, operand.sign))
        if factor.sign < 0:
            return self.product(factor.negative(), operand.negative())
        if factor.sign > 0:
            return Lowered(self._scaled(operand.up, constant), self._scaled(operand.down, constant))
        # Where the sign is not known, the operand is affine.
        return Lowered(self._scaled(operand.up, constant), self._scaled(operand.up, constant.times(-1.0)))

    def _scaled(self, expression: Convex | None, factor: Scalar) -> Convex | None:
        return None if expression is None else expression.times(factor, self.scalars)

    def _quotient(self, left: Lowered, right: Lowered, node: Arithmetic) -> Lowered:
        divisor = right.constant
        assert divisor is not None  # only a whole side is divided by an expression in y, see relations
        if divisor == Scalar():
            raise ConstraintTypeError(
                "a quotient by 0 has no value", text=self.text, span=node.right.span, reason=Reason.DIVISOR
            )
        if left.constant is not None:
            quotient = self.scalars.quotient(left.constant, divisor)
            return Lowered.free(quotient, sign_of("/", left.sign, right.sign))
        return self.product(Lowered.free(self.scalars.quotient(Scalar(1.0), divisor), right.sign), left)


def _sum(left: Convex | None, right: Convex | None) -> Convex | None:
    return None if left is None or right is None else left.plus(right)


def _flattened(alternative: Alternative) -> list[Alternative]:
    """The alternatives of a maximum that stands alone as an alternative of another maximum."""
    inner = alternative.expression
    if len(inner.parts) != 1 or inner.parts[0].needed > 1:
        return [alternative]
    return [
        Alternative(alternative.group or below.group, Convex(inner.affine).plus(below.expression))
        for below in inner.parts[0].alternatives
    ]
