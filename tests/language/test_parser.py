"""The parser as a whole: built once, safe in threads, bounded, linear, with spans that point at the text."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from keras_fair.errors import (
    ConstraintError,
    ConstraintSyntaxError,
    ConstraintTypeError,
)
from keras_fair.language import from_json, parse_statements, parser, to_json, to_text
from keras_fair.language.lexicon import RESERVED
from keras_fair.language.nodes import Attribute, Comparison, Literal, Mean, Node, Star
from keras_fair.language.spacing import DEEPEST
from keras_fair.language.tree import walk


def pieces(text: str, kind: type[Node]) -> list[str]:
    statements = parse_statements(text)
    return [
        text[node.span.start : node.span.end]
        for statement in statements
        for node in walk(statement)
        if isinstance(node, kind)
    ]


# Spans


def test_spans_point_at_the_text() -> None:
    text = "# who\nnear:  E[ y|sex = 'F' , (25<=age<60)]<=(0.1) ; E[label]  >= 2%"
    assert pieces(text, Mean) == ["E[ y|sex = 'F' , (25<=age<60)]", "E[label]"]
    assert pieces(text, Comparison) == ["sex = 'F'", "25<=age", "age<60"]
    assert pieces(text, Literal) == ["'F'", "25", "60"]
    assert pieces(text, Attribute) == ["sex", "age", "age"]
    first, second = parse_statements(text)
    assert text[first.span.start : first.span.end] == "near:  E[ y|sex = 'F' , (25<=age<60)]<=(0.1)"
    assert text[second.span.start : second.span.end] == "E[label]  >= 2%"


def test_spans_take_no_part_in_equality() -> None:
    assert parse_statements("E[y]<=1") == parse_statements("   E[ y ]   <=   1.0 # same")
    assert len({*parse_statements("E[y]<=1"), *parse_statements(" E[y]<=100%")}) == 1


def test_spans_of_criteria_point_at_the_text_of_the_user() -> None:
    text = "E[y] <= 1; demographic_parity(sex, `a b`) <= 2%"
    assert set(pieces(text, Star)) == {"sex", "`a b`"}
    assert pieces(text, Attribute) == ["sex", "`a b`"]
    assert pieces(text, Mean) == ["E[y]", "demographic_parity(sex, `a b`)"]


# Bounds

DEEP = [
    "(" * 10_000 + "E[y]" + ")" * 10_000 + " <= 1",
    "(" * 10_000,
    "E[" * 10_000 + "y" + "]" * 10_000 + " <= 1",
    "abs(" * 10_000 + "E[y]" + ")" * 10_000 + " <= 1",
    "E[y | " + "(" * 10_000 + "a=1" + ")" * 10_000 + "] <= 1",
    "E[" + "-" * 10_000 + "y] <= 1",
    "E[y | " + "not " * 10_000 + "a=1] <= 1",
    "+".join(["E[y]"] * 10_000) + " <= 1",
    "E[" + "*".join(["2"] * 10_000) + "*y] <= 1",
    "E[y" + "/2" * 10_000 + "] <= 1",
    "demographic_parity(" * 10_000,
    "{" * 10_000,
]


@pytest.mark.parametrize("text", DEEP, ids=range(len(DEEP)))
def test_ten_thousand_levels_are_an_error(text: str) -> None:
    with pytest.raises(ConstraintError, match=f"{DEEPEST} levels|expected"):
        parse_statements(text)


def test_the_deepest_trees_can_be_hashed_compared_printed_and_stored() -> None:
    for text in (
        "E[y | " + "not " * (DEEPEST - 6) + "a=1] <= 1",
        "+".join(["E[y]"] * (DEEPEST - 4)) + " <= 1",
        "(" * DEEPEST + "2" + ")" * DEEPEST + " <= E[y]",
    ):
        statements = parse_statements(text)
        assert hash(statements) == hash(parse_statements(to_text(statements)))
        assert from_json(to_json(statements)) == statements
        assert repr(statements)


def test_long_sets_and_conjunctions_are_no_deep_trees() -> None:
    size = 3_000
    for text in (
        "E[y | a in {" + ", ".join(map(str, range(size))) + "}] <= 1",
        "E[y | " + ", ".join(f"a{index}=1" for index in range(size)) + "] <= 1",
        "E[y | " + " or ".join(f"a={index}" for index in range(size)) + "] <= 1",
        "max(" + ", ".join(["E[y]"] * size) + ") <= 1",
        "\n".join(["E[y] <= 1"] * size),
    ):
        statements = parse_statements(text)
        assert to_text(statements) == text
        assert hash(statements)
        assert from_json(to_json(statements)) == statements


@pytest.mark.parametrize(
    "character", ["a", "(", "'", "9", " ", "\n", "\0", "#", ";", "-", "[", "\\", "é", "`"]
)
def test_a_megabyte_of_text_is_refused_at_once(character: str) -> None:
    with pytest.raises(ConstraintSyntaxError, match=f"at most {parser.LONGEST} characters"):
        parse_statements(character * 2**20)
    with pytest.raises(ConstraintError):
        parse_statements("E[y] <= " + character * (parser.LONGEST - 100) + "!")


@pytest.mark.parametrize("text", [None, 3, b"E[y] <= 1", ["E[y] <= 1"]])
def test_what_is_no_text(text: object) -> None:
    with pytest.raises(TypeError, match="expected constraints as a str, received text="):
        parse_statements(text)  # type: ignore[arg-type]


def calls(text: str) -> int:
    """How many functions are called to parse `text`: work that does not depend on the machine."""
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        parse_statements(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "repeated",
    [
        lambda n: "\n".join(f"rule{i}: E[y | sex=a{i}] <= 0.{i}" for i in range(1, n)),
        lambda n: "E[y | sex in {" + ", ".join(f"a{i}" for i in range(n)) + "}] <= 1",
        lambda n: "E[y | " + " and ".join(f"a{i} > 1" for i in range(n)) + "] <= 1",
        lambda n: "max(" + ", ".join(f"spread(E[y | a{i}=*])" for i in range(n)) + ") <= 1",
        lambda n: "; ".join(f"demographic_parity(a{i}) <= 1" for i in range(n)),
    ],
)
def test_work_grows_linearly(repeated) -> None:
    calls(repeated(10))  # builds the parser
    small, large = calls(repeated(100)), calls(repeated(400))
    assert large < 4.4 * small


# Building the parser


def test_the_parser_is_built_once_and_not_at_import() -> None:
    program = """
