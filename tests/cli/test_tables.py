"""Reading tables: types, missing values, chunks, and the line of every fault."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import tempfile
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from keras_fair.cli import csv_file as csv_file_module
from keras_fair.cli import csv_source, table_source
from keras_fair.cli.column_use import ColumnUse
from keras_fair.cli.input_fault import InputFault
from keras_fair.cli.open_table import open_table
from keras_fair.cli.plain_numbers import first_odd, is_plain
from keras_fair.cli.table_source import ColumnChunks, Columns, Texts

PEOPLE = "sex,score,age\nFemale,0.2,20\nMale,0.7,\n,0.4,40\n"


def joined(chunks: list[ColumnChunks]) -> dict[str, list]:
    """Chunks as lists, texts spelt out, nan as None."""
    found: dict[str, list] = {}
    for chunk in chunks:
        for name, column in chunk.items():
            entries = np.asarray(column).tolist()
            found.setdefault(name, []).extend(None if entry != entry else entry for entry in entries)
    return found


def texts_of(columns: Columns) -> set[str]:
    """The names of the columns that hold text."""
    return {name for name, column in next(columns.chunks(1)).items() if isinstance(column, Texts)}


def uses_for(names: Iterable[str], numbers: Iterable[str] = ()) -> dict[str, ColumnUse]:
    """Columns that hold numbers, and others whose values are listed."""
    return {name: ColumnUse(listed=name not in numbers, numbers=name in numbers) for name in names}


def read(
    path: Path | str, *names: str, size: int = 1000, numbers: tuple[str, ...] = (), **options
) -> dict[str, list]:
    with open_table(str(path), **options) as source:
        return joined(list(source.columns(uses_for(names or source.header, numbers)).chunks(size)))


def fault(path: Path | str, *names: str, **options) -> str:
    with pytest.raises(InputFault) as caught:
        read(path, *names, **options)
    return str(caught.value)


@pytest.fixture
def csv_file(tmp_path: Path):
    def write(content: str | bytes, name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return write


EXPECTED = {"sex": ["Female", "Male", None], "score": [0.2, 0.7, 0.4], "age": [20.0, None, 40.0]}


@pytest.mark.parametrize(
    "content",
    [
        PEOPLE,
        PEOPLE.replace("\n", "\r\n"),
        PEOPLE.replace("\n", "\r"),
        "\ufeff" + PEOPLE,
        PEOPLE.rstrip("\n"),
        "\n" + PEOPLE.replace("\n", "\n\n"),
        PEOPLE.replace("Female,0.2,20", "  Female , 0.2\t,\t20 "),
        PEOPLE.replace("Female,0.2,20", '"Female","0.2", "20"'),
        PEOPLE.replace("0.2", "2e-1").replace("20", "+20.0"),
        PEOPLE.replace(",\n", ",nan\n"),
    ],
    ids=["plain", "CRLF", "CR", "mark", "no last newline", "blank lines", "blanks", "quotes", "forms", "nan"],
)
def test_a_table_reads_the_same_in_any_dress(content, csv_file) -> None:
    assert read(csv_file(content), numbers=("score", "age")) == EXPECTED


def test_other_separators_encodings_and_gzip(csv_file) -> None:
    assert read(csv_file(PEOPLE.replace(",", "\t"), "people.tsv")) == EXPECTED
    assert read(csv_file(PEOPLE.replace(",", ";")), separator=";") == EXPECTED
    assert read(csv_file(gzip.compress(PEOPLE.encode()), "people.csv.gz")) == EXPECTED
    assert read(csv_file(gzip.compress(PEOPLE.encode()), "no-such-ending")) == EXPECTED
    assert read(csv_file(PEOPLE.encode("utf-16")), encoding="utf-16") == EXPECTED
    assert read(csv_file("name\nJosé\n".encode("cp1252")), encoding="cp1252") == {"name": ["José"]}


def test_only_columns_that_are_asked_for_are_read(csv_file) -> None:
    assert read(csv_file(PEOPLE), "age", "age") == {"age": [20.0, None, 40.0]}


def test_entries_that_stand_for_no_value(csv_file) -> None:
    path = csv_file("sex,score\nNA,-9\nMale,0.5\nunknown, NA \n")
    for numbers in ((), ("score",)):
        found = read(path, numbers=numbers, missing=["NA", "-9", "unknown"])
        assert found == {"sex": [None, "Male", None], "score": [None, 0.5, None]}
    assert read(path)["score"] == ["-9", "0.5", "NA"]


def test_a_column_has_one_type_whatever_comes_last(csv_file, monkeypatch) -> None:
    monkeypatch.setattr(csv_source, "_BLOCK", 64)
    path = csv_file("a,b,c,d\n007,1,x,\n8,2,7,\n9,3,8,\n10,4,9,\nlast,5,10,1\n")
    with open_table(str(path)) as source:
        found = source.columns(uses_for(source.header))
        assert texts_of(found) == {"a", "c"}
        assert joined(list(found.chunks(3))) == {
            "a": ["007", "8", "9", "10", "last"],
            "b": [1.0, 2.0, 3.0, 4.0, 5.0],
            "c": ["x", "7", "8", "9", "10"],
            "d": [None, None, None, None, 1.0],
        }


@pytest.mark.parametrize("entry", ["1_000", "0x10", "1,5", "1 000", "--1"])
def test_what_only_programmers_call_a_number_is_text(entry, csv_file) -> None:
    assert read(csv_file(f'a,b\n1,1\n"{entry}",1\n'))["a"] == ["1", entry]


@pytest.mark.parametrize("block", [64, 1 << 20])
@pytest.mark.parametrize(
    ("entries", "plain"),
    [
        (["1", "2", "-3"], True),
        (["1.0", "0.0", "", "2.5"], True),
        (["0.50", "0.75", "nan"], True),
        (["1", "0.5", "2.25"], True),
        (["9007199254740992", "0.1"], True),
        (["1e-05", "0.25", "1.0"], True),
        (["0.00001", "0.25"], True),
        (["1e-05", "0.00001"], False),
        (["0.00001", "0.1", "1e-05"], False),
        (["1e-5", "0.1"], False),
        (["0e0", "1"], False),
        (["1", "01"], False),
        (["01234", "12345"], False),
        (["100", "1e2"], False),
        (["1", "+1"], False),
        (["0", "-0"], False),
        (["1", "2", "1.0"], False),
        (["1.0", "2", "1"], False),
        (["0.5", "0.50"], False),
        (["1.0", "1.00"], False),
        (["9007199254740992", "9007199254740993"], False),
        (["0.1", "0.10000000000000001"], False),
        (["1", "inf"], False),
        (["1", ".5"], False),
    ],
)
def test_values_of_groups_are_never_merged(entries, plain, block, csv_file, monkeypatch) -> None:
    monkeypatch.setattr(csv_source, "_BLOCK", block)
    path = csv_file("code,n\n" + "".join(f"{entry},1\n" for entry in entries))
    with open_table(str(path)) as source:
        found = source.columns(uses_for(source.header))
        assert texts_of(found) == (set() if plain else {"code"})
        (column,) = (chunk["code"] for chunk in found.chunks(100))
        if plain:
            known = np.asarray(column)[~np.isnan(np.asarray(column))]
            assert len(set(known)) == len(set(entries) - {"", "nan"})
        else:
            assert np.asarray(column).tolist() == entries
            needed = {"code": ColumnUse(listed=True, numbers=True, asked=" here")}
            with pytest.raises(
                InputFault, match=r"line \d+: expected numbers that are plainly.* here$"
            ) as odd:
                source.columns(needed)
            line = int(str(odd.value).partition("line ")[2].partition(":")[0])
            assert f"found '{entries[line - 2]}'" in str(odd.value)
    assert read(path, "code", numbers=("code",))["code"] == [
        None if entry in ("", "nan") else float(entry) for entry in entries
    ]  # no groups: any number is one


@pytest.mark.parametrize(
    ("entries", "values"),
    [
        (["True", "false", "TRUE"], [1.0, 0.0, 1.0]),
        (["true", "", "NA"], [1.0, None, None]),
        (["yes", "no", "True"], ["yes", "no", "True"]),
        (["0", "1", "1"], [0.0, 1.0, 1.0]),
    ],
)
def test_true_and_false_are_numbers_in_a_label(entries, values, csv_file, tmp_path) -> None:
    path = csv_file("n,label\n" + "".join(f"1,{entry}\n" for entry in entries))
    texts = [entry or None for entry in entries]
    parquet.write_table(pyarrow.table({"label": texts}), tmp_path / "people.parquet")
    for listed in (True, False):
        use = {"label": ColumnUse(listed=listed, numbers=not listed, truth=True)}
        with open_table(str(path), missing=["NA"]) as source:
            if listed or "yes" not in entries:
                assert joined(list(source.columns(use).chunks(9)))["label"] == values
            else:
                with pytest.raises(
                    InputFault, match="line 2: expected a number in column 'label', found 'yes'"
                ):
                    source.columns(use)
        if "0" not in entries and (listed or "yes" not in entries):
            with open_table(str(tmp_path / "people.parquet"), missing=["NA"]) as source:
                assert joined(list(source.columns(use).chunks(9)))["label"] == values


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.from_regex(r"[-+]?[0-9]{1,3}(\.[0-9]{0,6})?(e[0-2]|e-0[4-7])?", fullmatch=True), max_size=6)
)
def test_plain_numbers_are_told_apart(texts) -> None:
    odd = first_odd(dict.fromkeys(texts))
    assert (odd is None) == (all(map(is_plain, texts)) and len(set(map(float, texts))) == len(set(texts)))


@pytest.mark.parametrize("numbers", [[0.5, 1.0, 2.25, 1e15], [1, 20, -3], [1 / 3, 1e-7, 3e22]])
def test_what_python_writes_is_plain(numbers) -> None:
    assert first_odd(map(str, numbers)) is None


@pytest.mark.parametrize("block", [32, 80, 1 << 20])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_chunks_of_any_size_hold_the_same(block, size, csv_file, monkeypatch) -> None:
    monkeypatch.setattr(csv_source, "_BLOCK", block)
    rows = [f"{'ab'[i % 2]}{i % 5},{i / 8},{'' if i % 3 else i}\n" for i in range(20)]
    path = csv_file("group,score,age\n" + "".join(rows))
    with open_table(str(path)) as source:
        found = source.columns(uses_for(source.header))
        chunks = list(found.chunks(size))
        sizes = [len(chunk["score"]) for chunk in chunks]
        assert sizes == [min(size, 20 - begin) for begin in range(0, 20, size)]
        assert joined(chunks) == joined(list(found.chunks(20)))
        assert joined(chunks)["score"] == [i / 8 for i in range(20)]
        assert found.size == 20
        assert [found.place(row) for row in (0, 19)] == [f"{path}, line 2", f"{path}, line 21"]


def test_records_may_be_longer_than_a_block(csv_file, monkeypatch) -> None:
    monkeypatch.setattr(csv_source, "_BLOCK", 32)
    path = csv_file("a,b\n" + f"{'x' * 1000},0.5\ny,1\n" * 20)
    assert read(path, numbers=("b",)) == {"a": ["x" * 1000, "y"] * 20, "b": [0.5, 1.0] * 20}


def test_the_standard_input_can_be_gone_through_twice(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(PEOPLE.encode())))
    with open_table("-") as source:
        found = source.columns(uses_for(source.header))
        assert joined(list(found.chunks(2))) == joined(list(found.chunks(1))) == EXPECTED
        assert found.place(1) == "the standard input, line 3"


def test_lines_are_counted_past_quoted_newlines_and_blank_lines(csv_file) -> None:
    path = csv_file('note,score\n\n"two\nlines",0.1\n\n"a\n\nb",0.2\nlast,?\n')
    with open_table(str(path)) as source:
        found = source.columns(uses_for(["note"]))
        assert [found.place(row).rpartition(" ")[2] for row in range(3)] == ["3", "6", "9"]
    assert "line 9: expected a number in column 'score', found '?'" in fault(path, numbers=("score",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["which is empty"]),
        ("\n \n", ["one line"]),
        ("sex,score", ["found the header only"]),
        ("sex,score\n\n\n", ["found the header only"]),
        ("a,b,a\n1,2,3\n", ["'a' twice"]),
        ("a,a,a\n1,2,3\n", ["'a' 3 times"]),
        ("a,b\n1,2\n1\n", ["line 3: expected 2 fields as in the header, found 1"]),
        ("a,b\n1,2\n\n1,2,3\n", ["line 4: expected 2 fields", "found 3"]),
        ('a,b\n1,"2\n3,4\n', ["is a quote not closed?"]),
        ('a,b\n1,"2"x\n3,4\n', ["line 2: "]),
        ("a;b\n1;2\n", ["found one column", "--separator ';'"]),
        ("a\tb\n1\t2\n", ["--separator tab"]),
        (b"name\nJos\xe9\n", ["line 2: expected UTF-8, found the byte 0xe9", "--encoding cp1252"]),
        (PEOPLE.encode("utf-16"), ["--encoding utf-16"]),
        (b"PK\x03\x04 and so on", ["Excel"]),
        (b"PAR1 and no more", ["can't read"]),
        (gzip.compress(PEOPLE.encode() * 99, mtime=0)[:40], ["can't read"]),
        (b"\x1f\x8b nonsense", ["can't read"]),
    ],
)
def test_faulty_files(content, words, csv_file) -> None:
    path = csv_file(content)
    found = fault(path)
    assert str(path) in found
    for each in words:
        assert each in found


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("high", ["found 'high'"]),
        ("NA", ["--na 'NA'"]),
        ('"0,5"', ["found '0,5'", "decimals are written with a point"]),
        ("50%", ["0.25, not as 25%"]),
    ],
)
def test_text_where_a_number_must_be(entry, words, csv_file, monkeypatch) -> None:
    monkeypatch.setattr(csv_source, "_BLOCK", 64)
    path = csv_file("a,score\n" + "x,0.5\n" * 27 + f"x,{entry}\n")
    found = fault(path, numbers=("score",))
    for each in (f"{path}, line 29: expected a number in column 'score'", *words):
        assert each in found


def test_what_is_no_file(tmp_path) -> None:
    assert "No such file" in fault(tmp_path / "none.csv")
    assert "is a folder" in fault(tmp_path)
    assert "no encoding 'latin-99'" in fault(tmp_path / "none.csv", encoding="latin-99")


ENTRIES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
NUMBERS = st.floats(allow_nan=False) | st.integers(-(2**53), 2**53) | st.none()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ENTRIES, NUMBERS), min_size=1, max_size=12), st.integers(1, 13))
def test_what_is_written_is_read(rows, size) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "number"])
            writer.writerows(("x" + text, number) for text, number in rows)
        found = read(path, size=size, numbers=("number",))
    assert found["text"] == [("x" + text).strip() for text, _ in rows]
    assert found["number"] == [None if number is None else float(number) for _, number in rows]


def expected_of(content: str) -> list[list[str]] | None:
    """What the `csv` module reads below a header of two columns; None where it refuses."""
    reader = csv.reader(io.StringIO(content, newline=""), skipinitialspace=True, strict=True)
    try:
        records = [record for record in reader if len(record) > 1 or "".join(record).strip()]
    except csv.Error:
        return None
    return records if all(len(record) == 2 for record in records) else None


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(['"', '"', '""', ",", ",", "\n", "\r\n", "\r", " ", "a", "é", "01"]), max_size=14
    )
)
def test_records_are_those_of_the_csv_module(pieces) -> None:
    content = "".join(["x,y\n", *pieces])
    expected = expected_of("".join(pieces))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        path.write_bytes(content.encode())
        if not expected:
            assert fault(path)
            return
        with open_table(str(path)) as source:
            found = source.columns(uses_for(["x", "y"]))
            entries = {name: np.asarray(column).tolist() for name, column in next(found.chunks(99)).items()}
            texts = texts_of(found)
            for row in range(found.size):
                assert found.place(row)
    for place, name in enumerate(("x", "y")):
        wanted = [record[place].strip() or None for record in expected]
        if name in texts:
            assert entries[name] == wanted
        else:
            assert set(wanted) == {None}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(['"', '"', '""', ",", "\n", " ", "a", "é"]), max_size=12).map("".join))
def test_quotes_are_judged_alike_whatever_is_read_at_once(content) -> None:
    def judged(size: int) -> bytes | None:
        lines = io.TextIOWrapper(io.BytesIO(content.encode()), "utf-8", newline="")
        stream = csv_file_module._RegularText(lines, ",")
        try:
            return b"".join(iter(lambda: stream.read(size), b""))
        except csv_file_module.IrregularQuotes:
            return None

    whole = judged(1000)
    assert whole in (None, content.encode())
    assert {judged(size) for size in (1, 2, 3, 5)} == {whole}


def test_numbers_may_have_more_texts_than_an_attribute(csv_file, monkeypatch) -> None:
    monkeypatch.setattr(table_source, "MOST_TEXTS", 3)
    path = csv_file("a,b,c\n" + "".join(f"{i},{i},{i:03}\n" for i in range(99)))
    assert read(path, "a", "b", numbers=("b",)) == {"a": list(range(99)), "b": list(range(99))}
    assert "column 'c' has more than 3 different texts" in fault(path, "a", "c")
    path.write_text("a\n" + "".join(f"{i}\n" for i in range(99)) + "x\n", encoding="utf-8")
    assert "column 'a' has more than 3 different texts" in fault(path)


def test_a_column_of_names_is_no_attribute(csv_file, monkeypatch) -> None:
    monkeypatch.setattr(table_source, "MOST_TEXTS", 3)
    assert "more than 3 different texts" in fault(csv_file("id\na\nb\nc\nd\n"))


def test_temporary_files_are_closed(csv_file) -> None:
    with open_table(str(csv_file(PEOPLE))) as source:
        found = source.columns(uses_for(source.header))
    with pytest.raises(ValueError, match="closed file"):
        list(found.chunks(2))


def test_require_names_what_is_near(csv_file) -> None:
    with open_table(str(csv_file(PEOPLE))) as source:
        assert source.require("score", "--prediction") == "score"
        with pytest.raises(InputFault, match=r"did you mean 'score'\?\n  its columns: sex, score, age"):
            source.require("scor", "--prediction")
        with pytest.raises(InputFault, match=r"has no column 'zzz'\n  its columns"):
            source.require("zzz", "--label")


def test_texts_read_as_a_column_of_words() -> None:
    from keras_fair.inputs.columns import Words, read_column

    found = read_column(Texts(("b", "a"), np.array([0, -1, 1], "int32")), "it")
    assert isinstance(found, Words)
    assert [("" if code < 0 else found.words[code]) for code in found.codes] == ["b", "", "a"]
    assert np.asarray(Texts(("b",), np.array([0, -1], "int32"))).tolist() == ["b", None]


TABLE = {
    "text": ["a", None, "b", "a"],
    "coded": pyarrow.array(["u", "v", None, "u"]).dictionary_encode(),
    "whole": pyarrow.array([1, None, 3, 4], pyarrow.int64()),
    "float": pyarrow.array([0.5, float("nan"), None, 1.5], pyarrow.float32()),
    "yes": [True, False, None, True],
    "decimal": pyarrow.array([1, 2, 3, None]).cast(pyarrow.decimal128(21, 2)),
    "empty": pyarrow.nulls(4),
}


@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize("size", [1, 3, 4])
def test_parquet_holds_what_csv_holds(size, group, tmp_path) -> None:
    table = pyarrow.table(TABLE)
    parquet.write_table(table, tmp_path / "people.parquet", row_group_size=group)
    table.to_pandas().to_csv(tmp_path / "people.csv", index=False)
    found = read(tmp_path / "people.parquet", size=size)
    assert found == read(tmp_path / "people.csv", size=size, numbers=("empty",))
    assert found == {
        "text": ["a", None, "b", "a"],
        "coded": ["u", "v", None, "u"],
        "whole": [1.0, None, 3.0, 4.0],
        "float": [0.5, None, None, 1.5],
        "yes": ["True", "False", None, "True"],
        "decimal": [1.0, 2.0, 3.0, None],
        "empty": [None, None, None, None],
    }


def test_faulty_parquet(tmp_path) -> None:
    path = tmp_path / "people.parquet"
    table = {"score": ["0.5"], "when": pyarrow.array([0], pyarrow.time32("s")), "list": [[1]]}
    parquet.write_table(pyarrow.table(table), path)
    assert "expected numbers in column 'score'" in fault(path, "score", numbers=("score",))
    assert "found time32[" in fault(path, "when")
    assert "column 'list'" in fault(path, "list")
    parquet.write_table(pyarrow.table({"score": pyarrow.array([], "float64")}), path)
    assert "at least one row" in fault(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "can't read" in fault(path)


@pytest.mark.parametrize(
    ("entries", "kind", "lost"),
    [
        ([1, 2**53, -(2**53), None], pyarrow.int64(), None),
        ([1, None, 2**53 + 1, 2**53], pyarrow.int64(), 2**53 + 1),
        ([0, 1, -(2**53) - 1], pyarrow.int64(), -(2**53) - 1),
        ([0, 1, 2**64 - 1], pyarrow.uint64(), 2**64 - 1),
        ([1, 2, None], pyarrow.decimal128(30, 2), None),
        ([1, None, 2**53 + 1], pyarrow.decimal128(30, 2), "9007199254740993.00"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_parquet_refuses_groups_that_float64_would_merge(entries, kind, lost, size, tmp_path) -> None:
    path = tmp_path / "people.parquet"
    column = pyarrow.array([None if entry is None else Decimal(entry) for entry in entries], kind)
    parquet.write_table(pyarrow.table({"code": column}), path)
    expected = [None if entry is None else float(entry) for entry in entries]
    assert read(path, "code", size=size, numbers=("code",)) == {"code": expected}
    if lost is None:
        assert read(path, "code", size=size) == {"code": expected}
        return
    found = fault(path, "code", size=size)
    for each in ("row 3: expected numbers that float64 can tell apart in column 'code'", f"found {lost};"):
        assert each in found


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_parquet_keeps_the_precision_of_numbers(kind, tmp_path) -> None:
    numbers = np.array([0.7, np.nan, 0.1], kind)
    table = pyarrow.table({"score": pyarrow.array([*numbers, None], getattr(pyarrow, kind)())})
    parquet.write_table(table, tmp_path / "people.parquet")
    for use in (ColumnUse(numbers=True), ColumnUse(listed=True)):
        with open_table(str(tmp_path / "people.parquet")) as source:
            (chunk,) = source.columns({"score": use}).chunks(9)
        assert chunk["score"].dtype == kind
        np.testing.assert_array_equal(chunk["score"], np.append(numbers, np.array(np.nan, kind)))


def test_many_columns_are_not_all_listed(csv_file) -> None:
    header = ",".join(f"column{i}" for i in range(table_source._LONGEST_HEADER + 5))
    with open_table(str(csv_file(header + "\n"))) as source:
        assert source.listed.endswith("column29 and 5 more")
