"""From text to statements: the one door into the language.

    text -> lexer -> layout -> LALR tables + builder -> criteria expanded, decisions put in -> check ->
    tuple of statements

The tables are those of `grammar/fairness.lark` (`keras_fair.language.parse_tables`), loaded once per process,
when the first text is parsed. Everything wrong with a text leaves as `ConstraintError`, with its place. The
text never reaches `eval`, `ast` or an attribute look-up, and the work grows linearly with its length.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

from lark import Lark, UnexpectedInput

from keras_fair.errors import ConstraintSyntaxError
from keras_fair.language.builder import Builder
from keras_fair.language.check import check_statements
from keras_fair.language.criteria import CriterionCall, Definition, expand
from keras_fair.language.decisions import Decided, decided
from keras_fair.language.expected import syntax_fault
from keras_fair.language.faults import Fault, MeaningFault
from keras_fair.language.nodes import Statement
from keras_fair.language.parse_tables import parser_of
from keras_fair.language.spacing import DEEPEST, Spacing
from keras_fair.language.tree import depth_exceeds, walk

__all__ = ["LONGEST", "parse_statements"]

LONGEST = 200_000
"""The most characters that a text may have."""

_LOCK = threading.Lock()


def parse_statements(text: str) -> tuple[Statement, ...]:
    """Parse and check a text of one or more constraints.

    Args:
        text: constraints separated by newlines or `;`, at most `LONGEST` characters.

    Returns:
        The statements in the order of the text, criteria expanded, each node with its span in `text`.

    Raises:
        ConstraintSyntaxError: the text does not follow the grammar.
        ConstraintTypeError: it does, but it has no meaning.
        TypeError: `text` is not a string.

    Example:

    >>> from keras_fair.language import parse_statements
    >>> [statement.name for statement in parse_statements("close: spread(E[y | sex=*]) <= 0.02")]
    ['close']
    """
    if not isinstance(text, str):
        raise TypeError(f"expected constraints as a str, received text={text!r}")
    if len(text) > LONGEST:
        raise ConstraintSyntaxError(f"expected at most {LONGEST} characters, found {len(text)}")
    with _LOCK:
        parser = _load_parser()
    try:
        try:
            parsed: Any = parser.parse(text, start="statements")
        except UnexpectedInput as error:
            raise syntax_fault(text, error, criteria()) from None
        statements = tuple(_expanded(statement) for statement in parsed)
        check_statements(statements, criteria())
    except Fault as fault:
        raise fault.in_text(text) from None
    return statements


def criteria() -> Mapping[str, Definition]:
    """The standard library: its definitions by name."""
    with _LOCK:
        return _load_library()


@cache
def _load_parser() -> Lark:
    grammar = resources.files("keras_fair.grammar").joinpath("fairness.lark").read_text(encoding="utf-8")
    return parser_of(grammar, postlex=Spacing(), transformer=Builder())


@cache
def _load_library() -> Mapping[str, Definition]:
    text = resources.files("keras_fair.grammar").joinpath("criteria.fair").read_text(encoding="utf-8")
    library: dict[str, Definition] = {}
    definitions: Any = _load_parser().parse(text, start="definitions")
    for definition in definitions:
        library[definition.name] = replace(definition, body=expand(definition.body, library))
    return library


def _expanded(statement: Statement) -> Statement:
    _refuse_deep(statement)
    if not any(isinstance(node, (CriterionCall, Decided)) for node in walk(statement)):
        return statement
    expanded: Statement = expand(statement, criteria())
    relation: Any = expanded.relation
    if isinstance(relation, Decided):
        expanded = replace(expanded, relation=decided(relation))
    _refuse_deep(expanded)
    return expanded


def _refuse_deep(statement: Statement) -> None:
    deep = depth_exceeds(statement, DEEPEST)
    if deep is not None:
        raise MeaningFault(f"operations are nested, or chained, more than {DEEPEST} levels deep", deep.span)
