"""Every refusal says why in a way that code can ask."""

from __future__ import annotations

import copy
import pickle

import pytest

from keras_fair.errors import ConstraintError, Reason
from keras_fair.language import from_json, parse_statements

REASONS = [
    ("E[y | ] <= 0.2", Reason.SYNTAX),
    ("E[y] = 0.2", Reason.SYNTAX),
    ("E[y * y] <= 0.2", Reason.NOT_AFFINE),
    ("E[1 / y] <= 0.2", Reason.NOT_AFFINE),
    ("E[y] * E[y] <= 0.2", Reason.NOT_AFFINE),
    ("cov(y, y[1]) <= 0.2", Reason.NOT_AFFINE),
    ("spread(E[y | sex=*]) >= 0.2", Reason.NOT_CONVEX),
    ("min(E[y | sex=*]) <= 0.2", Reason.NOT_CONVEX),
    ("E[y | sex=a] / E[y | sex=b] == 1", Reason.NOT_CONVEX),
    ("0.8 <= E[y | sex=a] / E[y | sex=b] <= 1.2", Reason.NOT_CONVEX),
    ("E[y] / 0 <= 1", Reason.DIVISOR),
    ("E[age / (1 - 1)] <= 1", Reason.DIVISOR),
    ("corr(y, y) <= 0.2", Reason.NOT_AFFINE),
    ("independence(sex) >= 0.2", Reason.NOT_CONVEX),
    ("E[y] <= 0.2 with weight -1", Reason.MEANING),
    ("independnce(sex) <= 0.2", Reason.UNKNOWN_NAME),
    ("equal_oportunity(sex) <= 0.1", Reason.UNKNOWN_NAME),
    ("mean(y | sex=a) <= 0.1", Reason.UNKNOWN_NAME),
    ("E[y] <= E[y | sex < a]", Reason.MEANING),
    ("E[label] <= E[y] <= E[y | sex=a]", Reason.MEANING),
]


@pytest.mark.parametrize(("text", "reason"), REASONS)
def test_a_text_is_refused_for_a_reason(text: str, reason: Reason) -> None:
    with pytest.raises(ConstraintError) as caught:
        parse_statements(text)
    assert caught.value.reason is reason
    assert caught.value.modes == ()


def test_a_document_is_refused_for_a_reason() -> None:
    with pytest.raises(ConstraintError) as caught:
        from_json("{}")
    assert caught.value.reason is Reason.DOCUMENT


@pytest.mark.parametrize("copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_a_copy_of_a_fault_says_the_same(copied) -> None:
    fault = ConstraintError("no", reason=Reason.NOT_CONVEX, modes=("audit",))
    twin = copied(fault)
    assert (str(twin), twin.reason, twin.modes) == (str(fault), fault.reason, fault.modes)
