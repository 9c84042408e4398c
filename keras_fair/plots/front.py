"""A front in a picture: what each point scores, and how large its gap is, with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_fair.fronts.dominance import undominated
from keras_fair.fronts.front import Front
from keras_fair.fronts.measured import Measured
from keras_fair.inputs.settings import check_choice
from keras_fair.plots.canvas import COLORS, INK, pyplot, shortened, styled

__all__ = ["front"]

_FAINT = "#9AA3AD"


def front(front: Front, ax: Any = None, *, text: str | None = None, objective: str | None = None) -> Any:
    """The points of a front, one text against one objective. Down and left is better.

    Whiskers are intervals. Points that no other one dominates, in all objectives and texts, are coloured;
    those that none dominates in the two that are drawn are joined by the line. Points without a number on an
    axis are not drawn, and counted in the legend.

    Args:
        front: of which points.
        ax: the Matplotlib axes to draw into; default: those of a new figure.
        text: which of the front's texts; default: the first.
        objective: which of its objectives; default: the first.

    Returns:
        The axes.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
        ValueError: the front has no points, or no such text or objective.

    Example:

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import keras_fair as kf
    >>> points = kf.Front("demographic_parity(sex)", {"sex": ["F", "F", "M", "M"]}, [0, 1, 0, 1])
    >>> axes = points.add("a", [0.1, 0.9, 0.4, 0.8]).add("b", [0.5, 0.5, 0.5, 0.5]).plot()
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('demographic_parity(sex)', 'balanced_error')
    """
    if not len(front):
        raise ValueError("expected a front with points to draw, received none")
    text = check_choice("text", front.texts[0] if text is None else text, front.texts)
    objective = check_choice("objective", objective or front.objectives[0], front.objectives)
    points = [(point, point.gaps[text], point.scores[objective]) for point in front]
    drawn = [each for each in points if not np.isnan([each[1].value, each[2].value]).any()]
    with styled():
        if ax is None:
            ax = pyplot().subplots(figsize=(8, 5), layout="constrained")[1]
        for on, color, name in ((False, _FAINT, "dominated"), (True, COLORS[1], "undominated")):
            some = [(gap, score) for point, gap, score in drawn if point.undominated is on]
            if some:
                _points(ax, some, color, name)
        kept = undominated([(gap.value, score.value) for _, gap, score in drawn])
        line = sorted((gap.value, score.value) for (_, gap, score), on in zip(drawn, kept, strict=True) if on)
        if line:
            x, y = zip(*line, strict=True)
            ax.step(x, y, where="post", color=COLORS[1], linewidth=1.2, zorder=1)
        if len(drawn) < len(points):
            ax.plot([], [], "x", color=INK, label=f"{len(points) - len(drawn)} not estimable")
        ax.set_xlabel(shortened(text))
        ax.set_ylabel(shortened(objective))
        ax.legend(frameon=False)
    return ax


def _points(ax: Any, some: list[tuple[Measured, Measured]], color: str, name: str) -> None:
    x, y = (np.array([each.value for each in axis]) for axis in zip(*some, strict=True))
    across, along = (_reach(axis) for axis in zip(*some, strict=True))
    faint = {"fmt": "none", "ecolor": color, "elinewidth": 0.8, "alpha": 0.45, "zorder": 2}
    ax.errorbar(x, y, xerr=across, yerr=along, **faint)
    ax.plot(x, y, "o", color=color, markersize=5, label=name, zorder=3)


def _reach(axis: tuple[Measured, ...]) -> np.ndarray:
    """How far intervals reach below and above, `(2, points)`; 0 where there is none, or no end."""
    reach = np.array([[each.value - each.low for each in axis], [each.high - each.value for each in axis]])
    return np.maximum(np.where(np.isfinite(reach), reach, 0.0), 0.0)
