"""Audits in MLflow, TensorBoard and model cards, and what they are named there."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from huggingface_hub import ModelCard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import keras_fair as kf
from keras_fair.audit.result import Audit
from tests.applicants import applicants

TEXT = """parity: E[y | sex=F] == E[y | sex=M] +- 0.1
spread(E[y | sex=*]) <= 0.05
for s in sex: E[y | sex=s] <= 0.9
"""


def found(text: str = TEXT, **options: Any) -> Audit:
    rng = np.random.default_rng(0)
    sex = np.array(["F", "M"] * 100)
    return kf.audit(text, np.clip(rng.normal(0.5 + 0.1 * (sex == "M"), 0.1), 0, 1), {"sex": sex}, **options)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder in which runs are kept."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    return str(tmp_path / "runs")


def test_metrics_are_those_of_the_audit() -> None:
    audit = found()
    metrics = audit.metrics()
    assert metrics["parity/gap"] == audit["parity"].gap
    assert metrics["parity/low"] == audit["parity"].interval.low
    assert metrics["satisfied"] == 0
    assert metrics["violation"] == max(relation.violation for relation in audit)
    assert len(metrics) == 5 * len(audit) + 2
    assert all(re.fullmatch(r"[\w./-]{1,200}", name) for name in metrics)


def test_what_is_not_estimable_is_nan_and_not_satisfied() -> None:
    metrics = found("low: E[y | sex=F, y >= 2] <= 0.1; high: E[y] <= 0.9", confidence=None).metrics()
    assert math.isnan(metrics["low/gap"])
    assert math.isnan(metrics["violation"])
    assert metrics["low/satisfied"] == metrics["satisfied"] == 0
    assert metrics["high/satisfied"] == 1


def test_names_that_become_one_are_numbered() -> None:
    metrics = found("E[y] <= 0.2; E[y] >= 0.2").metrics()
    assert {"E_y_0.2/gap", "E_y_0.2_2/gap"} <= set(metrics)


def test_mlflow_holds_numbers_reports_and_a_tag(store: str) -> None:
    audit = found()
    with mlflow.start_run() as run:
        kf.integrations.mlflow.log_audit(audit, step=2)
    kept = mlflow.get_run(run.info.run_id)
    assert kept.data.metrics == {f"fairness/{name}": value for name, value in audit.metrics().items()}
    assert kept.data.tags["fairness.satisfied"] == "false"

    def text(name: str) -> str:
        return mlflow.artifacts.load_text(f"{kept.info.artifact_uri}/fairness/{name}")

    assert text("audit.html") == audit.to_html()
    assert json.loads(text("audit.json")) == audit.to_dict()
    assert "## Metrics" in text("card.md")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_rule_is_a_model_of_mlflow(store: str) -> None:
    people, new = applicants(3000, 1), applicants(50, 2)
    rule = kf.FrozenFairness("spread(P[y >= 0.5 | sex=*]) <= 0.05").fit(*people)
    with mlflow.start_run():
        logged = kf.integrations.mlflow.log_rule(rule)
    model = mlflow.pyfunc.load_model(logged.model_uri)
    table = pd.DataFrame({"score": new.scores, **new.attributes})
    np.testing.assert_array_equal(model.predict(table), rule(new.scores, new.attributes))


def test_tensorboard_holds_scalars_and_pictures(tmp_path: Path) -> None:
    audit = found()
    for step in (0, 1):
        kf.integrations.tensorboard.log_audit(audit, tmp_path, step)
    read = EventAccumulator(str(tmp_path)).Reload()
    assert set(read.Tags()["scalars"]) == {f"fairness/{name}" for name in audit.metrics()}
    assert [event.step for event in read.Scalars("fairness/parity/gap")] == [0, 1]
    assert read.Scalars("fairness/parity/gap")[0].value == pytest.approx(audit["parity"].gap)
    assert set(read.Tags()["images"]) == {"fairness/gaps", "fairness/scores"}
    picture = read.Images("fairness/scores")[0]
    assert picture.encoded_image_string.startswith(b"\x89PNG")
    width, height = (int.from_bytes(picture.encoded_image_string[at : at + 4], "big") for at in (16, 20))
    assert abs(picture.width - width) <= 1
    assert abs(picture.height - height) <= 1


def test_a_card_holds_one_section(tmp_path: Path) -> None:
    card = ModelCard("---\nlicense: mit\ntags:\n- credit\n---\n# Loans\n\nOurs.\n")
    kf.integrations.huggingface.update_card(card, found("first: E[y] <= 0.9"))
    kf.integrations.huggingface.update_card(card, found("second: E[y] <= 0.8"))
    assert card.text.count("## Quantitative Analyses") == 1
    assert "second" in card.text
    assert "first" not in card.text
    assert card.text.lstrip().startswith("# Loans\n\nOurs.")
    card.save(tmp_path / "README.md")
    again = ModelCard.load(tmp_path / "README.md")
    assert again.data.tags == ["credit", "fairness"]
    assert again.data.license == "mit"
    assert again.text.strip() == card.text.strip()
