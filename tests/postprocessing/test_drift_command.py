"""`keras-fair drift` as someone with a rule and files of people meets it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.cli import main

PARITY = "parity: P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05"
PRECISION = "P[label=1 | y >= 0.5, sex=*] >= 0.4"


def people(n: int, seed: int, women: float = 0.4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(n) < 0.4, "Female", "Male")
    scores = np.round(np.clip(rng.normal(np.where(sex == "Female", women, 0.55), 0.2), 0, 1), 6)
    return scores, sex, (rng.random(n) < scores).astype(int)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With rules, a file of people as at calibration, one of others, and one with some labels."""
    scores, group, label = people(4000, 0)
    for name, text in (("rule", PARITY), ("precision", f"{PRECISION}\n{PARITY}")):
        rule = kf.FrozenFairness(text, confidence=None)
        rule.fit(scores, {"sex": group}, label if rule.constraints.uses_label else None)
        rule.save(tmp_path / f"{name}.json")
    for name, who, labelled in (
        ("fair", people(2000, 1), 1.0),
        ("drifted", people(6000, 2, women=0.25), 1.0),
        ("waiting", people(2000, 3), 0.5),
    ):
        known = np.random.default_rng(4).random(len(who[0])) < labelled
        lines = ["score,sex,repaid"]
        for score, sex, label, there in zip(*who, known, strict=True):
            lines.append(f"{score},{sex},{label if there else ''}")
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def drift(folder, capsys, monkeypatch):
    """Runs the command in the folder; gives the exit code, the standard output and the standard error."""
    monkeypatch.chdir(folder)

    def run(*arguments: str, prediction: str | None = "score") -> tuple[int, str, str]:
        named = [] if prediction is None else ["--prediction", prediction]
        try:
            code = main(["drift", *arguments, *named])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return run


def test_it_goes_on_where_the_last_file_ended(drift, folder) -> None:
    code, printed, error = drift("rule.json", "fair.csv", "--state", "drift.bin")
    assert (code, error) == (0, "")
    assert "over 2,000 people; false alarms at most 0.01, 0.005 for each" in printed
    assert printed.endswith("passed: no alarm\n")
    code, printed, _ = drift("rule.json", "drifted.csv", "--state", "drift.bin")
    assert code == 1
    assert "over 8,000 people" in printed
    assert printed.endswith("not passed: parity\n")
    code, printed, _ = drift("rule.json", "fair.csv", "--state", "drift.bin")  # an alarm stays
    assert code == 1
    monitor = kf.DriftMonitor.load(folder / "drift.bin")
    assert monitor.people == 10_000
    assert f"alarm: {monitor.alarms[0]}" in printed


def test_it_says_what_the_library_says(drift, folder) -> None:
    code, printed, _ = drift("rule.json", "fair.csv", "--json", "-", "--alpha", "5%")
    rule = kf.FrozenFairness.load(folder / "rule.json")
    monitor = kf.DriftMonitor(rule, alpha=0.05)
    scores, sex, _ = people(2000, 1)
    monitor.observe(scores, {"sex": sex})
    assert code == 0
    assert json.loads(printed) == json.loads(json.dumps(monitor.report().to_dict()))


def test_labels_may_be_there_for_some_or_come_late(drift) -> None:
    _, printed, _ = drift("precision.json", "waiting.csv", "--label", "repaid", "--json", "-")
    report = json.loads(printed)
    assert 900 < report["awaited"] < 1100
    assert report["people"] == 2000
    _, printed, _ = drift("precision.json", "fair.csv", "--state", "a.bin", "--json", "-")
    assert json.loads(printed)["awaited"] == 2000
    _, printed, _ = drift(
        "precision.json", "fair.csv", "--state", "a.bin", "--label", "repaid", "--late", "--json", "-"
    )
    at_last = json.loads(printed)
    _, printed, _ = drift("precision.json", "fair.csv", "--label", "repaid", "--json", "-")
    assert at_last == json.loads(printed)


def test_the_mean_run_length(drift) -> None:
    code, printed, _ = drift("rule.json", "fair.csv", "--state", "drift.bin", "--run-length")
    assert code == 0
    assert "once in 100,000 observations" in printed
    code, _, error = drift("rule.json", "fair.csv", "--state", "drift.bin")
    assert code == 2
    assert "--run-length must be the same" in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.json", "fair.csv"), ["can't read nothing.json: No such file"]),
        (("fair.csv", "fair.csv"), ["expected the JSON document of a rule"]),
        (("rule.json", "nothing.csv"), ["nothing.csv"]),
        (("rule.json", "fair.csv", "--state", "fair.csv"), ["fair.csv", "expected bytes that hold sums"]),
        (("precision.json", "fair.csv", "--state", "known.bin"), ["that of another one"]),
        (("rule.json", "fair.csv", "--state", "known.bin", "--alpha", "0.2"), ["begun with --alpha 0.01"]),
        (("precision.json", "fair.csv", "--late"), ["say which column it is"]),
        (("rule.json", "fair.csv", "--late"), ["received no label"]),
        (("rule.json", "fair.csv", "--json", "rule.json"), ["rule.json is read"]),
        (("rule.json", "broken.csv"), ["broken.csv, line 3: expected a number from 0 to 1"]),
        (("rule.json", "unknown.csv"), ["1 person of a group that nobody was of at calibration"]),
        (("rule.json", "missing.csv"), ["sex"]),
    ],
)
def test_faulty_input_ends_with_2_and_leaves_the_state(arguments, words, drift, folder) -> None:
    (folder / "broken.csv").write_text("score,sex\n0.5,Male\n1.5,Male\n", encoding="utf-8")
    (folder / "unknown.csv").write_text("score,sex\n0.5,Male\n0.5,Diverse\n", encoding="utf-8")
    (folder / "missing.csv").write_text("score,sex\n0.5,Male\n0.5,\n", encoding="utf-8")
    assert drift("rule.json", "fair.csv", "--state", "known.bin")[0] == 0
    before = (folder / "known.bin").read_bytes()
    code, printed, error = drift(*arguments)
    assert (code, printed) == (2, "")
    assert all(word in error for word in words), error
    assert (folder / "known.bin").read_bytes() == before


def test_the_column_of_scores_must_be_named(drift) -> None:
    code, _, error = drift("rule.json", "fair.csv", prediction=None)
    assert code == 2
    assert "--prediction COLUMN" in error
