"""The tables of the parser that are kept: they belong to the grammar, or the grammar is read instead."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import lark
import pytest

from keras_fair.language import parse_tables
from keras_fair.language.builder import Builder
from keras_fair.language.parse_tables import OPTIONS, kept_tables, loaded, parser_of, tables_of
from keras_fair.language.spacing import Spacing

FOLDER = resources.files("keras_fair.grammar")
GRAMMAR = FOLDER.joinpath("fairness.lark").read_text(encoding="utf-8")
TEXTS = [
    "spread(E[y | sex=*]) <= 0.02",
    "a: E[y | g=1] == E[y | g=0] +- 0.02; cov(y, age) <= 0.1\nfor r in race: E[y | race=r] >= 0.3",
    "demographic_parity(sex) <= 0.1 at y >= 0.5",
]


def parts() -> dict[str, Any]:
    return {"postlex": Spacing(), "transformer": Builder()}


def test_the_file_is_of_this_grammar() -> None:
    """`make tables` writes it anew; with the lark that wrote it, it is what is used."""
    kept = json.loads(FOLDER.joinpath("tables.json").read_text(encoding="utf-8"))
    assert kept["grammar"] == parse_tables._digest(GRAMMAR)
    if kept["lark"] == lark.__version__:
        assert loaded(kept_tables(GRAMMAR) or {}, **parts()).parse(TEXTS[0], start="statements")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    """Tables of the lark that is installed, whichever wrote those in the checkout."""
    file = tmp_path / "tables.json"
    file.write_text(tables_of(GRAMMAR, **parts()), encoding="utf-8")
    monkeypatch.setattr(parse_tables.resources, "files", lambda _: tmp_path)
    return file


@pytest.mark.parametrize("text", TEXTS)
def test_both_parsers_say_the_same(text: str, written: Any) -> None:
    made = lark.Lark(GRAMMAR, **OPTIONS, **parts())
    kept = loaded(kept_tables(GRAMMAR) or {}, **parts())
    assert kept.parse(text, start="statements") == made.parse(text, start="statements")


@pytest.mark.parametrize("text", ["E[y | sex=", "E[y] <= <= 1", "spread(E[y | sex=*) <= 0.1"])
def test_and_expect_the_same(text: str, written: Any) -> None:
    found = []
    for parser in (loaded(kept_tables(GRAMMAR) or {}, **parts()), lark.Lark(GRAMMAR, **OPTIONS, **parts())):
        with pytest.raises(lark.UnexpectedInput) as fault:
            parser.parse(text, start="statements")
        error: Any = fault.value
        found.append((error.pos_in_stream, str(error.token), set(error.accepts)))
    assert found[0] == found[1]


def test_tables_of_another_grammar_are_not_used(written: Any) -> None:
    assert kept_tables(GRAMMAR + "\n") is None


def test_nor_those_of_another_lark(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lark, "__version__", "0.0.1")
    assert kept_tables(GRAMMAR) is None


def test_without_a_file_the_grammar_is_read(written: Any) -> None:
    written.unlink()
    assert kept_tables(GRAMMAR) is None
    assert parser_of(GRAMMAR, **parts()).parse(TEXTS[0], start="statements")
