"""Expressions as convex functions of the terms, by the rules of disciplined convex programming (DCP).

    e = W.T + c + sum_j max_i e_ji        with convex e_ji

`abs(a)` is `max(a, -a)`; `spread(a, ...)` is `max(a, ...) + max(-a, ...)`; `min` is `-max(-a, ...)`, so
it stands on the other side only. An expression free of `y` is a number, or a constant of the data,
whatever functions are in it. How rows follow from this form is told by `keras_fair.rows.epigraph`.

Source: Grant, Boyd, Ye, Disciplined Convex Programming (2006).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keras_fair.errors import ConstraintTypeError
from keras_fair.groups.enumeration import Domains
from keras_fair.language import node_text
from keras_fair.language.nodes import (
    Absolute,
    Arithmetic,
    Covariance,
    Maximum,
    Mean,
    Minimum,
    Negative,
    Node,
    Number,
    Share,
    Spread,
)
from keras_fair.rows.ground import arguments, uses_prediction
from keras_fair.rows.scalars import Scalar, Scalars
from keras_fair.rows.statistics import Statistics

__all__ = ["Affine", "Alternative", "Convex", "Expressions", "Part"]


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
class Part:
    """A maximum of alternatives; `needed` of them have to be estimable (two for a spread)."""

    alternatives: tuple[Alternative, ...]
    needed: int = 1


@dataclass(frozen=True)
class Convex:
    """An affine function plus maxima of convex ones."""

    affine: Affine = Affine()
    parts: tuple[Part, ...] = ()

    def plus(self, other: Convex) -> Convex:
        """The sum."""
        return Convex(self.affine.plus(other.affine), self.parts + other.parts)

    def times(self, factor: Scalar, scalars: Scalars) -> Convex:
        """The product with a scalar that is never negative, or any scalar where there are no maxima."""
        parts = tuple(
            Part(
                tuple(Alternative(a.group, a.expression.times(factor, scalars)) for a in part.alternatives),
                part.needed,
            )
            for part in self.parts
        )
        return Convex(self.affine.times(factor, scalars), parts)


class Expressions:
    """Lowers expressions of one set of constraints; statistics and constants are numbered as they are met."""

    def __init__(self, statistics: Statistics, domains: Domains) -> None:
        self.statistics = statistics
        self.scalars = statistics.scalars
        self.domains = domains
        self.text = domains.text

    def convex(self, node: Node, sign: int = 1) -> Convex:
        """`sign * node` as a convex function.

        Raises:
            ConstraintTypeError: it is not convex by the rules, or not affine in the predictions below them.
        """
        if not uses_prediction(node):
            return Convex(Affine(constant=self.constant(node).times(sign)))
        if isinstance(node, (Mean, Share, Covariance)):
            weights, constant = self.statistics.lowered(node)
            affine = Affine(weights, {}, constant)
            return Convex(affine if sign > 0 else affine.negative())
        if isinstance(node, Negative):
            return self.convex(node.operand, -sign)
        if isinstance(node, Arithmetic):
            return self._arithmetic(node, sign)
        if (
            sign < 0
            and isinstance(node, (Absolute, Maximum, Spread))
            or sign > 0
            and isinstance(node, Minimum)
        ):
            self._refuse_curvature(node)
        if isinstance(node, Absolute):
            both = [Alternative("", self.convex(node.operand, way)) for way in (1, -1)]
            return Convex(parts=(Part(tuple(both)),))
        if isinstance(node, (Maximum, Minimum)):
            return self._maximum(node, sign)
        if isinstance(node, Spread):
            return self._maximum(node, 1, needed=2).plus(self._maximum(node, -1, needed=2))
        raise ConstraintTypeError(
            f"expected a statistic such as E[y], found {node_text(node)}", text=self.text, span=node.span
        )

    def constant(self, node: Node) -> Scalar:
        """An expression free of `y` as a number or a constant of the data."""
        if isinstance(node, Number):
            return Scalar(node.value)
        if isinstance(node, (Mean, Share, Covariance)):
            return self.statistics.lowered(node)[1]
        if isinstance(node, Negative):
            return self.constant(node.operand).times(-1.0)
        if isinstance(node, Arithmetic):
            left, right = self.constant(node.left), self.constant(node.right)
            if node.operator in "+-":
                return left.plus(right if node.operator == "+" else right.times(-1.0))
            if node.operator == "*":
                return self.scalars.product(left, right)
            return self._quotient(left, right, node)
        if isinstance(node, Absolute):
            operand = self.constant(node.operand)
            return self.scalars.largest([operand, operand.times(-1.0)])
        if isinstance(node, (Maximum, Minimum, Spread)):
            found = [self.constant(argument) for _, argument in arguments(node.operands, self.domains)]
            high, low = self.scalars.largest(found), self.scalars.largest([one.times(-1.0) for one in found])
            return (
                high
                if isinstance(node, Maximum)
                else low.times(-1.0)
                if isinstance(node, Minimum)
                else high.plus(low)
            )
        raise ConstraintTypeError(
            f"expected a statistic such as E[label], found {node_text(node)}", text=self.text, span=node.span
        )

    def _arithmetic(self, node: Arithmetic, sign: int) -> Convex:
        if node.operator in "+-":
            right = self.convex(node.right, sign if node.operator == "+" else -sign)
            return self.convex(node.left, sign).plus(right)
        if node.operator == "/":
            if uses_prediction(node.right):
                raise ConstraintTypeError(
                    "a quotient by predictions is enforced as a whole side only, as in e1 / e2 >= 0.8",
                    text=self.text,
                    span=node.span,
                )
            factor, operand = self._quotient(Scalar(1.0), self.constant(node.right), node), node.left
        elif uses_prediction(node.left) and uses_prediction(node.right):
            raise ConstraintTypeError(
                "a product of two expressions in y is not affine in y", text=self.text, span=node.span
            )
        else:
            free, operand = (node.right, node.left) if uses_prediction(node.left) else (node.left, node.right)
            factor = self.constant(free)
        for way, signed in ((1, factor), (-1, factor.times(-1.0))):
            if self.scalars.nonnegative(signed):
                return self.convex(operand, sign * way).times(signed, self.scalars)
        lowered = self._affine_operand(operand, node)
        return lowered.times(factor.times(sign), self.scalars)

    def _affine_operand(self, operand: Node, node: Arithmetic) -> Convex:
        """The operand of a factor whose sign is not known; it has to be affine."""
        for way in (1, -1):
            try:
                lowered = self.convex(operand, way)
            except ConstraintTypeError:
                continue
            if not lowered.parts:
                return lowered.times(Scalar(float(way)), self.scalars)
        raise ConstraintTypeError(
            "the sign of this factor is not known, so its product with max, min, abs or spread "
            "has no known curvature",
            text=self.text,
            span=node.span,
        )

    def _quotient(self, left: Scalar, right: Scalar, node: Arithmetic) -> Scalar:
        if right == Scalar():
            raise ConstraintTypeError("a quotient by 0 has no value", text=self.text, span=node.right.span)
        return self.scalars.quotient(left, right)

    def _maximum(self, node: Maximum | Minimum | Spread, sign: int, needed: int = 1) -> Convex:
        found = [
            Alternative(group, self.convex(argument, sign))
            for group, argument in arguments(node.operands, self.domains)
        ]
        flat: list[Alternative] = []
        for alternative in found:
            flat.extend(_flattened(alternative))
        return Convex(parts=(Part(tuple(flat), needed),))

    def _refuse_curvature(self, node: Absolute | Maximum | Minimum | Spread) -> None:
        name = {Absolute: "abs", Maximum: "max", Minimum: "min", Spread: "spread"}[type(node)]
        side = "large" if isinstance(node, Minimum) else "small"
        raise ConstraintTypeError(
            f"{name}(...) can stand only on the {side} side of '<=': what is asked here is not convex, "
            "so it can be audited, not enforced; kf.audit takes it",
            text=self.text,
            span=node.span,
        )


def _flattened(alternative: Alternative) -> list[Alternative]:
    """The alternatives of a maximum that is itself nothing but an alternative of another."""
    inner = alternative.expression
    if len(inner.parts) != 1 or inner.parts[0].needed > 1:
        return [alternative]
    return [
        Alternative(
            alternative.group or below.group,
            Convex(inner.affine.plus(below.expression.affine), below.expression.parts),
        )
        for below in inner.parts[0].alternatives
    ]
