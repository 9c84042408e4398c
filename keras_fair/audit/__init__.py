"""Auditing predictions: every constraint of the language measured on data at hand, with a verdict.

    ground relations --probe--> statistics --measure--> values --> gaps, violations, verdicts

An audit enforces nothing, so it also takes what no affine row can hold: decision rates, groups chosen by `y`,
and relations that no prediction can change.
"""

import sys
from types import ModuleType
from typing import Any

from keras_fair.audit.audit import audit
from keras_fair.audit.result import Audit, AuditedRelation, StatisticValue, Verdict

__all__ = ["Audit", "AuditedRelation", "StatisticValue", "Verdict", "audit"]


class _Callable(ModuleType):
    """`keras_fair.audit` names this package and its function; whichever is found there can be called."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Audit:
        return audit(*arguments, **keywords)


sys.modules[__name__].__class__ = _Callable
