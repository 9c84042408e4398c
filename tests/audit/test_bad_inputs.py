"""What a person hands in by mistake is told in words that name it."""

from __future__ import annotations

import numpy as np
import pytest

from keras_fair.audit import Auditor, Verdict, audit
from keras_fair.errors import ConstraintTypeError
from keras_fair.rows import Vocabulary

TEXT = "E[y | sex=Female] == E[y | sex=Male] +- 0.1"
SEX = {"sex": ["Female", "Male"]}


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        (TEXT, ([0.1, 0.2], {"sex": ["Female"]}), "'sex' has 1.*predictions has 2"),
        (TEXT, ([0.1, 0.2], SEX, None, [1.0]), "sample_weight has 1"),
        ("E[label] <= 1", ([0.1, 0.2], {}, [1.0]), "label has 1.*predictions has 2"),
        (TEXT, ([0.1, 0.2], SEX, None, [1.0, np.nan]), "sample_weight.*finite.*1 that are not, such as nan"),
        (TEXT, ([0.1, 0.2], SEX, None, [1.0, np.inf]), "such as inf"),
        (TEXT, ([0.1, 0.2], SEX, None, ["1", "2"]), "sample_weight to be numbers"),
        (TEXT, ([0.1, 0.2], SEX, None, [[1.0, 2.0], [1.0, 2.0]]), r"sample_weight of shape \(n,\)"),
        (TEXT, (["high", "low"], SEX), "predictions y as numbers"),
        (TEXT, ([0.1, np.inf], SEX), "1 that are NaN or infinite"),
        (TEXT, ([], {"sex": []}), r"shape \(0,\)"),
        (TEXT, ([], SEX), r"shape \(0,\)"),
        (TEXT, ([0.1, 0.2], [1, 2]), "dict of columns or a DataFrame"),
        (TEXT, ([0.1, 0.2], None), "no attribute named 'sex'"),
    ],
)
def test_faults_of_data(text, arguments, words) -> None:
    with pytest.raises(ValueError, match=words):
        audit(text, *arguments)


@pytest.mark.parametrize(
    ("text", "columns", "label", "words", "caret"),
    [
        ("E[y | gender=a] <= 1", {"sex": ["a", "b"]}, None, "no attribute named 'gender'", 6),
        ("E[y | sex=a] <= 1", {"sex": ["a", None]}, None, "1 missing values", 6),
        ("E[y | sex=a] <= 1", {"sex": ["a", 3.0]}, None, "either text or numbers", 6),
        ("E[y * sex] <= 1", {"sex": ["a", "b"]}, None, "'sex' is used in arithmetic", 6),
        ("E[y | age > 3] <= 1", {"age": [1.0, np.inf]}, None, "1 infinite", 6),
        ("E[y | age > 3] <= 1", {"age": [1.0, np.nan]}, None, "the first at index 1; choose", 6),
        ("E[y | age=4] <= 1", {"age": [1.0, 3.0]}, None, "'age' has no value 4", 10),
        ("E[y | sex=a] <= 1", {"sex": [1.0, 2.0]}, None, "holds numbers, and 'a' is text", 10),
        ("E[label] <= 1", {}, None, "needs the label", 2),
        ("E[label] <= 1", {}, ["yes", "no"], "label is used in arithmetic", 2),
        ("E[y | label=2] <= 1", {}, [0, 1], "label has no value 2", 12),
        ("accuracy_parity(sex) <= 1", {"sex": ["a", "b"]}, [1, 2], "labels in [0, 1], received label=2", 0),
        ("E[y] <= 1; accuracy_parity(sex) <= 1", {"sex": ["a", "b"]}, [1, -1], "received label=-1", 11),
        ("E[y | y > high] <= 1", {}, None, "can't be compared with the text 'high'", 10),
    ],
)
def test_faults_are_shown_in_the_text(text, columns, label, words, caret) -> None:
    with pytest.raises(ConstraintTypeError) as fault:
        audit(text, [0.1, 0.2], columns, label)
    assert words in str(fault.value)
    assert str(fault.value).splitlines()[-1].index("^") - 2 == caret


def test_an_accuracy_takes_labels_that_are_probabilities_or_missing() -> None:
    vocabulary = Vocabulary(missing="exclude")
    (relation,) = audit(
        "accuracy_parity(sex) <= 1",
        [0.5, 1, 0],
        {"sex": ["a", "b", "b"]},
        [0.25, 1, None],
        vocabulary=vocabulary,
    )
    assert relation.gap == 0.5
    assert audit("E[label - y] <= 9", [0.5, 1], {}, [1, 2]).relations[0].gap == 0.75


def test_a_label_of_text_can_be_compared() -> None:
    found = audit("P[label=yes | sex=a] <= 1", [0.1, 0.2], {"sex": ["a", "a"]}, ["yes", "no"])
    assert found.relations[0].gap == 0.5


def test_one_sample_is_an_audit_that_says_nothing() -> None:
    (relation,) = audit("E[y] <= 0.9", [0.5], {})
    assert (relation.gap, relation.verdict, relation.interval) == (0.5, Verdict.UNDECIDED, None)


def test_an_empty_chunk_changes_nothing() -> None:
    auditor = Auditor(TEXT).update([0.1, 0.4], SEX).update([], {"sex": []})
    assert auditor.result() == audit(TEXT, [0.1, 0.4], SEX)


def test_weights_of_nothing_are_unestimable() -> None:
    (relation,) = audit("E[y] <= 0.9", [0.5, 0.6], {}, sample_weight=[0, 0])
    assert relation.verdict is Verdict.UNESTIMABLE


@pytest.mark.parametrize("confidence", ["none", "0.95", "95%", 0, 1, 95, True, [0.95]])
def test_a_confidence_is_a_number_or_none(confidence) -> None:
    with pytest.raises(ValueError, match=r"expected confidence in \(0, 1\) or None, received"):
        audit("E[y] <= 0.5", [0.1, 0.2], {}, confidence=confidence)


def test_a_vocabulary_may_be_a_dict() -> None:
    found = audit("E[y | a=x] <= 0.5", [0.1, 0.2], {"a": ["x", "y"]}, vocabulary={"a": ["x", "y", "z"]})
    assert found["E[y | a=x] <= 0.5"].gap == pytest.approx(0.1)
    with pytest.raises(KeyError, match="no relation named 'parity'; known: "):
        found["parity"]
