"""Constraints as JSON, for tools that read them without parsing.

A document is `{"format": "keras_fair.constraints", "version": 2, "text": "...", "statements": [...]}`. The
text is canonical. The statements are its tree: every node is an object whose `"type"` is the name of its
class in `keras_fair.language.nodes` with small letters and `_` (`"value_set"`), and whose other keys are the
fields of that class in the same order. What is absent is `null`, but for the `weight` of a statement, which
is there only where one is given: documents of before weights had none. Spans are left out.

Reading takes the text. It is parsed and checked as if a user had written it, and the tree of the document has
to be the one that it gives.

Documents of version 1 held the tree alone, and had a type of their own for each function (`"maximum"` with
`"operands"`). They are read too: the tree is printed, and then the text is read as above.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import keras_fair.language.nodes as nodes
from keras_fair.errors import ConstraintError, quoted
from keras_fair.language.nodes import Node, Span, Statement
from keras_fair.language.parser import parse_statements
from keras_fair.language.printer import to_text
from keras_fair.language.spacing import DEEPEST
from keras_fair.language.tree import child_fields

__all__ = ["FORMAT", "VERSION", "from_json", "to_json"]

FORMAT = "keras_fair.constraints"
VERSION = 2

_FUNCTIONS_OF_VERSION_1 = {"absolute": "abs", "maximum": "max", "minimum": "min", "spread": "spread"}
_NOWHERE = Span(0, 0)


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
    statements = tuple(statements)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "text": to_text(statements),
        "statements": _written(statements),
    }
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
    if not isinstance(root, dict):
        raise ConstraintError(f"expected an object at $, found {_shown(root)}")
    if "format" in root and root["format"] != FORMAT:
        raise ConstraintError(f"expected {FORMAT!r} at $.format, found {_shown(root['format'])}")
    version = root.get("version")
    if "version" in root and (version not in (1, VERSION) or isinstance(version, bool)):
        raise ConstraintError(f"expected version 1 or {VERSION} at $.version, found {_shown(version)}")
    _expect_keys(root, ["format", "version", *(["text"] if version != 1 else []), "statements"], "$")
    written = root["statements"]
    if version == 1:
        written = _upgraded(written, "$.statements", 0)
        text = _text_of(written)
    else:
        text = root["text"]
        if not isinstance(text, str):
            raise ConstraintError(f"expected a string at $.text, found {_shown(text)}")
    statements = parse_statements(text)
    canonical = to_text(statements)
    if canonical != text:
        statements = parse_statements(canonical)
    _expect(_written(statements), written, "$.statements")
    return statements


def _written(value: Any) -> Any:
    if isinstance(value, Node):
        fields = {name: _written(getattr(value, name)) for name in child_fields(type(value))}
        if isinstance(value, Statement) and value.weight is None:
            del fields["weight"]
        return {"type": _type_name(type(value)), **fields}
    return [_written(element) for element in value] if isinstance(value, tuple) else value


def _type_name(kind: type[Node]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


# What is expected, and where it is not found


def _expect(expected: Any, found: Any, path: str) -> None:
    """See that `found` is what the text gives."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if "type" in found:
            _expect(expected["type"], found["type"], f"{path}.type")
        _expect_keys(found, expected, path)
        for key, value in expected.items():
            _expect(value, found[key], f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (value, element) in enumerate(zip(expected, found, strict=True)):
            _expect(value, element, f"{path}[{index}]")
    elif isinstance(found, bool) or expected != found:
        raise ConstraintError(
            f"the tree is not the one that the text gives: expected {_shown(expected)} at {path}, "
            f"found {_shown(found)}"
        )


def _expect_keys(found: dict[str, Any], keys: Iterable[str], path: str) -> None:
    for key in keys:
        if key not in found:
            raise ConstraintError(f"expected {key!r} in the object at {path}")
    unknown = sorted(set(found) - set(keys))
    if unknown:
        raise ConstraintError(f"unknown key {quoted(unknown[0])} in the object at {path}")


def _shown(found: Any) -> str:
    if isinstance(found, dict):
        return "an object"
    if isinstance(found, list):
        return f"a list of {len(found)}"
    return quoted(found) if isinstance(found, str) else json.dumps(found)[:40]


# Version 1


def _upgraded(value: Any, path: str, depth: int) -> Any:
    """A tree of version 1 as one of version 2: there is one type for all functions."""
    if depth > 2 * DEEPEST:  # a node and its list of operands are two levels
        raise ConstraintError(f"nested more than {DEEPEST} levels deep at {path}")
    if isinstance(value, list):
        return [_upgraded(element, f"{path}[{index}]", depth + 1) for index, element in enumerate(value)]
    if not isinstance(value, dict):
        return value
    fields = {key: _upgraded(each, f"{path}.{key}", depth + 1) for key, each in value.items()}
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in _FUNCTIONS_OF_VERSION_1:
        return fields
    rest = {key: each for key, each in fields.items() if key not in ("type", "operand")}
    if "operand" in fields:
        rest["operands"] = [fields["operand"]]
    return {"type": "function", "name": _FUNCTIONS_OF_VERSION_1[kind], **rest}


def _text_of(written: Any) -> str:
    """The text of the statements of a document that holds none."""
    try:
        return to_text([_node_of(each, f"$.statements[{index}]") for index, each in enumerate(written)])
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ConstraintError):
            raise
        raise ConstraintError("the tree at $.statements is not one that a text gives") from None


def _node_of(value: Any, path: str) -> Any:
    """The node that an object stands for. Whether it may stand there shows when it is printed and parsed."""
    if isinstance(value, list):
        return tuple(_node_of(element, f"{path}[{index}]") for index, element in enumerate(value))
    if not isinstance(value, dict):
        whole = isinstance(value, int) and not isinstance(value, bool) and not path.endswith(".output")
        return float(value) if whole else value
    kind = _KINDS.get(str(value.get("type")))
    if kind is None:
        raise ConstraintError(
            f"expected the type of a node at {path}.type, found {_shown(value.get('type'))}"
        )
    names = [name for name in child_fields(kind) if kind is not Statement or name != "weight"]
    _expect_keys(value, ["type", *names], path)
    fields = {name: _node_of(value[name], f"{path}.{name}") for name in names}
    return kind(**fields, span=_NOWHERE)


_KINDS: dict[str, type[Node]] = {
    _type_name(kind): kind
    for kind in vars(nodes).values()
    if isinstance(kind, type) and issubclass(kind, Node) and kind is not Node
}
