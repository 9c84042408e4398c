"""What an auditor has seen, as values and arrays that can be packed, and back.

The constraints and the number of outputs decide which factors, tables and histograms there are. So only their
contents are kept, in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_fair.audit.grid import Grid
from keras_fair.audit.histograms import Histograms
from keras_fair.audit.score_rows import ScoreRows
from keras_fair.audit.score_tables import ScoreTable
from keras_fair.audit.sum_tables import Table
from keras_fair.groups.growing import GrowingFactor

__all__ = [
    "factor_values",
    "histogram_state",
    "restore_factor",
    "restore_histograms",
    "restore_scores",
    "restore_tables",
    "scores_state",
    "tables_state",
]

Arrays = dict[str, np.ndarray]

_SUMS = ("size", "first", "second")
_ROWS = ("keys", "scores", "sums")


def factor_values(factor: GrowingFactor) -> dict[str, Any]:
    """What a factor has learnt."""
    return {
        "kind": factor.kind,
        "entries": list(factor.entries),
        "distinct": None if factor.distinct is None else sorted(factor.distinct),
        "saw_missing": factor.saw_missing,
    }


def restore_factor(factor: GrowingFactor, values: dict[str, Any]) -> None:
    """Give a fresh factor what another one had learnt.

    Raises:
        ValueError: the values are not those of a factor.
    """
    if values["kind"] not in (None, "text", "numbers"):
        raise ValueError(f"no kind of a factor: {values['kind']!r:.60}")
    factor.kind = values["kind"]
    factor.entries = [entry if isinstance(entry, str) else float(entry) for entry in values["entries"]]
    coded = factor.kind == "text" or factor.demand.exact
    factor.place = {entry: place for place, entry in enumerate(factor.entries)} if coded else {}
    distinct = values["distinct"]
    factor.distinct = None if distinct is None else {float(number) for number in distinct}
    factor.saw_missing = bool(values["saw_missing"])


def tables_state(tables: Sequence[Table]) -> tuple[list[list[dict[str, Any]]], Arrays]:
    """The cells of all tables."""
    described: list[list[dict[str, Any]]] = []
    arrays: Arrays = {}
    for place, table in enumerate(tables):
        described.append([])
        for number, cells in enumerate(table.cells):
            described[-1].append({"hard": list(cells.hard), "soft": [[at, list(s)] for at, s in cells.soft]})
            prefix = f"table {place} cells {number} "
            arrays[prefix + "keys"] = cells.keys
            for name, sums in zip(_SUMS, cells.sums, strict=True):
                arrays[prefix + name] = sums
    return described, arrays


def restore_tables(tables: Sequence[Table], described: list[list[dict[str, Any]]], arrays: Arrays) -> None:
    """Give fresh tables the cells of others.

    Raises:
        ValueError: they are cells of other tables.
    """
    if len(described) != len(tables):
        raise ValueError(f"{len(tables)} tables are needed and {len(described)} are there")
    for place, (table, parts) in enumerate(zip(tables, described, strict=True)):
        for number, part in enumerate(parts):
            prefix = f"table {place} cells {number} "
            soft = tuple((int(at), tuple(int(state) for state in states)) for at, states in part["soft"])
            sums = [arrays[prefix + name] for name in _SUMS]
            table.part(soft).restore(arrays[prefix + "keys"], sums)


def scores_state(tables: Sequence[ScoreTable]) -> tuple[list[dict[str, Any]], Arrays]:
    """The rows of all tables of scores."""
    described: list[dict[str, Any]] = []
    arrays: Arrays = {}
    for place, table in enumerate(tables):
        values, rows = table.state()
        described.append(values)
        arrays.update(
            {f"distribution {place} {name}": array for name, array in zip(_ROWS, rows, strict=True)}
        )
    return described, arrays


def restore_scores(tables: Sequence[ScoreTable], described: list[dict[str, Any]], arrays: Arrays) -> None:
    """Give fresh tables of scores the rows of others.

    Raises:
        ValueError: they are rows of other tables.
    """
    for place, (table, values) in enumerate(zip(tables, described, strict=True)):
        table.restore(values, [arrays[f"distribution {place} {name}"] for name in _ROWS])


def histogram_state(histograms: Histograms) -> tuple[dict[str, Any], Arrays]:
    """The scores of all groups."""
    arrays: Arrays = {}
    for number, rows in enumerate(histograms.rows.values()):
        width = max((len(key) for key in rows.place), default=0)
        arrays[f"scores {number} keys"] = np.array(list(rows.place), dtype=np.int64).reshape(rows.size, width)
        arrays[f"scores {number} sums"] = rows.sums
        arrays[f"scores {number} counts"] = rows.counts
    values = {
        "first": histograms.first,
        "scores": _grid_values(histograms.scores),
        "measured": {name: _grid_values(grid) for name, grid in histograms.measured.items()},
    }
    return values, arrays


def restore_histograms(histograms: Histograms, values: dict[str, Any], arrays: Arrays) -> None:
    """Give fresh histograms the scores of others.

    Raises:
        ValueError: they are scores of other groups.
    """
    histograms.first = int(values["first"])
    _restore_grid(histograms.scores, values["scores"])
    for name, grid in histograms.measured.items():
        _restore_grid(grid, values["measured"][name])
    for number, names in enumerate(histograms.rows):
        rows = ScoreRows()
        keys = [tuple(key) for key in arrays[f"scores {number} keys"].tolist()]
        sums, counts = arrays[f"scores {number} sums"], arrays[f"scores {number} counts"]
        if not len(keys) == len(sums) == len(counts):
            raise ValueError("scores of groups have different lengths")
        if keys:
            rows.put(keys, sums, counts)
        histograms.rows[names] = rows


def _grid_values(grid: Grid) -> dict[str, Any]:
    return {"low": grid.low, "high": grid.high, "level": grid.level}


def _restore_grid(grid: Grid, values: dict[str, Any]) -> None:
    grid.low, grid.high, grid.level = float(values["low"]), float(values["high"]), int(values["level"])
