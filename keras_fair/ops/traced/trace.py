"""Expressions of plain numbers, and what can be told of them before the numbers are there.

Equal expressions are one object. Those of numbers alone are computed, and those that their operands decide
(`x * 0`, `x * 1`, a choice whose condition is known, `x > 0` of a sum of positive numbers) are not made:
numbers of a state and predictions count as finite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Union

import numpy as np

__all__ = ["NEVER_NEGATIVE", "POSITIVE", "Expression", "Operand", "Trace", "operation"]

NEVER_NEGATIVE, POSITIVE = 1, 2  # what is known of a sign

_IN_NUMPY: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "negative": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "isinf": np.isinf,
    "max": np.maximum,
    "min": np.minimum,
    "where": np.where,
}
_OF_BOOLS = {"and", "or", "not", "where"}
_COMMUTATIVE = {"+", "*", "==", "and", "or", "max", "min"}
_ONE_SIGN = {"sqrt", "abs", "min", "where", "+", "*", "/"}  # the least sign of the operands


class Expression:
    """An operation on others, or an input where there are no operands.

    Attributes:
        trace: what it belongs to.
        operator: a key of `keras_fair.ops.traced.writer.WRITTEN`, or the name of an input.
        operands: expressions and numbers.
        sign: 0, `NEVER_NEGATIVE` or `POSITIVE`.
    """

    __slots__ = ("operands", "operator", "sign", "trace")

    def __init__(self, trace: Trace, operator: str, operands: tuple[Operand, ...], sign: int) -> None:
        self.trace, self.operator, self.operands, self.sign = trace, operator, operands, sign


Operand = Union[Expression, float, bool]


class Trace:
    """Makes expressions, each once."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Expression] = {}

    def input(self, name: str, sign: int = 0) -> Expression:
        """A number that is known when the function is called.

        Args:
            name: in the function.
            sign: what is known of it.
        """
        return Expression(self, name, (), sign)

    def made(self, operator: str, operands: Sequence[Operand]) -> Expression:
        """The operation on these, as it is."""
        if operator in _COMMUTATIVE:
            operands = sorted(operands, key=_key)
        key = (operator, *map(_key, operands))
        if key not in self._made:
            self._made[key] = Expression(self, operator, tuple(operands), _sign(operator, operands))
        return self._made[key]


def operation(operator: str, *operands: Operand) -> Operand:
    """An operation on expressions and numbers."""
    operands = tuple(each if isinstance(each, Expression) else _number(each) for each in operands)
    trace = next((each.trace for each in operands if isinstance(each, Expression)), None)
    if trace is None:
        if operator not in _OF_BOOLS:
            operands = tuple(map(float, operands))  # type: ignore[arg-type]
        with np.errstate(all="ignore"):
            return _number(_IN_NUMPY[operator](*operands))
    known = _known(operator, operands)
    return trace.made(operator, operands) if known is None else known


def _known(operator: str, operands: tuple[Operand, ...]) -> Operand | None:
    """What the operation is where that needs no computing."""
    first = operands[0]
    if operator == "where":
        return _choice(*operands)
    if operator in ("and", "or"):
        return _logical(operator, *operands)
    if len(operands) == 1:
        return first if operator == "abs" and _sign_of(first) else None
    second = operands[1]
    if operator in ("<", "<=", ">", ">=", "=="):
        return _comparison(operator, first, second)
    if operator in ("max", "min"):
        return _extreme(operator, first, second)
    if operator == "+":
        return second if _is(first, 0.0) else first if _is(second, 0.0) else None
    if operator == "-":
        return first if _is(second, 0.0) else operation("negative", second) if _is(first, 0.0) else None
    if operator == "*":
        if _is(first, 0.0) or _is(second, 0.0):
            return 0.0
        return second if _is(first, 1.0) else first if _is(second, 1.0) else None
    if operator == "/":
        return 0.0 if _is(first, 0.0) else first if _is(second, 1.0) else None
    return None


def _choice(condition: Operand, chosen: Operand, other: Operand) -> Operand | None:
    if not isinstance(condition, Expression):
        return chosen if condition else other
    return chosen if _key(chosen) == _key(other) else None


def _logical(operator: str, first: Operand, second: Operand) -> Operand | None:
    for one, other in ((first, second), (second, first)):
        if not isinstance(one, Expression):
            deciding = bool(one) is (operator == "or")
            return operator == "or" if deciding else other
    return first if first is second else None


def _comparison(operator: str, first: Operand, second: Operand) -> Operand | None:
    """What the signs say of a comparison with zero, on the right as formulas have it."""
    if not _is(second, 0.0):
        return None
    sign = _sign_of(first)
    if sign == POSITIVE:
        return operator in (">", ">=")
    if sign == NEVER_NEGATIVE and operator in ("<", ">="):
        return operator == ">="
    return None


def _extreme(operator: str, first: Operand, second: Operand) -> Operand | None:
    if first is second:
        return first
    for one, other in ((first, second), (second, first)):
        if _is(one, -np.inf if operator == "max" else np.inf):
            return other
        if _is(one, np.inf if operator == "max" else -np.inf):
            return one
        if _is(one, 0.0) and _sign_of(other):
            return other if operator == "max" else 0.0
    return None


def _sign_of(operand: Operand) -> int:
    if isinstance(operand, Expression):
        return operand.sign
    return POSITIVE if operand > 0 else NEVER_NEGATIVE if operand == 0 else 0


def _sign(operator: str, operands: Sequence[Operand]) -> int:
    if operator == "*" and operands[0] is operands[1]:
        return _sign_of(operands[0]) or NEVER_NEGATIVE
    signs = [_sign_of(operand) for operand in operands]
    if operator == "max":
        return max(signs)
    if operator == "+":
        return max(signs) if min(signs) else 0
    if operator == "**":
        return signs[0]
    if operator == "exp":
        return POSITIVE
    if operator == "abs":
        return max(signs[0], NEVER_NEGATIVE)
    return min(signs[1:] if operator == "where" else signs) if operator in _ONE_SIGN else 0


def _is(operand: Operand, number: float) -> bool:
    return not isinstance(operand, Expression) and operand == number


def _key(operand: Operand) -> tuple[str, float]:
    """What tells it from others."""
    return ("", id(operand)) if isinstance(operand, Expression) else (type(operand).__name__, operand)


def _number(value: Any) -> float | bool:
    return bool(value) if isinstance(value, (bool, np.bool_)) else float(value)
