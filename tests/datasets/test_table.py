"""Delimited text as columns."""

from __future__ import annotations

import numpy as np
import pytest

from keras_fair.datasets.table import categories, numbers, read_columns, recode


def as_lists(columns: dict[str, np.ndarray]) -> dict[str, list[str]]:
    return {name: column.tolist() for name, column in columns.items()}


@pytest.mark.parametrize(
    ("text", "options", "columns"),
    [
        ("a,b\r\n1,2\r\n3,4\r\n", {}, {"a": ["1", "3"], "b": ["2", "4"]}),
        ("1, x\n2, y\n\n", {"names": "a b"}, {"a": ["1", "2"], "b": ["x", "y"]}),
        ('"A.b";"c-d"\n"1";"x;y"\n', {"delimiter": ";"}, {"a_b": ["1"], "c_d": ["x;y"]}),
        ("a,b,a\n1,2,9\n", {}, {"a": ["1"], "b": ["2"]}),
        ('a,b\n"one\ntwo",\n', {}, {"a": ["one\ntwo"], "b": [""]}),
    ],
)
def test_columns(text: str, options: dict, columns: dict) -> None:
    assert as_lists(read_columns(text, **options)) == columns


def test_a_short_record_names_its_line() -> None:
    with pytest.raises(ValueError, match="expected 2 fields, found 1 in line 3"):
        read_columns("a,b\n1,2\n3\n")


def test_numbers_are_single_precision_with_nan_for_nothing() -> None:
    column = numbers(np.array(["-2", "", "1e3"]))
    assert column.dtype == np.float32
    np.testing.assert_array_equal(column, [-2, np.nan, 1000])


def test_categories_blank_the_missing_words() -> None:
    assert categories(np.array(["?", "yes", "unknown"]), missing=["?", "unknown"]).tolist() == ["", "yes", ""]


def test_a_code_without_meaning_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"expected one of the codes \['1', '2'\], found \['7'\]"):
        recode(np.array(["1", "7"]), {"1": "Male", "2": "Female"})
