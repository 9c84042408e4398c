"""The tree as JSON, for tools that read constraints without parsing them.

A document is `{"format": "keras_fair.constraints", "version": 1, "statements": [...]}`. Every node is an
object whose `"type"` is the name of its class in `keras_fair.language.nodes` with small letters and `_`
(`"value_set"`), and whose other keys are the fields of that class in the same order; what is absent is
`null`. Spans are left out. The version changes when a document of before would no longer be read.

Reading trusts nothing: the shape is checked against the table below, then the tree is printed, parsed and
checked as if a user had written it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from keras_fair.errors import ConstraintError, quoted
from keras_fair.language.nodes import (
    Absolute,
    And,
    Arithmetic,
    Attribute,
    Binder,
    Comparison,
    Covariance,
    Label,
    Literal,
    Maximum,
    Mean,
    Membership,
    Minimum,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Prediction,
    Range,
    Relation,
    Share,
    Span,
    Spread,
    Star,
    Statement,
    ValueSet,
    Variable,
)
from keras_fair.language.parser import parse_statements
from keras_fair.language.printer import to_text
from keras_fair.language.spacing import DEEPEST
from keras_fair.language.tree import child_fields

__all__ = ["FORMAT", "VERSION", "from_json", "to_json"]

FORMAT = "keras_fair.constraints"
VERSION = 1

Reader = Callable[[Any, str, int], Any]
"""Reads a JSON value at a path, so many levels deep."""


def to_json(statements: Iterable[Statement]) -> str:
    """Statements as a JSON document on one line.

    Args:
        statements: as `parse_statements` gives them.

    Example:

    >>> from keras_fair.language import from_json, parse_statements, to_json
    >>> statements = parse_statements("E[y | sex=Female] <= 0.5")
    >>> from_json(to_json(statements)) == statements
    True
    """
    document = {"format": FORMAT, "version": VERSION, "statements": [_written(node) for node in statements]}
    return json.dumps(document, ensure_ascii=True, allow_nan=False)


def from_json(document: str) -> tuple[Statement, ...]:
    """The statements of a document that `to_json` wrote; their spans point into `to_text(statements)`.

    Args:
        document: JSON text.

    Raises:
        ConstraintError: the document is malformed (the message names the place as a path, such as
            `$.statements[0].relation`), of another version, or what it says has no meaning.
        TypeError: `document` is not a string.
    """
    if not isinstance(document, str):
        raise TypeError(f"expected a JSON document as a str, received document={document!r}")
    try:
        root = json.loads(document)
    except RecursionError:
        raise ConstraintError(f"JSON nested more than {DEEPEST} levels deep") from None
    except ValueError as error:
        raise ConstraintError(f"not a JSON document: {error}") from None
    _expect_object(root, "$", ("format", "version", "statements"))
    if root["format"] != FORMAT:
        raise ConstraintError(f"expected {FORMAT!r} at $.format, found {_shown(root['format'])}")
    if root["version"] != VERSION or isinstance(root["version"], bool):
        raise ConstraintError(f"expected version {VERSION} at $.version, found {_shown(root['version'])}")
    read: tuple[Statement, ...] = _several(_node(Statement), at_least=1)(
        root["statements"], "$.statements", 0
    )
    text = to_text(read)
    statements = parse_statements(text)
    for index, (found, meant) in enumerate(zip(statements, read, strict=False)):
        if found != meant:
            raise ConstraintError(
                f"the tree at $.statements[{index}] is not one that a text gives: its text is "
                f"{quoted(to_text([meant]))}"
            )
    if len(statements) != len(read):
        raise ConstraintError(f"expected {len(read)} constraints in $.statements, found {len(statements)}")
    return statements


def _written(value: Any) -> Any:
    if isinstance(value, Node):
        fields = {name: _written(getattr(value, name)) for name in child_fields(type(value))}
        return {"type": _type_name(type(value)), **fields}
    return [_written(element) for element in value] if isinstance(value, tuple) else value


def _type_name(kind: type[Node]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


# Readers: each gives a value, or says what it expected where.


def _wrong(expected: str, path: str, found: Any) -> ConstraintError:
    return ConstraintError(f"expected {expected} at {path}, found {_shown(found)}")


def _shown(found: Any) -> str:
    if isinstance(found, dict):
        return "an object"
    if isinstance(found, list):
        return "a list"
    return quoted(found) if isinstance(found, str) else json.dumps(found)[:40]


def _expect_object(found: Any, path: str, keys: Iterable[str]) -> None:
    if not isinstance(found, dict):
        raise _wrong("an object", path, found)
    for key in keys:
        if key not in found:
            raise ConstraintError(f"expected {key!r} in the object at {path}")
    unknown = sorted(set(found) - set(keys))
    if unknown:
        raise ConstraintError(f"unknown key {quoted(unknown[0])} in the object at {path}")


def _text(found: Any, path: str, depth: int) -> str:
    if not isinstance(found, str):
        raise _wrong("a string", path, found)
    return found


def _number(found: Any, path: str, depth: int) -> float:
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise _wrong("a number", path, found)
    try:
        number = float(found)
    except OverflowError:
        number = float("inf")
    if number - number != 0:
        raise ConstraintError(f"expected a finite number at {path}")
    return number


def _number_or_text(found: Any, path: str, depth: int) -> float | str:
    return found if isinstance(found, str) else _number(found, path, depth)


def _output(found: Any, path: str, depth: int) -> int | str:
    if isinstance(found, bool) or not isinstance(found, (int, str)):
        raise _wrong("a whole number or a string", path, found)
    return found


def _one_of(*choices: str) -> Reader:
    def read(found: Any, path: str, depth: int) -> str:
        if found not in choices:
            raise _wrong(f"one of {', '.join(choices)}", path, found)
        return str(found)

    return read


def _optional(reader: Reader) -> Reader:
    return lambda found, path, depth: None if found is None else reader(found, path, depth)


def _several(reader: Reader, at_least: int) -> Reader:
    def read(found: Any, path: str, depth: int) -> tuple[Any, ...]:
        if not isinstance(found, list) or len(found) < at_least:
            raise _wrong(f"a list of at least {at_least}", path, found)
        return tuple(reader(element, f"{path}[{index}]", depth) for index, element in enumerate(found))

    return read


def _node(*kinds: type[Node]) -> Reader:
    """A reader of a node of one of `kinds`."""
    by_name = {_type_name(kind): kind for kind in kinds}

    def read(found: Any, path: str, depth: int) -> Node:
        if depth > DEEPEST:
            raise ConstraintError(f"nested more than {DEEPEST} levels deep at {path}")
        if not isinstance(found, dict):
            raise _wrong(f"an object of type {' or '.join(by_name)}", path, found)
        name = found.get("type")
        if not isinstance(name, str) or name not in by_name:
            raise _wrong(f"a type out of {', '.join(by_name)}", f"{path}.type", name)
        kind = by_name[name]
        readers = _FIELDS[kind]
        _expect_object(found, path, ("type", *readers))
        values = {key: reader(found[key], f"{path}.{key}", depth + 1) for key, reader in readers.items()}
        return kind(**values, span=_NOWHERE)

    return read


_NOWHERE = Span(0, 0)
_PER_SAMPLE = (Number, Negative, Arithmetic, Prediction, Label, Attribute)
_STATISTICS = (Mean, Share, Covariance, Absolute, Maximum, Minimum, Spread)

_operand = _node(*_PER_SAMPLE, *_STATISTICS)
_value = _node(*_PER_SAMPLE)
_expression = _node(Number, Negative, Arithmetic, *_STATISTICS)
_expressions = _several(_expression, at_least=1)
_subject = _node(Attribute, Label, Prediction)
_condition = _node(Comparison, Membership, Not, And, Or)
_conditions = _several(_condition, at_least=2)
_given = _optional(_condition)

_FIELDS: dict[type[Node], dict[str, Reader]] = {
    Number: {"value": _number},
    Negative: {"operand": _operand},
    Arithmetic: {"operator": _one_of("+", "-", "*", "/"), "left": _operand, "right": _operand},
    Prediction: {"output": _optional(_output)},
    Label: {},
    Attribute: {"name": _text},
    Literal: {"value": _number_or_text},
    Variable: {"name": _text},
    Star: {},
    Comparison: {
        "subject": _subject,
        "operator": _one_of("=", "!=", "<", "<=", ">", ">="),
        "value": _node(Literal, Variable, Star),
    },
    Membership: {"subject": _subject, "values": _several(_node(Literal, Variable), at_least=1)},
    Not: {"operand": _condition},
    And: {"operands": _conditions},
    Or: {"operands": _conditions},
    Mean: {"value": _value, "condition": _given},
    Share: {"event": _condition, "condition": _given},
    Covariance: {"left": _value, "right": _value, "condition": _given},
    Absolute: {"operand": _expression},
    Maximum: {"operands": _expressions},
    Minimum: {"operands": _expressions},
    Spread: {"operands": _expressions},
    Relation: {
        "left": _expression,
        "operator": _one_of("==", "<=", ">="),
        "right": _expression,
        "tolerance": _optional(_number),
    },
    Range: {"lower": _expression, "operand": _expression, "upper": _expression},
    ValueSet: {"values": _several(_node(Literal), at_least=1)},
    Binder: {"variables": _several(_text, at_least=1), "domain": _node(Attribute, Label, ValueSet)},
    Statement: {
        "relation": _node(Relation, Range),
        "binders": _several(_node(Binder), at_least=0),
        "name": _optional(_text),
        "confidence": _optional(_number),
    },
}
