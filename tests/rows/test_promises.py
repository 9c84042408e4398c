"""Refusals that say which mode takes the statement all the same: the mode is tried, and does."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.errors import AUDIT, MODES, ConstraintError, ConstraintTypeError, Reason
from keras_fair.rows import Vocabulary, lower

COLUMNS: dict[str, Any] = {
    "sex": ["Female", "Male"] * 20,
    "race": (["a"] * 3 + ["b"] * 2) * 8,
    "age": np.linspace(20.0, 60.0, 40),
}
LABEL = np.tile([0, 1, 1, 0, 1], 8)
SCORES = np.linspace(0.05, 0.95, 40)

# text, where predictions lie, the reason of the refusal
REFUSED: list[tuple[str, Any, Reason]] = [
    ("P[y >= 0.5 | sex=Female] <= 0.5", (0.0, 1.0), Reason.NOT_AFFINE),
    ("P[label=1, y >= 0.5] <= 0.5", (0.0, 1.0), Reason.NOT_AFFINE),
    ("spread(P[y >= 0.5 | race=*, label=1]) <= 0.1", (0.0, 1.0), Reason.NOT_AFFINE),
    ("E[label | sex=Female, y >= 0.5] >= 0.7", (0.0, 1.0), Reason.NOT_AFFINE),
    ("P[label=1 | y > 0.2] <= 1", (0.0, 1.0), Reason.NOT_AFFINE),
    ("cov(y, age | y > 0.2) <= 1", (0.0, 1.0), Reason.NOT_AFFINE),
    ("for t in {0.3, 0.5}: max(E[y], P[y >= t | sex=*]) <= 0.9", (0.0, 1.0), Reason.NOT_AFFINE),
    ("E[label | sex=Female] == E[label | sex=Male] +- 0.1", (0.0, 1.0), Reason.FREE_OF_PREDICTIONS),
    ("0.1 <= E[age | race=*] <= 90", (0.0, 1.0), Reason.FREE_OF_PREDICTIONS),
    ("spread(P[label=1 | sex=*]) <= 0.5", (0.0, 1.0), Reason.FREE_OF_PREDICTIONS),
    ("E[y | sex=Female] / E[y | sex=Male] >= 0.8", (-1.0, 1.0), Reason.DIVISOR),
    ("E[y | sex=Female] / E[y | sex=Male] >= 0.8", None, Reason.DIVISOR),
    ("E[y | sex=Female] / E[y * age] <= 0.8", (0.0, 1.0), Reason.DIVISOR),
    ("1.2 >= E[y | sex=Female] / (E[y] - 2 * E[y | race=a])", (0.0, 1.0), Reason.DIVISOR),
]


@pytest.mark.parametrize(("text", "domain", "reason"), REFUSED, ids=[f"{t}, {d}" for t, d, _ in REFUSED])
def test_a_mode_that_a_refusal_names_takes_the_statement(text: str, domain: Any, reason: Reason) -> None:
    with pytest.raises(ConstraintTypeError) as caught:
        kf.parse(text).rows(COLUMNS, LABEL, domain=domain)
    assert (caught.value.reason, caught.value.modes) == (reason, AUDIT)
    assert "audited, not enforced; kf.audit takes it, projection, monitoring and streaming do not" in str(
        caught.value
    )
    audit = kf.audit(text, SCORES, COLUMNS, label=LABEL)
    assert all(np.isfinite(relation.gap) for relation in audit.relations)


MEANINGLESS: list[tuple[str, Reason]] = [
    ("E[y[3]] <= 0.5", Reason.UNKNOWN_NAME),
    ("E[y] / E[0] <= 0.5", Reason.DIVISOR),
]


@pytest.mark.parametrize(("text", "reason"), MEANINGLESS)
def test_what_no_mode_takes_promises_none(text: str, reason: Reason) -> None:
    with pytest.raises(ConstraintTypeError) as caught:
        kf.parse(text).rows(COLUMNS, LABEL)
    assert (caught.value.reason, caught.value.modes) == (reason, ())
    assert not re.search(r"kf\.audit|audited", str(caught.value))


def test_a_sentence_names_the_modes_that_take_a_statement() -> None:
    assert str(ConstraintError("no", modes=("streaming", "audit"))) == (
        "no: streaming and kf.audit take it, projection and monitoring do not"
    )
    assert str(ConstraintError("no", modes=MODES)) == (
        "no: projection, monitoring, streaming and kf.audit take it"
    )
    assert ConstraintError("no").reason is Reason.DOCUMENT
    assert ConstraintTypeError("no").reason is Reason.MEANING


@pytest.mark.parametrize("column", [[1, 2, 1], np.array(["Female", "Male", "Female"])])
def test_a_column_of_the_wrong_kind_has_its_reason(column: Any) -> None:
    text = "E[y | sex=Female] <= 0.5"
    plan = lower(kf.parse(text).statements, text, Vocabulary({"sex": ["Female", "Male"]}))
    read = plan.encode if isinstance(column, list) else plan.evaluate  # text is encoded first
    with pytest.raises(ConstraintTypeError) as caught:
        read({"sex": column})
    assert caught.value.reason is Reason.WRONG_KIND
    assert caught.value.span is not None
