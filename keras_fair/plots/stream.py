"""How the pooled gaps of a stream came to lie within their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fair.plots.canvas import COLORS, INK, legend_below, pyplot, shortened, styled
from keras_fair.plots.courses import draw_bounds, most_violated

__all__ = ["stream"]

_PANELS = {"gap": "pooled gap", "violation": "violation", "dual": "dual"}


def stream(
    history: Mapping[str, Any],
    *,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    most: int = 6,
    log: bool = False,
) -> Any:
    """Panels one above the other over the number of arrivals: pooled gaps, violations, duals.

    Args:
        history: `"arrivals"`: `(k,)`, ascending; `"gap"`, `"violation"`, `"dual"`: by name of a constraint
            `(k,)` values. Each of the three may be left out, `"gap"` not. `"bounds"` may stand there too.
        bounds: by name of a constraint, where its gap is to lie; `-inf` and `inf` for no bound.
        most: how many constraints are drawn, >= 1; of more, those with the largest violation at the end.
        log: draw arrivals on a logarithmic axis.

    Returns:
        The Matplotlib figure.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
        ValueError: a part is missing, or lengths differ.

    Example:

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import keras_fair as kf
    >>> history = {"arrivals": [1, 10, 100], "gap": {"parity": [0.3, 0.1, 0.02]}}
    >>> figure = kf.plots.stream(history, bounds={"parity": (-0.02, 0.02)}, log=True)
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['pooled gap']
    """
    arrivals, courses = _read(history)
    bounds = bounds or history.get("bounds") or {}
    names = list(courses["gap"])
    shown = most_violated(
        courses.get("violation") or {name: abs(courses["gap"][name]) for name in names}, most
    )
    with styled():
        size = (8, 0.8 + 2.1 * len(courses))
        figure, column = pyplot().subplots(
            len(courses), 1, figsize=size, sharex=True, layout="constrained", squeeze=False
        )
        for panel, (part, values) in zip(column[:, 0], courses.items(), strict=True):
            panel.set_ylabel(_PANELS[part])
            for place, name in enumerate(shown):
                color = COLORS[place % len(COLORS)]
                if name in values:
                    panel.plot(arrivals, values[name], color=color, linewidth=1.4, label=shortened(name))
                if part == "gap":
                    draw_bounds(panel, bounds.get(name), color)
            if part == "violation":
                panel.set_ylim(bottom=0)
            else:
                panel.axhline(0, color=INK, linewidth=0.8, linestyle=":")
        column[-1, 0].set_xlabel("arrivals")
        if log:
            column[-1, 0].set_xscale("log")
        legend_below(figure, *column[0, 0].get_legend_handles_labels())
        if len(shown) < len(names):
            figure.suptitle(f"the {len(shown)} most violated of {len(names)} constraints", fontsize=10)
    return figure


def _read(history: Mapping[str, Any]) -> tuple[np.ndarray, dict[str, dict[str, np.ndarray]]]:
    """Arrivals, and the courses by part and name."""
    for part in ("arrivals", "gap"):
        if part not in history or not len(history[part]):
            raise ValueError(f"expected a history with {part!r}, received keys {sorted(history)}")
    arrivals = np.asarray(history["arrivals"], "float64")
    courses = {
        part: {name: np.asarray(values, "float64") for name, values in history[part].items()}
        for part in _PANELS
        if history.get(part)
    }
    for part, by_name in courses.items():
        for name, values in by_name.items():
            if values.shape != arrivals.shape:
                raise ValueError(
                    f"expected {part} of {name!r} of shape {arrivals.shape}, received shape {values.shape}"
                )
    return arrivals, courses
