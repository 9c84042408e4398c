"""The variables of a `for`: bound once, used, and not mistaken for columns."""

from __future__ import annotations

from dataclasses import dataclass

from lark import Token

from keras_fair.errors import quoted
from keras_fair.language.faults import MeaningFault
from keras_fair.language.nodes import Attribute, Binder, Node, Span, ValueSet, Variable
from keras_fair.language.tree import walk
from keras_fair.language.words import span_of

__all__ = ["Quantifier", "check_variables"]


@dataclass(frozen=True, slots=True)
class Quantifier:
    """`for a, b in race and c in label:`, with the tokens of its variables."""

    binders: tuple[Binder, ...]
    variables: tuple[Token, ...]
    span: Span


def check_variables(quantifier: Quantifier, relation: Node) -> None:
    """Refuse variables that are bound twice, never used, or share their name with a column.

    Args:
        quantifier: the `for` of a statement.
        relation: what it quantifies.

    Raises:
        MeaningFault: at the variable.
    """
    bound: dict[str, Token] = {}
    for token in quantifier.variables:
        if token in bound:
            raise MeaningFault(f"the variable {quoted(token)} is bound twice", span_of(token))
        bound[str(token)] = token
    for binder in quantifier.binders:
        domain = binder.domain
        if isinstance(domain, ValueSet) and len(domain.values) < len(binder.variables):
            raise MeaningFault(
                f"{len(binder.variables)} variables need as many different values, found "
                f"{len(domain.values)}",
                domain.span,
            )
    nodes = [*(binder.domain for binder in quantifier.binders), *walk(relation)]
    for node in nodes:
        if isinstance(node, Attribute) and node.name in bound:
            raise MeaningFault(
                f"{quoted(node.name)} is a variable of 'for' here, so it can't be a column too; "
                "give the variable another name",
                node.span,
            )
    used = {node.name for node in nodes if isinstance(node, Variable)}
    for name, token in bound.items():
        if name not in used:
            raise MeaningFault(
                f"the variable {quoted(name)} is never used; use it as a value, as in sex={name}",
                span_of(token),
            )
