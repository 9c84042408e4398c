"""The command line: what it prints, its exit codes, and how it answers faulty input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_fair import datasets
from keras_fair.cli import main
from keras_fair.cli.catalogue import CATALOGUE, REGRESSIONS
from keras_fair.cli.start import _NOTE
from keras_fair.errors import MODES
from keras_fair.language import parse_statements

TABLE = """sex,race,score,label,age
Female,a,0.2,0,20
Male,a,0.7,1,30
Female,b,0.4,1,40
Male,b,0.6,0,
,b,0.6,0,55
"""


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "people.csv"
    path.write_text(TABLE, encoding="utf-8")
    return str(path)


def output(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What a command prints on standard output; on standard error where the exit code is not 0."""
    try:
        found = main(arguments)
    except SystemExit as end:
        found = int(end.code or 0)
    captured = capsys.readouterr()
    assert found == code, captured.err
    return captured.out if code == 0 else captured.err


def test_explain_prints_rows_and_needs(capsys) -> None:
    printed = output(capsys, "explain", "E[ y|sex==Female ] == E[y | sex=Male] +- 2%")
    assert "needs attributes: sex; label: no" in printed
    assert "\nE[y | sex=Female] == E[y | sex=Male] +- 0.02\n" in printed
    assert "    -0.02 <= E[y | sex=Female] - E[y | sex=Male] <= 0.02\n" in printed
    assert f"can be used by: {', '.join(MODES)}\n" in printed
    assert "  The mean prediction among those with sex = Female and the mean prediction" in printed


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("spread(E[y | race=*]) <= 0.05", "0 <= E[y | race=race_1] - t1 <= 0.05"),
        ("disparate_impact(sex) >= 80%", "0 <= t1 - 0.8 * E[y | sex=sex_2]"),
        ("E[label - y | sex=F] == 0 +- 0.01", "-0.01 <= E[label | sex=F] - E[y | sex=F] <= 0.01"),
        ("E[y | sex=F] <= P[label=1 | sex=F] + 0.1", "E[y | sex=F] - P[label=1 | sex=F] - 0.1 <= 0"),
        ("cov(y, age) == 0 +- 0.5", "-0.5 <= E[age * y] - E[age] * E[y] <= 0.5"),
        ("E[y] >= E[label] / E[age] * E[y | sex=F]", "0 <= E[y] - E[label] / E[age] * E[y | sex=F]"),
        (
            "for a, b, c in g: E[y | g=a] + E[y | g=b] <= E[y | g=c]",
            "E[y | g=g_1] + E[y | g=g_2] - E[y | g=g_3] <= 0",
        ),
        ("for c in label: E[y | label=c] <= 0.9", "E[y | label=1] <= 0.9"),
        ("E[y[1] + 2 * y[2]] <= 1", "E[y[1] + 2 * y[2]] <= 1"),
        ("E[y] == 0.3", "E[y] == 0.3"),
    ],
)
def test_explain_writes_rows_as_formulas(text, row, capsys) -> None:
    assert f"    {row}\n" in output(capsys, "explain", text)


def test_explain_says_what_only_an_audit_takes(capsys) -> None:
    printed = output(capsys, "explain", "P[y >= 0.5 | sex=F] <= 0.2", "E[label | sex=F] <= 0.5")
    assert printed.count("can be used by: audit only") == 2
    assert "not affine in y" in printed


def test_explain_measures_a_table(table, capsys) -> None:
    text = "gap: spread(E[y | race=*]) <= 0.05; E[label | y > 0.5, sex=Male] >= 0.1"
    printed = output(capsys, "explain", text, "--data", table, "--prediction", "score")
    assert "people.csv: 5 samples" in printed
    assert [line.split() for line in printed.splitlines() if "race=b]" in line and "0.53" in line] != []
    assert "undecided" in printed
    assert "1 without a value of sex" in printed
    assert "0 <= E[y | race=a] - t1 <= 0.05" in printed


def test_explain_without_predictions_still_counts(table, capsys) -> None:
    text = "E[y | sex=Female] <= P[label=1 | sex=Male]; E[label | y > 0.5] >= 0.1"
    printed = output(capsys, "explain", text, "--data", table)
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines()]
    assert ["E[y | sex=Female]", "2", "-"] in cells
    assert ["P[label=1 | sex=Male]", "2", "0.5"] in cells
    assert ["E[label | y > 0.5]", "-", "-"] in cells
    assert "--prediction COLUMN" in printed


def test_explain_prints_the_tree_as_json(capsys) -> None:
    document = json.loads(output(capsys, "explain", "E[y] <= 0.2", "--json"))
    assert document["format"] == "keras_fair.constraints"


def test_the_sample_is_audited_as_it_is(capsys) -> None:
    path = output(capsys, "datasets", "--sample").strip()
    assert path == str(datasets.sample_path())
    rule = "parity: E[y | sex=Female] == E[y | sex=Male] +- 0.05"
    printed = output(
        capsys, "audit", path, "--prediction", "score", "--label", "label", "-c", rule, "--json", "-", code=1
    )
    assert "not passed: 1 violated" in printed


