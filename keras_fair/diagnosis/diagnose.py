"""Why constraints can't be met: a smallest conflict, and the tolerance that is lacking.

The conflict is found by the deletion filter: relations are left out one by one, and stay out where the others
can still not be met, so that in the end each is needed. Source: Chinneck, Feasibility and Infeasibility in
Optimization (2008), section 6.1. It starts from the relations that a Farkas certificate names rather than
from all.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from keras_fair.constraints import Constraints, parse
from keras_fair.diagnosis.findings import Diagnosis
from keras_fair.diagnosis.growth import GrowthProgram
from keras_fair.diagnosis.merged_samples import merged_samples
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import DomainLike, check_domain
from keras_fair.language import audit_only
from keras_fair.postprocessing.meaning import meaning_of
from keras_fair.rows.linear import LinearRows

__all__ = ["diagnose"]


def diagnose(
    constraints: Constraints,
    attributes: Any,
    label: Any = None,
    *,
    domain: DomainLike = (0.0, 1.0),
    sample_weight: Any = None,
    vocabulary: Vocabulary | None = None,
    outputs: int = 1,
) -> Diagnosis:
    """Say whether any predictions meet the constraints on given samples, and if none do, why.

    minimise the growth `s >= 0` of bounds   subject to   lower - s <= gap(y) <= upper + s,   y in the domain

    What can be met depends on who is in which group, not on what a model predicts, so no predictions are
    asked for. Of decisions, `P[y >= 0.5 | ...]`, it says whether any decisions do, where some of those
    who are alike may be accepted and others not. Samples that the constraints can't tell apart are one
    variable, whatever their weights: a million samples in a hundred groups take a second or so. A numeric
    column as a coefficient (`cov(y, income)`), or probabilities of groups, tell samples apart; then it is
    a variable for each different value.

    Args:
        constraints: text of the constraint language, or a `ConstraintSet`.
        attributes: columns by name, each of `n` values; a dict of arrays or a DataFrame.
        label: the ground truth, of `n` values; needed where the constraints use it.
        domain: where predictions lie: `(low, high)`, None for all reals, or `"simplex"` for a softmax.
        sample_weight: `n` weights of the statistics, none negative; default: all 1.
        vocabulary: the values of each attribute, which may list groups that these samples lack; default:
            those that occur in `attributes`.
        outputs: how many outputs the model has, as in `ConstraintSet.rows`.

    Returns:
        A `Diagnosis`: `feasible`, `conflict`, `growth`, `solver` and more; print it. Growth below 1e-8 of
        what a relation can reach counts as none.

    Raises:
        ConstraintError: the constraints are malformed, the data give them no meaning, or they are affine
            neither in `y` nor in decisions.
        ValueError: arguments that do not fit.
        RuntimeError: the solver failed.

    Example:
        >>> import keras_fair as kf
        >>> text = "spread(E[y | sex=*]) <= 0.1; E[y | sex=F] >= 0.7; E[y] <= 0.9; E[y | sex=M] <= 0.5"
        >>> found = kf.diagnose(text, {"sex": ["F", "M", "F", "M", "M"]})
        >>> found.feasible, round(found.largest_growth, 6), round(found.total_growth, 6)
        (False, 0.033333, 0.1)
        >>> for relation in found.conflict:
        ...     print(relation)
        spread(E[y | sex=*]) <= 0.1
        E[y | sex=F] >= 0.7
        E[y | sex=M] <= 0.5
    """
    constraints = parse(constraints)
    where = check_domain(domain)
    decides = False
    if any(audit_only(statement.relation) for statement in constraints):  # then it is about decisions
        meaning = meaning_of(constraints)
        constraints, decides, where = meaning.rows, meaning.decides, check_domain((0.0, 1.0))
    if isinstance(outputs, bool) or not isinstance(outputs, int) or outputs < 1:
        raise ValueError(f"expected outputs to be a whole number >= 1, received outputs={outputs!r}")
    if where.simplex and outputs == 1:
        raise ValueError("expected outputs >= 2 with domain='simplex', received outputs=1")
    if not (vocabulary is None or isinstance(vocabulary, Vocabulary)):
        raise ValueError(f"expected a Vocabulary or None, received vocabulary={vocabulary!r}")
    rows = constraints.rows(
        attributes,
        label,
        outputs=outputs,
        sample_weight=sample_weight,
        vocabulary=vocabulary,
        domain="simplex" if where.simplex else where.bounds,
    )
    labels = [relation.name for relation in rows.relations] if decides else _labels(rows)
    relations = np.flatnonzero(np.asarray(rows.estimable)).tolist()
    cells = merged_samples(rows.terms)
    growth: dict[str, float] = {}
    conflict: list[str] = []
    largest, solver = 0.0, ""
    if relations:
        program = GrowthProgram(rows, cells, where)
        first = program.relative(relations)
        solver = first.solver
        if first.needed:
            total, even = program.total(relations), program.largest(relations)
            growth = {labels[place]: float(total.each[place]) for place in np.flatnonzero(total.each)}
            largest = float(even.each.max())
            conflict = [labels[place] for place in _conflict(program, relations, first.held)]
            solver = ", ".join(dict.fromkeys((first.solver, total.solver, even.solver)))
    return Diagnosis(
        feasible=not conflict,
        conflict=tuple(conflict),
        growth=growth,
        largest_growth=largest,
        unestimable=_unestimable(rows, labels),
        domain=str(where),
        solver=solver,
        relations=len(relations),
        samples=cells.samples,
        cells=cells.count,
        unknown={name: int(count) for name, count in rows.unknown.items() if int(count)},
    )


def _conflict(program: GrowthProgram, relations: list[int], held: np.ndarray) -> list[int]:
    """Relations that can't be met together, each of which is needed for that; `held` is a certificate."""
    certified = [relation for relation in relations if held[relation]]
    conflict = certified if certified and program.relative(certified).needed else relations
    for candidate in list(reversed(conflict)):
        others = [relation for relation in conflict if relation != candidate]
        if candidate in conflict and others and program.relative(others).needed:
            conflict = others
    return conflict


def _labels(rows: LinearRows) -> list[str]:
    """Texts of the relations; where several have the same, their names, which are unique."""
    seen = Counter(relation.text for relation in rows.relations)
    return [relation.text if seen[relation.text] == 1 else relation.name for relation in rows.relations]


def _unestimable(rows: LinearRows, labels: list[str]) -> tuple[str, ...]:
    """Relations that can't be estimated, and of the other relations the rows without weight."""
    active, estimable = np.asarray(rows.active), np.asarray(rows.estimable)
    names: list[str] = []
    for label, relation, there in zip(labels, rows.relations, estimable, strict=True):
        if not there:
            names.append(label)
        else:
            names += [rows.names[row] for row in relation.rows if not active[row]]
    return tuple(names)
