"""Which constraints depend on the predictions, and which can only be audited."""

from __future__ import annotations

import pytest

from keras_fair.language import audit_only, on_prediction, parse_statements


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("P[y >= 0.5 | sex=Female] <= 0.2", "y >= 0.5", "event"),
        ("P[label=1, 0.5 <= y] <= 0.2", "0.5 <= y", "event"),
        ("P[not y[2] in {0, 1}] <= 0.2", "y[2] in {0, 1}", "event"),
        ("E[label | sex=Female, y >= 0.5] >= 0.7", "y >= 0.5", "group"),
        ("E[y] <= 1 - E[y | y > 0.2]", "y > 0.2", "group"),
        ("P[label=1 | y > 0.2] <= 1", "y > 0.2", "group"),
        ("cov(y, age | y > 0.2) <= 1", "y > 0.2", "group"),
        ("E[y] + corr(y, age) <= 0.2", "corr(y, age)", "correlation"),
        ("max(E[y], independence(sex)) <= 0.2", "independence(sex)", "whole distribution"),
        ("separation(sex | age < 3) <= 0.2", "separation(sex | age < 3)", "whole distribution"),
        ("E[y] <= corr(label, age)", "corr(label, age)", "constants"),
        ("for t in {0.3, 0.5}: max(E[y], P[y >= t | sex=*]) <= 0.9", "y >= t", "event"),
    ],
)
def test_audit_only(text: str, place: str, word: str) -> None:
    (statement,) = parse_statements(text)
    found = audit_only(statement)
    assert found is not None
    span, reason = found
    assert text[span.start : span.end] == place
    assert word in reason
    assert on_prediction(statement)


@pytest.mark.parametrize(
    ("text", "depends"),
    [
        ("E[y | sex=Female] <= 0.2", True),
        ("P[label=1 | sex=Female] <= E[y]", True),
        ("cov(label, age) <= cov(y, age)", True),
        ("E[label | sex=Female] == E[label | sex=Male] +- 0.1", False),
        ("P[label=1 | sex=Female] >= 0.1", False),
        ("spread(E[age | sex=*]) <= 10", False),
    ],
)
def test_what_affine_rows_can_hold(text: str, depends: bool) -> None:
    (statement,) = parse_statements(text)
    assert audit_only(statement) is None
    assert on_prediction(statement) == depends
