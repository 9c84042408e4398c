"""Where `*` may stand.

`race=*` inside a statistic repeats something once for each value of `race`: the operand of a function such
as `max` or `spread` that holds the statistic, or else the whole relation. What is repeated may hold one such
statistic; with two it would be unclear whether their groups are matched or paired, and `for` says which.
"""

from __future__ import annotations

from keras_fair.errors import quoted
from keras_fair.language.faults import MeaningFault
from keras_fair.language.functions import FUNCTIONS
from keras_fair.language.lexicon import print_name
from keras_fair.language.nodes import (
    STATISTICS,
    Attribute,
    Comparison,
    Function,
    Node,
    Prediction,
    Range,
    Relation,
    Share,
    Star,
    Statistic,
)
from keras_fair.language.tree import children, conjuncts, walk

__all__ = ["check_stars"]


def check_stars(relation: Relation | Range) -> None:
    """Refuse every `*` that has no clear meaning, and a `spread` of one thing.

    Args:
        relation: of a bounded depth.

    Raises:
        MeaningFault: at the star.
    """
    _repeated(relation)


def _repeated(root: Node) -> bool:
    """Check what is repeated together; say whether it holds a star of its own."""
    first: Comparison | None = None
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, STATISTICS):
            stars = _stars(node)
            if stars and first is not None:
                _refuse_second(stars[0])
            first = first or (stars[0] if stars else None)
        elif isinstance(node, Function) and FUNCTIONS[node.name].collects:
            starred = [_repeated(operand) for operand in node.operands]
            if len(starred) < FUNCTIONS[node.name].least and not any(starred):
                raise MeaningFault(
                    f"the {node.name} of one expression is 0; give it several, or one with '*', as in "
                    f"{node.name}(E[y | sex=*])",
                    node.span,
                )
        else:
            waiting.extend(reversed(children(node)))
    return first is not None


def _stars(statistic: Statistic) -> list[Comparison]:
    """The comparisons with `*` of a statistic; they stand at the top of its condition, joined by `and`."""
    if isinstance(statistic, Share):
        _refuse_inside(statistic.event, "in an event")
    stars = []
    for part in conjuncts(statistic.condition):
        if not isinstance(part, Comparison):
            _refuse_inside(part, "under 'or' and 'not'")
        elif isinstance(part.value, Star):
            if part.operator != "=":
                raise MeaningFault(f"'*' goes with '=' only, found {quoted(part.operator)}", part.value.span)
            if isinstance(part.subject, Prediction):
                raise MeaningFault("y has no list of values for '*'", part.value.span)
            stars.append(part)
    return stars


def _refuse_inside(condition: Node, where: str) -> None:
    for node in walk(condition):
        if isinstance(node, Star):
            raise MeaningFault(
                f"'*' can't stand {where}; it stands after '|', alone or joined by ',', as in E[y | sex=*, "
                "age < 25]",
                node.span,
            )


def _refuse_second(star: Comparison) -> None:
    name = print_name(star.subject.name) if isinstance(star.subject, Attribute) else "label"
    raise MeaningFault(
        f"a second statistic with '*': write 'for g in {name}: ...' with {name}=g in both where the groups "
        f"are the same, or 'for a, b in {name}: ...' for all pairs",
        star.value.span,
    )
