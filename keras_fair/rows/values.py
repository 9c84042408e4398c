"""What stands inside `E[...]`: a value per sample, affine in the predictions.

    v_i = sum_k alpha_ik y_ik + beta_i

`alpha_k` and `beta` are arithmetic of numbers, attributes and the label, kept as trees (`None` stands for
0). They are evaluated on a batch by `keras_fair.groups.samples`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keras_fair.errors import ConstraintTypeError, Reason, near_names
from keras_fair.language.fold import Algebra, fold
from keras_fair.language.nodes import (
    Arithmetic,
    Attribute,
    Label,
    Negative,
    Node,
    Number,
    Prediction,
    Value,
)
from keras_fair.language.tree import walk

__all__ = ["AffineValue", "Outputs", "affine_value", "times"]

Coefficient = Value | None  # None is 0


@dataclass(frozen=True)
class AffineValue:
    """`sum_k alpha_k y[k] + beta`; equal where the trees are equal.

    Args:
        alphas: pairs of an output and its coefficient, by output; empty where the value is free of `y`.
        beta: the part free of `y`.
    """

    alphas: tuple[tuple[int, Value], ...]
    beta: Coefficient

    @property
    def columns(self) -> frozenset[str | None]:
        """The attributes in its coefficients, and None for the label."""
        return frozenset(leaf.name if isinstance(leaf, Attribute) else None for leaf in self.leaves())

    def leaves(self) -> list[Attribute | Label]:
        """The attributes and labels in its coefficients, as they are written."""
        trees = [alpha for _, alpha in self.alphas] + ([] if self.beta is None else [self.beta])
        return [node for tree in trees for node in walk(tree) if isinstance(node, (Attribute, Label))]


@dataclass(frozen=True)
class Outputs:
    """The outputs of the model: how many, and their names if they have any."""

    count: int
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, outputs: int | Sequence[str]) -> Outputs:
        """From a number, or from a sequence of names.

        Raises:
            ValueError: there is no output, or names repeat.
        """
        if isinstance(outputs, int) and not isinstance(outputs, bool):
            if outputs < 1:
                raise ValueError(f"expected outputs >= 1, received outputs={outputs}")
            return cls(outputs)
        names = tuple(outputs) if not isinstance(outputs, (str, bytes, bool)) else ()
        if not names or len(set(names)) != len(names) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"expected outputs as a number or distinct names, received outputs={outputs!r}")
        return cls(len(names), names)

    def index(self, node: Prediction, text: str) -> int:
        """Which output a prediction names.

        Raises:
            ConstraintTypeError: the model has no such output, or several where `y` names none.
        """
        if node.output is None:
            if self.count == 1:
                return 0
            shown = ", ".join(f"y[{name}]" for name in (self.names or range(self.count))[:3])
            message = f"the model has {self.count} outputs: say which one, as in {shown}"
        elif isinstance(node.output, int):
            if 0 <= node.output < self.count:
                return node.output
            message = f"no output {node.output}: the model has {self.count}, counted from 0"
        elif node.output in self.names:
            return self.names.index(node.output)
        elif self.names:
            message = f"no output named {node.output!r}{near_names(node.output, self.names)}"
        else:
            last = self.count - 1
            message = f"no output named {node.output!r}: the outputs have no names; write y[0] to y[{last}]"
        raise ConstraintTypeError(message, text=text, span=node.span, reason=Reason.UNKNOWN_NAME)


def affine_value(node: Node, outputs: Outputs, text: str) -> AffineValue:
    """A value as an affine function of the predictions. That it is one has been checked with the text.

    Raises:
        ConstraintTypeError: it names an output that is not there.
    """
    return fold(node, _AffineValue(outputs, text))


class _AffineValue(Algebra[AffineValue]):
    """The coefficients of values."""

    def __init__(self, outputs: Outputs, text: str) -> None:
        self.outputs = outputs
        self.text = text

    def number(self, node: Number) -> AffineValue:
        return AffineValue((), node)

    def leaf(self, node: Prediction | Label | Attribute) -> AffineValue:
        if not isinstance(node, Prediction):
            return AffineValue((), node)
        return AffineValue(((self.outputs.index(node, self.text), Number(value=1.0, span=node.span)),), None)

    def negative(self, node: Negative, operand: AffineValue) -> AffineValue:
        return _mapped(operand, _negative)

    def arithmetic(self, node: Arithmetic, left: AffineValue, right: AffineValue) -> AffineValue:
        if node.operator == "*":
            return times(right, left) if left.alphas else times(left, right)
        if node.operator == "/":
            divisor = right.beta
            assert divisor is not None  # a value that is free of y has one
            return _mapped(left, lambda part: _arithmetic("/", part, divisor))
        if node.operator == "-":
            right = _mapped(right, _negative)
        alphas: dict[int, Value] = dict(left.alphas)
        for output, alpha in right.alphas:
            alphas[output] = _sum(alphas.get(output), alpha, node)
        beta = left.beta if right.beta is None else _sum(left.beta, right.beta, node)
        return AffineValue(tuple(sorted(alphas.items(), key=lambda item: item[0])), beta)


def times(free: AffineValue, value: AffineValue) -> AffineValue:
    """The product of a value free of `y` and any value."""
    factor = free.beta
    assert factor is not None  # a value that is free of y has one
    return _mapped(value, lambda part: _arithmetic("*", factor, part))


def _mapped(value: AffineValue, change: Callable[[Value], Value]) -> AffineValue:
    alphas = tuple((output, change(alpha)) for output, alpha in value.alphas)
    return AffineValue(alphas, None if value.beta is None else change(value.beta))


def _negative(part: Value) -> Value:
    if isinstance(part, Number):
        return Number(value=-part.value, span=part.span)
    return part.operand if isinstance(part, Negative) else Negative(operand=part, span=part.span)  # type: ignore[return-value]


def _sum(left: Coefficient, right: Value, place: Node) -> Value:
    if left is None:
        return right
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(value=left.value + right.value, span=place.span)
    return Arithmetic(operator="+", left=left, right=right, span=place.span)


def _arithmetic(operator: str, left: Value, right: Value) -> Value:
    if isinstance(left, Number) and isinstance(right, Number):
        value = left.value * right.value if operator == "*" else left.value / right.value
        return Number(value=value, span=left.span)
    if isinstance(right, Number) and right.value == 1.0:
        return left
    if operator == "*" and isinstance(left, Number) and left.value == 1.0:
        return right
    return Arithmetic(operator=operator, left=left, right=right, span=left.span)
