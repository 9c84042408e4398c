"""JSON documents: their shape, and what is refused with its path."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from keras_fair.errors import ConstraintError, ConstraintTypeError
from keras_fair.language import from_json, parse_statements, to_json, to_text
from keras_fair.language.nodes import Literal, Mean
from keras_fair.language.tree import walk

TEXT = "fair: for g in race: E[y[1] | race=g, age >= 25] == 0.5 +- 0.02 with confidence 0.9"
DOCUMENT = json.loads(to_json(parse_statements(TEXT)))
OF_VERSION_1 = {**{key: value for key, value in DOCUMENT.items() if key != "text"}, "version": 1}


def test_the_schema() -> None:
    assert DOCUMENT == {
        "format": "keras_fair.constraints",
        "version": 2,
        "text": TEXT,
        "statements": [
            {
                "type": "statement",
                "relation": {
                    "type": "relation",
                    "left": {
                        "type": "mean",
                        "value": {"type": "prediction", "output": 1},
                        "condition": {
                            "type": "and",
                            "operands": [
                                {
                                    "type": "comparison",
                                    "subject": {"type": "attribute", "name": "race"},
                                    "operator": "=",
                                    "value": {"type": "variable", "name": "g"},
                                },
                                {
                                    "type": "comparison",
                                    "subject": {"type": "attribute", "name": "age"},
                                    "operator": ">=",
                                    "value": {"type": "literal", "value": 25.0},
                                },
                            ],
                        },
                    },
                    "operator": "==",
                    "right": {"type": "number", "value": 0.5},
                    "tolerance": 0.02,
                },
                "binders": [
                    {"type": "binder", "variables": ["g"], "domain": {"type": "attribute", "name": "race"}}
                ],
                "name": "fair",
                "confidence": 0.9,
            }
        ],
    }


def test_a_document_is_ascii_on_one_line() -> None:
    document = to_json(parse_statements("E[y | größe='\\n\\u{d800}'] <= 1"))
    assert document.isascii()
    assert "\n" not in document
    (literal,) = [node for node in walk(from_json(document)[0]) if isinstance(node, Literal)]
    assert literal.value == "\n\ud800"


def test_spans_point_into_the_canonical_text() -> None:
    statements = from_json(to_json(parse_statements("E[  y  ]<=1; E[y|sex=Male]<=1")))
    text = to_text(statements)
    pieces = [
        text[node.span.start : node.span.end]
        for statement in statements
        for node in walk(statement)
        if isinstance(node, Mean)
    ]
    assert pieces == ["E[y]", "E[y | sex=Male]"]


def test_functions_have_one_type() -> None:
    document = json.loads(to_json(parse_statements("max(abs(E[y]), E[y[1]]) <= 0.5")))
    left = document["statements"][0]["relation"]["left"]
    assert (left["type"], left["name"]) == ("function", "max")
    assert left["operands"][0] == {
        "type": "function",
        "name": "abs",
        "operands": [
            {"type": "mean", "value": {"type": "prediction", "output": None}, "condition": None},
        ],
    }


def test_a_text_that_is_not_canonical_is_read() -> None:
    document = json.loads(to_json(parse_statements("E[y | sex=a] <= 0.5")))
    document["text"] = "E[  y | sex == 'a'] <= 50%"
    (statement,) = from_json(json.dumps(document))
    assert (statement.span.start, statement.span.end) == (0, len("E[y | sex=a] <= 0.5"))


def changed(path: str, value: object = None, *, drop: bool = False, of: object = DOCUMENT) -> str:
    document: Any = copy.deepcopy(of)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    place = document
    for step in steps:
        place = place[step]
    if drop:
        del place[last]
    else:
        place[last] = value
    return json.dumps(document)


LEFT = "statements/0/relation/left"
AGE = f"{LEFT}/condition/operands/1"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("format", "other", ("$.format", "keras_fair.constraints")),
        ("version", 3, ("$.version", "version 1 or 2", "found 3")),
        ("text", 3, ("a string at $.text", "found 3")),
        ("text", "E[y] <= 1", ("$.statements[0]", "the text gives")),
        ("version", True, ("$.version",)),
        ("extra", 1, ("unknown key 'extra'", "at $")),
        ("statements", {}, ("$.statements", "found an object")),
        ("statements", [], ("$.statements", "a list of 1", "a list of 0")),
        ("statements/0", 3, ("$.statements[0]", "found 3")),
        ("statements/0/type", "mean", ("$.statements[0].type", "'mean'")),
        ("statements/0/name", 3, ("'fair' at $.statements[0].name", "found 3")),
        ("statements/0/confidence", "high", ("0.9 at $.statements[0].confidence", "'high'")),
        ("statements/0/confidence", True, ("0.9 at $.statements[0].confidence", "true")),
        ("statements/0/binders/0/variables", [], (".binders[0].variables",)),
        ("statements/0/binders/0/domain/type", "star", (".domain.type", "'star'")),
        (f"{LEFT}/type", "eval", (".left.type", "'eval'")),
        (f"{LEFT}/type", None, (".left.type", "null")),
        (f"{LEFT}/type", ["mean"], (".left.type", "a list")),
        (f"{LEFT}/span", [0, 1], ("unknown key 'span'", ".left")),
        (f"{LEFT}/value/output", 1.5, (".value.output", "1.5")),
        (f"{LEFT}/value", {"type": "star"}, ("'prediction'", "at $.statements[0].relation.left.value.type")),
        (f"{AGE}/operator", "~", (".operands[1].operator", "'~'")),
        (f"{AGE}/operator", [], (".operands[1].operator", "a list")),
        (f"{AGE}/value/value", None, (".operands[1].value.value", "null")),
        (f"{AGE}/value/value", 10**400, ("25.0 at ", ".operands[1].value.value")),
        ("statements/0/relation/operator", "<", (".relation.operator",)),
    ],
)
def test_a_wrong_shape_is_named_with_its_path(path: str, value: object, words: tuple[str, ...]) -> None:
    with pytest.raises(ConstraintError) as caught:
        from_json(changed(path, value))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "path", ["format", "version", "text", "statements", "statements/0/name", f"{LEFT}/condition"]
)
def test_a_missing_key_is_named(path: str) -> None:
    with pytest.raises(ConstraintError, match=f"expected '{path.split('/')[-1]}' in the object at "):
        from_json(changed(path, drop=True))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        # What has no meaning as text has none as JSON.
        ("statements/0/relation/tolerance", -1.0, "not negative"),
        ("statements/0/confidence", 2.0, "between 0 and 1"),
        ("statements/0/binders", [], "not the one that the text gives"),
        (f"{LEFT}/type", "eval", r"type of a node at \$.statements\[0\].relation.left.type, found 'eval'"),
        (f"{LEFT}/type", ["mean"], r"type of a node at .*, found a list"),
        (f"{LEFT}/span", [0, 1], "unknown key 'span'"),
        (f"{LEFT}/value", None, "not one that a text gives"),
        (f"{AGE}/operator", [], "not one that a text gives|expected"),
        (f"{AGE}/value/value", 10**400, "not one that a text gives"),
        ("statements", {}, "not one that a text gives|empty text"),
        (f"{AGE}/value", {"type": "literal", "value": "old"}, "compare numbers"),
        (f"{LEFT}/value/output", -1, "an output"),
        # What only looks like a tree: text smuggled into names, forms that no text gives.
        (
            "statements/0/binders/0/variables",
            ["g in sex: E[y] <= 1 #"],
            "never used|not complete|not the one that the text gives",
        ),
        ("statements/0/relation/right", {"type": "number", "value": -0.5}, "not the one that the text gives"),
    ],
)
def test_a_tree_without_text_is_checked_as_a_text_is(path: str, value: object, message: str) -> None:
    with pytest.raises(ConstraintError, match=message):
        from_json(changed(path, value, of=OF_VERSION_1))
    with pytest.raises(ConstraintError, match="not the one that the text gives|in the object at"):
        from_json(changed(path, value))


def test_a_nested_conjunction_is_not_one_that_a_text_gives() -> None:
    document = json.loads(
        changed(f"{LEFT}/condition/operands/0", DOCUMENT["statements"][0]["relation"]["left"]["condition"])
    )
    with pytest.raises(ConstraintError, match="set twice|not the one that the text gives"):
        from_json(json.dumps(document))


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "nul",
        "[1, 2",
        "\0",
        "3",
        "null",
        "[]",
        '"E[y] <= 1"',
        "9" * 5000,
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_what_is_no_document(document: str) -> None:
    with pytest.raises(ConstraintError):
        from_json(document)


def test_deep_documents_are_an_error() -> None:
    node = {"type": "number", "value": 1}
    for _ in range(300):
        node = {"type": "negative", "operand": node}
    with pytest.raises(ConstraintError, match="100 levels deep at "):
        from_json(changed("statements/0/relation/right", node, of=OF_VERSION_1))
    with pytest.raises(ConstraintError, match="at \\$.statements\\[0\\].relation.right"):
        from_json(changed("statements/0/relation/right", node))


@pytest.mark.parametrize("document", [None, 3, b"{}", {}])
def test_what_is_no_text(document: object) -> None:
    with pytest.raises(TypeError, match="expected a JSON document as a str"):
        from_json(document)  # type: ignore[arg-type]


def test_faults_of_meaning_show_the_canonical_text() -> None:
    with pytest.raises(ConstraintTypeError) as caught:
        from_json(changed("statements/0/confidence", 2.0, of=OF_VERSION_1))
    assert "with confidence 2\n" in str(caught.value)


# Documents of version 1, as 0.1.0 wrote them: trees without a text, and one type for each function.

OLD_MEAN = {"type": "mean", "value": {"type": "prediction", "output": None}, "condition": None}
OLD = {
    "max(abs(E[y]), E[y]) <= spread(E[label], E[age])": {
        "type": "relation",
        "left": {"type": "maximum", "operands": [{"type": "absolute", "operand": OLD_MEAN}, OLD_MEAN]},
        "operator": "<=",
        "right": {
            "type": "spread",
            "operands": [
                {"type": "mean", "value": {"type": "label"}, "condition": None},
                {"type": "mean", "value": {"type": "attribute", "name": "age"}, "condition": None},
            ],
        },
        "tolerance": None,
    },
    "min(E[y], 1) >= 0.5": {
        "type": "relation",
        "left": {"type": "minimum", "operands": [OLD_MEAN, {"type": "number", "value": 1}]},
        "operator": ">=",
        "right": {"type": "number", "value": 0.5},
        "tolerance": None,
    },
}


@pytest.mark.parametrize("text", OLD)
def test_documents_of_version_1_are_read(text: str) -> None:
    statement = {"type": "statement", "relation": OLD[text], "binders": [], "name": None, "confidence": None}
    document = {"format": "keras_fair.constraints", "version": 1, "statements": [statement]}
    assert from_json(json.dumps(document)) == parse_statements(text)
    assert from_json(json.dumps(OF_VERSION_1)) == parse_statements(TEXT)


def test_a_weight_is_in_a_document_only_where_one_is_given() -> None:
    plain, priced = parse_statements("E[y] <= 0.5"), parse_statements("E[y] <= 0.5 with weight 2")
    assert "weight" not in to_json(plain)  # so documents of before weights are those of today
    assert json.loads(to_json(priced))["statements"][0]["weight"] == 2.0
    assert from_json(to_json(priced)) == priced
    without = json.loads(to_json(priced))
    del without["statements"][0]["weight"]
    with pytest.raises(ConstraintError, match="weight"):
        from_json(json.dumps(without))
