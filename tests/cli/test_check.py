"""`keras-fair check`: yes, no, or faulty input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keras_fair.cli import main
from keras_fair.errors import MODES

AFFINE = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
RATE = "P[y >= 0.5 | sex=Female] >= 0.2"
TABLE = "sex,score,label\nFemale,0.2,0\nMale,0.7,1\nMale,0.6,1\n"


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "people.csv"
    path.write_text(TABLE, encoding="utf-8")
    return str(path)


@pytest.fixture
def check(capsys):
    def run(*options: str) -> tuple[int, str, str]:
        try:
            code = main(["check", *options])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_well_formed_is_yes(check) -> None:
    code, printed, error = check("-c", AFFINE, "-c", RATE)
    assert (code, error) == (0, "")
    assert f"yes  {AFFINE}\n     can be used by: {', '.join(MODES)}\n" in printed
    assert f"yes  {RATE}\n     can be used by: audit\n     not by the others: " in printed
    assert "needs attributes: sex; label: no" in printed


def test_a_mode_that_takes_not_all_is_no(check) -> None:
    assert check("-c", AFFINE, "--mode", "projection", "--mode", "audit")[0] == 0
    code, printed, _ = check("-c", AFFINE, "-c", RATE, "--mode", "projection")
    assert code == 1
    assert f"yes  {AFFINE}" in printed
    assert f"no   {RATE}" in printed
    assert check("-c", RATE, "--mode", "audit")[0] == 0


def test_what_is_odd_about_a_table_is_a_note_and_no_fault(check, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    rows = [f"{sex},{score}" for sex in ("Male", "male", "Female") for score in (20, 40)] * 60
    path.write_text("\n".join(["sex,score", *rows, "Fe  male,97.5"]) + "\n", encoding="utf-8")
    options = ("-c", "spread(E[y | sex=*]) <= 0.02", "--data", str(path), "--prediction", "score")
    code, printed, error = check(*options)
    assert (code, error) == (0, "")
    assert "note: Values of sex that look alike are different groups: 'Male' and 'male'. If" in printed
    assert "note: Predictions y reach 97.5, and bounds on their means are below 1 (0.02). If" in printed
    code, printed, _ = check(*options, "--normalize", "--json")
    notes = json.loads(printed)["notes"]
    assert (code, notes[0]) == (0, "Texts of sex were joined: 'male' as 'Male'; 'Fe  male' as 'Fe male'.")
    assert [note.split()[0] for note in notes] == ["Texts", "Predictions"]
    without_predictions = check(*options[:4])[1]
    assert "Values of sex" in without_predictions
    assert "Predictions" not in without_predictions
    assert "note" not in check(*options[:2])[1]


def test_values_are_printed_as_they_are(check) -> None:
    rule = "E[y | sex=':x:'] <= E[y | sex='[red]']"
    assert f"yes  {rule}\n" in check("-c", rule)[1]


def test_json_says_the_same(check) -> None:
    code, printed, _ = check("-c", f"{AFFINE}; {RATE}", "--mode", "monitoring", "--json")
    found = json.loads(printed)
    assert code == 1
    assert found["ok"] is False
    assert (found["attributes"], found["label"], found["samples"]) == (["sex"], False, None)
    assert [each["modes"] for each in found["constraints"]] == [list(MODES), ["audit"]]
    assert found["constraints"][0] == {"text": AFFINE, "modes": list(MODES), "refusal": None}
    assert "not affine in y" in found["constraints"][1]["refusal"]


def test_a_table_that_fits_is_yes(check, table) -> None:
    text = "E[y | sex=Female] == E[label | sex=Female] +- 0.02"
    code, printed, _ = check("-c", text, "--data", table, "--label", "label", "--prediction", "score")
    assert code == 0
    assert printed.endswith("people.csv: 3 samples have what is needed\n")
    assert json.loads(check("-c", AFFINE, "--data", table, "--json")[1])["samples"] == 3


@pytest.mark.parametrize(
    ("domain", "takers"),
    [
        (None, ["projection", "monitoring", "streaming", "audit"]),
        ("0 5", ["projection", "monitoring", "streaming", "audit"]),
        ("-1 1", ["audit"]),
    ],
)
def test_modes_take_a_ratio_where_predictions_are_never_negative(domain, takers, check, table) -> None:
    options = ["-c", "E[y | sex=Female] / E[y | sex=Male] >= 0.8", "--json"]
    for more in ([], ["--data", table, "--prediction", "score"]):
        given = [*options, *more] if domain is None else [*options, *more, "--domain", *domain.split()]
        code, printed, _ = check(*given, "--mode", "projection")
        assert code == int("projection" not in takers)
        (found,) = json.loads(printed)["constraints"]
        assert found["modes"] == takers
        assert bool(found["refusal"]) is (takers == ["audit"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-c", "E[y | sex=] <= 1"], ["expected a value after '='", "^"]),
        (["-c", "abs(E[y]) >= 0.1"], ["convex", "^"]),
        (["-c", "a: E[y] <= 1", "-c", "a: E[y] >= 0"], ["two constraints are named 'a'"]),
        (["-c", "E[y | sx=Male] <= 1", "--data"], ["did you mean 'sex'?", "its columns: sex, score, label"]),
        (["-c", "E[y | sex=Mal] <= 1", "--data"], ["did you mean", "'Male'", "^"]),
        (["-c", "P[y >= 0.5 | sex=Mal] <= 1", "--data"], ["did you mean", "'Male'", "^"]),
        (["-c", "E[y | label=1] <= 1", "--data"], ["--label label"]),
        (["-c", "E[y] <= 1", "--prediction", "sex", "--data"], ["line 2: expected a number", "'Female'"]),
        (
            ["-c", "E[y] <= 1", "--prediction", "score", "--domain", "0", "0.65", "--data"],
            ["line 3: expected a number from 0 to 0.65"],
        ),
        (["-c", "E[y] <= 1", "--prediction", "score"], ["--data, which is not given"]),
        (["-c", "E[y] <= 1", "--mode", "magic"], ["invalid choice"]),
        ([], ["expected constraints"]),
    ],
)
def test_faulty_input(options, words, check, table) -> None:
    given = [*options, table] if options[-1:] == ["--data"] else options
    code, printed, error = check(*given)
    assert (code, printed) == (2, "")
    for each in words:
        assert each in error
    if "invalid choice" not in words:
        code, printed, again = check(*given, "--json")
        assert code == 2
        assert json.loads(printed)["ok"] is False
        assert json.loads(printed)["fault"] in again == error


def test_doubts_about_a_text_need_no_data(capsys) -> None:
    assert main(["check", "-c", "spread(E[y | sex=*]) <= 5"]) == 0
    assert "for a gap of 5% write 0.05" in " ".join(capsys.readouterr().out.split())


def test_a_rule_without_its_option_is_answered(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["run", "E[y] <= 0.5"])
    assert end.value.code == 2
    assert main(["check", "E[y] <= 0.5"]) == 2
    assert capsys.readouterr().err.count("--constraint 'E[y] <= 0.5'") == 2


def test_files_are_checked_each_by_itself(capsys, tmp_path: Path) -> None:
    """As pre-commit hands them on: one name may stand in two of them."""
    good, other, bad = (str(tmp_path / name) for name in ("a.fair", "b.fair", "c.fair"))
    Path(good).write_text("parity: spread(E[y | sex=*]) <= 0.1\n")
    Path(other).write_text("parity: P[y >= 0.5 | sex=Female] >= 0.4\n")
    Path(bad).write_text("# first\nparity: E[y | sex=] <= 0.4\n")
    assert main(["check", good, other]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.count("can be used by") == 2
    assert "b.fair:" in printed
    assert main(["check", good, other, "--mode", "projection"]) == 1
    assert main(["check", good, bad]) == 2
    assert "c.fair, line 2" in " ".join(capsys.readouterr().err.split())
    assert main(["check", good, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert main(["check", good, other, "--json"]) == 2
    assert main(["check", good, "-c", "E[y] <= 0.5"]) == 2


@pytest.mark.parametrize("statistic", ["independence(sex)", "corr(y, age)", "separation(sex)"])
def test_what_only_an_audit_takes_is_said(capsys, statistic: str) -> None:
    text = f"{statistic} <= 0.1"
    assert main(["check", "-c", text]) == 0
    assert main(["check", "-c", text, "--mode", "projection"]) == 1
    assert main(["explain", text]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "not affine in y" in printed
    assert "kf.audit takes it, projection, monitoring and streaming do not" in printed
