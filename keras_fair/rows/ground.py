"""From statements to ground relations: quantifiers and stars are replaced by values.

A `for` repeats its relation for each choice of values. A star repeats the argument of `max`, `min` or
`spread` that holds it, and elsewhere the relation. A star inside `max`, `min` or `spread` stays in the
tree here, so that the relation prints as it was written; `arguments` expands it when the expression is
lowered.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from keras_fair.errors import ConstraintTypeError
from keras_fair.groups.coding import Entry
from keras_fair.groups.enumeration import MOST_GROUPS, Domains, Grouping
from keras_fair.language import node_text
from keras_fair.language.nodes import (
    Attribute,
    Binder,
    Comparison,
    Covariance,
    Expression,
    Label,
    Literal,
    Maximum,
    Mean,
    Minimum,
    Node,
    Prediction,
    Range,
    Relation,
    Share,
    Span,
    Spread,
    Star,
    Statement,
    Variable,
)
from keras_fair.language.tree import child_fields, children, walk

__all__ = ["GroundRelation", "arguments", "ground", "uses_prediction"]

_AGGREGATES = (Maximum, Minimum, Spread)
_STATISTICS = (Mean, Share, Covariance)
_Chosen = tuple[Entry, Span | None]  # a value, and where it is written, if it is


@dataclass(frozen=True)
class GroundRelation:
    """A relation without quantifiers, and without stars outside `max`, `min` and `spread`.

    Args:
        relation: the tree.
        statement: index of its statement.
        name: the name of the statement with the values chosen, or the canonical text.
        text: canonical text.
    """

    relation: Relation | Range
    statement: int
    name: str
    text: str


def ground(statement: Statement, index: int, domains: Domains) -> Iterator[GroundRelation]:
    """The ground relations of a statement, in the order of the values of its binders and stars."""
    for chosen in _choices(statement.binders, domains):
        bound = _substituted(statement.relation, chosen, {})
        for stars, relation in _without_stars(bound, [bound], domains):
            text = node_text(relation)
            values = [f"{name}={_shown(value)}" for name, (value, _) in chosen.items()] + [stars] * bool(
                stars
            )
            name = (
                text
                if statement.name is None
                else statement.name + (f"[{', '.join(values)}]" if values else "")
            )
            yield GroundRelation(relation, index, name, text)


def arguments(operands: Sequence[Expression], domains: Domains) -> Iterator[tuple[str, Expression]]:
    """The arguments of `max`, `min` or `spread`, those with a star once for each group, each with its
    group."""
    for operand in operands:
        yield from _without_stars(operand, [operand], domains)


def uses_prediction(node: Node) -> bool:
    """Whether `y` stands anywhere in the tree."""
    return any(isinstance(part, Prediction) for part in walk(node))


def _choices(binders: Sequence[Binder], domains: Domains) -> Iterator[dict[str, _Chosen]]:
    """All choices of values for the variables: ordered, distinct within a binder, joined over binders."""
    each, size = [], 1
    for binder in binders:
        values = domains.values(binder.domain)
        for taken in range(len(binder.variables)):
            size *= max(len(values) - taken, 0)
        if size > MOST_GROUPS:
            raise ConstraintTypeError(
                f"this makes more than {MOST_GROUPS} relations; "
                "use spread(...), min(...) or max(...) for all pairs",
                text=domains.text,
                span=binder.span,
            )
        each.append(
            [(binder.variables, chosen) for chosen in itertools.permutations(values, len(binder.variables))]
        )
    for combination in itertools.product(*each):
        yield {
            name: value for names, chosen in combination for name, value in zip(names, chosen, strict=True)
        }


def _without_stars(node: Any, parts: Sequence[Node], domains: Domains) -> Iterator[tuple[str, Any]]:
    """`node` once for each group of the stars outside its `max`, `min` and `spread`, with the text of the
    group."""
    starred = [(part, stars) for part in parts for part, stars in _starred(part)]
    if not starred:
        yield "", node
        return
    if len(starred) > 1:
        raise ConstraintTypeError(
            "stars in two statistics: matched or paired? "
            "Write 'for g in ...:' for matched groups, 'for a, b in ...:' for pairs",
            text=domains.text,
            span=starred[1][1][0].span,
        )
    comparisons = starred[0][1]
    subjects: list[Grouping] = []
    for comparison in comparisons:
        if isinstance(comparison.subject, (Attribute, Label)) and comparison.subject not in subjects:
            subjects.append(comparison.subject)
    for combination in domains.combinations(subjects, starred[0][0].span):
        values = dict(zip(subjects, combination, strict=True))
        group = ", ".join(
            node_text(
                Comparison(subject=subject, operator="=", value=_literal(subject, value), span=subject.span)
            )
            for subject, value in values.items()
        )
        yield group, _substituted(node, {}, values)


def _starred(node: Node) -> Iterator[tuple[Node, list[Comparison]]]:
    """The statistics with stars under `node`, but not those under a further `max`, `min` or `spread`."""
    if isinstance(node, _STATISTICS):
        stars = [part for part in walk(node) if isinstance(part, Comparison) and isinstance(part.value, Star)]
        if stars:
            yield node, stars
    elif not isinstance(node, _AGGREGATES):
        for child in children(node):
            yield from _starred(child)


def _substituted(node: Any, variables: Mapping[str, _Chosen], stars: Mapping[Grouping, Entry]) -> Any:
    """The tree with variables and stars replaced by values; parts without any are shared, not copied."""
    if isinstance(node, Variable):
        chosen = variables.get(node.name)
        return node if chosen is None else Literal(value=chosen[0], span=chosen[1] or node.span)
    if isinstance(node, Comparison) and isinstance(node.value, Star):
        starred = [value for subject, value in stars.items() if subject == node.subject]
        return replace(node, operator="=", value=_literal(node.value, starred[0])) if starred else node
    if stars and isinstance(node, _AGGREGATES):
        return node
    changed = {}
    for name in child_fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            new: Any = _substituted(value, variables, stars)
        elif isinstance(value, tuple) and any(isinstance(part, Node) for part in value):
            new = tuple(_substituted(part, variables, stars) for part in value)
            new = value if all(a is b for a, b in zip(new, value, strict=True)) else new
        else:
            continue
        if new is not value:
            changed[name] = new
    return replace(node, **changed) if changed else node


def _literal(place: Node, value: Entry) -> Literal:
    return Literal(value=value, span=place.span)


def _shown(value: Entry) -> str:
    return node_text(Literal(value=value, span=Span(0, 0)))
