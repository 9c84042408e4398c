"""Stars and variables replaced by values: copies of a tree, one for each choice.

`race=*` stands for each value of `race` in turn. What it repeats is the operand of the function that holds
it, such as `spread`, or else the whole relation. The places of stars and variables in a tree are found once;
a copy then makes only the nodes above them anew, and shares the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from keras_fair.groups.coding import Entry
from keras_fair.groups.enumeration import Combination, Domains, Grouping
from keras_fair.language import node_text
from keras_fair.language.fold import Algebra
from keras_fair.language.functions import FUNCTIONS
from keras_fair.language.nodes import (
    STATISTICS,
    Attribute,
    Comparison,
    Expression,
    Function,
    Label,
    Literal,
    Node,
    Span,
    Star,
    Statistic,
    Variable,
)
from keras_fair.language.tree import child_fields, children, comparisons

__all__ = ["Chosen", "OverArguments", "Stars", "arguments", "with_variables"]

Result = TypeVar("Result")

Chosen = tuple[Entry, Span | None]
"""A value, and where it is written, if it is."""

Copier = Callable[[Any], Any]
"""Copies a tree, given what its holes are filled with."""


def arguments(node: Function, domains: Domains) -> tuple[tuple[str, Expression], ...]:
    """What a function is taken over: its operands, those with a star once for each group.

    Args:
        node: a function. A function of a ground relation remembers its arguments.
        domains: the values that stars run over.

    Returns:
        Pairs of the text of a group, empty where there is no star, and an expression.
    """
    if node.arguments is not None:
        return node.arguments
    return Stars(domains).arguments(node)


class OverArguments(Algebra[Result]):
    """A pass that visits each argument of a function. An operand with a star makes one argument for each
    group.

    Args:
        domains: the values that stars run over.
    """

    def __init__(self, domains: Domains) -> None:
        self.domains = domains

    def operands(self, node: Function) -> Iterable[Node]:
        return [argument for _, argument in arguments(node, self.domains)]


def with_variables(node: Node) -> Callable[[Mapping[str, Chosen]], Any]:
    """What makes a copy of a tree with its variables replaced by the values chosen for them."""

    def hole(part: Node) -> Copier | bool:
        if not isinstance(part, Variable):
            return True

        def literal(chosen: Mapping[str, Chosen]) -> Literal:
            value, place = chosen[part.name]
            return Literal(value=value, span=place or part.span)

        return literal

    return _copier(node, hole) or (lambda chosen: node)


class Stars:
    """The groups that stars make. Each list of groups is made once.

    Args:
        domains: the values that stars run over.
    """

    def __init__(self, domains: Domains) -> None:
        self._domains = domains
        self._combinations: dict[tuple[Grouping, ...], list[Combination]] = {}
        self._texts: dict[tuple[Grouping, Entry], str] = {}

    def repeated(self, node: Any) -> Iterator[tuple[str, Any]]:
        """`node` once for each group of the stars that are not inside one of its functions, with the text of
        the group; `node` itself, with no text, where there are none."""
        starred = next(_starred(node), None)
        if starred is None:
            yield "", node
            return
        statistic, subjects = starred
        copy = _copier(node, _star) or (lambda values: node)
        if subjects not in self._combinations:
            self._combinations[subjects] = self._domains.combinations(subjects, statistic.span)
        for combination in self._combinations[subjects]:
            values = dict(zip(subjects, combination, strict=True))
            yield ", ".join(map(self._text, values, combination)), copy(values)

    def arguments(self, node: Function) -> tuple[tuple[str, Expression], ...]:
        """The operands of a function, those with a star once for each group."""
        if not FUNCTIONS[node.name].collects:
            return tuple(("", operand) for operand in node.operands)
        return tuple(argument for operand in node.operands for argument in self.repeated(operand))

    def remembered(self, node: Any) -> Any:
        """A copy of a tree in which the functions that make arguments of stars remember them."""
        return (_copier(node, self._remembering) or (lambda _: node))(None)

    def _remembering(self, node: Node) -> Copier | bool:
        if not _collects(node):
            return not isinstance(node, STATISTICS)
        assert isinstance(node, Function)
        written = replace(node, operands=tuple(self.remembered(operand) for operand in node.operands))
        made = replace(written, arguments=self.arguments(written))
        return lambda _: made

    def _text(self, subject: Grouping, value: Entry) -> str:
        """`subject=value`."""
        key = (subject, value)
        if key not in self._texts:
            literal = Literal(value=value, span=subject.span)
            self._texts[key] = node_text(Comparison(subject, "=", literal, span=subject.span))
        return self._texts[key]


def _starred(node: Node) -> Iterator[tuple[Statistic, tuple[Grouping, ...]]]:
    """The statistics with stars under `node`, but not those below a function that makes arguments of them,
    each with what its stars run over."""
    if isinstance(node, STATISTICS):
        of_group = () if node.condition is None else comparisons(node.condition)
        starred = [subject for subject, _, value in of_group if isinstance(value, Star)]
        subjects = dict.fromkeys(each for each in starred if isinstance(each, (Attribute, Label)))
        if subjects:
            yield node, tuple(subjects)
    elif not _collects(node):
        for child in children(node):
            yield from _starred(child)


def _collects(node: Node) -> bool:
    return isinstance(node, Function) and FUNCTIONS[node.name].collects


def _star(node: Node) -> Copier | bool:
    """The hole of a comparison with a star. The comparison of each value is made once."""
    if not isinstance(node, Comparison) or not isinstance(node.value, Star):
        return not _collects(node)
    subject: Any = node.subject
    place = node.value.span
    made: dict[Entry, Comparison] = {}

    def comparison(values: Mapping[Grouping, Entry]) -> Comparison:
        value = values[subject]
        if value not in made:
            made[value] = Comparison(subject, "=", Literal(value=value, span=place), span=node.span)
        return made[value]

    return comparison


def _copier(node: Node, hole: Callable[[Node], Copier | bool]) -> Copier | None:
    """What copies a tree with its holes filled; None where it has none.

    Args:
        node: the tree.
        hole: for a node, what fills it; True where it is no hole, and False where nothing below it is a hole
            either.
    """
    filled = hole(node)
    if not isinstance(filled, bool):
        return filled
    if not filled:
        return None
    kind = type(node)
    fields = {name: getattr(node, name) for name in child_fields(kind)}
    changed = {}
    for name, value in fields.items():
        copy = _field_copier(value, hole)
        if copy is not None:
            changed[name] = copy
    if not changed:
        return None

    def made(values: Any) -> Node:
        return kind(**{**fields, **{name: copy(values) for name, copy in changed.items()}}, span=node.span)

    return made


def _field_copier(value: Any, hole: Callable[[Node], Copier | bool]) -> Copier | None:
    if isinstance(value, Node):
        return _copier(value, hole)
    if not isinstance(value, tuple):
        return None
    copiers = [_copier(part, hole) if isinstance(part, Node) else None for part in value]
    if not any(copiers):
        return None
    parts = list(zip(value, copiers, strict=True))
    return lambda values: tuple(part if copy is None else copy(values) for part, copy in parts)
