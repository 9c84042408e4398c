"""From checked statements to a soft plan. Static, without data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from keras_fair.groups.conditions import make_clusters
from keras_fair.groups.dates import periods_of
from keras_fair.groups.enumeration import Domains
from keras_fair.groups.factors import attribute_of, is_binary_label
from keras_fair.groups.samples import Needs
from keras_fair.groups.truth import compared_in
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import Domain
from keras_fair.language import node_text
from keras_fair.language.fold import fold
from keras_fair.language.nodes import (
    Attribute,
    Comparison,
    Dependence,
    Label,
    Membership,
    Node,
    Prediction,
    Span,
    Statement,
    Statistic,
)
from keras_fair.language.tree import rebuilt, walk
from keras_fair.rows.assemble import Numbering, gap_plan, unique_names
from keras_fair.rows.convex import Expressions, Lowered
from keras_fair.rows.gap_values import gap_values
from keras_fair.rows.ground import ground
from keras_fair.rows.linear import RelationRows
from keras_fair.rows.lower import factors_of, first_places, refuse_text_in_arithmetic
from keras_fair.rows.relations import bounds_of
from keras_fair.rows.term_layout import make_layout
from keras_fair.rows.values import Outputs
from keras_fair.soft.distributions import as_rates
from keras_fair.soft.moments import Moments, Product, columns_in
from keras_fair.soft.plan import SoftPlan
from keras_fair.soft.values import LOSS

__all__ = ["lower_softly"]


def lower_softly(
    statements: Sequence[Statement],
    text: str,
    vocabulary: Vocabulary | None,
    outputs: int | Sequence[str],
    domain: Domain,
) -> SoftPlan:
    """Lower statements to a plan that measures them on any batch.

    Args:
        statements, text, vocabulary, outputs: see `keras_fair.rows.lower`.
        domain: where predictions lie.

    Raises:
        ConstraintTypeError: a relation does not depend on `y`, has no stand-in with a gradient, or names what
            the vocabulary or the model does not have.
    """
    trained = [_with_loss(statement) for statement in statements]
    domains = Domains(vocabulary, text)
    missing = "error" if vocabulary is None else vocabulary.missing
    moments = Moments(Outputs.of(outputs), domains, missing)
    bounded = bounds_of(trained, SoftExpressions(moments, domains), domain.bounds)
    written = [
        relation for index, each in enumerate(statements) for relation in ground(each, index, domains)
    ]
    constants = tuple(moments.constants)
    conditions = [condition for each in constants for condition in (each.condition, each.selected)]
    conditions += [wanted.condition for wanted in moments.sums]
    compared = compared_in(conditions)
    completed, factors = factors_of(compared, vocabulary or Vocabulary(), periods_of(statements), text)
    values = [value for wanted in moments.sums for value in wanted.product.values]
    leaves = [leaf for value in values for leaf in walk(value) if isinstance(leaf, (Attribute, Label))]
    leaves += [leaf for each in constants for leaf in each.value.leaves()]
    refuse_text_in_arithmetic(leaves, completed, text)
    clusters = make_clusters(conditions, factors, text)
    derived = tuple(moments.scalars.derived)
    numbering = Numbering(range(len(moments.made)), len(constants), len(derived))
    gap = gap_plan([bound for _, bound in bounded], numbering)
    columns = columns_in(leaves)
    predictions = [leaf for value in values for leaf in walk(value) if isinstance(leaf, Prediction)]
    uses_loss = any(leaf.output == LOSS for leaf in predictions)
    needed = columns | {attribute_of(subject) for subject in factors} | ({None} if uses_loss else set())
    spans = first_places(statement.relation for statement in statements)
    sums, places = _placed(moments, clusters)
    layout = make_layout((), constants, clusters)
    names = unique_names([relation.name for relation in written])
    return SoftPlan(
        text=text,
        outputs=moments.outputs,
        domain=domain,
        vocabulary=completed,
        relations=tuple(
            RelationRows(name, relation.statement, relation.text, (place,))
            for place, (name, relation) in enumerate(zip(names, written, strict=True))
        ),
        weights=np.array([_weight(statements[relation.statement]) for relation in written]),
        groups=tuple("" if term.condition is None else node_text(term.condition) for term in moments.made),
        everyone=moments.everyone,
        uses_loss=uses_loss,
        binary_label=is_binary_label(compared.get(Label(span=Span(0, 0)), [])),
        needs=Needs(
            attributes={name: spans[name] for name in sorted(name for name in needed if name is not None)},
            numbers=frozenset(name for name in columns if name is not None),
            label=spans.get(None, Span(0, len(text))) if None in needed else None,
            accuracy=None,
            factors=factors,
            missing=completed.missing,
            text=text,
        ),
        factors=factors,
        clusters=tuple(clusters),
        sums=sums,
        places=places,
        above=_table([quotient.above for quotient in moments.quotients], len(moments.sums)),
        below=_table([quotient.below for quotient in moments.quotients], len(moments.sums)),
        terms=tuple(moments.made),
        layout=layout,
        gap_values=gap_values(gap, derived, numbering),
    )


class SoftExpressions(Expressions):
    """Lowers expressions; a distance between distributions is the largest gap between rates."""

    def statistic(self, node: Statistic) -> Lowered:
        if isinstance(node, Dependence) and node.name != "mutual_information":
            lowered: Lowered = fold(as_rates(node, self.domains), self)
            return lowered
        return super().statistic(node)


def _weight(statement: Statement) -> float:
    """The `with weight` of a statement."""
    return 1.0 if statement.weight is None else float(statement.weight)


def _with_loss(statement: Statement) -> Statement:
    """The statement with the output that stands for the loss in the place of `loss`."""

    def replaced(part: Node) -> Any:
        if isinstance(part, Attribute) and part.name == "loss":
            return Prediction(LOSS, span=part.span)
        if isinstance(part, (Comparison, Membership)):  # groups are made of columns
            return part
        return rebuilt(part, replaced)

    return replace(statement, relation=replaced(statement.relation))


def _placed(moments: Moments, clusters: Sequence[Any]) -> tuple[tuple[tuple[Product, ...], ...], np.ndarray]:
    """For each cluster what is summed, and where each sum then stands."""
    place = {
        condition: (number, row)
        for number, cluster in enumerate(clusters)
        for row, condition in enumerate(cluster.conditions)
    }
    products: list[dict[Product, int]] = [{} for _ in clusters]
    for wanted in moments.sums:
        own = products[place[wanted.condition][0]]
        own.setdefault(wanted.product, len(own))
    sizes = [len(cluster.conditions) * len(own) for cluster, own in zip(clusters, products, strict=True)]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)

    def where(wanted: Any) -> int:
        number, row = place[wanted.condition]
        return int(starts[number]) + row * len(products[number]) + products[number][wanted.product]

    places = np.array([where(wanted) for wanted in moments.sums], dtype="int32")
    return tuple(tuple(own) for own in products), places


def _table(members: Sequence[Sequence[int]], size: int) -> np.ndarray:
    table = np.zeros((len(members), size))
    for row, places in enumerate(members):
        table[row, list(places)] = 1.0
    return table
