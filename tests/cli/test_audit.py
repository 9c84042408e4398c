"""`keras-fair audit` as someone with a file of their own meets it: verdicts, reports, faults, exit codes."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

import keras_fair as kf
from keras_fair.cli import main

EQUAL = "E[y | sex=Female] == E[y | sex=Male] +- 0.2"
UNDECIDED = "Undecided: the interval reaches past the bound."
STRICT = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"


def people(size: int, gap: float = 0.0) -> dict[str, list]:
    rng = np.random.default_rng(3)
    sex = ["Female", "Male"] * (size // 2)
    score = np.round(np.clip(rng.beta(2, 2, size) + gap * (np.arange(size) % 2), 0, 1), 6)
    return {
        "name": [f"person {i}" for i in range(size)],
        "sex": sex,
        "race": [("a", "b", "c d")[i % 3] for i in range(size)],
        "age": rng.integers(18, 80, size).tolist(),
        "score": score.tolist(),
        "label": (rng.random(size) < score).astype(int).tolist(),
        "weight": rng.integers(1, 4, size).tolist(),
    }


def write(path: Path, columns: dict[str, list]) -> str:
    rows = [columns, *zip(*columns.values(), strict=True)]
    lines = [",".join("" if each is None else str(each) for each in row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def fair(tmp_path: Path) -> str:
    return write(tmp_path / "fair.csv", people(4000))


@pytest.fixture
def audit(capsys):
    """Runs the command; gives the exit code, the standard output and the standard error."""

    def run(path: str, *options: str, prediction: str | None = "score") -> tuple[int, str, str]:
        named = [] if prediction is None else ["--prediction", prediction]
        try:
            code = main(["audit", path, *named, *options])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return run


def report(audit, path: str, *options: str, code: int = 0) -> dict:
    found, printed, error = audit(path, *options, "--json", "-")
    assert found == code, error
    return json.loads(printed)


def test_satisfied_ends_with_0(audit, fair) -> None:
    code, printed, error = audit(fair, "-c", EQUAL)
    assert (code, error) == (0, "")
    assert "passed: 1 satisfied" in printed
    assert "audit of 4000 samples" in printed


def test_an_equality_without_a_tolerance_asks_for_one_not_for_samples(audit, tmp_path) -> None:
    path = write(tmp_path / "small.csv", people(400))
    exact = "E[y | sex=Female] == E[y | sex=Male]"
    code, printed, _ = audit(path, "-c", exact, "--markdown", str(tmp_path / "a.md"))
    assert code == 1
    assert "no sample is large enough" in printed
    assert printed.endswith(
        "not passed: 1 undecided; an equality needs a tolerance to be confirmed, such as +- 0.02; "
        "--allow undecided lets them pass\n"
    )
    markdown = (tmp_path / "a.md").read_text(encoding="utf-8")
    assert "no number of samples confirms an equality without a tolerance" in markdown
    assert "too few people" not in printed + markdown
    _, printed, _ = audit(path, "-c", exact, "-c", STRICT)
    assert "2 undecided; an equality needs a tolerance" in printed
    assert UNDECIDED in " ".join(printed.split())
    assert ", such as +- 0.02; --allow undecided lets them pass\n" in printed


def test_violated_ends_with_1_whatever_is_allowed(audit, tmp_path) -> None:
    path = write(tmp_path / "unfair.csv", people(2000, gap=0.3))
    for allowed in ([], ["--allow", "undecided", "--allow", "unestimable"]):
        code, printed, _ = audit(path, "-c", EQUAL, *allowed)
        assert code == 1
        assert "not passed: 1 violated" in printed


def test_undecided_ends_with_1_unless_allowed(audit, tmp_path) -> None:
    path = write(tmp_path / "few.csv", people(40))
    code, printed, _ = audit(path, "-c", STRICT)
    assert code == 1
    assert "not passed: 1 undecided; --allow undecided" in printed
    assert " ".join(printed.split()).count(f"{UNDECIDED} More people narrow it; a gap") == 1
    code, printed, _ = audit(path, "-c", STRICT, "--allow", "undecided")
    assert code == 0
    assert "passed: 1 undecided" in printed


@pytest.mark.parametrize(
    "text",
    [
        "P[y >= 0.5 | sex=Female, age > 200] <= 0.5",
        "spread(E[y | only=*]) <= 0.1",
        "for a, b in only: E[y | only=a] == E[y | only=b] +- 0.1",
    ],
)
def test_what_cannot_be_measured_ends_with_1_unless_allowed(text, audit, tmp_path) -> None:
    path = write(tmp_path / "people.csv", {**people(40), "only": ["one"] * 40})
    code, printed, _ = audit(path, "-c", text)
    assert code == 1
    assert "not passed: 1 unestimable" in printed
    assert audit(path, "-c", text, "--allow", "undecided")[0] == 1
    assert audit(path, "-c", text, "--allow", "unestimable")[0] == 0


def test_a_group_of_one_is_measured_and_decides_nothing(audit, tmp_path) -> None:
    columns = people(2000)
    columns["race"][17] = "alone"
    path = write(tmp_path / "people.csv", columns)
    found = report(audit, path, "-c", "E[y | race=alone] == E[y | race=a] +- 0.05", code=1)
    (relation,) = found["relations"]
    assert relation["verdict"] in ("undecided", "unestimable")
    assert [each["size"] for each in relation["statistics"]] == [1, 667]


CONSTRAINTS = """
equal: E[y | sex=Female] == E[y | sex=Male] +- 0.2
rates: P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.2
ratio: P[y >= 0.5 | sex=Female] >= 0.5 * P[y >= 0.5 | sex=Male]
spread(E[y | race=*, sex=*]) <= 0.2
for c in label: E[y | race='c d', label=c] <= 0.9
cov(y, age) == 0 +- 5
predictive: E[label | y >= 0.5, sex=Female] >= 0.3
"""
COLUMNS = ["-c", CONSTRAINTS, "--label", "label", "--weight", "weight"]


@pytest.fixture
def whole(audit, fair) -> dict:
    return report(audit, fair, *COLUMNS)


def test_the_numbers_are_those_of_the_library(whole, fair) -> None:
    columns = people(4000)
    attributes = {name: columns[name] for name in ("sex", "race", "age")}
    found = kf.audit(CONSTRAINTS, columns["score"], attributes, columns["label"], columns["weight"])
    for theirs, ours in zip(whole["relations"], found, strict=True):
        assert (theirs["name"], theirs["verdict"]) == (ours.name, ours.verdict.value)
        assert theirs["gap"] == pytest.approx(ours.gap, abs=1e-12)
        values = [(each["text"], each["size"]) for each in theirs["statistics"]]
        assert values == [(each.text, each.size) for each in ours.statistics]


def assert_same(first: dict, second: dict) -> None:
    """Reports that differ by rounding only."""

    def numbers(node, path: str = ""):
        if isinstance(node, dict):
            for key, value in node.items():
                yield from numbers(value, f"{path}.{key}")
        elif isinstance(node, list):
            for place, value in enumerate(node):
                yield from numbers(value, f"{path}.{place}")
        else:
            yield path, node

    ours, theirs = dict(numbers(first)), dict(numbers(second))
    assert ours.keys() == theirs.keys()
    for path, value in ours.items():
        if isinstance(value, float):
            assert theirs[path] == pytest.approx(value, rel=1e-9, abs=1e-12), path
        else:
            assert theirs[path] == value, path


@pytest.mark.parametrize("size", [1, 7, 1999, 2000, 3999, 4000, 10**9])
def test_the_size_of_chunks_changes_nothing(size, audit, whole, tmp_path) -> None:
    if size == 1:
        path = write(tmp_path / "few.csv", people(60))
        options = [*COLUMNS, "--allow", "undecided"]
        first = report(audit, path, *options)
        assert_same(first, report(audit, path, *options, "--chunk-size", "1"))
        return
    path = write(tmp_path / "people.csv", people(4000))
    assert_same(whole, report(audit, path, *COLUMNS, "--chunk-size", str(size)))


def test_every_form_of_the_file_says_the_same(audit, whole, fair, tmp_path, monkeypatch) -> None:
    content = Path(fair).read_bytes()
    zipped = tmp_path / "people.csv.gz"
    zipped.write_bytes(gzip.compress(content))
    assert_same(whole, report(audit, str(zipped), *COLUMNS))
    excel = tmp_path / "excel.csv"
    excel.write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n").replace(b",", b"; "))
    assert_same(whole, report(audit, str(excel), *COLUMNS, "--separator", ";"))
    assert_same(whole, report(audit, str(excel), *COLUMNS, "--delimiter", "semicolon"))
    tabs = tmp_path / "people.tsv"
    tabs.write_bytes(content.replace(b",", b"\t"))
    assert_same(whole, report(audit, str(tabs), *COLUMNS))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert_same(whole, report(audit, "-", *COLUMNS))


@pytest.mark.parametrize("group", [1000, 1500, 4000])
def test_parquet_says_the_same(group, audit, whole, tmp_path) -> None:
    path = tmp_path / "people.parquet"
    parquet.write_table(pyarrow.table(people(4000)), path, row_group_size=group)
    assert_same(whole, report(audit, str(path), *COLUMNS, "--chunk-size", "1300"))


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_parquet_is_compared_in_its_own_precision(kind, audit, tmp_path) -> None:
    numbers = pyarrow.array(np.array([0.7, 0.7, 0.1, 0.9], kind))
    parquet.write_table(pyarrow.table({"score": numbers, "a": numbers}), tmp_path / "people.parquet")
    texts = ("P[y >= 0.7] >= 0", "P[a = 0.7] >= 0", "P[a >= 0.7] >= 0", "P[a in {0.7, 0.1}] >= 0")
    options = [word for text in texts for word in ("-c", text)]
    found = report(audit, str(tmp_path / "people.parquet"), *options, "--confidence", "none")
    assert [relation["gap"] for relation in found["relations"]] == [0.75, 0.5, 0.75, 0.75]


@pytest.mark.parametrize("column", ["score", "weight", "age", "label"])
def test_parquet_with_huge_numbers_is_refused(column, audit, tmp_path) -> None:
    table = {"score": [0.5] * 9, "weight": [1.0] * 9, "age": [30.0] * 9, "label": [0.0] * 9}
    table[column][6] = 1e308
    parquet.write_table(pyarrow.table(table), tmp_path / "huge.parquet")
    text = "cov(y - label, age) <= 1"
    options = ("-c", text, "--weight", "weight", "--label", "label")
    code, printed, error = audit(str(tmp_path / "huge.parquet"), *options)
    assert (code, printed) == (2, "")
    assert f"row 7: expected a number from -1e+30 to 1e+30 in column '{column}', found 1e+308" in error


def test_small_groups_are_named(audit, tmp_path) -> None:
    columns = people(40)
    path = write(tmp_path / "few.csv", {**columns, "each": [f"g{place}" for place in range(40)]})
    _, printed, _ = audit(path, "-c", "for g in each: E[y | each=g] == E[y] +- 0.1")
    notes = [line for line in printed.splitlines() if line.startswith("undecided: ")]
    assert len(notes) == 20
    assert notes[0].startswith("undecided: E[y | each=g0] == E[y] +- 0.1: ")
    assert "each=g0" in notes[0].partition("+- 0.1: ")[2]
    assert "... and 20 more; --json FILE has all" in printed


def test_constraints_come_from_files_too(audit, fair, tmp_path) -> None:
    first, second = tmp_path / "first.fair", tmp_path / "second.fair"
    first.write_text(f"# one\n{EQUAL}\n", encoding="utf-8")
    second.write_bytes(b"\xef\xbb\xbfE[y] <= 0.9\r\nE[y] >= 0.1\r\n")
    options = ["-c", f"@{first}", "-c", "E[y] <= 0.8", "--constraints", str(second)]
    found = report(audit, fair, *options)
    assert [relation["text"] for relation in found["relations"]] == [
        EQUAL,
        "E[y] <= 0.8",
        "E[y] <= 0.9",
        "E[y] >= 0.1",
    ]
    second.write_text("\nE[y] <= 0.9\nE[y ==\n", encoding="utf-8")
    code, _, error = audit(fair, *options)
    assert code == 2
    assert f"{second}, line 3: expected" in error


def test_labels_may_be_true_and_false(audit, whole, tmp_path) -> None:
    columns = people(4000)
    columns["label"] = [bool(each) for each in columns["label"]]
    assert_same(whole, report(audit, write(tmp_path / "people.csv", columns), *COLUMNS))
    parquet.write_table(pyarrow.table(columns), tmp_path / "people.parquet")
    assert_same(whole, report(audit, str(tmp_path / "people.parquet"), *COLUMNS))


@pytest.mark.parametrize("codes", [("01", "1"), ("1e2", "100"), ("+1", "1"), ("1.0", "1")])
def test_codes_that_are_one_number_stay_two_groups(codes, audit, tmp_path) -> None:
    table = {"zip": codes * 50, "score": [0.9, 0.1] * 50}
    path = write(tmp_path / "zip.csv", table)
    spread = "spread(E[y | zip=*]) <= 0.1"
    found = report(audit, path, "-c", spread, "--confidence", "none", code=1)
    (relation,) = found["relations"]
    assert relation["gap"] == pytest.approx(0.8)
    assert [each["size"] for each in relation["statistics"]] == [50, 50]
    assert audit(path, "-c", f"E[y | zip='{codes[0]}'] <= 0.9", "--confidence", "none")[0] == 0
    assert audit(path, "-c", "cov(y, zip) <= 100", "-c", "E[y | zip < 200] <= 1")[0] == 0


def test_probabilities_as_labels_are_numbers_however_small(audit, tmp_path) -> None:
    table = {"score": [0.2, 0.4, 0.9] * 40, "label": [1e-05, 0.25, 1.0] * 40}
    path = write(tmp_path / "soft.csv", table)
    text = "E[y | label=1] <= 0.9"
    found = report(audit, path, "-c", text, "--label", "label", "--confidence", "none")
    shares = np.array(table["label"])
    assert found["relations"][0]["gap"] == pytest.approx(shares @ table["score"] / shares.sum())


def test_the_largest_numbers_are_measured(audit, tmp_path) -> None:
    rows = range(60)
    table = {
        "sex": ["a", "b"] * 30,
        "score": [1e30 * (1 - i % 3 / 8) for i in rows],
        "age": [1e30 * (i % 3 - 1) for i in rows],
        "label": [1e30 * (i % 2) for i in rows],
        "weight": [1e30 * (1 - i % 2 / 2) for i in rows],
    }
    path = write(tmp_path / "large.csv", table)
    texts = (
        "E[y | sex=a] <= 1",
        "cov(y * label, age) <= 1",
        "E[y * age] / E[y * label] <= 9",
        "E[y | age < 1] <= 1",
    )
    options = [word for text in texts for word in ("-c", text)]
    found = report(audit, path, *options, "--label", "label", "--weight", "weight", code=1)
    for relation in found["relations"]:
        assert np.isfinite(relation["gap"])
        assert np.isfinite([relation["interval"]["low"], relation["interval"]["high"]]).all()


def test_several_outputs_have_the_names_of_their_columns(audit, tmp_path) -> None:
    columns = people(400)
    columns["other"] = [1 - score for score in columns["score"]]
    path = write(tmp_path / "people.csv", columns)
    text = "0.4 <= E[y[score]] <= 0.6; E[y[score] + y[other]] == 1 +- 0.05"
    options = ["--prediction", "other", "-c", text]
    found = report(audit, path, *options)
    assert found["relations"][1]["gap"] == pytest.approx(1.0)
    assert "y[" in audit(path, "--prediction", "other", "-c", "E[y] <= 1")[2]


def test_without_confidence_gaps_are_judged_as_they_stand(audit, tmp_path) -> None:
    path = write(tmp_path / "few.csv", people(40))
    gap = report(audit, path, "-c", EQUAL, "--allow", "undecided")["relations"][0]["gap"]
    for tolerance, code in ((abs(gap) + 1e-3, 0), (abs(gap) - 1e-3, 1)):
        text = f"E[y | sex=Female] == E[y | sex=Male] +- {tolerance}"
        found = report(audit, path, "-c", text, "--confidence", "none", code=code)
        assert found["relations"][0]["verdict"] == ("violated" if code else "satisfied")
        assert found["relations"][0]["interval"] is None


def test_missing_values_mean_what_is_said(audit, tmp_path) -> None:
    columns = people(3000)
    columns["sex"] = [None if place % 10 == 9 else sex for place, sex in enumerate(columns["sex"])]
    path = write(tmp_path / "people.csv", columns)
    code, _, error = audit(path, "-c", EQUAL)
    assert code == 2
    assert f"{path}, line 11: no value in column 'sex'" in error
    assert "--missing exclude" in error
    found = report(audit, path, "-c", EQUAL, "--missing", "exclude")
    assert found["missing"]["sex"] == 300
    assert [each["size"] for each in found["relations"][0]["statistics"]] == [1500, 1200]
    found = report(audit, path, "-c", "E[y | sex=missing] <= 0.9", "--missing", "group")
    assert found["relations"][0]["statistics"][0]["size"] == 300


@pytest.mark.parametrize("values", [("1", "2", "NA"), ("a", "b", "NA")])
def test_who_lacks_a_value_is_in_the_group_of_the_missing_or_in_none(values, audit, tmp_path) -> None:
    path = write(tmp_path / "few.csv", {"r": values * 40, "score": [0.1, 0.2, 0.3] * 40})
    spread = ("-c", "spread(E[y | r=*]) <= 0.3", "--na", "NA", "--confidence", "none", "--markdown", "-")
    _, markdown, table = audit(path, *spread, "--missing", "group")
    assert "r = missing | 40" in markdown
    assert "left out" not in markdown
    assert "no group" not in table
    _, markdown, table = audit(path, *spread, "--missing", "exclude")
    assert "r = missing" not in markdown
    assert "In no group: 40 without a value of r." in table
    assert "where these values are needed: 40 samples with no value of r" in markdown


def test_reports_are_written_whole(audit, fair, tmp_path) -> None:
    files = {name: tmp_path / f"audit.{name}" for name in ("html", "markdown", "json")}
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    files["json"].write_text("old", encoding="utf-8")
    files["json"].chmod(0o640)
    before = set(tmp_path.iterdir())
    code, printed, _ = audit(fair, "-c", f"equal: {EQUAL}", *options)
    assert code == 0
    assert files["html"].read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    assert "equal" in files["markdown"].read_text(encoding="utf-8")
    assert json.loads(files["json"].read_text(encoding="utf-8"))["relations"][0]["name"] == "equal"
    assert set(tmp_path.iterdir()) - before == {files["html"], files["markdown"]}
    assert files["json"].stat().st_mode & 0o777 == 0o640
    assert f"html: {files['html']}" in printed


def test_a_failed_audit_leaves_files_as_they_were(audit, fair, tmp_path) -> None:
    old = tmp_path / "audit.json"
    old.write_text("old", encoding="utf-8")
    before = set(tmp_path.iterdir())
    options = ["--json", str(old), "--html", str(tmp_path / "audit.html")]
    assert audit(fair, "-c", "E[y | sex=Femal] <= 1", *options)[0] == 2
    assert set(tmp_path.iterdir()) == before
    assert old.read_text(encoding="utf-8") == "old"


def test_a_link_stays_a_link_and_a_device_a_device(audit, fair, tmp_path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    assert audit(fair, "-c", EQUAL, "--json", str(link), "--html", os.devnull)[0] == 0
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8").startswith("{")
    assert not Path(os.devnull).is_file()


def test_with_a_report_on_the_standard_output_the_table_goes_elsewhere(audit, fair) -> None:
    code, printed, error = audit(fair, "-c", EQUAL, "--markdown", "-", "--card")
    assert code == 0
    assert "passed: 1 satisfied" in error
    assert "passed: 1" not in printed
    assert printed.startswith("#")


@pytest.mark.parametrize("form", ["csv", "parquet", "categories"])
def test_texts_that_differ_only_in_case_or_spaces_are_joined_when_asked(form, audit, tmp_path) -> None:
    sex = ["female", " FEMALE", "Female ", "male", "New  York"] * 40
    columns = {"sex": sex, "score": [0.5] * 200}
    if form == "csv":
        path = write(tmp_path / "odd.csv", columns)
    else:
        path = str(tmp_path / "odd.parquet")
        table = pyarrow.table(columns)
        if form == "categories":
            table = table.set_column(0, "sex", table.column("sex").dictionary_encode())
        parquet.write_table(table, path, row_group_size=3)
    rules = ("-c", "E[y | sex=Female] <= 0.6", "-c", "for g in sex: E[y | sex=g] <= 0.6")
    plain = json.loads(audit(path, *rules[2:], "--json", "-", "--chunk-size", "7")[1])
    alike = next(note for note in plain["notes"] if note.startswith("Values of sex that look alike"))
    for text in sex[:3]:
        assert repr(text.strip() if form == "csv" else text) in alike
    code, printed, _ = audit(path, *rules, "--normalize", "--json", "-", "--chunk-size", "7")
    found = json.loads(printed)
    assert code == 0
    sizes = {each["text"]: each["statistics"][0]["size"] for each in found["relations"]}
    assert sizes == {
        "E[y | sex=Female] <= 0.6": 120,
        "E[y | sex=male] <= 0.6": 40,
        "E[y | sex='New York'] <= 0.6": 40,
    }
    (note,) = found["notes"]
    assert note.startswith("Texts of sex were joined: 'female', '")
    assert "' as 'Female'; 'New  York' as 'New York'." in note
    assert "as 'Female'" in " ".join(audit(path, *rules, "--normalize")[1].split())


def test_what_stands_for_no_value_does_so_with_spaces_too_when_asked(audit, tmp_path) -> None:
    path = str(tmp_path / "blank.parquet")
    parquet.write_table(pyarrow.table({"sex": ["a", " ", " NA "] * 20, "score": [0.5] * 60}), path)
    rule = ("-c", "spread(E[y | sex=*]) <= 1; E[y] <= 1", "--na", "NA", "--missing", "exclude")
    assert report(audit, path, *rule)["missing"] == {"sex": 0}
    assert report(audit, path, *rule, "--normalize", code=1)["missing"] == {"sex": 40}


def test_confidence_and_simultaneous_reach_the_audit(audit, fair) -> None:
    text = ["-c", "for g in race: E[y | race=g] == E[y] +- 0.2"]
    plain = report(audit, fair, *text)
    wide = report(audit, fair, *text, "--confidence", "99%")
    joint = report(audit, fair, *text, "--simultaneous", "--seed", "3")
    assert (plain["confidence"], wide["confidence"], joint["seed"]) == (0.95, 0.99, 3)
    width = [each["relations"][0]["interval"] for each in (plain, wide, joint)]
    lengths = [each["high"] - each["low"] for each in width]
    assert lengths[1] > lengths[0]
    assert lengths[2] > lengths[0]
    assert joint["simultaneous"] is True


@pytest.mark.parametrize("order", ["file first", "rule first"])
def test_a_rule_without_its_option_is_answered_with_the_line_that_works(order, fair, capsys) -> None:
    words = [fair, EQUAL] if order == "file first" else [EQUAL, fair]
    with pytest.raises(SystemExit) as end:
        main(["audit", *words])
    assert end.value.code == 2
    assert f"keras-fair audit {fair} -c '{EQUAL}'" in capsys.readouterr().err


def test_confidence_none_is_taken_in_any_case(audit, fair) -> None:
    code, _, error = audit(fair, "-c", EQUAL, "--confidence", "None")
    assert (code, error) == (0, "")
    with pytest.raises(SystemExit):
        main(["audit", fair, "-c", EQUAL, "--confidence", "never"])


def test_whole_distributions_and_losses_are_audited(audit, fair, tmp_path) -> None:
    columns = people(4000)
    columns["loss"] = [(y - label) ** 2 for y, label in zip(columns["score"], columns["label"], strict=True)]
    texts = ["independence(sex, race) <= 0.5", "separation(sex) <= 0.5", "mutual_information(race) <= 0.5"]
    texts += ["corr(y, age) == 0 +- 0.5", "max(E[loss | race=*]) <= 0.9 with weight 2"]
    options = [part for text in texts for part in ("-c", text)]
    report = tmp_path / "found.json"
    code, printed, _ = audit(
        write(tmp_path / "lost.csv", columns), *options, "--label", "label", "--json", str(report)
    )
    assert code == 0, printed
    found = {each["text"]: each["gap"] for each in json.loads(report.read_text())["relations"]}
    taken = {name: np.array(columns[name]) for name in ("sex", "race", "age", "loss")}
    y, label = np.array(columns["score"]), np.array(columns["label"])
    expected = kf.audit("; ".join(texts), y, taken, label)
    assert found == pytest.approx({relation.text: relation.gap for relation in expected})


def test_codes_are_groups_of_a_distribution(audit, tmp_path) -> None:
    """What the groups are of is read as it is written, as with a star."""
    columns = people(400)
    columns["zip"] = ["01", "1"] * 200
    code, printed, _ = audit(write(tmp_path / "zip.csv", columns), "-c", "independence(zip) <= 0.9")
    assert code == 0, printed
