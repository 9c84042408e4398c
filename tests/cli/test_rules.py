"""`keras-fair fit-rule` and `keras-fair apply`."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.cli import main
from tests.applicants import applicants

PARITY = "P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05"


def write(path: Path, n: int, seed: int = 1) -> str:
    people = applicants(n, seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "score", "sex", "district", "repaid"])
        columns = [people.scores, *people.attributes.values(), people.label.astype(int)]
        writer.writerows([f"p{i}", *(column[i] for column in columns)] for i in range(n))
    return str(path)


def test_a_rule_from_a_file_and_on_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, rule, out = write(tmp_path / "a.csv", 4000), str(tmp_path / "rule.json"), str(tmp_path / "out.csv")
    fit = ["fit-rule", data, "--prediction", "score", "--label", "repaid", "-c", PARITY, "--out", rule]
    assert main(fit) == 0
    assert "With probability 0.95" in capsys.readouterr().out
    people, new = applicants(4000, 1), applicants(300, 2)
    other = write(tmp_path / "b.csv", 300, 2)
    assert main(["apply", rule, other, "--prediction", "score", "--ids", "id", "--out", out]) == 0
    with open(out, newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "sex", "score", "fair_score", "accepted"]
    expected = kf.FrozenFairness(PARITY).fit(*people)
    given = expected(new.scores, new.attributes)
    np.testing.assert_allclose([float(row["fair_score"]) for row in rows], given)
    assert [int(row["accepted"]) for row in rows] == expected.decide(new.scores, new.attributes).tolist()
    assert rows[7]["id"] == "p7"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["-c", PARITY.replace("0.05", "0.001")], 1, "too few for a promise"),
        (["-c", "P[y >= 0.5 | sex=Female] >= 0.9; P[y >= 0.5] <= 0.1"], 1, "no rule"),
        (["-c", "E[y] <= 0.2; P[y >= 0.5] <= 0.1"], 2, "learn two rules"),
        (["-c", "spread(P[y >= 0.5 | race=*]) <= 0.1"], 2, "no column 'race'"),
        ([], 2, "expected constraints"),
        (["-c", PARITY, "--weight", "repaid"], 1, "weight_bound"),
    ],
)
def test_no_rule(
    words: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, rule = write(tmp_path / "a.csv", 500), tmp_path / "rule.json"
    fit = ["fit-rule", data, "--prediction", "score", "--label", "repaid", "--out", str(rule), *words]
    assert main(fit) == code
    assert message in capsys.readouterr().err
    assert not rule.exists()


def test_wrong_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = write(tmp_path / "a.csv", 50), str(tmp_path / "out.csv")
    assert main(["apply", str(tmp_path / "none.json"), data, "--prediction", "score", "--out", out]) == 2
    assert main(["apply", data, data, "--prediction", "score", "--out", out]) == 2
    assert "is read" not in capsys.readouterr().out
    assert not Path(out).exists()


def test_names_of_the_output_are_kept_free(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, rule = tmp_path / "a.csv", str(tmp_path / "rule.json")
    data.write_text("score,accepted\n" + "\n".join(f"{i / 100},{'ab'[i % 2]}" for i in range(100)))
    fit = ["fit-rule", str(data), "--prediction", "score", "-c", "spread(P[y >= 0.5 | accepted=*]) <= 0.2",
           "--confidence", "none", "--out", rule]  # fmt: skip
    assert main(fit) == 0
    out = str(tmp_path / "out.csv")
    assert main(["apply", rule, str(data), "--prediction", "score", "--out", out]) == 2
    assert "'accepted' is a column of the output too" in capsys.readouterr().err
