"""An audit as numbers by name, for tools that log metrics."""

from __future__ import annotations

import math
import re

from keras_fair.audit.result import Audit, Verdict

__all__ = ["to_metrics"]

_LONGEST = 120  # characters of a name: tools have limits, and some make files of them


def to_metrics(audit: Audit) -> dict[str, float]:
    """The numbers of an audit by name; names hold letters, digits, `_`, `-`, `.` and `/` only.

    Args:
        audit: what was found.

    Returns:
        For each relation `NAME/gap`, `NAME/violation` (NaN where they can't be estimated), `NAME/low` and
        `NAME/high`, the ends of the interval of the gap where it has finite ones, and `NAME/satisfied`, 1 or
        0: undecided and unestimable are 0. For the whole `satisfied`, and `violation`, the largest, which is
        NaN where any is, and where nothing is compared.

    Example:

    >>> import keras_fair as kf
    >>> rule = "parity: E[y | sex=F] == E[y | sex=M] +- 0.1"
    >>> kf.audit(rule, [0.25, 0.5], {"sex": ["F", "M"]}, confidence=None).metrics()
    {'parity/gap': -0.25, 'parity/violation': 0.15, 'parity/satisfied': 0.0, 'satisfied': 0.0, ...}
    """
    metrics: dict[str, float] = {}
    for name, relation in zip(_names([relation.name for relation in audit]), audit, strict=True):
        metrics[f"{name}/gap"] = relation.gap
        metrics[f"{name}/violation"] = relation.violation
        if relation.interval is not None:
            for end in ("low", "high"):
                if math.isfinite(getattr(relation.interval, end)):
                    metrics[f"{name}/{end}"] = getattr(relation.interval, end)
        metrics[f"{name}/satisfied"] = float(relation.verdict is Verdict.SATISFIED)
    violations = [relation.violation for relation in audit]
    metrics["satisfied"] = float(audit.satisfied)
    metrics["violation"] = math.nan if any(map(math.isnan, violations)) else max(violations, default=math.nan)
    return {name: float(value) for name, value in metrics.items()}


def _names(names: list[str]) -> list[str]:
    """Names of few signs; where two become one, they are numbered."""
    short: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("_.")[:_LONGEST] or "relation"
        place, numbered = 1, plain
        while numbered in short:
            place += 1
            numbered = f"{plain}_{place}"
        short.append(numbered)
    return short
