"""Markdown and model cards: complete, escaped, and with nothing that the audit does not know."""

from __future__ import annotations

import re

import pytest

from keras_fair import __version__
from keras_fair.audit.result import Audit
from keras_fair.reports.markdown import code, plain
from tests.reports import made

AUDITS = [
    Audit((), samples=0),
    made.one(),
    made.mixed(),
    made.nasty(),
    made.many(),
    made.many(statements=500),
]


def tables(text: str) -> list[list[str]]:
    """The lines of each table."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def cells(line: str) -> list[str]:
    """The cells of a line of a table; an escaped bar separates nothing."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@pytest.mark.parametrize("audit", AUDITS, ids=len)
@pytest.mark.parametrize("card", [False, True])
def test_tables_have_lines_of_one_length(audit: Audit, card: bool) -> None:
    text = audit.to_markdown(card=card)
    for table in tables(text):
        assert {len(cells(line)) for line in table} == {len(cells(table[0]))}
        assert set("".join(cells(table[1]))) <= {":", "-"}
    assert text == audit.to_markdown(card=card)


def test_a_line_of_the_gaps() -> None:
    text = made.mixed().to_markdown()
    assert (
        r"| `E[y \| sex=Female] == E[y \| sex=Male] +- 0.02` | -0.1834 | -0.1964 to -0.1704 | ±0.02 | 0.1634 "
        "| 1,803 | violated |"
    ) in text
    assert "| `floor[g=Hispanic or Latino]` | - | - | ≥ 0.3 | - | 0 | unestimable |" in text
    assert "**The constraints do not hold.** Of 7 relations, 2 are violated, 2 undecided" in text
    assert f"- keras\\_fair: {__version__}" in text


def test_the_many_are_cut_short_and_that_is_said() -> None:
    text = made.many().to_markdown()
    assert "The first 50 of 500 are shown." in text
    assert text.index("violated |") < text.index("undecided |")


def test_nothing_in_names_is_taken_for_markdown_or_html() -> None:
    for card in (False, True):
        text = made.nasty().to_markdown(card=card)
        outside = re.sub(r"(`+)( ?).*?\2\1(?!`)", "", text)  # without what stands as code
        assert not re.search(r"(?<!\\)<", outside)
        assert "Größe 東京 עברית" in text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a", "`a`"),
        ("`a`", "`` `a` ``"),
        ("a``b", "``` a``b ```"),
        ("a|b", "`a|b`"),
        ("a\nb\x00", "`a b `"),
    ],
)
def test_code(text: str, written: str) -> None:
    assert code(text) == written


def test_escapes() -> None:
    assert code("a|b", cell=True) == r"`a\|b`"
    assert plain("*_[x](y)<b>|`#$&~") == r"\*\_\[x\](y)\<b\>\|\`\#\$\&\~"


def test_a_card_has_the_sections_of_model_cards() -> None:
    text = made.mixed().to_markdown(card=True)
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [
        "Factors",
        "Metrics",
        "Evaluation Data",
        "Quantitative Analyses",
        "Ethical Considerations",
        "Caveats and Recommendations",
    ]
    assert re.findall("^### (.*)$", text, re.MULTILINE) == ["Unitary results", "Intersectional results"]
    for words in (
        "- sex: 2 groups (Female; Male)",
        "- Decision thresholds: `y >= 0.5`.",
        "4,000 samples with predictions were audited.",
        "| race = Black, sex = Female | 76 |",
        "The gap is -0.1834 (interval -0.1964 to -0.1704), allowed is ±0.02.",
        "Groups with fewer than 10 samples",
    ):
        assert words in text


def test_a_card_invents_nothing() -> None:
    text = made.one().to_markdown(card=True)
    assert "The constraints name no groups." in text
    assert "none; the constraints are on scores" in text
    assert "intervals of gaps: none; confidence: none" in text
    assert "No intervals were asked for" in text
    assert "No constraint is shown to be violated on the audited samples." in text
    assert "violated on the audited samples:" not in text
    empty = Audit((), samples=0).to_markdown(card=True)
    assert "shown to be violated" not in empty
    assert "There was nothing to audit." in empty
