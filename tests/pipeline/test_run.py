"""The main job, from the data to the table and the picture."""

from __future__ import annotations

import re
from functools import partialmethod
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_fair.audit import Verdict
from keras_fair.cli import main
from keras_fair.comparison import ModelComparison, compare, scores_of
from keras_fair.comparison.picture import groups_of
from keras_fair.constraints import parse
from keras_fair.datasets import Split, adult, lending

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def eagerly() -> Any:
    """`compare` without graphs, which take seconds; the tests of the command and of Adult make them."""

    def compared_eagerly(*arguments: Any, **options: Any) -> ModelComparison:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keras.Model, "compile", partialmethod(keras.Model.compile, run_eagerly=True))
            return compare(*arguments, **options)

    return compared_eagerly


def printed_gaps(text: str) -> list[float]:
    """The gaps of the fair model in the table of constraints."""
    return [float(found) for found in re.findall(r"│ +(-?\d\.\d{6}) │ \w+ +│$", text, re.MULTILINE)]


def test_run_prints_a_table_and_draws_a_picture(tmp_path: Path, capsys) -> None:
    arguments = ["run", "--epochs", "1", "--out", str(tmp_path / "run")]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    for words in ("accuracy", "AUC", "log loss", "+- 0.02", "satisfied", "4,000 held out", "lending.png"):
        assert words in printed
    (gap,) = printed_gaps(printed)
    assert abs(gap) <= 0.020001
    assert (tmp_path / "run" / "lending.png").read_bytes().startswith(PNG)


def test_run_takes_constraints_from_a_file_and_reports_violations(tmp_path: Path, capsys) -> None:
    rules = tmp_path / "rules.fair"
    rules.write_text("# cannot both hold\nE[y | sex=Female] >= 0.9\nlow: E[y] <= 0.1\n", encoding="utf-8")
    arguments = [
        "run",
        "--epochs",
        "1",
        "--constraint",
        f"@{rules}",
        "--constraint",
        "E[y | race=*] >= 0.001",
    ]
    assert main([*arguments, "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "violated by the fair model on held-out people, by" in printed
    assert "No predictions in [0, 1] meet all constraints" in printed


@pytest.fixture(scope="module")
def small() -> tuple[Split, Split]:
    return lending.load_data(people=1500)


@pytest.fixture(scope="module")
def compared(small: tuple[Split, Split], eagerly: Any) -> ModelComparison:
    constraints = parse("for g in race: E[y | race=g] == E[y] +- 0.01; cov(y, age) == 0 +- 0.05")
    return eagerly(*small, constraints, epochs=1, batch_size=64, divergence="binary_crossentropy")


def test_the_fair_model_holds_every_constraint(compared: ModelComparison) -> None:
    assert compared.fair.audit.satisfied
    assert compared.free.audit.with_verdict(Verdict.VIOLATED)
    assert not compared.relaxed


def test_the_groups_of_the_picture_are_those_of_the_relation(small, compared: ModelComparison) -> None:
    _, test = small
    constraints = parse("for g in race: E[y | race=g] == E[y] +- 0.01; cov(y, age) == 0 +- 0.05")
    groups = groups_of(compared.free.audit.relations[0], test, constraints)
    assert list(groups) == ["race=Asian", "everyone"]
    np.testing.assert_array_equal(groups["race=Asian"], test.attributes["race"] == "Asian")
    assert groups["everyone"].all()


def test_the_same_seed_gives_the_same_models(small, eagerly) -> None:
    constraints = parse("E[y | sex=Female] == E[y | sex=Male] +- 0.02")
    first, second = (eagerly(*small, constraints, epochs=1, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.free.y, second.free.y)
    np.testing.assert_allclose(first.fair.y, second.fair.y, atol=1e-6)


def test_scores_are_exact(rng: np.random.Generator) -> None:
    label = (rng.random(300) < 0.3).astype("float32")
    y = np.round(rng.random(300), 1)  # with ties
    scores = scores_of(y, label)
    pairs = y[label == 1][:, None] - y[label == 0][None, :]
    assert scores.auc == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    assert scores.accuracy == np.mean((y >= 0.5) == (label == 1))
    assert np.isfinite(scores.log_loss)
    assert np.isnan(scores_of([0.2, 0.3], [0, 0]).auc)
    with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
        scores_of([0.2, 0.3], [0])


def test_adult_reaches_its_figures(data_folder: Path) -> None:
    """The pooled gap on the 16,281 test people in one batch, and the accuracy."""
    train, test = adult.load_data(data_folder)
    comparison = compare(train, test, parse("E[y | sex=Female] == E[y | sex=Male] +- 0.02"), epochs=5)
    women = test.attributes["sex"] == "Female"
    y = comparison.fair.y
    assert len(y) == 16_281
    assert abs(y[women].mean() - y[~women].mean()) <= 0.020001
    assert comparison.fair.scores.accuracy >= 0.838
    assert comparison.free.scores.accuracy >= 0.85
