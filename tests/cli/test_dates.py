"""Columns of dates in files: CSV texts, and texts, dates and times of Parquet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from keras_fair.cli import main, table_source

SCORES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
TIMES = np.array(
    ["2024-05-31T23:59:59", "2024-06-01", "2024-06-01T12:30", "2024-06-02", "2023-01-01", "2025-01-01"],
    "M8[s]",
)
TEXT = "late: E[y | when >= '2024-06-01 00:00Z'] <= 0; day: E[y | when = '2024-06-01'] <= 0"
ZONED = pa.array(TIMES).cast(pa.timestamp("us", "Asia/Tokyo"))


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    try:
        code = main(list(arguments))
    except SystemExit as end:
        code = int(end.code or 0)
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    return code, printed.out, printed.err


def csv_of(path: Path, entries: list[str]) -> str:
    lines = [f"{score},{entry}" for score, entry in zip(SCORES, entries, strict=True)]
    path.write_text("\n".join(["score,when", *lines]) + "\n", encoding="utf-8")
    return str(path)


def parquet_of(path: Path, column: pa.Array) -> str:
    parquet.write_table(pa.table({"score": SCORES, "when": column}), path)
    return str(path)


FILES = {
    "CSV": lambda folder: csv_of(folder / "p.csv", TIMES.astype(str).tolist()),
    "CSV with blanks and a zone": lambda folder: csv_of(folder / "p.csv", [f" {time}Z " for time in TIMES]),
    "Parquet timestamp": lambda folder: parquet_of(folder / "p.parquet", pa.array(TIMES)),
    "Parquet with a zone": lambda folder: parquet_of(folder / "p.parquet", ZONED),
    "Parquet dictionary": lambda folder: parquet_of(
        folder / "p.parquet", pa.array(TIMES).dictionary_encode()
    ),
    "Parquet text": lambda folder: parquet_of(folder / "p.parquet", pa.array(TIMES.astype(str).tolist())),
}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("most", [3, 100_000])
def test_who_is_in_a_group(
    file: str, most: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        table_source, "MOST_TEXTS", most
    )  # one for each period is kept, however many there are
    path = FILES[file](tmp_path)
    _, out, _ = run("audit", path, "--prediction", "score", "-c", TEXT, "--json", "-", capsys=capsys)
    relations = json.loads(out)["relations"]
    assert [relation["gap"] for relation in relations] == pytest.approx([(0.2 + 0.3 + 0.4 + 0.6) / 4, 0.2])
    code, out, _ = run("check", "--data", path, "-c", TEXT, capsys=capsys)
    assert code == 0
    assert "6 samples have what is needed" in out
    code, out, _ = run("explain", "--data", path, "-c", TEXT, capsys=capsys)
    assert code == 0
    assert "when on or after 2024-06-01 00:00Z" in out


def test_parquet_dates_are_values_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = parquet_of(tmp_path / "p.parquet", pa.array(TIMES.astype("M8[D]")))
    text = "E[y | when = '2024-06-01T00:00'] <= 1; spread(E[y | when=*]) <= 1"
    _, out, _ = run("audit", path, "--prediction", "score", "-c", text, "--json", "-", capsys=capsys)
    relations = json.loads(out)["relations"]
    assert [relation["gap"] for relation in relations] == pytest.approx([0.25, 0.5])


@pytest.mark.parametrize("odd", ["soon", "20240601", "2024-02-30", "01.06.2024"])
def test_what_is_no_date_is_told_with_its_line(
    odd: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [*TIMES.astype(str).tolist()[:5], odd]
    paths = {
        "p.csv, line 7": csv_of(tmp_path / "p.csv", entries),
        "p.parquet, row 6": parquet_of(tmp_path / "p.parquet", pa.array(entries)),
    }
    for place, path in paths.items():
        code, _, error = run("audit", path, "--prediction", "score", "-c", TEXT, capsys=capsys)
        assert code == 2
        for words in (
            place,
            "expected a date such as '2024-06-01'",
            f"'when', found '{odd}'",
            f"--na '{odd}'",
        ):
            assert words in error
        assert error.count("^") == 1
        given = ["--na", odd, "--missing", "exclude", "--json", "-"]
        _, out, _ = run("audit", path, "--prediction", "score", "-c", TEXT, *given, capsys=capsys)
        assert json.loads(out)["relations"][0]["gap"] == pytest.approx((0.2 + 0.3 + 0.4) / 3)


def test_numbers_in_parquet_are_no_dates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = parquet_of(tmp_path / "p.parquet", pa.array(range(6)))
    code, _, error = run("audit", path, "--prediction", "score", "-c", TEXT, capsys=capsys)
    assert code == 2
    assert "expected dates in column 'when' of" in error
    assert "found int64" in error
