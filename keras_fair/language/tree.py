"""Walking and rebuilding trees without knowing what each node means.

No function here recurses, so a tree of any depth can be measured before anything that recurses meets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from keras_fair.language.nodes import Node

__all__ = ["child_fields", "children", "depth_exceeds", "walk"]

_FIELDS: dict[type[Node], tuple[str, ...]] = {}


def child_fields(kind: type[Node]) -> tuple[str, ...]:
    """The names of the fields of a node class that take part in comparison, in order."""
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(field.name for field in fields(kind) if field.compare)
    return names


def children(node: Node) -> Iterator[Node]:
    """The nodes directly under `node`, in the order of their fields."""
    for name in child_fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            for element in value:
                if isinstance(element, Node):
                    yield element


def walk(node: Node) -> Iterator[Node]:
    """`node` and all nodes under it, each before those under it, from left to right."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        for name in reversed(child_fields(type(current))):
            value = getattr(current, name)
            if isinstance(value, Node):
                stack.append(value)
            elif isinstance(value, tuple):
                stack.extend(element for element in reversed(value) if isinstance(element, Node))


def depth_exceeds(node: Node, limit: int) -> Node | None:
    """The first node that lies more than `limit` levels deep, or None."""
    level = [node]
    for _ in range(limit):
        level = [child for parent in level for child in children(parent)]
        if not level:
            return None
    return level[0]
