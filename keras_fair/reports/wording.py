"""What every form of a report says in words: the verdict, the order, caveats, parameters.

Nothing is measured here, and nothing is said that the audit does not hold.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from keras_fair.audit.result import (
    SMALL,
    Audit,
    AuditedRelation,
    GroupScores,
    StatisticValue,
    Verdict,
)
from keras_fair.errors import some_of
from keras_fair.language import parse_statements
from keras_fair.language.prose import in_words
from keras_fair.reports.numbers import counted

__all__ = [
    "ORDER",
    "StatementResult",
    "advice",
    "caveats",
    "excess",
    "group_name",
    "have_weights",
    "headline",
    "is_point",
    "limits",
    "named",
    "parameters",
    "sentence_of",
    "shares_of",
    "smallest_group",
    "statement_results",
    "summary",
    "weighted",
    "worst_first",
]

ORDER = (Verdict.VIOLATED, Verdict.UNDECIDED, Verdict.UNESTIMABLE, Verdict.SATISFIED)
_CALLED = {verdict: verdict.value for verdict in ORDER} | {Verdict.UNESTIMABLE: "not estimable"}
_MOST_NAMED = 8
_WEIGHTS = (
    "each sample counts by its weight in values, gaps and shares; the numbers of samples are plain counts"
)


class StatementResult(NamedTuple):
    """What was found for one statement.

    Attributes:
        text: its canonical text; where the audit does not hold it, that of its one relation, or nothing.
        relations: its ground relations, worst first.
    """

    text: str
    relations: tuple[AuditedRelation, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its relations."""
        return next(verdict for verdict in ORDER if any(each.verdict is verdict for each in self.relations))


def statement_results(audit: Audit) -> tuple[StatementResult, ...]:
    """The relations of an audit by statement, in the order of the text."""
    by_statement: dict[int, list[AuditedRelation]] = {}
    for relation in audit:
        by_statement.setdefault(relation.statement, []).append(relation)
    results = []
    for index, relations in by_statement.items():
        texts = {relation.text for relation in relations}
        text = audit.statements[index] if index < len(audit.statements) else ""
        results.append(
            StatementResult(text or (texts.pop() if len(texts) == 1 else ""), worst_first(relations))
        )
    return tuple(results)


def worst_first(relations: Sequence[AuditedRelation]) -> tuple[AuditedRelation, ...]:
    """Violated, undecided, unestimable, satisfied; within each, those furthest past their bounds first."""

    def key(relation: AuditedRelation) -> tuple[int, float]:
        past = excess(relation)
        return ORDER.index(relation.verdict), math.inf if math.isnan(past) else -past

    return tuple(sorted(relations, key=key))


def excess(relation: AuditedRelation) -> float:
    """How far the gap lies past its nearest bound; negative inside the bounds, NaN where not estimable."""
    return max(relation.lower - relation.gap, relation.gap - relation.upper)


def is_point(relation: AuditedRelation, slack: float) -> bool:
    """Whether a relation is undecided because its gap may have one value only: an equality without a
    tolerance.

    Args:
        relation: of an audit.
        slack: what counts as rounding in that audit.
    """
    return relation.verdict is Verdict.UNDECIDED and relation.upper - relation.lower <= 2 * slack


def smallest_group(relation: AuditedRelation) -> float:
    """How many samples are in the smallest group of a relation; NaN where it has no statistic."""
    return min((statistic.size for statistic in relation.statistics), default=math.nan)


def group_name(group: GroupScores) -> str:
    """`sex = Female, 25 <= age < 60`; `everyone` where there is no attribute.

    Example:

    >>> from keras_fair.audit import GroupScores
    >>> group_name(GroupScores(("sex", "age"), ("Female", "25 <= age < 60"), 1.0, 1.0, 0.5, ()))
    'sex = Female, 25 <= age < 60'
    """
    return ", ".join(map(_condition, group.attributes, group.values)) or "everyone"


def _condition(name: str, value: str | float) -> str:
    if not isinstance(value, str):
        return f"{name} = {value:g}"
    is_band = re.fullmatch(rf"(\S+ <=? )?{re.escape(name)}( (<|<=|=|>=|>) \S+)?", value)
    return value if is_band else f"{name} = {value}"


def shares_of(groups: Sequence[GroupScores]) -> list[float]:
    """The weight of each group as a share of that of all groups of the same attributes; NaN if they have
    none."""
    totals: dict[tuple[str, ...], float] = {}
    for each in groups:
        totals[each.attributes] = totals.get(each.attributes, 0.0) + each.weight
    return [
        each.weight / totals[each.attributes] if totals[each.attributes] > 0 else math.nan for each in groups
    ]


def headline(audit: Audit) -> str:
    """The verdict on the whole in a few words."""
    verdicts = {relation.verdict for relation in audit}
    if not verdicts:
        return "There was nothing to audit"
    if Verdict.VIOLATED in verdicts:
        return "The constraints do not hold"
    if verdicts == {Verdict.SATISFIED}:
        return "All constraints hold" if len(audit.relations) > 1 else "The constraint holds"
    return "No violation was shown, but not all is known"


def summary(audit: Audit) -> str:
    """How many relations have which verdict, in one sentence."""
    count = Counter(relation.verdict for relation in audit)
    of = counted(len(audit), "relation")
    if not len(audit):
        return "The constraints make no relation on these samples."
    if len(count) == 1:
        called = _CALLED[next(iter(count))]
        return f"The one relation is {called}." if len(audit) == 1 else f"All {of} are {called}."
    parts = [f"{count[verdict]:,} {_CALLED[verdict]}" for verdict in ORDER if count[verdict]]
    verb = "is" if parts[0].startswith("1 ") else "are"
    parts[0] = parts[0].replace(" ", f" {verb} ", 1)
    return f"Of {of}, {', '.join(parts[:-1])} and {parts[-1]}."


