"""Walking and rebuilding trees without knowing what each node means.

`children`, `walk` and `depth_exceeds` do not recurse, so a tree of any depth can be measured before anything
that recurses meets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from itertools import chain
from typing import Any

from keras_fair.language.nodes import (
    And,
    Comparison,
    Condition,
    Dependence,
    Membership,
    Node,
    Or,
    Star,
    Subject,
)

__all__ = ["child_fields", "children", "comparisons", "conjuncts", "depth_exceeds", "flat", "rebuilt", "walk"]

_FIELDS: dict[type[Node], tuple[str, ...]] = {}


def child_fields(kind: type[Node]) -> tuple[str, ...]:
    """The names of the fields of a node class that take part in comparison, in order."""
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(field.name for field in fields(kind) if field.compare)
    return names


def children(node: Node) -> list[Node]:
    """The nodes directly under `node`, in the order of their fields."""
    found: list[Node] = []
    for name in child_fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            found.extend(element for element in value if isinstance(element, Node))
    return found


def walk(node: Node) -> Iterator[Node]:
    """`node` and all nodes under it, each before those under it, from left to right."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        for name in reversed(child_fields(type(current))):  # not by `children`: this is the faster
            value = getattr(current, name)
            if isinstance(value, Node):
                stack.append(value)
            elif isinstance(value, tuple):
                stack.extend(element for element in reversed(value) if isinstance(element, Node))


def comparisons(tree: Node) -> Iterator[tuple[Subject, str, Node]]:
    """The subject, the sign and the value of each comparison in a tree; `a in {b, c}` is `a=b` and `a=c`, and
    what the groups of a `Dependence` are of is `a=*`."""
    for node in walk(tree):
        if isinstance(node, Comparison):
            yield node.subject, node.operator, node.value
        elif isinstance(node, Membership):
            for value in node.values:
                yield node.subject, "=", value
        elif isinstance(node, Dependence):
            for subject in (*node.attributes, *(() if node.label is None else (node.label,))):
                yield subject, "=", Star(span=subject.span)


def depth_exceeds(node: Node, limit: int) -> Node | None:
    """The first node that lies more than `limit` levels deep, or None."""
    level = [node]
    for _ in range(limit):
        level = [child for parent in level for child in children(parent)]
        if not level:
            return None
    return level[0]


def rebuilt(node: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of `node` in which each node directly under it is what `change` makes of it."""
    changed: dict[str, Any] = {}
    for name in child_fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            changed[name] = change(value)
        elif isinstance(value, tuple):
            changed[name] = tuple(change(part) if isinstance(part, Node) else part for part in value)
    return replace(node, **changed)


def flat(operands: Iterable[Condition], kind: type[And | Or]) -> tuple[Condition, ...]:
    """Conditions, those that are of `kind` replaced by what they hold."""
    held = (each.operands if isinstance(each, kind) else (each,) for each in operands)
    return tuple(chain.from_iterable(held))


def conjuncts(condition: Condition | None) -> tuple[Condition, ...]:
    """The conditions that must all hold; none where there is no condition."""
    return () if condition is None else flat([condition], And)
