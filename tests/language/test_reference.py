"""The examples of the reference manual: those marked `fair` are taken, those marked `refused` are refused."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from keras_fair.errors import ConstraintError
from keras_fair.language import criteria, parse_statements, parser, to_text
from keras_fair.language.lexicon import RESERVED
from keras_fair.language.spacing import DEEPEST

MANUAL = resources.files("keras_fair.grammar").joinpath("reference.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", MANUAL, flags=re.DOTALL | re.MULTILINE)
FAIR = [block for kind, block in BLOCKS if kind == "fair"]
REFUSED = [line for kind, block in BLOCKS if kind == "refused" for line in block.splitlines()]


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {kind for kind, _ in BLOCKS} == {"fair", "refused"}
    assert len(FAIR) >= 15
    assert len(REFUSED) >= 60


@pytest.mark.parametrize("text", FAIR)
def test_what_the_manual_shows_is_taken(text: str) -> None:
    statements = parse_statements(text)
    assert parse_statements(to_text(statements)) == statements


@pytest.mark.parametrize("line", REFUSED)
def test_what_the_manual_refuses_is_refused_with_its_words(line: str) -> None:
    words = line.partition("#")[2].strip()
    assert words
    with pytest.raises(ConstraintError) as caught:
        parse_statements(line)
    assert words in caught.value.message


def test_every_rule_has_an_example() -> None:
    """Each section of the language, from its statistics to its criteria, shows what it takes."""
    for section in re.split(r"^##+ ", MANUAL, flags=re.MULTILINE)[2:]:
        title = section.splitlines()[0]
        grouping = title in ("Texts", "Statistics", "Groups")
        outside = title in ("Canonical text and JSON", "Limits", "What only data can tell")
        assert grouping or outside or "```fair" in section, title


def test_the_table_of_criteria_is_what_the_library_says() -> None:
    for name, definition in criteria().items():
        row = re.search(rf"^\| `{re.escape(definition.pattern)}` \| (.*) \|$", MANUAL, flags=re.MULTILINE)
        assert row is not None, name
        if name == "equalized_odds":
            continue
        example, meaning = definition.pattern, row[1].split("`")[1].replace("\\|", "|")
        bound = ("", "") if definition.bound else (" <= 0.5", " <= 0.5")
        example = example.replace("(A)", "(group)").replace(">= r", ">= 0.5") + bound[0]
        meaning = meaning.replace("A=*", "group=*").replace("r *", "0.5 *") + bound[1]
        assert parse_statements(example) == parse_statements(meaning)


def test_the_lists_and_limits_of_the_manual_are_those_of_the_code() -> None:
    reserved = re.search(r"\*\*Reserved\*\*: `([^`]*)`", MANUAL)
    assert reserved is not None
    assert set(reserved[1].split()) == RESERVED
    assert f"at most {parser.LONGEST:,} characters" in MANUAL
    assert f"at most {DEEPEST} levels" in MANUAL
