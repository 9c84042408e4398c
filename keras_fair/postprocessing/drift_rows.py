"""What is watched of a rule: its inequalities, and who of an arrival counts in which.

    sum_g a_g mean_g <= b,    mean_g = E[(u + v label) x | g]

`x` is what the rule gives out, a decision or a score, between `low` and `high`; `a_g`, `u` and `v` are
numbers. Terms over the same people are one mean. Inequalities over the same groups share their blocks of
arrivals (`keras_fair.postprocessing.drift_pairs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from keras_fair.errors import quoted
from keras_fair.groups.membership import member_of, outside
from keras_fair.groups.samples import read_samples
from keras_fair.groups.truth import atoms
from keras_fair.language import node_text
from keras_fair.language.nodes import Arithmetic, Label, Negative, Node, Number
from keras_fair.language.tree import walk
from keras_fair.postprocessing.promised_rows import OneSided, one_sided
from keras_fair.rows.linear import relations_of_rows
from keras_fair.rows.measured import Measured
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.term_layout import TermGroup
from keras_fair.rows.terms import Terms

__all__ = ["Arrivals", "Pairing", "WatchedRow", "read_arrivals", "watched_rows"]

_ROUNDING = 1e-12


@dataclass(frozen=True)
class WatchedRow:
    """One inequality, `weights @ means <= bound`.

    Attributes:
        relation: the name of the relation that asks for it.
        text: as a formula; turned: whether that has `>=`, each side times -1.
        weights: `(2 k,)`, of the means of `x` and of `label x` of the groups of its pairing, in turns.
        bound: a number.
        low: the least that the left side of a block can be; high: the most.
    """

    relation: str
    text: str
    turned: bool
    weights: np.ndarray
    bound: float
    low: float
    high: float


@dataclass(frozen=True)
class Pairing:
    """Inequalities over the same groups.

    Attributes:
        groups: `(k,)`, each the index of a cluster of the plan, and which of its cells are the group, as
            bytes of bools.
        scaled: whether the label is among the coefficients.
        needs_label: whether the label is needed, here or to tell who is in a group.
        apart: whether nobody is in two of the groups.
        rows: the inequalities.
    """

    groups: tuple[tuple[int, bytes], ...]
    scaled: bool
    needs_label: bool
    apart: bool
    rows: tuple[WatchedRow, ...]


class Arrivals(NamedTuple):
    """People, as they count.

    Attributes:
        members: `(k, n)` bool of each pairing.
        labels: `(n,)` float; zeros where none were given.
        unknown: by attribute, how many have a value outside the vocabulary; missing: how many have none.
    """

    members: list[np.ndarray]
    labels: np.ndarray
    unknown: dict[str, int]
    missing: dict[str, int]


def watched_rows(
    plan: RowPlan, *, ends: tuple[float, float], threshold: float | None
) -> tuple[tuple[Pairing, ...], dict[str, str]]:
    """The inequalities that can be watched, and why others can't.

    Args:
        plan: of a rule.
        ends: between which numbers lies what the rule gives out.
        threshold: of decisions, for the formulas; None for scores.

    Returns:
        The pairings, and a sentence for the name of each relation that is not watched.
    """
    columns = [(group, int(row)) for group in plan.layout.groups for row in group.rows]
    refused = dict(_refusals(plan, columns, ends))
    found: dict[tuple[Any, ...], list[WatchedRow]] = {}
    made: dict[tuple[Any, ...], Pairing] = {}
    for row in _inequalities(plan):
        if row.name in refused:
            continue
        pairing, watched = _watched(plan, columns, row, ends, threshold)
        if watched.high <= watched.bound + _ROUNDING:
            continue  # it holds whatever the rule gives
        key = (pairing.groups, pairing.scaled)
        made.setdefault(key, pairing)
        found.setdefault(key, []).append(watched)
    return tuple(replace(made[key], rows=tuple(rows)) for key, rows in found.items()), refused


def read_arrivals(
    plan: RowPlan, pairings: Sequence[Pairing], columns: Mapping[str, Any], label: Any, size: int
) -> Arrivals:
    """Who of some people counts in which group.

    Args:
        plan: of the rule.
        pairings: of `watched_rows`.
        columns: encoded, as `RowPlan.encode` gives them; label: the same, or None.
        size: how many people there are.

    Raises:
        ConstraintTypeError, ValueError: columns or labels do not fit.
    """
    given = label is not None
    stand_in = np.zeros(size, int) if plan.uses_label else None  # whom it puts where is not looked at
    samples = read_samples(plan.needs, columns, label if given else stand_in, None, size)
    labels = np.zeros(size)
    if given and plan.uses_label:
        labels = np.asarray(samples.label, "float64")
        _check_labels(plan, pairings, labels)
    used = {cluster for pairing in pairings for cluster, _ in pairing.groups}
    cells = {
        cluster: np.asarray(
            member_of(plan.clusters[cluster], plan.factors, samples, fractional_label=False).cells
        )
        for cluster in used
    }
    known = ~np.isnan(labels)
    members = []
    for pairing in pairings:
        member = np.stack([np.frombuffer(table, bool)[cells[cluster]] for cluster, table in pairing.groups])
        members.append(member & known if pairing.scaled else member)
    unknown, missing = (_counted(counts) for counts in outside(plan.factors, samples))
    return Arrivals(members, np.where(known, labels, 0.0), unknown, missing)


def _counted(counts: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(count) for name, count in counts.items() if int(count)}


def _check_labels(plan: RowPlan, pairings: Sequence[Pairing], labels: np.ndarray) -> None:
    """Refuse labels that are probabilities, or have no place in a coefficient."""
    there = labels[~np.isnan(labels)]
    if any(pairing.scaled for pairing in pairings):
        wrong = there[(there != 0) & (there != 1)]
        if len(wrong):
            raise ValueError(f"expected labels 0 and 1, received {len(wrong):,} others, such as {wrong[0]:g}")
    if plan.binary_label:
        wrong = there[(there > 0) & (there < 1)]
        if len(wrong):
            raise ValueError(
                f"expected labels that are known, 0 or 1, received {len(wrong):,} probabilities, such as "
                f"{wrong[0]:g}"
            )


def _inequalities(plan: RowPlan) -> list[OneSided]:
    """All inequalities, as of people among whom somebody is in each group."""
    terms, constants = plan.terms, plan.constants
    somebody = Terms((), np.zeros(terms), np.ones(terms), plan.outputs.count)
    return one_sided(plan.bind(Measured(somebody, np.ones(constants), np.ones(constants), certain=True)))


def _refusals(
    plan: RowPlan, columns: Sequence[tuple[TermGroup, int]], ends: tuple[float, float]
) -> list[tuple[str, str]]:
    """The names of relations that can't be watched, each with the reason."""
    of_row = relations_of_rows(plan.relations, len(plan.names))
    refused = []
    for index, relation in enumerate(plan.relations):
        rows = list(relation.rows)
        constants = plan.row_constants[rows].any(axis=0) | plan.gap_values.bounds[index].astype(bool)
        terms = np.flatnonzero(plan.row_terms[of_row == index].any(axis=0)).tolist()
        groups = [columns[term][0] for term in terms]
        if constants.any():
            names = [key for key, used in zip(plan.constant_keys, constants, strict=False) if used]
            what = f", {quoted(names[0])}" if names else ""
            reason = f"it compares what the rule gives with a statistic of the people{what}"
        elif not np.isfinite(ends).all():
            reason = f"scores have no bounds: domain=({ends[0]:g}, {ends[1]:g})"
        elif not all(_is_of_label(alpha) for group in groups for _, alpha in group.alphas):
            reason = "a column is among the coefficients of what the rule gives"
        else:
            continue
        refused.append((relation.name, reason))
    return refused


