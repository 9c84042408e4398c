"""A front as a pandas table."""

from __future__ import annotations

from typing import Any

from keras_fair.fronts.front import Front

__all__ = ["front_dataframe"]


def front_dataframe(front: Front) -> Any:
    """One row for each point, in the order in which they came; see `keras_fair.Front.to_dataframe`.

    Raises:
        ImportError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as fault:
        raise ImportError("to_dataframe needs pandas: pip install 'keras-fair[pandas]'") from fault
    named = [*front.objectives, *front.texts]
    ends = {name: (name, f"{name}_low", f"{name}_high") for name in named}
    rows = []
    for point in front:
        row: dict[str, Any] = {
            "name": point.name,
            "undominated": point.undominated,
            "setting": point.setting,
        }
        for name, each in {**point.scores, **point.gaps}.items():
            row.update(zip(ends[name], (each.value, each.low, each.high), strict=True))
        rows.append(row)
    columns = ["name", "undominated", "setting", *(column for name in named for column in ends[name])]
    return pandas.DataFrame(rows, columns=columns)
