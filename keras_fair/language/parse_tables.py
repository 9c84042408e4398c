"""The parser's tables, computed beforehand: making them of the grammar takes longer than a first answer.

`grammar/tables.json` holds what lark computed, the version of lark that did, and a digest of the grammar.
Where either is another one the parser is made of the grammar; so tables that do not belong to the grammar are
never used. `make tables` writes them anew after a change of the grammar.
"""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import lark
from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

__all__ = ["OPTIONS", "kept_tables", "loaded", "parser_of", "tables_of", "write"]

OPTIONS: dict[str, Any] = {"parser": "lalr", "lexer": "basic", "start": ["statements", "definitions"]}
"""Of the parser, as far as they are in the tables."""

_FILE = "tables.json"


def parser_of(grammar: str, **parts: Any) -> Lark:
    """The parser of the grammar.

    Args:
        grammar: its text.
        parts: of the parser that are code: `postlex` and `transformer`.
    """
    kept = kept_tables(grammar)
    return Lark(grammar, **OPTIONS, **parts) if kept is None else loaded(kept, **parts)


def loaded(kept: dict[str, Any], **parts: Any) -> Lark:
    """The parser of kept tables, by the way that parsers made by lark's own generator go."""
    parser: Lark = Lark.__new__(Lark)._load(kept, **parts)
    return parser


def kept_tables(grammar: str) -> dict[str, Any] | None:
    """What is in the file; None where there is none, or it is of another grammar or another lark."""
    file = resources.files("keras_fair.grammar").joinpath(_FILE)
    if not file.is_file():
        return None
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"), object_hook=_with_numbers)
    belongs = (kept["lark"], kept["grammar"]) == (lark.__version__, _digest(grammar))
    return kept if belongs else None


def tables_of(grammar: str, **parts: Any) -> str:
    """The content of the file for a grammar; `parts` as for `parser_of`."""
    data, memo = Lark(grammar, **OPTIONS, **parts).memo_serialize([TerminalDef, Rule])
    data["options"] = {name: value for name, value in data["options"].items() if name not in parts}
    kept = {"lark": lark.__version__, "grammar": _digest(grammar), "data": data, "memo": memo}
    return json.dumps(kept, separators=(",", ":"), sort_keys=True) + "\n"


def write() -> None:
    """Write the file anew, into the checkout."""
    from keras_fair.language.builder import Builder
    from keras_fair.language.spacing import Spacing

    folder = resources.files("keras_fair.grammar")
    grammar = folder.joinpath("fairness.lark").read_text(encoding="utf-8")
    made = tables_of(grammar, postlex=Spacing(), transformer=Builder())
    Path(str(folder.joinpath(_FILE))).write_text(made, encoding="utf-8")


def _with_numbers(table: dict[str, Any]) -> dict[Any, Any]:
    """A table whose keys are numbers, which are text in JSON."""
    return {int(key): value for key, value in table.items()} if all(map(str.isdigit, table)) else table


def _digest(grammar: str) -> str:
    return hashlib.sha256(grammar.encode()).hexdigest()
