"""`assert_fair`: an audit as an assertion of a test."""

from __future__ import annotations

from typing import Any

from keras_fair.audit.audit import audit
from keras_fair.audit.result import Audit, Verdict
from keras_fair.constraints import Constraints
from keras_fair.inputs.settings import check_choice

__all__ = ["assert_fair", "check_fair"]

_ALLOWED = ("undecided", "unestimable")


def assert_fair(
    constraints: Constraints,
    y: Any,
    attributes: Any = None,
    label: Any = None,
    sample_weight: Any = None,
    *,
    allow: str | tuple[str, ...] = (),
    **options: Any,
) -> Audit:
    """Fail unless an audit is satisfied.

    Args:
        constraints, y, attributes, label, sample_weight: as of `keras_fair.audit`.
        allow: verdicts that do not fail, `"undecided"` and `"unestimable"`; a violated one always does.
        options: of `keras_fair.audit`, such as `confidence`.

    Returns:
        The audit.

    Raises:
        AssertionError: it is not satisfied; the message is the audit's table.

    Example:

    >>> from keras_fair.integrations import assert_fair
    >>> rule = "parity: E[y | sex=F] == E[y | sex=M] +- 0.1"
    >>> assert_fair(rule, [0.4, 0.45], {"sex": ["F", "M"]}, confidence=None)["parity"].verdict.value
    'satisfied'
    >>> assert_fair(rule, [0.4, 0.8], {"sex": ["F", "M"]}, confidence=None)
    Traceback (most recent call last):
        ...
    AssertionError: not fair: parity is violated (gap -0.400000, bounds +- 0.1)...
    """
    found = audit(constraints, y, attributes, label, sample_weight, **options)
    check_fair(found, allow)
    return found


def check_fair(found: Audit, allow: str | tuple[str, ...] = ()) -> None:
    """Raise AssertionError unless every verdict is satisfied, or allowed."""
    allowed = (allow,) if isinstance(allow, str) else allow
    accepted = {Verdict(check_choice("allow", verdict, _ALLOWED)) for verdict in allowed}
    faulty = [relation for relation in found if relation.verdict not in accepted | {Verdict.SATISFIED}]
    said = [
        f"{relation.name} is {relation.verdict.value} (gap {relation.gap:.6f}, bounds {relation.bounds})"
        for relation in faulty
    ]
    if Verdict.UNESTIMABLE not in accepted:
        said += [f"too few groups occur to measure {text}" for text in found.unmeasured]
    if said:
        raise AssertionError(f"not fair: {'; '.join(said)}\n{found}")
