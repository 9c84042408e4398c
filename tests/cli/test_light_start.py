"""Commands that need no Keras do not wait for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

import keras_fair
from keras_fair.cli import main

TABLE = {
    "sex": ["Female", "Male"] * 40,
    "score": [0.4, 0.5, 0.6, 0.7, 0.45, 0.55, 0.65, 0.5] * 10,
    "label": [0, 0, 1, 1, 1, 0, 1, 1] * 10,
}
TEXT = "E[y | sex=Female, label=1] <= 0.9; P[y >= 0.5 | sex=*] <= 1"
CODE = """
import sys
from keras_fair.cli import main
code = main(sys.argv[1:])
slow = {"keras", "tensorflow", "tensorflow_probability", "jax", "torch", "cvxpy", "pandas"}
print("exit code", code, *sorted(slow & set(sys.modules)), file=sys.stderr)
"""
PARITY = "P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.3"
RULE = ("--prediction", "score", "--confidence", "none")
PREDICTIONS = ("--prediction", "score", "--label", "label")


@pytest.mark.parametrize(
    "words",
    [
        ("explain", TEXT),
        ("explain", "E[y | sex=Female] / E[y | sex=Male] >= 0.8"),
        ("explain", TEXT, "--json"),
        ("check", "-c", TEXT, "--mode", "audit"),
        ("check", "-c", "spread(E[y | sex=*]) <= 0.1", "--mode", "projection"),
        ("datasets",),
        ("explain", TEXT, "--data", "people.csv", *PREDICTIONS),
        ("check", "-c", TEXT, "--data", "people.csv", *PREDICTIONS),
        ("audit", "people.csv", "-c", TEXT, *PREDICTIONS, "--html", "audit.html"),
        ("fit-rule", "people.csv", "-c", PARITY, *RULE, "--out", "rule.json"),
        ("apply", "rule.json", "people.csv", *RULE[:2], "--out", "fair.csv"),
        ("audit", "people.parquet", "-c", TEXT, *PREDICTIONS, "--json", "audit.json"),
    ],
    ids=lambda words: " ".join(word for word in words if " " not in word),
)
def test_what_needs_no_keras_imports_none(words, tmp_path: Path) -> None:
    table = pyarrow.table(TABLE)
    rows = [",".join(TABLE), *(",".join(map(str, row)) for row in zip(*TABLE.values(), strict=True))]
    (tmp_path / "people.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    parquet.write_table(table, tmp_path / "people.parquet")
    if words[0] == "apply":
        people, rule = str(tmp_path / "people.csv"), str(tmp_path / "rule.json")
        assert main(["fit-rule", people, "-c", PARITY, *RULE, "--out", rule]) == 0
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(keras_fair.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stderr == "exit code 0\n", done.stdout
