"""What is summed: a number for each sample, from predictions, labels and columns.

A comparison of `y` is a decision. Strictly it counts 0 or 1; its stand-in is

    sigma((z(y) - z(t)) / temperature)

with `z` the log-odds of the place between the two ends of the domain, and where it has no two ends, `y` in
units units of its standard deviation in the batch. Through a sigmoid output, the log-odds are what the last
layer computed, so the gradient is as steep at 0.01 as at 0.5. Source of the idea: Cotter et al. 2019,
"Two-player games for efficient non-convex constrained optimization", section 2 (proxies for rates).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_fair.errors import ConstraintTypeError, Reason
from keras_fair.groups.factors import attribute_of
from keras_fair.groups.samples import Samples
from keras_fair.groups.thresholds import is_missing
from keras_fair.inputs.arrays import Tensor, dtype_of, floats
from keras_fair.inputs.domain import Domain
from keras_fair.language.fold import Algebra, fold
from keras_fair.language.nodes import (
    Arithmetic,
    Attribute,
    Comparison,
    Label,
    Literal,
    Negative,
    Number,
    Prediction,
    Value,
)
from keras_fair.rows.values import Outputs
from keras_fair.soft.events import Quantile
from keras_fair.soft.moments import Product

__all__ = ["LOSS", "SampleValues"]

LOSS = "the loss of each sample"
"""The output that stands for `loss` in a plan."""

_EDGE = 1e-7  # how near to the ends of the domain log-odds are taken


class SampleValues(Algebra[Any]):
    """Numbers for the samples of one batch, each computed once.

    Args:
        samples: the batch, checked.
        y: `(n, outputs)` predictions.
        outputs: of the model.
        domain: of the predictions.
        text: of the constraints.
        temperature: of the stand-ins of decisions, > 0; None: decisions are counted.
        loss: gives each sample's loss, `(n,)`.
    """

    def __init__(
        self,
        samples: Samples,
        y: Tensor,
        outputs: Outputs,
        domain: Domain,
        text: str,
        temperature: Any,
        loss: Callable[[], Tensor],
    ) -> None:
        self.samples, self.y, self.outputs, self.domain = samples, y, outputs, domain
        self.text, self.temperature, self._loss_of = text, temperature, loss
        self._values: dict[Any, Any] = {}
        self._weights: dict[frozenset[str | None], Tensor | None] = {frozenset(): samples.weight}

    def of(self, product: Product) -> Tensor | None:
        """The weight of each sample times the product, `(n,)`; None where all are 1."""
        total = self._weight(product.present)
        factors = [self._value(value) for value in product.values]
        factors += [self._truth(event, truth) for event, truth in product.events]
        for factor in factors:
            total = factor if total is None else total * factor
        if total is None or len(getattr(total, "shape", ())):
            return total
        return total * self.samples.ones()

    def _weight(self, present: frozenset[str | None]) -> Tensor | None:
        if present not in self._weights:
            weight, xp = self.samples.weight, self.samples.xp
            for name in sorted(present, key=str):
                if name not in self.samples.complete:
                    weight = self.samples.ones() if weight is None else weight
                    weight = xp.where(is_missing(self.samples.column(name)), xp.zeros_like(weight), weight)
            self._weights[present] = weight
        return self._weights[present]

    def _value(self, node: Value) -> Any:
        if node not in self._values:
            self._values[node] = fold(node, self)
        return self._values[node]

    def _truth(self, event: Comparison, truth: bool) -> Any:
        key = (event, truth)
        if key not in self._values:
            above = self._above(event)
            self._values[key] = above if (event.operator in (">", ">=")) == truth else 1.0 - above
        return self._values[key]

    def _above(self, event: Comparison) -> Any:
        """Whether, or with which stand-in, `y` lies above the threshold of an event."""
        key = (event.subject, event.value, event.operator in (">", "<="))
        if key not in self._values:
            assert isinstance(event.subject, Prediction)
            y, threshold, xp = self.leaf(event.subject), self._threshold(event), self.samples.xp
            if self.temperature is None:
                beyond = xp.greater(y, threshold) if key[2] else xp.greater_equal(y, threshold)
                self._values[key] = floats(xp, beyond)
            else:
                position = (self._position(y) - self._position(threshold, y)) / self.temperature
                self._values[key] = 1.0 / (1.0 + xp.exp(-xp.clip(position, -60.0, 60.0)))
        return self._values[key]

    def _threshold(self, event: Comparison) -> Any:
        if isinstance(event.value, Quantile):
            assert isinstance(event.subject, Prediction)
            y, xp = self.samples.xp.stop_gradient(self.leaf(event.subject)), self.samples.xp
            key = ("sorted", event.subject)
            if key not in self._values:
                self._values[key] = xp.sort(y)
            last = xp.shape(y)[0] - 1
            place = xp.cast(xp.round(event.value.share * floats(xp, xp.cast(last, dtype_of(y)))), "int32")
            return xp.take(self._values[key], place, axis=0)
        if not isinstance(event.value, Literal) or isinstance(event.value.value, str):
            raise ConstraintTypeError(
                "expected y to be compared with a number here",
                text=self.text,
                span=event.span,
                reason=Reason.WRONG_KIND,
            )
        return float(event.value.value)

    def _position(self, y: Any, within: Any = None) -> Any:
        """Where a prediction lies on the scale of the temperature."""
        xp, (low, high) = self.samples.xp, self.domain.bounds
        if low > -float("inf") and high < float("inf"):
            place = xp.clip((floats(xp, y) - low) / (high - low), _EDGE, 1.0 - _EDGE)
            return xp.log(place) - xp.log(1.0 - place)
        spread = xp.stop_gradient(xp.std(y if within is None else within))
        return y / xp.maximum(spread, 1e-12)

    # Values: arithmetic of numbers, columns and predictions

    def number(self, node: Number) -> Any:
        return node.value

    def leaf(self, node: Prediction | Label | Attribute) -> Any:
        xp = self.samples.xp
        if isinstance(node, Prediction):
            if node.output == LOSS:
                if LOSS not in self._values:
                    self._values[LOSS] = self._loss_of()
                return self._values[LOSS]
            return self.y[:, self.outputs.index(node, self.text)]
        name = attribute_of(node)
        column = floats(xp, self.samples.column(name))
        if name in self.samples.complete:
            return column
        return xp.where(xp.isnan(column), xp.zeros_like(column), column)

    def negative(self, node: Negative, operand: Any) -> Any:
        return -operand

    def arithmetic(self, node: Arithmetic, left: Any, right: Any) -> Any:
        if node.operator == "+":
            return left + right
        if node.operator == "-":
            return left - right
        return left * right if node.operator == "*" else left / right
