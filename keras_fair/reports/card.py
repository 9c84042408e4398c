"""The section of a model card that an audit can fill, ready to paste.

The headings are those of Mitchell et al. 2019, "Model Cards for Model Reporting", from factors to caveats.
Model details, intended use and training data are not known to an audit, so they are not here.
"""

from __future__ import annotations

from collections.abc import Iterator

from keras_fair.audit.result import Audit, Verdict
from keras_fair.language import node_text, parse_statements
from keras_fair.language.nodes import Comparison, Prediction
from keras_fair.language.tree import walk
from keras_fair.reports.markdown import (
    caveat_lines,
    code,
    constraint_lines,
    group_table,
    plain,
    relation_table,
)
from keras_fair.reports.numbers import (
    allowed,
    counted,
    interval_text,
    metric,
    value_text,
)
from keras_fair.reports.wording import (
    advice,
    headline,
    limits,
    named,
    parameters,
    sentence_of,
    summary,
    worst_first,
)

__all__ = ["to_card"]

_MOST_TOLD = 8


def to_card(audit: Audit) -> str:
    """The sections from Factors to Caveats and Recommendations."""
    sections = {
        "Factors": _factors(audit),
        "Metrics": _metrics(audit),
        "Evaluation Data": [_data(audit)],
        "Quantitative Analyses": _analyses(audit),
        "Ethical Considerations": _considerations(audit),
        "Caveats and Recommendations": _caveats(audit),
    }
    return "\n".join(line for title, lines in sections.items() for line in (f"## {title}", "", *lines, ""))


def _data(audit: Audit) -> str:
    about = f"{counted(audit.samples, 'sample')} with predictions were audited."
    weights = parameters(audit).get("Weights")
    return f"{about} They have weights: {weights}." if weights else about


def _factors(audit: Audit) -> list[str]:
    names_of: dict[tuple[str, ...], list[str]] = {}
    for group in audit.groups:
        names_of.setdefault(group.attributes, []).append(", ".join(map(value_text, group.values)))
    lines = [
        f"- {plain(' and '.join(attributes))}: {counted(len(names), 'group')} ({plain(named(names))})"
        for attributes, names in names_of.items()
        if attributes
    ]
    if not lines:
        return ["The constraints name no groups."]
    return ["Groups by which the predictions were evaluated:", "", *lines]


def _metrics(audit: Audit) -> list[str]:
    values = parameters(audit)
    thresholds = sorted(set(_thresholds(audit)))
    decisions = ", ".join(map(code, thresholds)) or "none; the constraints are on scores"
    return [
        "Fairness was measured by these constraints:",
        "",
        *constraint_lines(audit),
        "",
        f"- Decision thresholds: {decisions}.",
        f"- Uncertainty: intervals of gaps: {plain(values['Intervals of gaps'])}; confidence: "
        f"{plain(values['Confidence'])}.",
        f"- Measured with keras\\_fair {plain(values['keras_fair'])}.",
    ]


def _thresholds(audit: Audit) -> Iterator[str]:
    """Where the constraints turn scores into decisions."""
    for text in dict.fromkeys(relation.text for relation in audit):
        for statement in parse_statements(text):
            for node in walk(statement):
                if isinstance(node, Comparison) and isinstance(node.subject, Prediction):
                    yield node_text(node)


def _analyses(audit: Audit) -> list[str]:
    lines = [f"{headline(audit)}. {summary(audit)}"]
    if words := advice(audit):
        lines += ["", plain(words)]
    if len(audit):
        lines += ["", *relation_table(worst_first(audit.relations))]
    for title, several in (("Unitary results", False), ("Intersectional results", True)):
        shown = [group for group in audit.groups if (len(group.attributes) > 1) is several]
        if shown:
            lines += ["", f"### {title}", "", *group_table(shown, audit.groups)]
    return lines


def _considerations(audit: Audit) -> list[str]:
    lines = []
    violated = worst_first(audit.with_verdict(Verdict.VIOLATED))
    if violated:
        lines += ["These constraints are violated on the audited samples:", ""]
        for relation in violated[:_MOST_TOLD]:
            interval = "" if relation.interval is None else f" (interval {interval_text(relation.interval)})"
            gap = f"The gap is {metric(relation.gap)}{interval}, allowed is {allowed(relation)}."
            lines.append(f"- {plain(sentence_of(relation.text))} {plain(gap)}")
        if len(violated) > _MOST_TOLD:
            lines.append(f"- {len(violated) - _MOST_TOLD:,} more, in the table above.")
        lines.append("")
    elif len(audit):
        lines += ["No constraint is shown to be violated on the audited samples.", ""]
    lines.append(
        "The audit does not know which decisions rest on the predictions, whom they affect, and why these "
        "constraints and tolerances were chosen."
    )
    return lines


def _caveats(audit: Audit) -> list[str]:
    return [*caveat_lines(audit), *(f"- {sentence}" for sentence in limits(audit))]