def advice(audit: Audit) -> str:
    """Why relations are undecided and what helps, in two short sentences; empty where none is. An equality
    without a tolerance has a caveat of its own."""
    undecided = [each for each in audit.with_verdict(Verdict.UNDECIDED) if not is_point(each, audit.slack)]
    if not undecided:
        return ""
    if not any(_crosses_a_bound(each) for each in undecided):
        return "Undecided: these are too few people to tell. Audit more people."
    return (
        "Undecided: the interval reaches past the bound. More people narrow it; a gap that lies on the bound "
        "must be held further inside too: margin= of FairModel, FairProjection and kf.project."
    )


def _crosses_a_bound(relation: AuditedRelation) -> bool:
    """Whether the interval of a gap is partly within its bounds and partly past one."""
    interval = relation.interval
    bounds = (relation.lower, relation.upper)
    return interval is not None and any(interval.low <= bound <= interval.high for bound in bounds)


def caveats(audit: Audit) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What limits the findings: a sentence, and what it is about, one entry each."""
    undecided = audit.with_verdict(Verdict.UNDECIDED)
    for sentence, relations in (
        (
            "Not estimable on these samples, so never counted as satisfied:",
            audit.with_verdict(Verdict.UNESTIMABLE),
        ),
        (
            "Undecided, for these samples leave both open:",
            [each for each in undecided if not is_point(each, audit.slack)],
        ),
        (
            "Undecided, for no number of samples confirms an equality without a tolerance; give one, as in "
            "+- 0.02:",
            [each for each in undecided if is_point(each, audit.slack)],
        ),
    ):
        if relations:
            yield sentence, tuple(f"{each.name}{f': {each.note}' if each.note else ''}" for each in relations)
    judged = [each for each in audit if each.verdict in (Verdict.VIOLATED, Verdict.SATISFIED)]
    if others := tuple(f"{each.name}: {each.note}" for each in judged if each.note):
        yield "Notes on other relations:", others
    if small := [group for group in audit.groups if group.size < SMALL]:
        names = tuple(f"{group_name(group)} ({counted(group.size, 'sample')})" for group in small)
        yield f"Groups with fewer than {SMALL} samples, of which little can be said:", names
    if outside := [*_outside(audit.unknown, "an unknown value of"), *_outside(audit.missing, "no value of")]:
        yield "Samples left out where these values are needed:", tuple(outside)
    yield from ((note, ()) for note in audit.notes)
    without = sum(each.interval is None for each in judged)
    if judged and audit.confidence is None:
        yield "No intervals were asked for: verdicts compare the gaps of these samples as they are.", ()
    elif without:
        verb = "has" if without == 1 else "have"
        yield f"{counted(without, 'relation')} {verb} no interval: the verdict compares the gap as it is.", ()


def limits(audit: Audit) -> Iterator[str]:
    """What no audit can say, whatever it found."""
    if any(relation.interval is not None for relation in audit):
        yield (
            "Intervals speak of chance in drawing these samples from the people they stand for, and of "
            "nothing else: not of labels that are wrong, nor of people whom the samples leave out."
        )
    yield "Groups that no constraint names were not looked at."


def _outside(counts: dict[str, int], what: str) -> Iterator[str]:
    for name, count in counts.items():
        if count:
            yield f"{counted(count, 'sample')} with {what} {name}"


def weighted(audit: Audit) -> bool:
    """Whether samples had weights: somewhere their sum is not the number of samples."""
    return have_weights(audit.groups) or any(have_weights(relation.statistics) for relation in audit)


def have_weights(entries: Sequence[GroupScores] | Sequence[StatisticValue]) -> bool:
    """Whether the weight of some of these is not their number of samples."""
    return any(not math.isclose(each.weight, each.size) for each in entries)


def parameters(audit: Audit) -> dict[str, str]:
    """How the audit was made, by name; what it does not know is left out."""
    from keras_fair.version import __version__

    intervals = [relation.interval for relation in audit if relation.interval is not None]
    levels = [f"{100 * level:g}%" for level in sorted({interval.confidence for interval in intervals})]
    methods = list(dict.fromkeys(interval.method for interval in intervals))
    several = "simultaneous over the relations of a constraint" if audit.simultaneous else "each on its own"
    rows = {
        "Samples": f"{audit.samples:,}",
        **({"Weights": _WEIGHTS} if weighted(audit) else {}),
        "Constraints": f"{len({relation.statement for relation in audit}):,}",
        "Relations": f"{len(audit):,}",
        "Confidence": f"{' and '.join(levels)}, {several}" if levels else "none",
        "Intervals of gaps": "; ".join(methods) or "none",
        "Seed": str(audit.seed),
        "Rounding": f"a violation of at most {audit.slack:g} counts as satisfied",
        "keras_fair": __version__,
    }
    attributes = [key for key in dict.fromkeys(group.attributes for group in audit.groups) if key]
    if attributes:
        rows["Groups by"] = "; ".join(" and ".join(key) for key in attributes)
    return rows


def sentence_of(text: str) -> str:
    """A statement or a relation in words.

    Example:

    >>> sentence_of("E[y | sex=Female] >= 0.2")
    'The mean prediction among those with sex = Female must be at least 0.2.'
    """
    return " ".join(in_words(statement) for statement in parse_statements(text))


def named(items: Sequence[str]) -> str:
    """Items one after another, the many cut short."""
    return some_of(items, _MOST_NAMED, "; ")
