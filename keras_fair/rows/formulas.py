"""Rows as formulas, for people: what a relation becomes before any batch is seen.

    spread(E[y | race=*]) <= 0.05   ->   0 <= E[y | race=a] - t1 <= 0.05,  0 <= E[y | race=b] - t1 <= 0.05

The rows are those of `keras_fair.rows.lower`, from the same stages; only numbers stay text here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from keras_fair.groups.enumeration import Combination, Domains, Grouping
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import check_domain
from keras_fair.language import node_text
from keras_fair.language.nodes import (
    Arithmetic,
    Mean,
    Number,
    Prediction,
    Span,
    Statement,
)
from keras_fair.rows.convex import Expressions
from keras_fair.rows.epigraph import Row
from keras_fair.rows.relations import lowered_relations
from keras_fair.rows.scalars import Derived, Scalar
from keras_fair.rows.statistics import Statistic, Statistics
from keras_fair.rows.values import Outputs

__all__ = ["RelationFormulas", "row_formulas"]

_NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class RelationFormulas:
    """One ground relation: its canonical text, the index of its statement, and its rows as formulas."""

    text: str
    statement: int
    rows: tuple[str, ...]


def row_formulas(
    statements: Sequence[Statement],
    text: str,
    vocabulary: Vocabulary | None = None,
    outputs: int | Sequence[str] = 1,
    *,
    domain: Any = (0.0, 1.0),
    occurring: Callable[[tuple[Grouping, ...]], Iterable[Combination]] | None = None,
) -> tuple[RelationFormulas, ...]:
    """The rows of constraints as formulas; `t1`, `t2`, ... are auxiliary scalars that the solver chooses.

    Args:
        statements, text, vocabulary, outputs, domain, occurring: as for `keras_fair.rows.lower`.

    Raises:
        ConstraintTypeError: a relation can't be enforced, or the vocabulary does not have the values that it
            enumerates.

    Example:

    >>> from keras_fair.language import parse_statements
    >>> text = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
    >>> row_formulas(parse_statements(text), text)[0].rows
    ('-0.02 <= E[y | sex=Female] - E[y | sex=Male] <= 0.02',)
    """
    statistics = Statistics(Outputs.of(outputs), text)
    expressions = Expressions(statistics, Domains(vocabulary, text, occurring))
    relations = lowered_relations(statements, expressions, check_domain(domain).bounds)
    formula = _Formula(statistics)
    return tuple(
        RelationFormulas(each.ground.text, each.ground.statement, tuple(map(formula.row, each.rows)))
        for each in relations
    )


class _Formula:
    """Prints rows over the statistics of one set of constraints."""

    def __init__(self, statistics: Statistics) -> None:
        self.terms = list(statistics.terms)
        self.constants = list(statistics.constants)
        self.derived: list[Derived] = list(statistics.scalars.derived)

    def row(self, row: Row) -> str:
        """`lower <= ... <= upper`."""
        parts = [(weight, _statistic(self.terms[term])) for term, weight in row.affine.weights.items()]
        parts += [(Scalar(weight), f"t{index + 1}") for index, weight in row.affine.aux.items()]
        shown = self._sum(parts, row.affine.constant)
        if row.lower is not None and row.lower == row.upper:
            return f"{shown} == {self.scalar(row.upper)}"
        if row.lower is not None:
            shown = f"{self.scalar(row.lower)} <= {shown}"
        return shown if row.upper is None else f"{shown} <= {self.scalar(row.upper)}"

    def scalar(self, scalar: Scalar) -> str:
        """A number, or numbers and constants of the data."""
        return self._sum([], scalar)

    def _sum(self, parts: list[tuple[Scalar, str]], constant: Scalar) -> str:
        signed = [self._product(weight, name) for weight, name in parts]
        for key, coefficient in constant.parts:
            signed.append(self._product(Scalar(coefficient), self._constant(key)))
        if constant.number or not signed:
            signed.append((constant.number < 0, f"{abs(constant.number):.6g}"))
        first, *rest = sorted(signed, key=lambda term: term[0])  # what is added comes first
        shown = ("-" if first[0] else "") + first[1]
        return shown + "".join(f" {'-' if negative else '+'} {term}" for negative, term in rest)

    def _product(self, weight: Scalar, name: str) -> tuple[bool, str]:
        """Whether it is negative, and the product without its sign."""
        if not weight.is_number:
            single = weight.number == 0 and len(weight.parts) == 1
            negative = single and weight.parts[0][1] < 0
            shown = self.scalar(weight.times(-1.0) if negative else weight)
            return negative, f"{shown} * {name}" if single else f"({shown}) * {name}"
        size = abs(weight.number)
        return weight.number < 0, name if size == 1 else f"{size:.6g} * {name}"

    def _constant(self, key: tuple[str, int]) -> str:
        kind, index = key
        if kind == "base":
            return _statistic(self.constants[index])
        derived = self.derived[index]
        operands = [self.scalar(operand) for operand in derived.operands]
        if derived.operator == "max":
            return f"max({', '.join(operands)})"
        simple = [part.is_number or (part.number == 0 and len(part.parts) == 1) for part in derived.operands]
        shown = [part if plain else f"({part})" for part, plain in zip(operands, simple, strict=True)]
        return f"{shown[0]} {derived.operator} {shown[1]}"


def _statistic(statistic: Statistic) -> str:
    """`E[v | c]`, or `P[e | c]`."""
    if statistic.share is not None:
        return node_text(statistic.share)
    value: Any = statistic.value.beta
    for output, alpha in statistic.value.alphas:
        prediction: Any = Prediction(
            output=output if len(statistic.value.alphas) > 1 else None, span=_NOWHERE
        )
        term = prediction
        if not (isinstance(alpha, Number) and alpha.value == 1.0):
            term = Arithmetic(operator="*", left=alpha, right=prediction, span=_NOWHERE)
        value = term if value is None else Arithmetic(operator="+", left=value, right=term, span=_NOWHERE)
    return node_text(Mean(value=value, condition=statistic.condition, span=_NOWHERE))
