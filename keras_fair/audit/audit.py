"""`keras_fair.audit`: constraints and predictions in, numbers and verdicts out.

This module only connects: grounding is done by `keras_fair.rows.ground`, statistics are measured by
`keras_fair.audit.statistics`, relations are put together by `keras_fair.audit.expressions`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np

from keras_fair.audit.expressions import Statistic, relation_value
from keras_fair.audit.result import Audit, AuditedRelation, StatisticValue, Verdict
from keras_fair.audit.samples import AuditData
from keras_fair.audit.statistics import Estimate, estimate
from keras_fair.language import node_text
from keras_fair.rows.assemble import unique_names
from keras_fair.rows.constraint_set import ConstraintSet, parse
from keras_fair.rows.domains import Domains
from keras_fair.rows.ground import GroundRelation, ground
from keras_fair.rows.vocabulary import Vocabulary

__all__ = ["audit"]

_PROBES = 4  # random values for the statistics, to tell relations apart


def audit(
    constraints: str | ConstraintSet,
    y: Any,
    attributes: Any,
    label: Any = None,
    sample_weight: Any = None,
    *,
    vocabulary: Vocabulary | None = None,
    outputs: Sequence[str] | None = None,
    slack: float = 1e-6,
) -> Audit:
    """Measure every constraint on predictions, all samples pooled.

    It takes the whole language: decision rates such as `P[y >= 0.5 | sex=Female]`, groups chosen by `y`, and
    relations that `y` does not stand in, which can be measured but not enforced. Numbers are point estimates:
    nothing is said about people who are not in the data.

    Args:
        constraints: text, or a parsed `ConstraintSet`.
        y: `(n,)`, `(n, 1)` or `(n, outputs)` predictions, a NumPy array or a tensor.
        attributes: the columns that the constraints name, `(n,)` each; a dict of arrays or a DataFrame.
        label: `(n,)`, the ground truth; needed where a constraint uses it.
        sample_weight: `(n,)` weights >= 0; default: all 1.
        vocabulary: the values of the attributes; default: those that occur. Its policy for missing values
            holds.
        outputs: names of the columns of `y`.
        slack: a violation up to this much counts as rounding, not as violated.

    Returns:
        An `Audit`: for each ground relation its gap, bounds, violation, verdict, and the value and group size
        of each statistic. `print(audit)` shows a table, `to_dict()` and `to_json()` hold everything.

    Raises:
        ConstraintError: the constraints are malformed, or the data give them no meaning.
        ValueError: predictions, columns or weights are malformed.

    Example:

    >>> import keras_fair as kf
    >>> sex = ["Female", "Male", "Female", "Male"]
    >>> rule = "P[y >= 0.5 | sex=Female] >= 0.8 * P[y >= 0.5 | sex=Male]"
    >>> found = kf.audit(rule, [0.4, 0.6, 0.7, 0.9], {"sex": sex})
    >>> [(relation.left, relation.right, relation.verdict.value) for relation in found]
    [(0.5, 0.8, 'violated')]
    """
    if not slack >= 0:
        raise ValueError(f"expected slack >= 0, received slack={slack!r}")
    parsed = parse(constraints)
    data = AuditData(parsed, y, attributes, label, sample_weight, vocabulary=vocabulary, outputs=outputs)
    relations, statistics = _distinct(parsed, data.domains)
    asked = list(dict.fromkeys(each for found in statistics for each in found))
    estimates = estimate(asked, data)
    names = unique_names([relation.name for relation in relations])
    unknown, missing = data.outside()
    return Audit(
        relations=tuple(
            _audited(name, relation, found, estimates, data.domains, slack)
            for name, relation, found in zip(names, relations, statistics, strict=True)
        ),
        samples=data.size,
        slack=slack,
        unknown=unknown,
        missing=missing,
    )


def _audited(
    name: str,
    relation: GroundRelation,
    statistics: Sequence[Statistic],
    estimates: dict[Statistic, Estimate],
    domains: Domains,
    slack: float,
) -> AuditedRelation:
    value = relation_value(relation.relation, lambda statistic: estimates[statistic].value, domains)
    violation = value.violation
    if math.isnan(violation):
        verdict = Verdict.UNESTIMABLE
    else:
        verdict = Verdict.VIOLATED if violation > slack else Verdict.SATISFIED
    return AuditedRelation(
        name=name,
        text=relation.text,
        statement=relation.statement,
        left=value.left,
        right=value.right,
        gap=math.nan if verdict is Verdict.UNESTIMABLE else value.gap,
        lower=value.lower,
        upper=value.upper,
        violation=violation,
        verdict=verdict,
        statistics=tuple(StatisticValue(node_text(each), *astuple(estimates[each])) for each in statistics),
    )


class _Probe:
    """Random values for statistics; remembers which were asked for."""

    def __init__(self) -> None:
        self._generator = np.random.default_rng(0)
        self._values: dict[Statistic, np.ndarray] = {}
        self.asked: dict[Statistic, None] = {}
        self.place = 0

    def __call__(self, statistic: Statistic) -> float:
        self.asked[statistic] = None
        if statistic not in self._values:
            self._values[statistic] = self._generator.uniform(0.1, 1.0, _PROBES)
        return float(self._values[statistic][self.place])


def _distinct(
    constraints: ConstraintSet, domains: Domains
) -> tuple[list[GroundRelation], list[list[Statistic]]]:
    """All ground relations, and the statistics of each; within a statement those that say the same once.

    Two relations say the same if gap and bounds agree, up to a common sign, whatever their statistics are:
    `E[y | a] == E[y | b]` and `E[y | b] == E[y | a]`. They are compared at random values of the statistics.
    """
    probe = _Probe()
    relations, statistics = [], []
    for index, statement in enumerate(constraints):
        seen = set()
        for relation in ground(statement, index, domains):
            probe.asked = {}
            found = []
            for probe.place in range(_PROBES):
                value = relation_value(relation.relation, probe, domains)
                ahead = (value.gap, value.lower, value.upper)
                found.append(min(ahead, (-value.gap, -value.upper, -value.lower)))
            key = (frozenset(probe.asked), tuple(tuple(round(x, 9) + 0.0 for x in each) for each in found))
            if key not in seen:
                seen.add(key)
                relations.append(relation)
                statistics.append(list(probe.asked))
    return relations, statistics
