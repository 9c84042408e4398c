"""Lowering: from checked statements to a plan of linear rows. Static, without data.

    statements -> ground relations -> bounds on convex expressions -> rows -> arrays

Every stage is a module of its own: `ground`, `relations` and `convex`, `epigraph`, `assemble`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_fair.errors import ConstraintTypeError, Reason
from keras_fair.groups.accuracy import accuracy_place
from keras_fair.groups.coding import forms_of, has_words
from keras_fair.groups.conditions import make_clusters
from keras_fair.groups.dates import Periods, periods_of
from keras_fair.groups.enumeration import Combination, Domains, Grouping, subject_name
from keras_fair.groups.factors import Factor, attribute_of, is_binary_label, make_factor
from keras_fair.groups.samples import Needs
from keras_fair.groups.truth import Atom, compared_in
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import check_domain
from keras_fair.language.nodes import Attribute, Label, Node, Span, Statement, Subject
from keras_fair.language.tree import walk
from keras_fair.rows.assemble import (
    Numbering,
    bounded_arrays,
    gap_plan,
    unique_names,
)
from keras_fair.rows.convex import Expressions
from keras_fair.rows.epigraph import Row
from keras_fair.rows.gap_values import constants_needed, gap_values, terms_used
from keras_fair.rows.linear import RelationRows
from keras_fair.rows.margins import Margin, margins_of_rows, statement_margins
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.relations import LoweredRelation, lowered_relations
from keras_fair.rows.rooms import rooms_of
from keras_fair.rows.statistics import Statistics
from keras_fair.rows.term_layout import all_disjoint, make_layout
from keras_fair.rows.values import Outputs

__all__ = ["factors_of", "first_places", "lower", "refuse_text_in_arithmetic"]


def lower(
    statements: Sequence[Statement],
    text: str,
    vocabulary: Vocabulary | None = None,
    outputs: int | Sequence[str] = 1,
    *,
    domain: Any = (0.0, 1.0),
    occurring: Callable[[tuple[Grouping, ...]], Iterable[Combination]] | None = None,
    margin: Margin = 0.0,
) -> RowPlan:
    """Lower constraints to a plan that makes the rows of any batch.

    Args:
        statements: checked statements, as in `ConstraintSet.statements`.
        text: the text that their places point into.
        vocabulary: the values of the attributes. Without one, or for an attribute that is not in it, values
            that the constraints name are used as written, and `*` and `for ... in attribute` are refused.
        outputs: the number of outputs of the model, or their names.
        domain: where predictions lie: `(low, high)` with None for no bound, None, or `"simplex"`. It decides
            whether a quotient can be cross-multiplied.
        occurring: which combinations of values occur, for several stars in one statistic; default: all are
            taken, and those that no sample has make rows inactive.
        margin: how far inside their bounds rows are held; see `keras_fair.rows.margins.check_margin`.

    Returns:
        RowPlan.

    Raises:
        ConstraintTypeError: a relation can't be enforced, or names what the vocabulary or the model does not
            have.
        ValueError: `outputs`, `domain` or `margin` is malformed, or a margin leaves nothing.

    Example:
        >>> from keras_fair.language import parse_statements
        >>> from keras_fair.rows import Vocabulary, lower
        >>> text = "spread(E[y | race=*]) <= 0.05"
        >>> plan = lower(parse_statements(text), text, Vocabulary({"race": ["a", "b", "c"]}))
        >>> plan.names[0]
        'spread(E[y | race=*]) <= 0.05 [race=a]'
    """
    domains = Domains(vocabulary, text, occurring)
    missing = "error" if vocabulary is None else vocabulary.missing
    statistics = Statistics(Outputs.of(outputs), text, missing)
    bounds = check_domain(domain).bounds
    rooms = rooms_of(statements, bounds)
    margins = statement_margins(margin, rooms)
    relations = lowered_relations(statements, Expressions(statistics, domains), bounds)
    terms, constants = tuple(statistics.terms), tuple(statistics.constants)
    conditions = [condition for term in (*terms, *constants) for condition in (term.condition, term.selected)]
    compared = compared_in(conditions)
    completed, factors = factors_of(compared, vocabulary or Vocabulary(), periods_of(statements), text)
    leaves = [leaf for statistic in (*terms, *constants) for leaf in statistic.value.leaves()]
    refuse_text_in_arithmetic(leaves, completed, text)
    clusters = make_clusters(conditions, factors, text)
    layout = make_layout(terms, constants, clusters)
    derived = tuple(statistics.scalars.derived)
    numbering = Numbering(np.argsort(layout.order).tolist(), len(constants), len(derived))
    rows = [row for relation in relations for row in relation.rows]
    arrays = bounded_arrays([row.affine for row in rows], rows, numbering)
    gap = gap_plan([relation.bound for relation in relations], numbering)
    used = terms_used(arrays.weights)
    diagonal = np.all(used.sum(axis=1) <= 1) and np.all(used.sum(axis=0) <= 1)
    columns = frozenset(name for statistic in (*terms, *constants) for name in statistic.value.columns)
    needed = columns | {attribute_of(subject) for subject in factors}
    spans = first_places(statement.relation for statement in statements)
    relation_rows = _relation_rows(relations)
    moves = np.array([row.moves for row in rows], dtype="float64").reshape(-1, 2).T
    return RowPlan(
        text=text,
        outputs=statistics.outputs,
        vocabulary=completed,
        names=unique_names(
            [
                relation.ground.name + (f" [{row.group}]" if row.group else "")
                for relation in relations
                for row in relation.rows
            ]
        ),
        relations=relation_rows,
        disjoint=bool(diagonal) and all_disjoint(terms, clusters),
        needs=Needs(
            attributes={name: spans[name] for name in sorted(name for name in needed if name is not None)},
            numbers=frozenset(name for name in columns if name is not None),
            label=spans[None] if None in needed else None,
            accuracy=accuracy_place(statements),
            factors=factors,
            missing=completed.missing,
            text=text,
        ),
        factors=factors,
        clusters=tuple(clusters),
        layout=layout,
        arrays=arrays,
        aux=_aux(rows),
        row_terms=used,
        row_constants=constants_needed(arrays.weights, arrays.offset, arrays.lower, arrays.upper),
        gap_values=gap_values(gap, derived, numbering),
        rooms=rooms,
        moves=moves,
        margins=margins_of_rows(margins, relation_rows, moves),
        binary_label=is_binary_label(compared.get(Label(span=Span(0, 0)), [])),
        term_keys=tuple(terms[index].key for index in layout.order),
        groups=tuple(terms[index].group for index in layout.order),
        constant_keys=tuple(constant.key for constant in constants),
    )


def factors_of(
    compared: Mapping[Subject, list[Atom]], vocabulary: Vocabulary, periods: Mapping[str, Periods], text: str
) -> tuple[Vocabulary, dict[Subject, Factor]]:
    """The states of all that is compared, and the vocabulary completed by the values that the constraints
    name."""
    named = {
        subject.name: sorted(
            {str(form) for atom in atoms if isinstance(atom.value, str) for form in forms_of(atom.value)}
        )
        for subject, atoms in compared.items()
        if isinstance(subject, Attribute) and vocabulary.values.get(subject.name, ()) == ()
    }
    completed = vocabulary.completed({name: words for name, words in named.items() if words}, periods)
    factors = {}
    for subject, atoms in compared.items():
        values = completed.listed(attribute_of(subject))
        is_open = isinstance(subject, Attribute) and completed.is_open(subject.name) or values == ()
        factors[subject] = make_factor(
            subject,
            atoms,
            values=values,
            is_open=is_open,
            missing=completed.missing,
            text=text,
            periods=None if isinstance(subject, Label) else periods.get(getattr(subject, "name", "")),
        )
    return completed, factors


def refuse_text_in_arithmetic(
    leaves: Iterable[Attribute | Label], vocabulary: Vocabulary, text: str
) -> None:
    """Refuse columns of text where arithmetic needs numbers."""
    for leaf in leaves:
        if has_words(vocabulary.listed(attribute_of(leaf))):
            raise ConstraintTypeError(
                f"{subject_name(leaf)} holds text, and numbers are needed in arithmetic: encode it first",
                text=text,
                span=leaf.span,
                reason=Reason.WRONG_KIND,
            )


def _aux(rows: list[Row]) -> np.ndarray:
    """The coefficients of the auxiliary scalars in each row, `(m, p)`."""
    used = [index for row in rows for index in row.affine.aux]
    aux = np.zeros((len(rows), max(used, default=-1) + 1))
    for place, row in enumerate(rows):
        for index, coefficient in row.affine.aux.items():
            aux[place, index] = coefficient
    return aux


def _relation_rows(relations: list[LoweredRelation]) -> tuple[RelationRows, ...]:
    names = unique_names([relation.ground.name for relation in relations])
    made, start = [], 0
    for name, relation in zip(names, relations, strict=True):
        rows = tuple(range(start, start + len(relation.rows)))
        start += len(rows)
        auxiliary = any(row.affine.aux for row in relation.rows)
        ground = relation.ground
        made.append(RelationRows(name, ground.statement, ground.text, rows, auxiliary))
    return tuple(made)


def first_places(trees: Iterable[Node]) -> dict[str | None, Span]:
    """Where each attribute, and the label (None), is named first."""
    places: dict[str | None, Span] = {}
    for tree in trees:
        for node in walk(tree):
            if isinstance(node, (Attribute, Label)):
                places.setdefault(attribute_of(node), node.span)
    return places
