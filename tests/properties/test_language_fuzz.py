"""Whatever text comes, the language takes it or raises `ConstraintError`: no crash, no hang, nothing else."""

from __future__ import annotations

import contextlib

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from keras_fair.errors import ConstraintError
from keras_fair.language import from_json, parse_statements, to_json, to_text

FIXED = settings(derandomize=True, deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))

VALID = (
    "E[y | sex=Female] == E[y | sex=Male] +- 0.02",
    "approval: for a, b in sex and c in label: E[y | sex=a, label=c] <= E[y | sex=b, label=c] "
    "with confidence 95%",
    "E[y | race in {Black, 'north west'} and not (sex=Male or 25 <= age < 60)] >= 20%",
    "max(spread(E[y | race=*, `native country`=*]), abs(E[label - y]), 0.3) <= 0.05 # enough",
    "cov(2*y[1] - (1 - label) / 2, age | age != -3) in [-1e-3, .5]; "
    "P[y >= 0.5 | label=1] / P[y < 0.5] >= 0.8",
    "equalized_odds(race, sex) <= 0.05 at y >= 0.5\ndisparate_impact(race) >= 80%\nE[y] <= 1",
    "max(independence(sex, y=y[1] | age < 60), separation(`native country`, label=income)) <= 0.1 "
    "with weight 2",
    "equal_opportunity(sex, y=y[a], label=income) <= 5% at y >= 0.5 with confidence 95% with weight 0.5",
    "for g in race: corr(y, age | race=g) == 0 +- 0.1; mutual_information(sex) <= .01",
)

TOKENS = (
    *("y", "label", "E", "P", "cov", "abs", "max", "min", "spread", "for", "in", "and", "or", "not", "with"),
    *(
        "confidence",
        "weight",
        "corr",
        "independence",
        "separation",
        "equal_opportunity",
        "at",
        "sex",
        "race",
        "age",
        "Male",
        "a",
        "b",
        "0",
        "1",
        "0.5",
        "2%",
        "1e9",
        "'x y'",
        '"q"',
        "`c d`",
    ),
    *(
        "==",
        "=",
        "!=",
        "<=",
        ">=",
        "<",
        ">",
        "+-",
        "+",
        "-",
        "*",
        "/",
        "|",
        ",",
        "&",
        ":",
        ":=",
        ";",
        "\n",
        "#",
    ),
    *("(", ")", "[", "]", "{", "}", "demographic_parity", "y[", "E[", "P[", "E[y |", "\\", "'", "`", '"'),
)


def fault(text: str) -> ConstraintError | None:
    """What is wrong with a text; a text that is taken reads back, as text and as JSON."""
    try:
        statements = parse_statements(text)
    except ConstraintError as error:
        return error
    assert parse_statements(to_text(statements)) == statements
    assert from_json(to_json(statements)) == statements
    return None


def survives(text: str) -> None:
    error = fault(text)
    if error is not None:
        assert str(error)
        assert error.span is None or 0 <= error.span.start <= len(text)


@FIXED
@given(st.text(max_size=60))
@example("\0")
@example("\ud800")
@example("E[y | a='\ud800'] <= 1")
@example("\r\n\u2028\u2029\x85\x0b\x0c\x1c")
@example("E[y] <= ١")
@example("ſ: E[y] <= 1")
@example("E[y]\u200d <= 1")
def test_any_characters(text: str) -> None:
    survives(text)


@FIXED
@given(st.lists(st.sampled_from(TOKENS), max_size=25), st.sampled_from(["", " "]))
def test_any_tokens(tokens: list[str], between: str) -> None:
    survives(between.join(tokens))


@FIXED
@given(st.data())
def test_valid_texts_cut_and_spliced(data: st.DataObject) -> None:
    first, second = data.draw(st.sampled_from(VALID)), data.draw(st.sampled_from(VALID))
    cut, resume = data.draw(st.integers(0, len(first))), data.draw(st.integers(0, len(second)))
    insert = data.draw(st.sampled_from(["", *TOKENS]) | st.text(max_size=2))
    survives(first[:cut] + insert + second[resume:])


def test_every_prefix_and_every_suffix_of_valid_texts() -> None:
    for text in VALID:
        for cut in range(len(text) + 1):
            survives(text[:cut])
            survives(text[cut:])


def test_every_text_with_one_character_left_out_or_doubled() -> None:
    for text in VALID:
        for place in range(len(text)):
            survives(text[:place] + text[place + 1 :])
            survives(text[:place] + text[place] + text[place:])


@FIXED
@given(st.data())
def test_documents_cut_and_spliced(data: st.DataObject) -> None:
    document = to_json(parse_statements(data.draw(st.sampled_from(VALID))))
    start, stop = sorted((data.draw(st.integers(0, len(document))), data.draw(st.integers(0, len(document)))))
    insert = data.draw(st.sampled_from(["", "null", "[]", "{}", "1", '"x"', "-1", "true", "NaN", "1e999"]))
    with contextlib.suppress(ConstraintError):
        from_json(document[:start] + insert + document[stop:])
