"""What constraints need of each column of a table: how it is read is decided by this, not by its entries.

- Predictions, weights, and columns that stand in arithmetic or are compared by `<`, `<=`, `>`, `>=`: numbers.
- Columns that are compared with a date by `<`, `<=`, `>`, `>=`: dates.
- Columns that are enumerated (`*`, `for`) or compared for equality: values as they are written. They are
  numbers only if no entry could be a code (`keras_fair.cli.plain_numbers`), and must be numbers if they are
  compared with one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from keras_fair.constraints import ConstraintSet, nodes_of
from keras_fair.errors import ConstraintTypeError
from keras_fair.groups.dates import Periods, periods_of
from keras_fair.language.nodes import (
    Attribute,
    Binder,
    Comparison,
    Dependence,
    Label,
    Literal,
    Membership,
    Node,
    ValueSet,
)
from keras_fair.language.tree import children

__all__ = ["ColumnUse", "uses_of"]


@dataclass(frozen=True)
class ColumnUse:
    """What one column is needed for.

    Attributes:
        listed: whether its values name groups as they are written.
        numbers: whether it must hold numbers.
        truth: whether the texts `true` and `false` may stand for 1 and 0, as in a label.
        asked: the place of a constraint that needs numbers or dates, drawn with a caret; empty where there is
            none.
        spelled: texts that its values are compared with, as the constraints spell them.
        periods: the periods that its dates are told apart by; None where it need not hold dates.
    """

    listed: bool = False
    numbers: bool = False
    truth: bool = False
    asked: str = ""
    spelled: tuple[str, ...] = ()
    periods: Periods | None = None

    def __or__(self, other: ColumnUse) -> ColumnUse:
        """Both needs together."""
        return ColumnUse(
            self.listed or other.listed,
            self.numbers or other.numbers,
            self.truth or other.truth,
            self.asked or other.asked,
            self.spelled + other.spelled,
            self.periods or other.periods,
        )


def uses_of(
    constraints: ConstraintSet, predictions: Iterable[str], label: str | None, weight: str | None
) -> dict[str, ColumnUse]:
    """The use of each column that is needed.

    Args:
        constraints: parsed.
        predictions: the columns of the predictions.
        label: the column of the label, or None where the constraints use none.
        weight: the column of the weights, or None.
    """
    uses: dict[str, ColumnUse] = {}
    periods = periods_of(constraints)
    for node in nodes_of(constraints):
        for child in children(node):
            name = child.name if isinstance(child, Attribute) else label
            if isinstance(child, (Attribute, Label)) and name is not None:
                use = _use_in(node, child)
                if isinstance(child, Attribute) and name in periods:
                    use = ColumnUse(listed=True, periods=periods[name])
                if use.numbers or use.periods:
                    place = ConstraintTypeError("", text=constraints.text, span=child.span)
                    use = replace(use, asked=str(place))
                uses[name] = uses.get(name, ColumnUse()) | use
    sets = (node for node in nodes_of(constraints) if isinstance(node, ValueSet))
    if named := _texts_of(value for each in sets for value in each.values):
        for name, use in uses.items():
            uses[name] = replace(use, spelled=use.spelled + named)
    if label is not None:
        uses[label] = uses.get(label, ColumnUse()) | ColumnUse(truth=True)
    for name in (*predictions, *([] if weight is None else [weight])):
        use = uses.get(name, ColumnUse())
        uses[name] = replace(use, listed=False, numbers=True, truth=False)
    return uses


def _use_in(parent: Node, column: Attribute | Label) -> ColumnUse:
    """What a node needs of a column that stands directly under it."""
    if isinstance(parent, Dependence) and column is not parent.value:
        return ColumnUse(listed=True)
    if isinstance(parent, Binder):
        return ColumnUse(listed=True)
    values: tuple[Node, ...]
    if isinstance(parent, Membership):
        values = parent.values
    elif isinstance(parent, Comparison) and parent.operator in ("=", "!="):
        values = (parent.value,)
    else:
        return ColumnUse(numbers=True)
    numbers = any(isinstance(value, Literal) and not isinstance(value.value, str) for value in values)
    return ColumnUse(listed=True, numbers=numbers, spelled=_texts_of(values))


def _texts_of(values: Iterable[Node]) -> tuple[str, ...]:
    literals = (value.value for value in values if isinstance(value, Literal))
    return tuple(value for value in literals if isinstance(value, str))
