"""From the gaps of relations to one gap and one violation a statement, under names that don't change.

A statement with a quantifier is many relations. Its violation is the largest of theirs. Its gap is that of
the relation that is furthest past its bound, or, where all hold, nearest to it. What can't be estimated is
NaN, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_fair.constraints import statement_names
from keras_fair.inputs.arrays import concrete
from keras_fair.language.nodes import Statement
from keras_fair.rows.linear import LinearRows, RelationRows

__all__ = ["summarised", "summary_of"]


def summary_of(statements: Sequence[Statement], rows: LinearRows, y: Any) -> dict[str, float]:
    """`{name}_gap` and `{name}_violation` of each statement.

    Args:
        statements: of the rows.
        rows: over the samples.
        y: `(n,)`, `(n, 1)` or `(n, outputs)` predictions; `(0,)` where the rows hold sums of all of them.
    """
    y = np.asarray(y, "float64")
    numbers = (rows.gaps(y[:, 0] if rows.terms.outputs == 1 and y.ndim == 2 else y), rows.gap_lower)
    arrays = [concrete(part) for part in (*numbers, rows.gap_upper, rows.estimable)]
    return summarised(statement_names(statements), rows.relations, *map(np.asarray, arrays))


def summarised(
    names: Sequence[str],
    relations: Sequence[RelationRows],
    gaps: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    estimable: np.ndarray,
) -> dict[str, float]:
    """`{name}_gap` and `{name}_violation` of each statement.

    Args:
        names: of the statements.
        relations: R of them.
        gaps: `(R,)` signed; lower, upper: `(R,)` their bounds; estimable: `(R,)` bool.
    """
    past = np.maximum(lower - gaps, gaps - upper)
    summary: dict[str, float] = {}
    for index, name in enumerate(names):
        own = [
            place
            for place, relation in enumerate(relations)
            if relation.statement == index and estimable[place]
        ]
        worst = max(own, key=lambda place: float(past[place]), default=None)
        summary[f"{name}_gap"] = float("nan") if worst is None else float(gaps[worst])
        summary[f"{name}_violation"] = float("nan") if worst is None else max(0.0, float(past[worst]))
    return summary
