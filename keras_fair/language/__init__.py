"""The constraint language: from text to a typed tree, and back to text and JSON.

`nodes` holds the tree, `parser` makes it, `check` refuses what has no meaning, `printer` and `json_tree`
write it. `functions` says what functions and statistics mean, and `fold` how a pass goes over a tree. No
numerics and no data: what a tree means for data is the matter of `keras_fair.rows`. The language itself is
described, rule by rule, in `grammar/reference.md`.
"""

from keras_fair.language.dependence import audit_only, on_prediction
from keras_fair.language.json_tree import from_json, to_json
from keras_fair.language.parser import criteria, parse_statements
from keras_fair.language.printer import node_text, to_text

__all__ = [
    "audit_only",
    "criteria",
    "from_json",
    "node_text",
    "on_prediction",
    "parse_statements",
    "to_json",
    "to_text",
]
