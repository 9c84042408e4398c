"""The constraint language as data: its grammar, its standard library and its reference manual.

The folder holds `fairness.lark` (the grammar), `tables.json` (the tables that lark makes of it),
`criteria.fair` (the named criteria, in the language itself) and `reference.md` (the language, rule by rule).
`keras_fair.language` reads them with `importlib.resources`.
"""

__all__: list[str] = []
