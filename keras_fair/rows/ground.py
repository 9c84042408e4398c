"""From statements to ground relations: quantifiers and stars are replaced by values.

A `for` repeats its relation for each choice of values. A star repeats the operand of the function that holds
it, such as `spread`, and elsewhere the relation. A star inside a function stays in the tree, so that the
relation prints as it was written; the function remembers the arguments that it stands for.

Relations of one statement that say the same are kept once, see `keras_fair.rows.sameness`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keras_fair.errors import ConstraintTypeError, Reason
from keras_fair.groups.coding import Entry
from keras_fair.groups.enumeration import MOST_GROUPS, Domains
from keras_fair.language import node_text
from keras_fair.language.nodes import Binder, Literal, Range, Relation, Span, Statement
from keras_fair.rows.expansion import Chosen, Stars, with_variables
from keras_fair.rows.sameness import relation_key

__all__ = ["GroundRelation", "ground"]


@dataclass(frozen=True)
class GroundRelation:
    """A relation without quantifiers, and without stars outside functions.

    Args:
        relation: the tree; its functions remember their arguments.
        statement: index of its statement.
        name: the name of the statement with the values chosen, or the canonical text.
        text: canonical text.
    """

    relation: Relation | Range
    statement: int
    name: str
    text: str


def ground(statement: Statement, index: int, domains: Domains) -> Iterator[GroundRelation]:
    """The ground relations of a statement, in the order of the values of its binders and stars.

    Relations that say the same are listed once: `E[y | a] == E[y | b]` and `E[y | b] == E[y | a]`.

    Args:
        statement: a checked statement.
        index: its place in the set.
        domains: the values that quantifiers and stars run over.

    Raises:
        ConstraintTypeError: the values to enumerate are not known, or there are too many relations.
    """
    stars = Stars(domains)
    bound_to = with_variables(statement.relation)
    seen = set()
    for chosen in _choices(statement.binders, domains):
        for group, written in stars.repeated(bound_to(chosen)):
            relation = stars.remembered(written)
            if chosen or group:
                key = relation_key(relation, domains)
                if key in seen:
                    continue
                seen.add(key)
            text = node_text(relation)
            yield GroundRelation(relation, index, _name(statement, text, chosen, group), text)


def _name(statement: Statement, text: str, chosen: dict[str, Chosen], group: str) -> str:
    """`name[a=value, sex=Female]`."""
    if statement.name is None:
        return text
    values = [f"{name}={_shown(value)}" for name, (value, _) in chosen.items()]
    values += [group] if group else []
    return statement.name + (f"[{', '.join(values)}]" if values else "")


def _choices(binders: Sequence[Binder], domains: Domains) -> Iterator[dict[str, Chosen]]:
    """All choices of values for the variables: ordered, distinct within a binder, joined over binders."""
    choices, size = [], 1
    for binder in binders:
        values = domains.values(binder.domain)
        size *= math.perm(len(values), len(binder.variables))
        if size > MOST_GROUPS:
            raise ConstraintTypeError(
                f"this makes more than {MOST_GROUPS} relations; "
                "use spread(...), min(...) or max(...) for all pairs",
                text=domains.text,
                span=binder.span,
                reason=Reason.TOO_MANY,
            )
        choices.append(
            [(binder.variables, chosen) for chosen in itertools.permutations(values, len(binder.variables))]
        )
    for combination in itertools.product(*choices):
        yield {
            name: value for names, chosen in combination for name, value in zip(names, chosen, strict=True)
        }


def _shown(value: Entry) -> str:
    return node_text(Literal(value=value, span=Span(0, 0)))
