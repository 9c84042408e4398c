"""What a tolerance costs: the utility of rules at several tolerances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fair.plots.canvas import COLORS, DASHES, INK, pyplot, shortened, styled

__all__ = ["frontier"]


def frontier(
    courses: Mapping[str, Mapping[float, float | None]],
    ax: Any = None,
    *,
    free: float | None = None,
    utility: str = "accuracy",
) -> Any:
    """One line for each way to make rules: what they are worth at each tolerance. Up and left is better.

    Args:
        courses: by name of a way, a dict from tolerance to utility; None or NaN where there was no rule, as
            with too few people for a promise: marked by a cross at the bottom.
        ax: the Matplotlib axes to draw into; default: those of a new figure.
        free: the utility without constraints, a dashed line.
        utility: what the utility is called.

    Returns:
        The axes.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
        ValueError: there is no course, or no utility in any.

    Example:

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import keras_fair as kf
    >>> axes = kf.plots.frontier({"promised": {0.1: 0.77, 0.05: 0.76, 0.01: None}}, free=0.78)
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('tolerance', 'accuracy')
    """
    read = {name: _read(course) for name, course in courses.items()}
    if not any(np.isfinite(values).any() for _, values in read.values()):
        raise ValueError("expected a course with a utility in it, received none")
    with styled():
        if ax is None:
            ax = pyplot().subplots(figsize=(8, 4.4), layout="constrained")[1]
        for place, (name, (tolerances, values)) in enumerate(read.items()):
            color, known = COLORS[place % len(COLORS)], np.isfinite(values)
            ax.plot(
                tolerances[known], values[known], marker="o", markersize=5, linewidth=1.6, color=color,
                label=shortened(name),
            )  # fmt: skip
            if not known.all():
                lacking = tolerances[~known]
                ax.plot(
                    lacking, np.full(len(lacking), 0.02 + 0.04 * place), "x", color=color, clip_on=False,
                    transform=ax.get_xaxis_transform(), label=f"{shortened(name)}: no rule",
                )  # fmt: skip
        if free is not None:
            ax.axhline(free, color=INK, linewidth=1.2, linestyle=DASHES, label="without constraints")
        ax.set_xlabel("tolerance")
        ax.set_ylabel(utility)
        ax.legend(frameon=False)
    return ax


def _read(course: Mapping[float, float | None]) -> tuple[np.ndarray, np.ndarray]:
    """Tolerances, ascending, and utilities, NaN where there is none."""
    pairs = sorted(course.items())
    values = [np.nan if value is None else float(value) for _, value in pairs]
    return np.array([tolerance for tolerance, _ in pairs], "float64"), np.array(values, "float64")
