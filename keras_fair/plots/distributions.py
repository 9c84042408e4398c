"""The distributions of scores in each group, before and after something was done about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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

__all__ = ["Group", "distributions", "draw_groups", "height_for", "mean_line"]


class Group(NamedTuple):
    """What is drawn of one group: its name, how many are in it, their mean score, and the density of their
    scores in each bin."""

    name: str
    size: float
    mean: float
    density: np.ndarray


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
        size = (5 * len(scores), 4.6)
        figure, panels = pyplot().subplots(
            1, len(scores), figsize=size, sharex=True, sharey=True, layout="constrained", squeeze=False
        )
        drawn = [_groups_of(y, members, edges) for y in scores]
        for panel, of_panel, title in zip(panels[0], drawn, titles, strict=False):
            draw_groups(panel, of_panel, edges)
            panel.set_title(plain(title))
        densities = [group.density for of_panel in drawn for group in of_panel]
        panels[0, 0].set_ylim(0, height_for(densities, edges))
        panels[0, 0].set_ylabel("density in the group")
        handles, names = panels[0, 0].get_legend_handles_labels()
        legend_below(figure, [*handles, mean_line()], [*names, "mean of the group"])
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


def draw_groups(panel: Any, groups: Sequence[Group], edges: np.ndarray) -> None:
    """The density of each group, and its mean as a dashed line."""
    for place, group in enumerate(groups):
        color = COLORS[place % len(COLORS)]
        label = f"{shortened(group.name)}  (n = {group.size:,.0f})"
        panel.stairs(group.density, edges, color=color, fill=True, alpha=0.18)
        panel.stairs(group.density, edges, color=color, linewidth=1.6, label=label)
        panel.axvline(group.mean, color=color, linewidth=1.4, linestyle=DASHES)
    panel.set_xlabel("predicted score y")
    panel.set_xlim(edges[0], edges[-1])


def height_for(densities: Sequence[np.ndarray], edges: np.ndarray) -> float:
    """Of a panel. Spikes at the ends of the domain, which would flatten everything else, do not count."""
    inner = max(float(density[1:-1].max(initial=0.0)) for density in densities)
    return 1.25 * max(inner, 1.0 / (edges[-1] - edges[0]))


def mean_line() -> Any:
    """What stands in the legend for the dashed lines."""
    from matplotlib import lines

    return lines.Line2D([], [], color=INK, linewidth=1.4, linestyle=DASHES)


def _groups_of(y: np.ndarray, members: dict[str, np.ndarray], edges: np.ndarray) -> list[Group]:
    return [
        Group(name, int(mask.sum()), float(y[mask].mean()), _density(y[mask], edges))
        for name, mask in members.items()
    ]


def _density(y: np.ndarray, edges: np.ndarray) -> np.ndarray:
    counts = np.histogram(np.clip(y, edges[0], edges[-1]), edges)[0]
    return counts / (len(y) * np.diff(edges))
