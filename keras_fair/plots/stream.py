"""How the pooled gaps of a stream came to lie within their bounds, and since when they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fair.plots.canvas import COLORS, INK, legend_below, pyplot, shortened, styled
from keras_fair.plots.courses import draw_bounds, most_violated
from keras_fair.streaming.watch import SLACK

__all__ = ["stream"]

_PANELS = {"gap": "pooled gap", "violation": "violation", "dual": "pull (dual)"}
_PROMISE = (
    "Shaded: allowed. The first arrivals may lie outside. What is proven, for one relation, is a bound on\n"
    "how far outside the gap can be, and that bound shrinks as people arrive; see Streams in the docs."
)
_PULL = (
    "How hard the constraint pulls at predictions; 0: not at all. A person in a group of N is moved by\n"
    "about pull / N. So a steady rise is normal: the groups grow, and everyone is moved by about as much."
)


def stream(
    history: Mapping[str, Any],
    *,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    most: int = 6,
    log: bool = False,
) -> Any:
    """Panels one above the other over the number of arrivals: pooled gaps, violations, and how hard the
    constraints pull. The title and the legend say since when each gap is within its bounds, or by how much it
    is outside.

    Args:
        history: as `StreamingFairness.history` gives it. `"arrivals"`: `(k,)`, ascending; `"gap"`,
            `"violation"`, `"dual"`: by name of a constraint `(k,)` values; of these all but `"gap"` may be
            left out. `"bounds"` and `"every"` (of so many batches one is in the history) may stand there too.
        bounds: by name of a constraint, where its gap is to lie; `-inf` and `inf` for no bound; default:
            those in the history.
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
    >>> figure.get_suptitle()
    'Held from arrival 100 on'
    """
    arrivals, courses = _read(history)
    bounds = bounds or history.get("bounds") or {}
    gaps = courses["gap"]
    violations = courses.get("violation") or {
        name: np.maximum(np.maximum(bounds[name][0] - gap, gap - bounds[name][1]), 0.0)
        for name, gap in gaps.items()
        if name in bounds
    }
    sizes = {name: abs(gap) for name, gap in gaps.items()}
    shown = most_violated(sizes if set(gaps) - set(violations) else violations, most)
    answers = {
        name: _answer(arrivals, gap, violations[name]) for name, gap in gaps.items() if name in violations
    }
    with styled():
        size = (8, 0.8 + 2.1 * len(courses))
        figure, column = pyplot().subplots(
            len(courses), 1, figsize=size, sharex=True, layout="constrained", squeeze=False
        )
        for panel, (part, values) in zip(column[:, 0], courses.items(), strict=True):
            panel.set_ylabel(_PANELS[part])
            for place, name in enumerate(shown):
                course = _pull(values, name) if part == "dual" else values.get(name)
                if course is not None:
                    label = ": ".join([shortened(name), *([answers[name]] if name in answers else [])])
                    panel.plot(arrivals, course, color=_color(place), linewidth=1.4, label=label)
            if part == "gap":
                for place, name in enumerate(shown):
                    draw_bounds(panel, bounds.get(name), _color(place))
                panel.axhline(0, color=INK, linewidth=0.8, linestyle=":")
            else:
                panel.set_ylim(bottom=0)
            words = _PULL if part == "dual" else _PROMISE if part == "gap" and bounds else ""
            panel.set_title(words, loc="left", fontsize=8)
        column[-1, 0].set_xlabel("arrivals")
        if log:
            column[-1, 0].set_xscale("log")
        legend_below(figure, *column[0, 0].get_legend_handles_labels())
        lines = _verdict(answers, int(history.get("every", 1)))
        if len(shown) < len(gaps):
            lines.append(f"drawn: the {len(shown)} most violated of {len(gaps)} constraints")
        if lines:
            figure.suptitle("\n".join(lines), fontsize=11)
    return figure


def _color(place: int) -> str:
    return COLORS[place % len(COLORS)]


def _pull(duals: Mapping[str, np.ndarray], name: str) -> np.ndarray | None:
    """The largest dual, without its sign, of the rows of a constraint, `name` or `name [race=a]`."""
    rows = [values for row, values in duals.items() if row == name or row.startswith(f"{name} [")]
    return np.max(np.abs(rows), axis=0) if rows else None


def _answer(arrivals: np.ndarray, gap: np.ndarray, violation: np.ndarray) -> str:
    """Whether a gap is within its bounds at the end, and since when."""
    known = np.flatnonzero(np.isfinite(gap) & np.isfinite(violation))
    if not len(known):
        return "not measured, a group is empty"
    outside = violation[known] > SLACK
    if outside[-1]:
        return f"outside by {violation[known[-1]]:.2g} at arrival {arrivals[known[-1]]:,.0f}"
    since = known[len(known) - np.argmax(outside[::-1]) if outside.any() else 0]
    return f"held from arrival {arrivals[since]:,.0f} on"


def _verdict(answers: Mapping[str, str], every: int) -> list[str]:
    """The lines above the picture: did the constraints hold?"""
    if not answers:
        return []
    held = sum(answer.startswith("held") for answer in answers.values())
    if len(answers) == 1:
        (answer,) = answers.values()
        line = answer[0].upper() + answer[1:]
    else:
        line = f"{held} of {len(answers)} constraints are within their bounds at the end"
    return [line if every == 1 else f"{line} (one in {every} batches is looked at)"]


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