def _is_of_label(alpha: Node) -> bool:
    """Whether a coefficient is made of numbers and the label."""
    return all(isinstance(node, (Number, Label, Negative, Arithmetic)) for node in walk(alpha))


def _watched(
    plan: RowPlan,
    columns: Sequence[tuple[TermGroup, int]],
    row: OneSided,
    ends: tuple[float, float],
    threshold: float | None,
) -> tuple[Pairing, WatchedRow]:
    """An inequality, and a pairing for it, whose rows are still to come."""
    parts: dict[tuple[int, bytes], np.ndarray] = {}
    texts = []
    needs_label = scaled = False
    for term in row.terms:
        group, place = columns[term]
        cluster = plan.clusters[group.cluster]
        (_, alpha), factor = group.alphas[0], row.weights[term]
        without, with_label = _value(alpha, 0.0), _value(alpha, 1.0)
        key = (group.cluster, (cluster.table[place] > 0).tobytes())
        parts.setdefault(key, np.zeros(2))
        parts[key] = parts[key] + factor * np.array([without, with_label - without])
        scaled |= None in group.present or without != with_label
        needs_label |= any(isinstance(atom.subject, Label) for atom in atoms(cluster.conditions[place]))
        texts.append((factor, _mean(alpha, plan.groups[term], threshold)))
    ranges = [np.outer([u, u + v], ends) for u, v in parts.values()]
    watched = WatchedRow(
        relation=row.name,
        text=_formula(texts, row.bound),
        turned=bool((row.weights <= 0).all()),
        weights=np.concatenate(list(parts.values())),
        bound=row.bound,
        low=float(sum(each.min() for each in ranges)),
        high=float(sum(each.max() for each in ranges)),
    )
    pairing = Pairing(tuple(parts), scaled, needs_label or scaled, _apart(list(parts)), ())
    return pairing, watched


