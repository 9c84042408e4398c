"""Auditing predictions: every constraint of the language measured on given data, with a verdict.

    samples --states--> cells --sums--> statistics --> gaps --intervals--> verdicts

Of the samples only sums over cells are kept. A cell is a joint state of the subjects that conditions compare.
So samples can come in chunks (`Auditor`), and memory grows with the groups. An audit enforces nothing. So it
also takes what no affine row can hold: decision rates, groups chosen by `y`, and relations that no prediction
can change.
"""

import sys
from types import ModuleType

from keras_fair.audit.audit import audit
from keras_fair.audit.auditor import Auditor
from keras_fair.audit.planned import AuditMargins, StatementMargin
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
    "AuditMargins",
    "AuditedRelation",
    "Auditor",
    "GroupScores",
    "Interval",
    "StatementMargin",
    "StatisticValue",
    "Verdict",
    "audit",
]


class _Callable(ModuleType):
    """Makes the package callable, because `keras_fair.audit` names both the package and its function."""

    __call__ = staticmethod(audit)


sys.modules[__name__].__class__ = _Callable
