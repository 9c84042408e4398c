"""Named criteria: a call such as `demographic_parity(sex)` is replaced by what the library says it means.

A definition of `grammar/criteria.fair` is either an expression, which stands wherever its name is called,

    demographic_parity(A) := spread(E[y | A=*])

or a relation that the bound of the user completes:

    disparate_impact(A) >= r := min(E[y | A=*]) >= r * max(E[y | A=*])

`A` stands for the attributes of the call; of several, `A=*` is their intersections. `y=...` and `label=...`
in the call stand in the place of `y` and `label`. In the expanded tree every span points at the text of the
user: at the argument for what comes from it, at the call for everything else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from keras_fair.errors import Reason, near_names, quoted
from keras_fair.language.calls import Keyword, attributes_of, stand_ins_of
from keras_fair.language.faults import MeaningFault, SyntaxFault
from keras_fair.language.functions import CALLED
from keras_fair.language.nodes import (
    And,
    Attribute,
    Comparison,
    Label,
    Node,
    Prediction,
    Relation,
    Span,
    Star,
)
from keras_fair.language.tree import flat, rebuilt, walk

__all__ = ["CriterionCall", "Definition", "expand", "unknown_name"]


@dataclass(frozen=True, slots=True)
class CriterionCall(Node):
    """`name(argument, ...)` as written, before it is expanded. No finished tree holds one. `bar` is the place
    of a `|`, which a criterion does not take."""

    name: str
    arguments: tuple[Node, ...]
    keywords: tuple[Keyword, ...]
    name_span: Span
    bar: Span | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """One criterion of the library: `name(parameter) := body`, or with `>= bound` where it is a relation."""

    name: str
    parameter: str
    bound: str | None
    body: Node

    @property
    def pattern(self) -> str:
        """The criterion as it is called, for messages."""
        return f"{self.name}({self.parameter})" + (f" >= {self.bound}" if self.bound else "")


def expand(node: Any, library: Mapping[str, Definition]) -> Any:
    """Replace every call in a tree by its meaning.

    Args:
        node: the root of a tree.
        library: the definitions by name.

    Raises:
        MeaningFault: for an unknown criterion, arguments that are no attributes, and a criterion that is a
            relation where it can't be completed.
    """
    if isinstance(node, Relation):
        completed = _complete(node, library)
        if completed is not None:
            return completed
    if isinstance(node, CriterionCall):
        definition = _definition(node, library)
        if definition.bound is not None:
            raise MeaningFault(
                f"{quoted(node.name)} makes a whole constraint: write {definition.pattern}, with a number "
                f"for {definition.bound}",
                node.span,
            )
        return _instance(definition, node, None)
    return rebuilt(node, lambda child: expand(child, library))


def _complete(relation: Relation, library: Mapping[str, Definition]) -> Relation | None:
    """The meaning of `call >= r` or `r <= call` where the criterion is a relation; None for any other
    relation."""
    left: Node = relation.left
    right: Node = relation.right
    for call, bound, operator in ((left, right, ">="), (right, left, "<=")):
        if isinstance(call, CriterionCall) and relation.operator == operator:
            definition = _definition(call, library)
            if definition.bound is not None:
                body: Relation = _instance(definition, call, expand(bound, library))
                return replace(body, span=relation.span)
    return None


def unknown_name(name: str, criteria: Collection[str], span: Span) -> MeaningFault:
    """The fault of a name before parentheses that means nothing."""
    near = near_names(name, [*criteria, *CALLED])
    return MeaningFault(f"no criterion or function named {quoted(name)}{near}", span, Reason.UNKNOWN_NAME)


def _definition(call: CriterionCall, library: Mapping[str, Definition]) -> Definition:
    if call.name not in library:
        raise unknown_name(call.name, library, call.name_span)
    if call.bar is not None:
        raise SyntaxFault(
            f"expected the names of attributes, as in {call.name}(sex, race), found '|'", call.bar
        )
    return library[call.name]


def _instance(definition: Definition, call: CriterionCall, bound: Node | None) -> Any:
    knows_label = any(isinstance(part, Label) for part in walk(definition.body))
    stand_ins = stand_ins_of(call.name, call.keywords, knows_label)
    attributes = attributes_of(call.name, call.arguments, call.span)

    def filled(node: Node) -> Any:
        """A copy with the parameter, the bound and what stands for `y` and `label` filled in, and all spans
        in the text of the user."""
        if isinstance(node, Prediction) and "y" in stand_ins:
            return stand_ins["y"]
        if isinstance(node, Label) and "label" in stand_ins:
            return stand_ins["label"]
        if isinstance(node, Attribute) and node.name == definition.bound:
            return bound
        if isinstance(node, Comparison) and node.subject == Attribute(definition.parameter, span=call.span):
            cells = tuple(
                Comparison(attribute, "=", Star(span=attribute.span), span=attribute.span)
                for attribute in attributes
            )
            return cells[0] if len(cells) == 1 else And(cells, span=call.span)
        copy = rebuilt(node, filled)
        if isinstance(copy, And):
            copy = replace(copy, operands=flat(copy.operands, And))
        return replace(copy, span=call.span)

    return filled(definition.body)