def test_datasets_lists_all(capsys) -> None:
    printed = output(capsys, "datasets")
    entries = json.loads(output(capsys, "datasets", "--json"))
    assert [entry["name"] for entry in entries] == [name for name in datasets.names() if name in CATALOGUE]
    assert set(datasets.names()) - set(CATALOGUE) == set(REGRESSIONS)
    assert all(name in printed for name in CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_says_what_the_loaders_return(name, request) -> None:
    entry = CATALOGUE[name]
    train, test = datasets.load(name, None if name == "lending" else request.getfixturevalue("data_folder"))
    assert train.size + test.size == entry.people
    found = {}
    for attribute, column in train.attributes.items():
        found[attribute] = tuple(sorted(set(column.tolist()))) if column.dtype.kind in "US" else ()
    assert found == entry.attributes
    assert parse_statements(entry.constraint)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--dataset", "communities"], ["is a regression", "compares classifiers"]),
        (["run", "--dataset", "lendin"], ["no data set named 'lendin'", "did you mean 'lending'?"]),
        (
            ["run", "--constraint", "E[y | ] <= 0.2"],
            ["expected a condition after '|'", "  E[y | ] <= 0.2\n        ^"],
        ),
        (["run", "--constraint", "E[y | sx=Female] <= 0.2"], ["did you mean 'sex'?", "        ^"]),
        (
            ["run", "--constraint", "E[y | sex=Femal] <= 0.2"],
            ["has no value 'Femal'", "'Female'", "            ^"],
        ),
        (["run", "--constraint", "P[y >= 0.5] <= 0.2"], ["not affine in y", "    ^"]),
        (["run", "--constraint", "@no-such-file"], ["can't read the constraints", "no-such-file"]),
        (
            ["run", "--constraint", "a: E[y] <= 1", "--constraint", "a: E[y] >= 0"],
            ["two constraints are named 'a'"],
        ),
        (["run", "--dataset", "adult", "--data", "no-such-folder"], ["adult.data", "no-such-folder"]),
        (["run", "--data", "anything"], ["lending", "generated"]),
        (["run", "--epochs", "0"], ["whole number >= 1", "'0'"]),
        (["run", "--batch-size", "2.5"], ["whole number >= 1", "'2.5'"]),
        (["run", "--seed", "-1"], ["whole number >= 0"]),
        (["run", "--divergence", "l2"], ["euclidean"]),
        (["explain", "E[y] < 0.2"], ["expected '<='", "^"]),
        (["explain", "E[y]", "--data", "x.csv"], ["^"]),
        (["explain", "E[y] <= 1", "--data", "x.csv"], ["can't read x.csv", "No such file"]),
        (["explain", "E[y] <= 1", "--prediction", "score"], ["--data"]),
        (["walk"], ["invalid choice"]),
        ([], ["COMMAND"]),
    ],
)
def test_faulty_input_ends_with_2_and_says_why(arguments, words, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed = output(capsys, *arguments, code=2)
    for each in words:
        assert each in printed
    assert "Traceback" not in printed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (TABLE, ["E[y | sex=Femle] <= 1"], ["did you mean 'Female'", "^"]),
        (TABLE, ["E[y | sx=Female] <= 1"], ["did you mean 'sex'?", "^"]),
        (TABLE, ["E[y] <= 1", "--prediction", "scor"], ["did you mean 'score'?"]),
        (TABLE, ["E[y] <= 1", "--prediction", "sex"], ["line 2: expected a number", "found 'Female'"]),
        (TABLE, ["E[y] <= 1", "--prediction", "age"], ["line 5: expected a finite number", "found no value"]),
        ("", ["E[y] <= 1"], ["a header and at least one line"]),
        ("a,b\n", ["E[y] <= 1"], ["a header and at least one line"]),
        ("a,a\n1,2\n", ["E[y] <= 1"], ["'a' twice"]),
        ("a,b\n1,2\n1\n", ["E[y] <= 1"], ["line 3", "expected 2 fields", "found 1"]),
    ],
)
def test_faulty_tables(content, options, words, capsys, tmp_path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(content, encoding="utf-8")
    printed = output(capsys, "explain", *options, "--data", str(path), code=2)
    for each in words:
        assert each in printed


def test_a_module_run_writes_no_notes_of_the_backend(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    done = subprocess.run(
        [sys.executable, "-m", "keras_fair", "explain", "E[y | sx=] <= 1"],
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[1])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("keras-fair explain: error: ")


@pytest.mark.parametrize(
    ("line", "note"),
    [
        (b"I0000 00:00:1795205458.637861   13759 port.cc:153] oneDNN custom operations are on.", True),
        (b"E0000 00:00:1795205456.207546   13717 cuda_platform.cc:52] failed call to cuInit: INTERNAL", True),
        (b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR", True),
        (b"E0000 00:00:1795205456.207546   13717 files.cc:52] can't open the file", False),
        (b"Traceback (most recent call last):", False),
        (b"ImportError: libtensorflow.so: cannot open shared object file", False),
    ],
)
def test_only_known_notes_are_dropped(line: bytes, note: bool) -> None:
    assert bool(_NOTE.match(line)) is note