def _apart(groups: Sequence[tuple[int, bytes]]) -> bool:
    """Whether nobody is in two groups; said of groups of one cluster alone."""
    if len({cluster for cluster, _ in groups}) > 1:
        return False
    tables = np.stack([np.frombuffer(table, bool) for _, table in groups])
    return bool((tables.sum(axis=0) <= 1).all())


def _value(alpha: Node, label: float) -> float:
    """A coefficient for a label."""
    if isinstance(alpha, Number):
        return alpha.value
    if isinstance(alpha, Label):
        return label
    if isinstance(alpha, Negative):
        return -_value(alpha.operand, label)
    assert isinstance(alpha, Arithmetic)
    left, right = _value(alpha.left, label), _value(alpha.right, label)
    operators = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
    return float(operators[alpha.operator](left, right))


def _mean(alpha: Node, group: str, threshold: float | None) -> str:
    """A mean as it is written, such as `P[y >= 0.5 | sex=Female]`."""
    among = f" | {group}]" if group else "]"
    one = isinstance(alpha, Number) and alpha.value == 1.0
    if one:
        return ("E[y" if threshold is None else f"P[y >= {threshold:g}") + among
    what = node_text(alpha).replace(" + -", " - ")
    what = f"({what})" if isinstance(alpha, Arithmetic) else what
    return f"E[{what} * {'y' if threshold is None else f'(y >= {threshold:g})'}{among}"


def _formula(texts: Sequence[tuple[float, str]], bound: float) -> str:
    """An inequality as it is written: means that are added first, and `>=` where all are taken away."""
    sign = "<="
    if all(factor < 0 for factor, _ in texts):
        texts, bound, sign = [(-factor, text) for factor, text in texts], -bound, ">="
    written = ""
    for factor, text in sorted(texts, key=lambda pair: pair[0] < 0):
        size = "" if abs(factor) == 1 else f"{abs(factor):g} * "
        joint = " - " if factor < 0 else " + " if written else ""
        written += f"{joint}{size}{text}"
    return f"{written} {sign} {bound + 0.0:g}"
