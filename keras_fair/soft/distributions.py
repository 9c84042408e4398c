"""Statistics of whole distributions, as rates at thresholds that follow the batch.

    independence(A | c)         max over k of   spread(P[y >= t_k | c, A=*])
    separation(A | c)           the largest of the same, over the values l of the label, among label=l
    mutual_information(A | c)   of the bins between the t_k

with `t_k` quantiles of the predictions of the batch: 16 of them for the distances, nine for ten bins. An
audit looks at every threshold, so it finds a distance that is a little larger; and it corrects the
information for chance, which training does not.
"""

from __future__ import annotations

from keras_fair.errors import ConstraintTypeError, Reason
from keras_fair.groups.enumeration import Domains
from keras_fair.groups.truth import Given
from keras_fair.language.nodes import (
    And,
    Attribute,
    Comparison,
    Condition,
    Dependence,
    Expression,
    Function,
    Label,
    Literal,
    Not,
    Prediction,
    Share,
    Span,
    Star,
)
from keras_fair.soft.events import Quantile

__all__ = ["BINS", "THRESHOLDS", "as_rates", "bins_of", "groups_of"]

BINS = 10
THRESHOLDS = 16


def as_rates(node: Dependence, domains: Domains) -> Expression:
    """A distance between distributions as the largest gap between rates.

    Args:
        node: `independence` or `separation`.
        domains: the values of the label.
    """
    span = node.span
    held: list[Given] = [None]
    if node.name == "separation":
        held = [_is(node.label or Label(span=span), value, span) for value in _values(node, domains)]
    groups = [Comparison(each, "=", Star(span=each.span), span=each.span) for each in node.attributes]
    rates = [
        Share(event, _all([label, node.condition, *groups], span), span=span)
        for label in held
        for event in _above(node, domains.text, THRESHOLDS)
    ]
    return Function("max", tuple(Function("spread", (rate,), span=span) for rate in rates), span=span)


def bins_of(node: Dependence, text: str) -> list[Condition]:
    """The bins of the predictions, as conditions."""
    edges = _above(node, text, BINS - 1)
    below: list[Condition] = [Not(operand=edge, span=edge.span) for edge in edges]
    middle = [And(operands=pair, span=node.span) for pair in zip(edges, below[1:], strict=False)]
    return [below[0], *middle, edges[-1]]


def groups_of(node: Dependence, domains: Domains) -> list[Condition]:
    """The groups that are compared, as conditions."""
    combinations = domains.combinations(node.attributes, node.span)
    span = node.span
    return [
        _all([_is(each, value, span) for each, value in zip(node.attributes, values, strict=True)], span)
        for values in combinations
    ]


def _above(node: Dependence, text: str, count: int) -> list[Comparison]:
    if not isinstance(node.value, Prediction):
        raise ConstraintTypeError(
            f"{node.name} of anything but a prediction has no stand-in with a gradient: write y, or y[k]",
            text=text,
            span=node.value.span,
            reason=Reason.NOT_AFFINE,
            modes=("audit",),
        )
    shares = [(place + 1) / (count + 1) for place in range(count)]
    quantiles = [Quantile(share, span=node.span) for share in shares]
    return [Comparison(node.value, ">=", each, span=node.span) for each in quantiles]  # type: ignore[arg-type]


def _values(node: Dependence, domains: Domains) -> list[float | str]:
    return [value for value, _ in domains.values(node.label or Label(span=node.span))]


def _is(subject: Attribute | Label, value: float | str, span: Span) -> Comparison:
    return Comparison(subject, "=", Literal(value=value, span=span), span=span)


def _all(parts: list[Given], span: Span) -> Condition:
    conditions = tuple(part for part in parts if part is not None)
    return conditions[0] if len(conditions) == 1 else And(operands=conditions, span=span)
