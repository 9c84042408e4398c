"""How a fault is shown: message, line, caret."""

from __future__ import annotations

import pickle

import pytest

from keras_fair.errors import (
    ConstraintError,
    ConstraintSyntaxError,
    ConstraintTypeError,
    near_names,
    quoted,
)
from keras_fair.language import parse_statements
from keras_fair.language.nodes import Span


def shown(text: str, start: int, message: str = "wrong") -> list[str]:
    return str(ConstraintError(message, text=text, span=Span(start, start + 1))).split("\n")


def test_the_form_of_the_design() -> None:
    with pytest.raises(ConstraintSyntaxError) as caught:
        parse_statements("E[y | ] == E[y | sex=Male] +- 0.02")
    assert str(caught.value) == (
        "expected a condition after '|', found ']'\n  E[y | ] == E[y | sex=Male] +- 0.02\n        ^"
    )


def test_only_the_line_of_the_fault_is_shown() -> None:
    text = "E[y] <= 1\r\nE[y] >= 0\rfor g in race: E[y] <= 1\n# end"
    with pytest.raises(ConstraintTypeError) as caught:
        parse_statements(text)
    assert str(caught.value).split("\n")[1:] == ["  for g in race: E[y] <= 1", "      ^"]


def test_a_fault_inside_brackets_over_several_lines() -> None:
    with pytest.raises(ConstraintSyntaxError) as caught:
        parse_statements("E[y |\n  sex=,\n  age > 3] <= 1")
    assert str(caught.value).split("\n")[1:] == ["    sex=,", "        ^"]


def test_the_caret_one_past_the_end() -> None:
    assert shown("abc", 3) == ["wrong", "  abc", "     ^"]
    assert shown("abc\ndef", 3) == ["wrong", "  abc", "     ^"]
    assert shown("", 0) == ["wrong", "  ", "  ^"]
    assert shown("abc", 99) == ["wrong", "  abc", "     ^"]


@pytest.mark.parametrize("start", [0, 1, 49, 50, 51, 500, 949, 950, 951, 999, 1000])
def test_long_lines_are_cut_around_the_caret(start: int) -> None:
    text = "".join(chr(ord("a") + index % 26) for index in range(1000))
    _, line, caret = shown(text, start)
    assert len(line) <= 2 + 100 + 6
    assert line[len(caret) - 1 :][:1] == text[start : start + 1]
    assert line.startswith("  ...") == (start > 50)
    assert line.endswith("...") == (start < 950)


def test_the_caret_stands_under_wide_and_strange_characters() -> None:
    assert shown("身長x", 2)[2] == "      ^"  # two columns each
    assert shown("e\u0301x", 2)[2] == "   ^"  # an accent takes none
    assert shown("\tx\0y", 3)[1:] == ["   x\ufffdy", "     ^"]


def test_without_a_place_only_the_message_is_shown() -> None:
    assert str(ConstraintError("wrong")) == "wrong"
    assert str(ConstraintError("wrong", text="E[y]")) == "wrong"


def test_one_tree_under_value_error_that_can_be_pickled() -> None:
    assert issubclass(ConstraintSyntaxError, ConstraintError)
    assert issubclass(ConstraintTypeError, ConstraintError)
    assert issubclass(ConstraintError, ValueError)
    error = ConstraintTypeError("wrong", text="E[y]", span=Span(1, 2))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is ConstraintTypeError
    assert str(again) == str(error)
    assert again.span == error.span


def test_near_names() -> None:
    assert near_names("sx", ["sex", "race"]) == "; did you mean 'sex'?"
    assert near_names("SEX", ["sex", "race"]) == "; did you mean 'sex'?"
    assert near_names("rac", ["race", "races", "sex"]) == "; did you mean 'race' or 'races'?"
    assert near_names("income", ["sex", "race"]) == "; known: 'race', 'sex'"
    assert near_names("income", []) == ""
    assert near_names(7, [30, 4]) == "; known: '30', '4'"
    many = near_names("zzz", [f"column {index}" for index in range(100)])
    assert many.endswith("and 92 more")
    assert near_names("z" * 10**6, ["sex"]) == "; known: 'sex'"


def test_quoted_names_stay_on_one_line() -> None:
    assert quoted("a\nb") == "'a\ufffdb'"
    assert len(quoted("x" * 1000)) < 70