built = []
from keras_fair.language import parse_statements, parser
original = parser.parser_of
def counted(*args, **kwargs):
    built.append(1)
    return original(*args, **kwargs)
parser.parser_of = counted
assert parser._load_parser.cache_info().currsize == 0
parse_statements("E[y] <= 1")
parse_statements("equalized_odds(sex) <= 1")
assert len(built) == 1, built
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


def test_threads_share_one_parser() -> None:
    parser._load_parser.cache_clear()
    parser._load_library.cache_clear()
    texts = [f"for g{i} in race{i}: E[y | race{i}=g{i}, sex=*] <= 0.{i}" for i in range(1, 9)]
    found: dict[str, str] = {}

    def parse_many(text: str) -> None:
        for _ in range(20):
            found[text] = to_text(parse_statements(text))

    threads = [threading.Thread(target=parse_many, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {text: text for text in texts}
    assert parser._load_parser.cache_info().misses == 1


def test_the_reserved_words_are_those_of_the_grammar() -> None:
    terminals = {terminal.name: terminal.pattern for terminal in parser._load_parser().terminals}
    keywords = {
        pattern.value for pattern in terminals.values() if pattern.type == "str" and pattern.value.isalpha()
    }
    assert keywords == RESERVED
    assert not any(name.startswith("__") for name in terminals), "every terminal has a name"


# The standard library


def test_the_standard_library() -> None:
    library = parser.criteria()
    assert list(library) == [
        "demographic_parity",
        "equal_opportunity",
        "predictive_equality",
        "equalized_odds",
        "mean_residual",
        "accuracy_parity",
        "disparate_impact",
    ]
    assert library["disparate_impact"].pattern == "disparate_impact(A) >= r"


@pytest.mark.parametrize("attributes", ["sex", "sex, race", "`for`", "A", "r", "A, r, y1"])
def test_no_attribute_of_the_user_is_mistaken_for_a_parameter(attributes: str) -> None:
    starred = ", ".join(f"{name}=*" for name in attributes.split(", "))
    for name in parser.criteria():
        sign = ">=" if name == "disparate_impact" else "<="
        text = to_text(parse_statements(f"{name}({attributes}) {sign} 0.5"))
        assert starred in text
    assert "0.5 * max" in text


def test_faults_in_a_criterion_stand_at_the_call() -> None:
    text = "E[y] <= 1\n demographic_parity(sex) >= 0.1"
    with pytest.raises(ConstraintTypeError) as caught:
        parse_statements(text)
    assert caught.value.span is not None
    assert text[caught.value.span.start : caught.value.span.end] == "demographic_parity(sex)"
