"""From sums to an audit: statistics, gaps, intervals, verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keras_fair.audit.demands import Demands, Subject
from keras_fair.audit.estimates import Estimate, Groups
from keras_fair.audit.expressions import Statistic, gap_form, relation_value
from keras_fair.audit.grounding import Grounded, check, distinct_relations, occurring_in
from keras_fair.audit.histograms import Histograms
from keras_fair.audit.intervals import Intervals
from keras_fair.audit.result import Audit, AuditedRelation, Interval, StatisticValue, Verdict
from keras_fair.audit.tables import Table
from keras_fair.audit.verdicts import ALIKE, Margins, decide, margins_of
from keras_fair.constraints import ConstraintSet
from keras_fair.groups.enumeration import Domains
from keras_fair.groups.growing import GrowingFactor
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.language import node_text
from keras_fair.language.nodes import Node
from keras_fair.rows.assemble import unique_names
from keras_fair.rows.values import Outputs

__all__ = ["Measurement", "measure"]


@dataclass(frozen=True)
class Measurement:
    """All that is known of the samples, and what is asked of it; see `keras_fair.audit.auditor`."""

    constraints: ConstraintSet
    demands: Demands
    vocabulary: Vocabulary
    outputs: Outputs
    states: Mapping[Subject, GrowingFactor]
    tables: Sequence[Table]
    binary: Mapping[Node, bool]
    histograms: Histograms
    weights: tuple[float, float]
    outside: Mapping[Subject, tuple[int, int]]
    samples: int
    confidence: float | None
    simultaneous: bool
    seed: int
    slack: float


def measure(known: Measurement) -> Audit:
    """The audit of what is known.

    Raises:
        ConstraintTypeError: the data give the constraints no meaning.
    """
    text = known.constraints.text
    domains = Domains(known.vocabulary, text, occurring_in(known.tables, known.states))
    relations = list(distinct_relations(known.constraints, domains))
    check([statistic for each in relations for statistic in each.statistics], known.vocabulary, text)
    low, high = known.weights
    equal = low == high and low > 0
    groups = [
        Groups(table, known.states, known.outputs, text, low if equal else 1.0) for table in known.tables
    ]
    binary = [[known.binary[quantity] for quantity in table.plan.quantities] for table in known.tables]
    per_statement = [
        sum(each.relation.statement == index for each in relations) for index in range(len(known.constraints))
    ]
    names = unique_names([each.relation.name for each in relations])
    remembered: dict[tuple[int, Statistic, float | None], StatisticValue] = {}
    audited = []
    for name, each in zip(names, relations, strict=True):
        statement = each.relation.statement
        table = known.demands.table_of[statement]
        confidence = known.confidence
        if confidence is not None:
            confidence = known.constraints.statements[statement].confidence or confidence
        audited.append(
            _audited(
                name,
                each,
                _Context(groups[table], domains, binary[table], equal, known.seed, low if equal else 1.0),
                confidence,
                per_statement[statement] if known.simultaneous else 1,
                known.slack,
                remembered,
                table,
            )
        )
    edges, scores = known.histograms.result(known.states)
    return Audit(
        relations=tuple(audited),
        samples=known.samples,
        slack=known.slack,
        unknown={
            _called(subject, known): counts[0]
            for subject, counts in known.outside.items()
            if counts[0] or (subject[0] == "attribute" and _told(known, subject))
        },
        missing={_called(subject, known): counts[1] for subject, counts in known.outside.items()},
        confidence=known.confidence,
        simultaneous=known.simultaneous,
        seed=known.seed,
        edges=edges,
        groups=scores,
        statements=tuple(map(node_text, known.constraints)),
    )


@dataclass(frozen=True)
class _Context:
    """What the intervals of one table need."""

    groups: Groups
    domains: Domains
    binary: Sequence[bool]
    equal: bool
    seed: int
    scale: float

    def intervals(self, statistics: Sequence[Statistic]) -> Intervals:
        known = [one for one in statistics if not math.isnan(self.groups.estimate(one).value)]
        return Intervals(
            known, self.groups, self.domains, binary=self.binary, equal=self.equal, seed=self.seed
        )


def _audited(
    name: str,
    each: Grounded,
    context: _Context,
    confidence: float | None,
    together: int,
    slack: float,
    remembered: dict[tuple[int, Statistic, float | None], StatisticValue],
    table: int,
) -> AuditedRelation:
    relation = each.relation
    value = relation_value(
        relation.relation, lambda statistic: context.groups.estimate(statistic).value, context.domains
    )
    statistics = []
    for statistic in each.statistics:
        key = (table, statistic, confidence)
        if key not in remembered:
            remembered[key] = _statistic(statistic, context, confidence)
        statistics.append(remembered[key])
    margins: Margins | None = None
    unseen: list[Statistic] = []
    if confidence is not None and not math.isnan(value.violation):
        intervals = context.intervals(each.statistics)
        alpha = (1 - confidence) / together
        margins = margins_of(gap_form(relation.relation), value, intervals, alpha, confidence)
        unseen = [
            one
            for one, measured in zip(each.statistics, statistics, strict=True)
            if 0 < measured.size < ALIKE and context.groups.scatter_is_unseen(one, context.binary)
        ]
    verdict, note = decide(value, each.statistics, statistics, margins, unseen, confidence, slack)
    known = verdict is not Verdict.UNESTIMABLE
    return AuditedRelation(
        name=name,
        text=relation.text,
        statement=relation.statement,
        left=value.left,
        right=value.right,
        gap=value.gap if known else math.nan,
        lower=value.lower,
        upper=value.upper,
        violation=value.violation if known else math.nan,
        verdict=verdict,
        statistics=tuple(statistics),
        interval=margins.gap if known and margins is not None else None,
        note=note,
    )


def _statistic(statistic: Statistic, context: _Context, confidence: float | None) -> StatisticValue:
    found: Estimate = context.groups.estimate(statistic)
    interval: Interval | None = None
    if confidence is not None and not math.isnan(found.value):
        interval = context.intervals([statistic]).of(statistic, 1 - confidence, confidence)
    weight = found.weight * context.scale
    return StatisticValue(node_text(statistic), found.value, found.size, weight, interval)


def _called(subject: Subject, known: Measurement) -> str:
    """The name of an attribute, or `label`; a column called so is told from it as in the language."""
    kind, name = subject
    if kind == "label":
        return "label"
    return "`label`" if name == "label" and ("label", None) in known.outside else str(name)


def _told(known: Measurement, subject: Subject) -> bool:
    """Whether values of an attribute can be outside the vocabulary."""
    states = known.states.get(subject)
    return states is not None and states.kind == "text"
