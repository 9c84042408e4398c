"""A set of constraints: parsed text that can be printed, compared, stored, and turned into rows.

The class holds statements and the text that their spans point into. It adds no meaning of its own: the
language is in `keras_fair.language`, the way to rows in `keras_fair.rows.lower` and what that uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keras_fair.errors import ConstraintSyntaxError
from keras_fair.language import from_json, parse_statements, to_json, to_text
from keras_fair.language.nodes import Attribute, Label, Node, Statement
from keras_fair.language.tree import walk
from keras_fair.provided import provided

__all__ = [
    "ConstraintSet",
    "Constraints",
    "is_constraints",
    "nodes_of",
    "parse",
    "parse_expression",
    "statement_names",
]


@dataclass(frozen=True)
class ConstraintSet:
    """One or more constraints. Made by `keras_fair.parse`; frozen, hashable, equal where they say the same.

    Iterating gives the statements, `len` their number, `str` the canonical text: `parse(str(c)) == c`.

    Attributes:
        statements: the checked statements, criteria expanded.
        text: the text that the spans of the statements point into; `==` and `hash` ignore it.

    Example:

    >>> import keras_fair as kf
    >>> constraints = kf.parse("equal_opportunity(sex) <= 2%")
    >>> print(constraints)
    spread(E[y | sex=*, label=1]) <= 0.02
    >>> constraints.attributes, constraints.uses_label
    (('sex',), True)
    >>> kf.parse(str(constraints)) == constraints
    True
    """

    statements: tuple[Statement, ...]
    text: str = field(compare=False, repr=False)

    def __iter__(self) -> Iterator[Statement]:
        return iter(self.statements)

    def __len__(self) -> int:
        return len(self.statements)

    def __str__(self) -> str:
        return to_text(self.statements)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of the columns that the constraints need, sorted, each once."""
        return tuple(sorted({node.name for node in nodes_of(self) if isinstance(node, Attribute)}))

    @property
    def uses_label(self) -> bool:
        """Whether any constraint needs the label."""
        return any(isinstance(node, Label) for node in nodes_of(self))

    def to_json(self) -> str:
        """The constraints as a JSON document; see `keras_fair.language.json_tree` for its schema."""
        return to_json(self.statements)

    @classmethod
    def from_json(cls, document: str) -> ConstraintSet:
        """The constraints of a document that `to_json` wrote.

        Args:
            document: JSON text.

        Raises:
            ConstraintError: the document is malformed, or what it says has no meaning.
        """
        statements = from_json(document)
        return cls(statements, to_text(statements))

    def rows(
        self,
        attributes: Mapping[str, Any],
        label: Any = None,
        *,
        outputs: int | Sequence[str] = 1,
        sample_weight: Any = None,
        vocabulary: Any = None,
        domain: Any = (0.0, 1.0),
    ) -> Any:
        """The linear rows `lower <= A y + V t + c <= upper` that the constraints mean for given samples.

        Args:
            attributes: columns by name, each of `n` values; a dict of arrays or a DataFrame.
            label: the ground truth, of `n` values; needed where `uses_label`.
            outputs: how many outputs the model has, or their names.
            sample_weight: `n` weights, none negative; default: all 1.
            vocabulary: a `Vocabulary`, the values of each attribute; default: those that occur.
            domain: `(low, high)` between which predictions lie, either end None where there is none, or
                `"simplex"`; ratios need to know it.

        Returns:
            `LinearRows`.

        Raises:
            ConstraintTypeError: a constraint has no meaning for these data, or is not affine in `y`.
            ValueError: columns have different lengths, or values are not numbers where numbers are needed.

        Example:

        >>> import keras_fair as kf
        >>> rows = kf.parse("E[y | sex=F] == E[y | sex=M] +- 0.1").rows({"sex": ["F", "M", "F", "M"]})
        >>> [float(gap) for gap in rows.gaps([0.9, 0.4, 0.7, 0.2])]
        [0.5]
        """
        return provided("rows_of")(
            self,
            attributes,
            label,
            outputs=outputs,
            sample_weight=sample_weight,
            vocabulary=vocabulary,
            domain=domain,
        )


Constraints = str | ConstraintSet | Sequence[str | ConstraintSet]


def nodes_of(statements: Iterable[Statement]) -> Iterator[Node]:
    """All nodes of statements, from the first to the last."""
    return (node for statement in statements for node in walk(statement))


def statement_names(statements: Sequence[Statement]) -> tuple[str, ...]:
    """The name of each statement, else its canonical text; repeated ones are numbered."""
    names: list[str] = []
    for statement in statements:
        name = statement.name or to_text((statement,))
        count = sum(other == name or other.startswith(f"{name} (") for other in names)
        names.append(name if count == 0 else f"{name} ({count + 1})")
    return tuple(names)


def parse(text: Constraints) -> ConstraintSet:
    """Parse a text of constraints.

    Args:
        text: one or more constraints, separated by newlines or `;`; or a list of such texts. A
            `ConstraintSet` is returned unchanged.

    Raises:
        ConstraintSyntaxError: the text does not follow the grammar.
        ConstraintTypeError: it does, but it has no meaning.
        TypeError: `text` is none of these.

    Example:

    >>> import keras_fair as kf
    >>> [str(statement.relation.tolerance) for statement in kf.parse("E[y | sex=Female] == E[y] +- 2%")]
    ['0.02']
    """
    if isinstance(text, ConstraintSet):
        return text
    if isinstance(text, (list, tuple)) and text and all(is_constraints(part) for part in text):
        text = "\n".join(str(part) for part in text)
    if not isinstance(text, str):
        shape = getattr(text, "shape", None)
        kind = type(text).__name__ if shape is None else f"{type(text).__name__} of shape {tuple(shape)}"
        raise TypeError(
            f"expected constraints as a str, received {kind}; the order is constraints, predictions y, "
            "attributes, label"
        )
    return ConstraintSet(parse_statements(text), text)


def parse_expression(text: str) -> ConstraintSet:
    """Parse an expression without a bound, such as `demographic_parity(sex)`, whose value is asked for.

    Returns:
        The constraint `expression <= 0`: the gap of its relations is the value of the expression.

    Raises:
        ConstraintError: the text is malformed.
        ValueError: it has a bound.

    Example:

    >>> from keras_fair.constraints import parse_expression
    >>> print(parse_expression("demographic_parity(sex)"))
    spread(E[y | sex=*]) <= 0
    """
    try:
        parse(text)
    except ConstraintSyntaxError as fault:
        try:
            return parse(f"{text} <= 0")
        except ConstraintSyntaxError:
            raise fault from None
    raise ValueError(f"expected an expression without a bound, received {text!r}")


def is_constraints(value: Any) -> bool:
    """Whether this is a text of constraints, a `ConstraintSet`, or a list of them."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(part, (str, ConstraintSet)) for part in value)
    return isinstance(value, (str, ConstraintSet))
