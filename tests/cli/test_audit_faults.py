"""`keras-fair audit` and faulty input: exit code 2, one message that names the place, nothing written."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from keras_fair.cli import main

TABLE = """sex,score,label,age,weight
Female,0.2,0,20,1
Male,0.7,1,30,2
Male,0.6,1,unknown,1
"""
EQUAL = '-c "E[y | sex=Female] == E[y | sex=Male] +- 0.2"'
AGE = "--na unknown --missing exclude"
LISTED = "its columns: sex, score, label, age, weight"


def fault(content: str, options: str, capsys: pytest.CaptureFixture[str], folder: Path) -> str:
    (folder / "people.csv").write_text(content, encoding="utf-8")
    try:
        code = main(["audit", "people.csv", *shlex.split(options)])
    except SystemExit as end:
        code = int(end.code or 0)
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert "error: " in captured.err
    assert "Traceback" not in captured.err
    assert [file.name for file in folder.iterdir()] == ["people.csv"]
    return captured.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (EQUAL, ["--prediction COLUMN", LISTED]),
        (f"{EQUAL} --prediction scor", ["no column 'scor'; did you mean 'score'?", LISTED]),
        (f"{EQUAL} --prediction sex", ["line 2: expected a number in column 'sex', found 'Female'"]),
        ("--prediction score", ["expected constraints", "-c"]),
        ("-c ''", ["expected a constraint"]),
        (f"{EQUAL} -c ' # none'", ["expected a constraint"]),
        ("-c 'E[y | sx=Male] <= 1'", ["did you mean 'sex'", "^", LISTED]),
        ("-c 'E[y | sex=Mal] <= 1'", ["did you mean 'Male'", "^"]),
        ("-c 'E[y | sex=Diverse] <= 1' --allow unestimable", ["'sex' has no value 'Diverse'", "^"]),
        ("-c 'E[y | sex=3] <= 1'", ["line 2: expected a number in column 'sex', found 'Female'\n", "^"]),
        ("-c \"E[y | weight='2'] <= 1\"", ["'2' is text; write 2, without quotes\n", "^"]),
        ("-c \"E[y | weight='two'] <= 1\"", ["'weight' holds numbers, and 'two' is text; known: '1', '2'\n"]),
        (f"{EQUAL} --domain 1 0", ["--domain", "expected LOW < HIGH, received 1 0"]),
        (f"{EQUAL} --domain 0 0", ["--domain", "expected LOW < HIGH, received 0 0"]),
        (f"{EQUAL} --domain 0 nan", ["--domain", "expected LOW < HIGH, received 0 nan"]),
        ("-c 'E[y | label=1] <= 1'", ["--label label"]),
        (
            "-c 'E[y | age < 30] <= 1'",
            [
                "line 4: expected a number in column 'age', found 'unknown' beside numbers",
                "--na 'unknown'",
                "^",
            ],
        ),
        ("-c 'E[y[1]] <= 1'", ["people.csv", "y[1]", "^"]),
        (f"{EQUAL} --weight wt", ["--weight", "'wt'", LISTED]),
        (f"{EQUAL} --label truth", ["--label", "'truth'", LISTED]),
        (f"{EQUAL} --separator ab", ["one character or tab, received 'ab'"]),
        (f"{EQUAL} --encoding none", ["no encoding 'none'"]),
        (f"{EQUAL} --confidence 1", ["number between 0 and 1, or none, received '1'"]),
        (f"{EQUAL} --confidence high", ["number between 0 and 1, or none, received 'high'"]),
        (f"{EQUAL} --chunk-size 0", ["whole number >= 1"]),
        (f"{EQUAL} --allow violated", ["invalid choice"]),
        (f"{EQUAL} --conf 0.9", ["unrecognized arguments"]),
        (f"{EQUAL} --card", ["--markdown"]),
        (f"{EQUAL} --html no-such-folder/a.html", ["no folder", "no-such-folder"]),
        (f"{EQUAL} --html .", ["is a folder"]),
        (f"{EQUAL} --json people.csv", ["people.csv is read"]),
        (f"{EQUAL} --json x --html ./x", ["two reports", "x"]),
        (f"{EQUAL} --json - --html -", ["two reports", "standard output"]),
        ("--constraints none.fair", ["can't read the constraints in 'none.fair'"]),
    ],
)
def test_faulty_options(options, words, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    if "--prediction" not in options and options != EQUAL:
        options += " --prediction score"
    found = fault(TABLE, options, capsys, tmp_path)
    for each in words:
        assert each in found


@pytest.mark.parametrize(
    ("old", "new", "options", "words"),
    [
        ("30,2", "30,-2", "--weight weight", ["line 3: expected a number >= 0 in column 'weight', found -2"]),
        ("30,2", "30,", "--weight weight", ["line 3: expected a finite number", "found no value"]),
        ("0.7", "70", "--domain 0 1", ["line 3: expected a number from 0 to 1", "found 70"]),
        ("0.7", "-7", "--domain -1 1", ["line 3: expected a number from -1 to 1", "found -7"]),
        ("0.7", "", "", ["line 3: expected a finite number in column 'score', found no value"]),
        ("0.7", "inf", "", ["line 3: expected a finite number", "found inf"]),
        ("0.7", "seven", "", ["line 3: expected a number in column 'score', found 'seven'"]),
        ("0.7,1", "0.7", "", ["line 3: expected 5 fields as in the header, found 4"]),
        ("Male,0.7", ",0.7", "", ["line 3: no value in column 'sex'", "--missing exclude"]),
        (
            "30,2",
            "+30,2",
            "-c 'E[y | age=30, age < 40] <= 1' --na unknown --missing exclude",
            ["people.csv, line 3: ", "plainly", "such as 30", "column 'age'", "found '+30'", "^"],
        ),
        (
            "1,30",
            "01,30",
            "--label label -c 'E[y | label=1] <= 1'",
            ["people.csv, line 3: ", "plainly", "such as 1", "column 'label'", "found '01'", "^"],
        ),
        (
            "0.7",
            "1e200",
            "",
            ["line 3: expected a number from -1e+30 to 1e+30 in column 'score', found 1e+200"],
        ),
        ("0.7", "-1e31", "", ["line 3: expected a number from -1e+30", "found -1e+31"]),
        ("30,2", "30,1e308", "--weight weight", ["line 3: expected a number from", "'weight', found 1e+308"]),
        ("1,30", "-1e99,30", "--label label -c 'E[label] <= 1'", ["line 3", "'label', found -1e+99"]),
        ("30,2", "1e31,2", f"{AGE} -c 'cov(y, age) <= 1'", ["line 3", "'age', found 1e+31"]),
        ("30,2", "-1e31,2", f"{AGE} -c 'E[y | age < 7] <= 1'", ["line 3", "'age', found -1e+31"]),
        (
            "30,2",
            "inf,2",
            f"{AGE} -c 'E[y | age < 7] <= 1'",
            ["line 3", "finite number in column 'age', found inf"],
        ),
        ("0.7", "0.71", "-c '1e200 * E[y | sex=Male] <= 1'", ["numbers that can be squared", "too large"]),
        ("label", "sex", "", ["'sex' twice"]),
        (TABLE, "", "", ["is empty"]),
        (TABLE, "sex,score\n", "", ["found the header only"]),
    ],
)
def test_faulty_tables(old, new, options, words, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = TABLE.replace(old, new)
    assert content != TABLE
    found = fault(content, f"{EQUAL} --prediction score {options}", capsys, tmp_path)
    assert "people.csv" in found
    for each in words:
        assert each in found


def test_the_label_is_not_guessed(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = "-c 'E[y | label=1] <= 1' --prediction score"
    found = fault(TABLE.replace("label", "truth"), options, capsys, tmp_path)
    assert "--label COLUMN" in found
    assert "its columns: sex, score, truth" in found
