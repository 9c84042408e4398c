"""The distributions of scores in each group, before and after something was done about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_fair.plots.canvas import (
    COLORS,
    DASHES,
    INK,
    legend_below,
    plain,
    pyplot,
    shortened,
    styled,
)

__all__ = ["distributions"]


def distributions(
    before: Any,
    after: Any,
    groups: Any,
    *,
    titles: Sequence[str] = ("before", "after"),
    domain: tuple[float, float] | None = (0.0, 1.0),
    bins: int = 40,
    most: int = 6,
) -> Any:
    """Two panels on the same scales: the density of the scores of each group, and its mean as a dashed line.

    Args:
        before: `(n,)` scores.
        after: `(n,)` scores of the same samples, or None for one panel.
        groups: `(n,)`, the group of each sample; or a dict from names to `(n,)` bool, which may overlap.
        titles: of the panels.
        domain: where scores lie; None: between the least and the largest.
        bins: of the histograms, >= 1.
        most: how many groups are drawn, >= 1; of more, the largest.

    Returns:
        The Matplotlib figure. Spikes at the ends of the domain may be cut off at the top.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
        ValueError: lengths differ, scores are not finite, or nobody is in any group.

    Example:

    >>> import matplotlib, numpy as np
    >>> matplotlib.use("agg")
    >>> import keras_fair as kf
    >>> rng = np.random.default_rng(0)
    >>> sex = np.array(["Female", "Male"] * 100)
    >>> before = rng.uniform(0, 0.8, 200) + 0.2 * (sex == "Male")
    >>> figure = kf.plots.distributions(before, before - 0.2 * (sex == "Male"), sex)
    >>> [axes.get_title() for axes in figure.axes]
    ['before', 'after']
    """
    scores = [_scores(before, "before")] + ([] if after is None else [_scores(after, "after")])
    members, left_out = _largest(_members(groups, len(scores[0])), most)
    if any(len(each) != len(scores[0]) for each in scores):
        raise ValueError(
            f"expected before and after of one length, received {[len(each) for each in scores]}"
        )
    if domain is None:
        domain = (min(each.min() for each in scores), max(each.max() for each in scores))
    edges = (
        np.linspace(*domain, bins + 1)
        if domain[1] > domain[0]
        else np.array([domain[0] - 0.5, domain[0] + 0.5])
    )
    with styled():
        from matplotlib import lines

        size = (5 * len(scores), 4.6)
        figure, panels = pyplot().subplots(
            1, len(scores), figsize=size, sharex=True, sharey=True, layout="constrained", squeeze=False
        )
        for panel, y, title in zip(panels[0], scores, titles, strict=False):
            _draw(panel, y, members, edges)
            panel.set_title(plain(title))
        panels[0, 0].set_ylim(0, _height(scores, members, edges))
        panels[0, 0].set_ylabel("density in the group")
        handles, names = panels[0, 0].get_legend_handles_labels()
        handles.append(lines.Line2D([], [], color=INK, linewidth=1.4, linestyle=DASHES))
        legend_below(figure, handles, [*names, "mean of the group"])
        if left_out:
            figure.suptitle(f"the {len(members)} largest of {len(members) + left_out} groups", fontsize=10)
    return figure


def _scores(y: Any, name: str) -> np.ndarray:
    y = np.asarray(y, "float64")
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or not len(y) or not np.all(np.isfinite(y)):
        raise ValueError(f"expected {name} as finite numbers of shape (n,), received shape {y.shape}")
    return y


def _members(groups: Any, size: int) -> dict[str, np.ndarray]:
    """`(n,)` bool of each group that has anybody."""
    if not isinstance(groups, Mapping):
        column = np.asarray(groups)
        groups = {str(value): column == value for value in np.unique(column)}
    masks = {str(name): np.asarray(mask, bool) for name, mask in groups.items()}
    for name, mask in masks.items():
        if mask.shape != (size,):
            raise ValueError(f"expected groups of shape ({size},), received {name!r} of shape {mask.shape}")
    return {name: mask for name, mask in masks.items() if mask.any()}


def _largest(members: dict[str, np.ndarray], most: int) -> tuple[dict[str, np.ndarray], int]:
    """The largest groups in their own order, and how many are left out."""
    if most < 1:
        raise ValueError(f"expected most >= 1, received most={most!r}")
    if not members:
        raise ValueError("expected groups with somebody in them, received none")
    largest = sorted(members, key=lambda name: -int(members[name].sum()))[:most]
    return {name: mask for name, mask in members.items() if name in largest}, len(members) - len(largest)


def _draw(panel: Any, y: np.ndarray, members: dict[str, np.ndarray], edges: np.ndarray) -> None:
    for place, (name, mask) in enumerate(members.items()):
        color = COLORS[place % len(COLORS)]
        density = _density(y[mask], edges)
        label = f"{shortened(name)}  (n = {int(mask.sum()):,})"
        panel.stairs(density, edges, color=color, fill=True, alpha=0.18)
        panel.stairs(density, edges, color=color, linewidth=1.6, label=label)
        panel.axvline(float(y[mask].mean()), color=color, linewidth=1.4, linestyle=DASHES)
    panel.set_xlabel("predicted score y")
    panel.set_xlim(edges[0], edges[-1])


def _density(y: np.ndarray, edges: np.ndarray) -> np.ndarray:
    counts = np.histogram(np.clip(y, edges[0], edges[-1]), edges)[0]
    return counts / (len(y) * np.diff(edges))


def _height(scores: Sequence[np.ndarray], members: dict[str, np.ndarray], edges: np.ndarray) -> float:
    """Spikes at the ends of the domain, which would flatten everything else, do not count."""
    densities = [_density(y[mask], edges) for y in scores for mask in members.values()]
    inner = max(float(density[1:-1].max(initial=0.0)) for density in densities)
    return 1.25 * max(inner, 1.0 / (edges[-1] - edges[0]))
