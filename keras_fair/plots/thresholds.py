"""The thresholds of a frozen rule, on the scores of each group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from keras_fair.postprocessing.frozen_fairness import FrozenFairness

__all__ = ["thresholds"]


def thresholds(
    rule: FrozenFairness, scores: Any, attributes: Any = None, *, bins: int = 40, most: int = 6
) -> Any:
    """A panel for each group, one above the other: the density of its scores, whom the rule accepts, and the
    group's threshold.

    Args:
        rule: fitted, for decisions.
        scores: `(n,)` or `(n, 1)`, before the rule.
        attributes: the columns that the rule's constraints name, `(n,)` each.
        bins: of the histograms, >= 1.
        most: how many groups are drawn, >= 1; of more, the largest.

    Returns:
        The Matplotlib figure. Where a rule draws lots, a bar shows the expected share.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
        ValueError: the rule is about scores, or nobody is in a group that it knows.

    Example:

    >>> import matplotlib, numpy as np
    >>> matplotlib.use("agg")
    >>> import keras_fair as kf
    >>> sex, scores = np.repeat(["Female", "Male"], 50), np.tile(np.arange(50) / 50, 2)
    >>> rule = kf.FrozenFairness("P[y >= 0.5 | sex=*] <= 0.3", confidence=None).fit(scores, {"sex": sex})
    >>> figure = kf.plots.thresholds(rule, scores, {"sex": sex})
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['sex=Female: 30.0% of 50 accepted', 'sex=Male: 30.0% of 50 accepted']
    """
    if rule.meaning.threshold is None:
        raise ValueError(
            "expected a rule for decisions, received one for scores: kf.plots.distributions draws those"
        )
    if most < 1:
        raise ValueError(f"expected most >= 1, received most={most!r}")
    members, left_out = _members(rule, scores, attributes, most)
    y = np.asarray(scores, "float64").reshape(-1)
    edges = np.linspace(*rule.domain.bounds, bins + 1)
    with styled():
        size = (8, 1.0 + 1.7 * len(members))
        figure, column = pyplot().subplots(
            len(members), 1, figsize=size, sharex=True, sharey=True, layout="constrained", squeeze=False
        )
        for place, (panel, (name, mask)) in enumerate(zip(column[:, 0], members.items(), strict=True)):
            _draw(panel, name, y[mask], rule.groups[name], edges, COLORS[place % len(COLORS)])
            panel.axvline(
                rule.meaning.threshold, color=INK, linewidth=1, linestyle=(0, (1, 2)),
                label=f"y = {rule.meaning.threshold:g}",
            )  # fmt: skip
        column[-1, 0].set_xlabel("score before the rule")
        column[-1, 0].set_xlim(edges[0], edges[-1])
        legend_below(figure, *_distinct(column[:, 0]))
        if left_out:
            figure.suptitle(f"the {len(members)} largest of {len(members) + left_out} groups", fontsize=10)
    return figure


def _members(
    rule: FrozenFairness, scores: Any, attributes: Any, most: int
) -> tuple[dict[str, np.ndarray], int]:
    """`(n,)` bool of each group that is drawn, and how many groups are not."""
    names = rule.groups_of(scores, attributes)
    sizes = {name: int((names == name).sum()) for name in rule.groups}
    there = [name for name, size in sizes.items() if size]
    if not there:
        raise ValueError("expected people of the groups that the rule knows, received none")
    largest = sorted(there, key=lambda name: -sizes[name])[:most]
    return {name: names == name for name in there if name in largest}, len(there) - len(largest)


def _draw(panel: Any, name: str, y: np.ndarray, knots: dict[str, Any], edges: np.ndarray, color: str) -> None:
    places, shares = np.asarray(knots["thresholds"]), np.asarray(knots["shares"])
    accepted = (y[:, None] >= places) @ shares
    scale = len(y) * np.diff(edges)
    inside = np.clip(y, edges[0], edges[-1])
    everyone = np.histogram(inside, edges)[0] / scale
    panel.stairs(everyone, edges, color=color, fill=True, alpha=0.15)
    chosen = np.histogram(inside, edges, weights=accepted)[0] / scale
    panel.stairs(chosen, edges, color=color, fill=True, alpha=0.5, label="accepted")
    panel.stairs(everyone, edges, color=color, linewidth=1.4)
    for place in places[np.isfinite(places)]:
        panel.axvline(place, color=INK, linewidth=1.4, linestyle=DASHES, label="threshold of the group")
    title = f"{shortened(name)}: {accepted.mean():.1%} of {len(y):,} accepted"
    panel.set_title(title, loc="left", fontsize=10)
    panel.set_ylabel("density")


def _distinct(panels: Any) -> tuple[list[Any], list[str]]:
    """The handles and names of all panels' legends, each name once."""
    found: dict[str, Any] = {}
    for panel in panels:
        for handle, name in zip(*panel.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    return list(found.values()), list(found)
