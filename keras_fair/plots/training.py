"""What training did to the loss and to the constraints, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_fair.plots.canvas import (
    COLORS,
    DASHES,
    INK,
    legend_below,
    pyplot,
    shortened,
    styled,
)
from keras_fair.plots.courses import draw_bounds, most_violated

__all__ = ["training"]

_VALIDATION = "val_"


def training(
    history: Any,
    *,
    metrics: Sequence[str] = ("loss",),
    bounds: Mapping[str, tuple[float, float]] | None = None,
    most: int = 6,
) -> Any:
    """Panels one above the other: metrics, gaps and violations of constraints; validation dashed.

    Args:
        history: what `model.fit` returned with a `FairnessMonitor` among its callbacks, or its dict of lists.
        metrics: keys of the first panel, without `val_`; those that are not there are left out.
        bounds: by name of a constraint, where its gap is to lie; `-inf` and `inf` for no bound.
        most: how many constraints are drawn, >= 1; of more, those with the largest violation at the end.

    Returns:
        The Matplotlib figure.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
        ValueError: the history has no gaps, or no epochs.

    Example:

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import keras_fair as kf
    >>> history = {"loss": [0.7, 0.5], "parity_gap": [0.2, 0.05], "parity_violation": [0.18, 0.03]}
    >>> figure = kf.plots.training(history, bounds={"parity": (-0.02, 0.02)})
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss', 'gap', 'violation']
    """
    logs = {
        key: np.asarray(values, "float64") for key, values in getattr(history, "history", history).items()
    }
    names = _names(logs)
    shown = most_violated(
        {name: _first(logs, f"{name}_violation", f"{_VALIDATION}{name}_violation") for name in names}, most
    )
    epochs = _epochs(history, logs)
    kept = [key for key in metrics if key in logs or _VALIDATION + key in logs]
    with styled():
        panels_asked = [", ".join(kept)] * bool(kept) + ["gap", "violation"]
        figure, column = pyplot().subplots(
            len(panels_asked),
            1,
            figsize=(8, 0.8 + 2.1 * len(panels_asked)),
            sharex=True,
            layout="constrained",
        )
        for panel, title in zip(column, panels_asked, strict=True):
            panel.set_ylabel(title)
        for place, key in enumerate(kept):
            _draw(column[0], epochs, logs, key, INK if place == 0 else COLORS[-place], key)
        for place, name in enumerate(shown):
            color = COLORS[place % len(COLORS)]
            _draw(column[-2], epochs, logs, f"{name}_gap", color, shortened(name))
            _draw(column[-1], epochs, logs, f"{name}_violation", color, None)
            draw_bounds(column[-2], (bounds or {}).get(name), color)
        column[-2].axhline(0, color=INK, linewidth=0.8, linestyle=":")
        column[-1].set_ylim(bottom=0)
        column[-1].set_xlabel("epoch")
        column[-1].xaxis.get_major_locator().set_params(integer=True)
        _legend(figure, column, logs)
        if len(shown) < len(names):
            figure.suptitle(f"the {len(shown)} most violated of {len(names)} constraints", fontsize=10)
    return figure


def _names(logs: Mapping[str, np.ndarray]) -> list[str]:
    """The constraints in the history, in its order."""
    bare = [key.removeprefix(_VALIDATION) if key.endswith("_gap") else "" for key in logs]
    names = [
        key.removesuffix("_gap")
        for key in dict.fromkeys(bare)
        if key
        and any(f"{prefix}{key.removesuffix('_gap')}_violation" in logs for prefix in ("", _VALIDATION))
    ]
    if not names:
        raise ValueError(
            f"expected a history with the gaps that FairnessMonitor logs, received keys {sorted(logs)}"
        )
    return names


def _first(logs: Mapping[str, np.ndarray], *keys: str) -> np.ndarray:
    return next(logs[key] for key in keys if key in logs)


def _epochs(history: Any, logs: Mapping[str, np.ndarray]) -> np.ndarray:
    length = max(len(values) for values in logs.values())
    if not length:
        raise ValueError("expected a history with epochs, received one without")
    epochs = getattr(history, "epoch", None)
    return np.arange(1, length + 1) if epochs is None else np.asarray(epochs) + 1


def _draw(
    panel: Any, epochs: np.ndarray, logs: Mapping[str, np.ndarray], key: str, color: str, label: str | None
) -> None:
    for name, style in ((key, "-"), (_VALIDATION + key, DASHES)):
        if name in logs:
            values = logs[name]  # a callback that began late has logged less
            marker = "o" if len(values) < 30 else None
            own = label if name == key or key not in logs else None
            at = epochs[len(epochs) - len(values) :]
            panel.plot(at, values, color=color, linestyle=style, marker=marker, markersize=3, label=own)


def _legend(figure: Any, column: Any, logs: Mapping[str, np.ndarray]) -> None:
    from matplotlib import lines

    entries = [panel.get_legend_handles_labels() for panel in column]
    handles = [lines.Line2D([], [], color=handle.get_color()) for own, _ in entries for handle in own]
    names = [name for _, own in entries for name in own]
    if any(key.startswith(_VALIDATION) for key in logs):
        handles.append(lines.Line2D([], [], color=INK, linestyle=DASHES))
        names.append("validation")
    legend_below(figure, handles, names)
