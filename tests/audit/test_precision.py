"""Numbers that were given in float32, float16 or bfloat16 are compared in that precision, as NumPy does."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras import ops

from keras_fair.audit import Auditor, Verdict, audit
from keras_fair.rows import Vocabulary

SCORES = np.array([0.7] * 100 + [0.2] * 60 + [0.9] * 40)
SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
PRECISIONS = ["float64", "float32", "float16", "bfloat16"]


def of(precision: str, numbers: np.ndarray = SCORES) -> Any:
    return (
        ops.convert_to_tensor(numbers, dtype=precision)
        if precision == "bfloat16"
        else numbers.astype(precision)
    )


def gaps(text: str, *arguments: Any, **keywords: Any) -> list[float]:
    return [relation.gap for relation in audit(text, *arguments, **keywords)]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("threshold", [0.7, 0.2, 0.9, 0.5])
def test_thresholds_on_predictions_and_on_attributes(threshold, precision) -> None:
    expected = [np.mean(compare(SCORES, threshold)) for compare in SIGNS.values()]
    given = of(precision)
    if threshold != 0.5:  # a number that occurs
        text = "; ".join(f"P[a{sign}{threshold}] <= 1" for sign in SIGNS)
        assert gaps(text, SCORES, {"a": given}) == pytest.approx(expected)
    text = "; ".join(f"P[y{sign}{threshold}] <= 1" for sign in SIGNS)
    assert gaps(text, given) == pytest.approx(expected)
    assert gaps(f"E[y | y>={threshold}] <= 1", given) == pytest.approx(
        [SCORES[threshold <= SCORES].mean()], abs=2e-3
    )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_sets_and_quantifiers_over_numbers(precision) -> None:
    given = {"a": of(precision)}
    text = "P[a in {0.7, 0.2}] <= 1; for t in {0.2, 0.7}: E[y | a=t] <= 1"
    assert gaps(text, SCORES, given) == pytest.approx([0.8, 0.2, 0.7])
    listed = Vocabulary({"a": [0.2, 0.7, 0.9]})
    assert gaps("for t in a: E[y | a=t] <= 1", SCORES, given, vocabulary=listed) == pytest.approx(
        [0.2, 0.7, 0.9]
    )
    assert gaps("spread(E[y | a=*]) <= 1", SCORES, given, vocabulary=listed) == pytest.approx([0.7])


@pytest.mark.parametrize("precision", ["float64", "float32", "float16"])
def test_a_vocabulary_that_was_learnt_in_that_precision(precision) -> None:
    given = {"a": SCORES.astype(precision)}
    vocabulary = Vocabulary().adapt(given)
    text = "P[a=0.7] <= 1; spread(E[y | a=*]) <= 1"
    assert gaps(text, SCORES, given, vocabulary=vocabulary) == pytest.approx([0.5, 0.7])


def test_chunks_may_come_in_several_precisions() -> None:
    auditor = Auditor("P[y >= 0.7] >= 0.4; P[a = 0.7] >= 0.4")
    for precision in PRECISIONS:
        auditor.update(of(precision), {"a": of(precision)})
    assert [relation.gap for relation in auditor.result()] == pytest.approx([0.7, 0.5])


def test_a_model_predicts_in_float32() -> None:
    data = [{"score": SCORES.astype("float32")[:, None]}]
    (relation,) = audit("P[y >= 0.7] >= 0.4", lambda inputs: inputs["score"], data)
    assert relation.gap == pytest.approx(0.7)
    assert relation.verdict is Verdict.SATISFIED


def test_a_list_of_single_numbers() -> None:
    assert gaps("P[y >= 0.7] >= 0.4", list(SCORES.astype("float32"))) == pytest.approx([0.7])


def test_parquet_keeps_its_precision(tmp_path: Path) -> None:
    import json

    import pyarrow
    from pyarrow import parquet

    from keras_fair.cli import main

    columns = {"score": SCORES.astype("float32"), "a": SCORES.astype("float32")}
    parquet.write_table(pyarrow.table(columns), tmp_path / "p.parquet")
    text = "P[y >= 0.7] >= 0.4; P[a = 0.7] >= 0.4"
    arguments = ["audit", str(tmp_path / "p.parquet"), "--prediction", "score", "-c", text]
    assert main([*arguments, "--json", str(tmp_path / "found.json")]) == 0
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert [relation["gap"] for relation in found["relations"]] == pytest.approx([0.7, 0.5])
