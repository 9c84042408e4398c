"""The distinct statistics of a set of constraints: terms, which depend on `y`, and constants of the data.

    E[v | c]       E[alpha y | c] + E[beta | c]: a term, and a constant of what is free of y
    P[e | c]       a constant: the share of c that is in e, among those for whom e is known
    cov(u, v | c)  E[u v | c] - E[v | c] E[u | c] with v free of y: two terms and a constant, so that each can
                   be pooled over batches exactly

This module gives each its number. The samples behind them are left to `keras_fair.groups.samples`.
"""

from __future__ import annotations

from dataclasses import dataclass

from keras_fair.groups.truth import Given
from keras_fair.language import node_text
from keras_fair.language.dependence import audit_only, not_affine
from keras_fair.language.functions import rule_of
from keras_fair.language.nodes import (
    And,
    Comparison,
    Condition,
    Covariance,
    Mean,
    Membership,
    Node,
    Not,
    Number,
    Or,
    Prediction,
    Share,
    Span,
)
from keras_fair.language.nodes import Statistic as AnyStatistic
from keras_fair.language.tree import walk
from keras_fair.rows.scalars import Scalar, Scalars
from keras_fair.rows.values import AffineValue, Outputs, affine_value, times

__all__ = ["Statistic", "Statistics", "is_known"]


@dataclass(frozen=True)
class Statistic:
    """`sum_i w_i m_i v_i / sum_i w_i m'_i`: m is the membership of `selected`, m' that of `condition`.

    They differ for shares only. Both then also require that the event is known, see `is_known`; `selected`
    also requires the event.

    Args:
        value: `alpha y` for a term, `beta` for a constant.
        condition: which samples the weight N is of.
        selected: which samples the sum is over.
        present: the attributes, and None for the label, without which a sample does not count.
        share: the share as it was written, if the statistic is one.
    """

    value: AffineValue
    condition: Given
    selected: Given
    present: frozenset[str | None] = frozenset()
    share: Share | None = None

    @property
    def group(self) -> str:
        """The condition that it is taken over as text; `""` for everyone."""
        over = self.condition if self.share is None else self.share.condition
        return "" if over is None else node_text(over)

    @property
    def key(self) -> str:
        """A text that identifies it among all statistics."""
        parts = [f"{node_text(alpha)} * y[{output}]" for output, alpha in self.value.alphas]
        parts += [] if self.value.beta is None else [node_text(self.value.beta)]
        text = " + ".join(parts)
        of, over = self.selected, self.condition
        if self.share is not None:
            over = self.share.condition
            of = _both(self.share.event, over, self.share.span)
        if of is not None and of != over:
            text += f" of {node_text(of)}"
        if over is not None:
            text += f" over {node_text(over)}"
        if self.present:
            names = sorted("label" if name is None else f"`{name}`" for name in self.present)
            text += f" where {', '.join(names)} is known"
        return text


def is_known(event: Condition) -> Condition | None:
    """The condition that a sample has every value that an event asks for, in Kleene's logic; None: every
    sample has them.

    Without it a share would count a sample with a missing value as one where the event does not hold.
    """
    asked: dict[Node, Condition] = {}
    for node in walk(event):
        if isinstance(node, (Comparison, Membership)) and not isinstance(node.subject, Prediction):
            asked.setdefault(node.subject, node)
    parts = [
        Or(operands=(comparison, Not(operand=comparison, span=comparison.span)), span=comparison.span)
        for comparison in asked.values()
    ]
    if len(parts) < 2:
        return parts[0] if parts else None
    return And(operands=tuple(parts), span=event.span)


def _both(condition: Condition, other: Given, span: Span) -> Condition:
    return condition if other is None else And(operands=(condition, other), span=span)


class Statistics:
    """Numbers the terms and the constants, each statistic once.

    Args:
        outputs: the outputs of the model.
        text: the text of the constraints.
        missing: the policy of the vocabulary. Unless it is "error", a sample with a missing coefficient does
            not count in the statistic.
    """

    def __init__(self, outputs: Outputs, text: str, missing: str = "error") -> None:
        self.outputs = outputs
        self.missing = missing
        self.text = text
        self.terms: dict[Statistic, int] = {}
        self.constants: dict[Statistic, int] = {}
        self.scalars = Scalars()

    def lowered(self, node: AnyStatistic) -> tuple[dict[int, Scalar], Scalar]:
        """A statistic as coefficients of terms, and a constant.

        Raises:
            ConstraintTypeError: it is not affine in `y`.
        """
        refused = audit_only(node)
        if refused is not None:
            raise not_affine(refused[0], self.text, refused[1], rule_of(node).not_affine[1])
        assert isinstance(node, (Mean, Share, Covariance))  # others are never affine
        if isinstance(node, Share):
            return {}, self._share(node)
        if isinstance(node, Mean):
            return self._mean(affine_value(node.value, self.outputs, self.text), node.condition)
        left = affine_value(node.left, self.outputs, self.text)
        right = affine_value(node.right, self.outputs, self.text)
        free, other = (right, left) if left.alphas else (left, right)
        # All three means are over the samples that have both values.
        both = free.columns | other.columns
        _, factor = self._mean(free, node.condition, both)
        weights, constant = self._mean(times(free, other), node.condition, both)
        means, mean = self._mean(other, node.condition, both)
        for term, weight in means.items():
            product = self.scalars.product(factor, weight).times(-1.0)
            weights[term] = weights.get(term, Scalar()).plus(product)
        return weights, constant.plus(self.scalars.product(factor, mean).times(-1.0))

    def _mean(
        self, value: AffineValue, condition: Given, columns: frozenset[str | None] = frozenset()
    ) -> tuple[dict[int, Scalar], Scalar]:
        """A mean over the samples that have a value in the columns of `value`, and in these."""
        present = value.columns | columns if self.missing != "error" else frozenset()
        weights = {}
        if value.alphas:
            weight, alphas = 1.0, value.alphas
            output, alpha = alphas[0]
            if len(alphas) == 1 and isinstance(alpha, Number):  # E[2 * y] is 2 * E[y]
                weight, alphas = alpha.value, ((output, Number(value=1.0, span=alpha.span)),)
            term = Statistic(AffineValue(alphas, None), condition, condition, present)
            weights[self.terms.setdefault(term, len(self.terms))] = Scalar(weight)
        if value.beta is None:
            return weights, Scalar()
        if isinstance(value.beta, Number):
            return weights, Scalar(value.beta.value)
        return weights, self._constant(Statistic(AffineValue((), value.beta), condition, condition, present))

    def _share(self, node: Share) -> Scalar:
        known = is_known(node.event)
        over = node.condition if known is None else _both(known, node.condition, node.span)
        joint = _both(node.event, over, node.span)
        unit = AffineValue((), Number(value=1.0, span=node.span))
        return self._constant(Statistic(unit, over, joint, share=node))

    def _constant(self, statistic: Statistic) -> Scalar:
        return Scalar(0.0, ((("base", self.constants.setdefault(statistic, len(self.constants))), 1.0),))
