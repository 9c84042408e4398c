"""Auditing predictions: every constraint of the language measured on data at hand, with a verdict.

    samples --states--> cells --sums--> statistics --> gaps --intervals--> verdicts

All that is kept of the samples is sums over cells, the joint states of what the conditions ask for, so
samples can come in chunks (`Auditor`), and memory grows with the groups. An audit enforces nothing, so it
also takes what no affine row can hold: decision rates, groups chosen by `y`, and relations that no prediction
can change.
"""

import sys
from types import ModuleType
from typing import Any

from keras_fair.audit.audit import audit
from keras_fair.audit.auditor import Auditor
from keras_fair.audit.result import (
    Audit,
    AuditedRelation,
    GroupScores,
    Interval,
    StatisticValue,
    Verdict,
)

__all__ = [
    "Audit",
    "AuditedRelation",
    "Auditor",
    "GroupScores",
    "Interval",
    "StatisticValue",
    "Verdict",
    "audit",
]


class _Callable(ModuleType):
    """`keras_fair.audit` names this package and its function; whichever is found there can be called."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Audit:
        return audit(*arguments, **keywords)


sys.modules[__name__].__class__ = _Callable
