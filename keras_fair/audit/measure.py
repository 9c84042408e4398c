"""From sums to an audit: statistics, gaps, intervals, verdicts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from keras_fair.audit.distributions import Distributions
from keras_fair.audit.estimates import Estimate, Groups
from keras_fair.audit.expressions import (
    RelationValue,
    gap_form,
    relation_value,
    statistics_of,
)
from keras_fair.audit.grounding import check, occurring_in
from keras_fair.audit.intervals import Intervals
from keras_fair.audit.notes import notes_on
from keras_fair.audit.result import (
    Audit,
    AuditedRelation,
    Interval,
    StatisticValue,
    Verdict,
)
from keras_fair.audit.seen import Seen
from keras_fair.audit.table_plans import Subject
from keras_fair.audit.verdicts import ALIKE, Margins, decide, margins_of
from keras_fair.constraints import ConstraintSet
from keras_fair.groups.enumeration import Domains
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.language import node_text
from keras_fair.language.nodes import Dependence, Statistic
from keras_fair.rows.assemble import unique_names
from keras_fair.rows.ground import GroundRelation, ground

__all__ = ["Examination", "Examined", "Questions", "measure"]


@dataclass(frozen=True)
class Questions:
    """The constraints and how they are judged; see `keras_fair.audit.auditor`."""

    constraints: ConstraintSet
    confidence: float | None
    simultaneous: bool
    seed: int
    slack: float


def measure(questions: Questions, seen: Seen, vocabulary: Vocabulary) -> Audit:
    """The audit of the samples seen.

    Args:
        questions: the constraints and how they are judged.
        seen: all that is kept of the samples.
        vocabulary: the values of attributes, those that occurred included.

    Raises:
        ConstraintTypeError: the data give the constraints no meaning.
    """
    constraints = questions.constraints
    examination = Examination(questions, seen, vocabulary)
    audited = [
        _audited(name, relation, examination.of(relation), questions.slack)
        for name, relation in zip(
            unique_names([relation.name for relation in examination.relations]),
            examination.relations,
            strict=True,
        )
    ]
    edges, scores = seen.histograms.result(seen.factors)
    return Audit(
        relations=tuple(audited),
        samples=seen.samples,
        slack=questions.slack,
        unknown={
            _called(subject, seen): unknown
            for subject, (unknown, _) in seen.outside.items()
            if unknown or (subject[0] == "attribute" and _holds_text(seen, subject))
        },
        missing={_called(subject, seen): missing for subject, (_, missing) in seen.outside.items()},
        confidence=questions.confidence,
        simultaneous=questions.simultaneous,
        seed=questions.seed,
        edges=edges,
        groups=scores,
        statements=tuple(map(node_text, constraints)),
        notes=notes_on(constraints, vocabulary, seen.demands.outputs, seen.predictions, seen.labels),
    )


@dataclass(frozen=True)
class _Context:
    """The statistics of one statement and their intervals; each statistic is measured once.

    Statements of one table share what is measured of means, shares and covariances."""

    groups: Groups
    distributions: Distributions
    domains: Domains
    seed: int
    measured: dict[tuple[Statistic, float | None], StatisticValue] = field(default_factory=dict)

    def intervals(self, statistics: Sequence[Statistic]) -> Intervals:
        return Intervals(statistics, self.groups, self.distributions, self.domains, self.seed)

    def estimate(self, statistic: Statistic) -> Estimate:
        if isinstance(statistic, Dependence):
            return self.distributions.estimate(statistic)
        return self.groups.estimate(statistic)

    def shown(self, statistics: Sequence[Statistic]) -> tuple[Statistic, ...]:
        """Statistics, each of a distribution followed by the means of its groups."""
        shown: dict[Statistic, None] = {}
        for statistic in statistics:
            shown[statistic] = None
            if isinstance(statistic, Dependence):
                shown.update(dict.fromkeys(self.distributions.means(statistic)))
        return tuple(shown)

    def statistic(self, statistic: Statistic, confidence: float | None) -> StatisticValue:
        key = (statistic, confidence)
        if key not in self.measured:
            estimate = self.estimate(statistic)
            interval: Interval | None = None
            if confidence is not None and not math.isnan(estimate.value):
                interval = self.intervals([statistic]).of(statistic, 1 - confidence, confidence)
            weight = estimate.weight * self.groups.scale
            self.measured[key] = StatisticValue(
                node_text(statistic), estimate.value, estimate.size, weight, interval
            )
        return self.measured[key]


@dataclass(frozen=True)
class Examined:
    """What is known of one relation before its verdict; the fields are arguments of `verdicts.decide`."""

    value: RelationValue
    statistics: tuple[Statistic, ...]
    measured: tuple[StatisticValue, ...]
    margins: Margins | None
    unseen: list[Statistic]
    confidence: float | None


class Examination:
    """The relations of constraints on the samples seen, or on another number of people like them.

    Args:
        questions: the constraints and how they are judged.
        seen: all that is kept of the samples.
        vocabulary: the values of attributes, those that occurred included.
        times: how many times each sample is counted.

    Attributes:
        relations: the ground relations, in order.

    Raises:
        ConstraintTypeError: the data give the constraints no meaning.
    """

    def __init__(self, questions: Questions, seen: Seen, vocabulary: Vocabulary, times: float = 1.0) -> None:
        constraints = questions.constraints
        domains = Domains(vocabulary, constraints.text, occurring_in(seen.tables, seen.factors))
        self.relations: list[GroundRelation] = [
            relation
            for index, statement in enumerate(constraints)
            for relation in ground(statement, index, domains)
        ]
        check(constraints, domains, vocabulary)
        self._questions, self._table_of = questions, seen.demands.table_of
        groups = [Groups(table, seen, times) for table in seen.tables]
        measured: list[dict[tuple[Statistic, float | None], StatisticValue]] = [{} for _ in groups]
        self._contexts = [
            _Context(
                groups[place],
                Distributions(seen, statement, domains, questions.seed, times),
                domains,
                questions.seed,
                measured[place],
            )
            for statement, place in enumerate(self._table_of)
        ]
        self.per_statement = Counter(relation.statement for relation in self.relations)

    def of(self, relation: GroundRelation, alpha: float | None = None) -> Examined:
        """One relation.

        Args:
            relation: one of `relations`.
            alpha: one minus the confidence that its interval is made for; default: as the questions ask.
        """
        questions, statement = self._questions, relation.statement
        confidence = questions.confidence
        if confidence is not None:
            confidence = questions.constraints.statements[statement].confidence or confidence
            together = self.per_statement[statement] if questions.simultaneous else 1
            alpha = (1 - confidence) / together if alpha is None else alpha
        return _examined(relation, self._contexts[statement], confidence, alpha)


def _examined(
    relation: GroundRelation, context: _Context, confidence: float | None, alpha: float | None
) -> Examined:
    value = relation_value(
        relation.relation, lambda statistic: context.estimate(statistic).value, context.domains
    )
    statistics = statistics_of(relation.relation, context.domains)
    shown = context.shown(statistics)
    measured = tuple(context.statistic(statistic, confidence) for statistic in shown)
    margins: Margins | None = None
    unseen: list[Statistic] = []
    if confidence is not None and alpha is not None and not math.isnan(value.violation):
        intervals = context.intervals(statistics)
        margins = margins_of(gap_form(relation.relation), value, intervals, alpha, confidence)
        unseen = [
            statistic
            for statistic, found in zip(shown, measured, strict=True)
            if 0 < found.size < ALIKE
            and not isinstance(statistic, Dependence)
            and context.groups.scatter_is_unseen(statistic)
        ]
    return Examined(value, shown, measured, margins, unseen, confidence)


def _audited(name: str, relation: GroundRelation, found: Examined, slack: float) -> AuditedRelation:
    value, margins, measured = found.value, found.margins, found.measured
    verdict, note = decide(**vars(found), slack=slack)
    estimable = verdict is not Verdict.UNESTIMABLE
    return AuditedRelation(
        name=name,
        text=relation.text,
        statement=relation.statement,
        left=value.left,
        right=value.right,
        gap=value.gap if estimable else math.nan,
        lower=value.lower,
        upper=value.upper,
        violation=value.violation if estimable else math.nan,
        verdict=verdict,
        statistics=measured,
        interval=margins.gap if estimable and margins is not None else None,
        note=note,
    )


def _called(subject: Subject, seen: Seen) -> str:
    """The name of an attribute, or `label`. A column of that name is written in backticks, as in the
    language."""
    kind, name = subject
    if kind == "label":
        return "label"
    return "`label`" if name == "label" and ("label", None) in seen.outside else str(name)


def _holds_text(seen: Seen, subject: Subject) -> bool:
    """Whether an attribute holds text, so that values of it can be outside the vocabulary."""
    factor = seen.factors.get(subject)
    return factor is not None and factor.kind == "text"
