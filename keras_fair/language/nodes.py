"""The typed tree of a constraint: what a text says, and where it says it.

The tree is made by `keras_fair.language.parser`, checked by `keras_fair.language.check`, printed by
`keras_fair.language.printer` and lowered to linear rows by `keras_fair.rows`. It holds no data and no
numerics. Every node is a frozen, hashable dataclass; its `span` (where it stands in the text) takes no
part in comparison, so two texts that say the same give equal trees.

What the functions and the statistics mean is in `keras_fair.language.functions`. What a pass makes of each
kind of node is an `Algebra` of `keras_fair.language.fold`.

Two levels share the arithmetic nodes: a *value* is a number per sample (the leaves are `Prediction`, `Label`,
`Attribute`), an *expression* is one number for all samples (the leaves are the statistics `Mean`, `Share`,
`Covariance`, `Correlation`, `Dependence`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from keras_fair.language.remembered import Remembering, remembers_hash

__all__ = [
    "STATISTICS",
    "And",
    "Arithmetic",
    "Attribute",
    "Binder",
    "Comparison",
    "Condition",
    "Correlation",
    "Covariance",
    "Dependence",
    "Expression",
    "Function",
    "Label",
    "Literal",
    "Mean",
    "Membership",
    "Negative",
    "Node",
    "Not",
    "Number",
    "Or",
    "Prediction",
    "Range",
    "Relation",
    "Share",
    "Span",
    "Star",
    "Statement",
    "Statistic",
    "Subject",
    "Value",
    "ValueSet",
    "Variable",
]


@dataclass(frozen=True, slots=True)
class Span:
    """A place in the text of a constraint set: characters `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(Remembering):
    """Anything in the tree. `span` is where the user wrote it; it takes no part in `==` and `hash`."""

    span: Span = field(compare=False, repr=False)


# Numbers and arithmetic: in values and in expressions alike.


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number as written; `2%` is 0.02."""

    value: float


@dataclass(frozen=True, slots=True)
class Negative(Node):
    """`-operand`."""

    operand: Union[Value, Expression]


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """`left operator right`, where the operator is one of `+ - * /`."""

    operator: str
    left: Union[Value, Expression]
    right: Union[Value, Expression]


# Leaves of values, and subjects of conditions.


@dataclass(frozen=True, slots=True)
class Prediction(Node):
    """`y`, or one of several outputs: `y[2]` (an int) or `y[approve]` (a str)."""

    output: int | str | None = None


@dataclass(frozen=True, slots=True)
class Label(Node):
    """`label`, the ground truth."""


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """A named column."""

    name: str


# What a subject is compared with.


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value: a number compares as a number, text (a word or a quoted string) as text."""

    value: float | str


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """A name bound by `for`; stands for one value of the binder's domain."""

    name: str


@dataclass(frozen=True, slots=True)
class Star(Node):
    """`*`: each value of the attribute in turn."""


# Conditions: which samples.


@remembers_hash
@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """`subject operator value`, where the operator is one of `= != < <= > >=`. `Star` only with `=`."""

    subject: Subject
    operator: str
    value: Literal | Variable | Star


@remembers_hash
@dataclass(frozen=True, slots=True)
class Membership(Node):
    """`subject in {value, ...}`."""

    subject: Subject
    values: tuple[Literal | Variable, ...]


@remembers_hash
@dataclass(frozen=True, slots=True)
class Not(Node):
    """`not operand`."""

    operand: Condition


@remembers_hash
@dataclass(frozen=True, slots=True)
class And(Node):
    """All of the operands (two or more). A chained `25 <= age < 60` is `age >= 25 and age < 60`."""

    operands: tuple[Condition, ...]


@remembers_hash
@dataclass(frozen=True, slots=True)
class Or(Node):
    """Any of the operands (two or more)."""

    operands: tuple[Condition, ...]


# Statistics: one number from many samples.


@remembers_hash
@dataclass(frozen=True, slots=True)
class Mean(Node):
    """`E[value | condition]`: the weighted mean of `value` over the samples where `condition` holds."""

    value: Value
    condition: Condition | None = None


@remembers_hash
@dataclass(frozen=True, slots=True)
class Share(Node):
    """`P[event | condition]`: the weighted share of samples with `event` among those with `condition`."""

    event: Condition
    condition: Condition | None = None


@remembers_hash
@dataclass(frozen=True, slots=True)
class Covariance(Node):
    """`cov(left, right | condition)`: the weighted covariance."""

    left: Value
    right: Value
    condition: Condition | None = None


@remembers_hash
@dataclass(frozen=True, slots=True)
class Correlation(Node):
    """`corr(left, right | condition)`: Pearson's correlation, weighted."""

    left: Value
    right: Value
    condition: Condition | None = None


@remembers_hash
@dataclass(frozen=True, slots=True)
class Dependence(Node):
    """`name(attribute, ..., y=value, label=label | condition)`, such as `independence(sex)`: how much the
    distribution of a value differs between groups. The names are those of `functions.DEPENDENCES`.

    Attributes:
        value: what the distribution is of; `y` where none is written.
        attributes: whose groups are compared; of several, their intersections.
        label: what else is held fixed, one value at a time; None for a name that knows no label.
    """

    name: str
    value: Value
    attributes: tuple[Attribute, ...]
    label: Label | Attribute | None = None
    condition: Condition | None = None


# Functions of expressions.


@remembers_hash
@dataclass(frozen=True, slots=True)
class Function(Node):
    """`name(operand, ...)`, such as `spread(operand, ...)`. The names are those of `functions.FUNCTIONS`.

    Attributes:
        arguments: the operands, those with a star once for each group, each with the text of its group; None
            until `keras_fair.rows.ground` knows the groups. They follow from the operands and the data, so
            they take no part in `==` and `hash`, and are neither printed nor walked over.
    """

    name: str
    operands: tuple[Expression, ...]
    arguments: tuple[tuple[str, Expression], ...] | None = field(
        default=None, compare=False, repr=False, kw_only=True
    )


# Relations: what must hold.


@dataclass(frozen=True, slots=True)
class Relation(Node):
    """`left operator right`, where the operator is one of `== <= >=`; `tolerance` only with `==`."""

    left: Expression
    operator: str
    right: Expression
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Range(Node):
    """`lower <= operand <= upper`, also written `operand in [lower, upper]`."""

    lower: Expression
    operand: Expression
    upper: Expression


# Statements.


@dataclass(frozen=True, slots=True)
class ValueSet(Node):
    """`{value, ...}` as the domain of a `for`."""

    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Binder(Node):
    """`a, b in domain`: all ordered choices of distinct values."""

    variables: tuple[str, ...]
    domain: Attribute | Label | ValueSet


@dataclass(frozen=True, slots=True)
class Statement(Node):
    """One constraint: `name: for binders: relation with confidence with weight`.

    Attributes:
        weight: its price relative to others where it is soft; None where none is written, which means 1.
    """

    relation: Relation | Range
    binders: tuple[Binder, ...] = ()
    name: str | None = None
    confidence: float | None = None
    weight: float | None = None


Value = Union[Number, Negative, Arithmetic, Prediction, Label, Attribute]
Subject = Union[Attribute, Label, Prediction]
Condition = Union[Comparison, Membership, Not, And, Or]
Statistic = Union[Mean, Share, Covariance, Correlation, Dependence]
STATISTICS = (Mean, Share, Covariance, Correlation, Dependence)
Expression = Union[
    Number, Negative, Arithmetic, Mean, Share, Covariance, Correlation, Dependence, Function
]
