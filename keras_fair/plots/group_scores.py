"""The distributions of scores that an audit holds: for whoever has the audit, and not the people."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_fair.audit.result import Audit, GroupScores
from keras_fair.plots.canvas import legend_below, plain, pyplot, styled
from keras_fair.plots.distributions import Group, draw_groups, height_for, mean_line

__all__ = ["group_scores"]


def group_scores(audit: Audit, *, most: int = 6) -> Any:
    """A panel for each attribute, or combination of attributes: the density of the scores of each group.

    Args:
        audit: what was found.
        most: how many groups a panel shows, >= 1; of more, the largest.

    Returns:
        The Matplotlib figure. Spikes at the ends may be cut off at the top.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
        ValueError: the audit holds no distribution of a group with somebody in it.

    Example:

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import keras_fair as kf
    >>> found = kf.audit("spread(E[y | sex=*]) <= 0.1", [0.2, 0.7, 0.9], {"sex": ["F", "F", "M"]})
    >>> [axes.get_title() for axes in kf.plots.group_scores(found).axes]
    ['sex']
    """
    if most < 1:
        raise ValueError(f"expected most >= 1, received most={most!r}")
    panels: dict[tuple[str, ...], list[GroupScores]] = {}
    for group in audit.groups:
        if group.weight > 0:
            panels.setdefault(group.attributes, []).append(group)
    if len(panels) > 1:
        panels.pop((), None)  # everybody: said by the groups
    if not panels:
        raise ValueError("expected an audit with groups that somebody is in, received none")
    edges = np.asarray(audit.edges, dtype=float)
    with styled():
        size = (5 * len(panels), 4.6)
        figure, axes = pyplot().subplots(1, len(panels), figsize=size, layout="constrained", squeeze=False)
        for panel, (attributes, members) in zip(axes[0], panels.items(), strict=True):
            largest = sorted(members, key=lambda group: -group.weight)[:most]
            drawn = [_group(member, edges) for member in members if member in largest]
            draw_groups(panel, drawn, edges)
            panel.set_ylim(0, height_for([group.density for group in drawn], edges))
            left_out = f" ({len(largest)} of {len(members)} groups)" if len(members) > len(largest) else ""
            panel.set_title(plain(", ".join(attributes) or "everybody") + left_out)
        axes[0, 0].set_ylabel("density in the group")
        handles, names = [], []
        for panel in axes[0]:
            for handle, name in zip(*panel.get_legend_handles_labels(), strict=True):
                handles.append(handle)
                names.append(name)
        legend_below(figure, [*handles, mean_line()], [*names, "mean of the group"])
    return figure


def _group(member: GroupScores, edges: np.ndarray) -> Group:
    counts = np.asarray(member.counts, dtype=float)
    density = counts / (counts.sum() * np.diff(edges))
    name = ", ".join(str(value) for value in member.values) or "everybody"
    return Group(name, member.size, member.mean, density)
