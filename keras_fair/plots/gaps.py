"""The gaps of an audit with their intervals, before the bounds that they are to lie in."""

from __future__ import annotations

import math
from typing import Any

from keras_fair.audit.result import Audit, AuditedRelation, Verdict
from keras_fair.plots.canvas import BAND, INK, plain, pyplot, shortened, styled
from keras_fair.reports.wording import ORDER, worst_first

__all__ = ["gaps"]

_MARKS = {
    Verdict.SATISFIED: ("o", "#1B7A4B", "full"),
    Verdict.VIOLATED: ("D", "#B3261E", "full"),
    Verdict.UNDECIDED: ("o", "#8A5A00", "none"),
    Verdict.UNESTIMABLE: ("x", "#666666", "full"),
}


def gaps(audit: Audit, ax: Any = None, *, most: int = 30) -> Any:
    """One line for each relation, worst first: its gap, the interval of the gap, and where it may lie.

    Args:
        audit: what `keras_fair.audit` found.
        ax: the Matplotlib axes to draw into; default: those of a new figure.
        most: how many relations are drawn, >= 1; of more, the worst.

    Returns:
        The axes. A relation that can't be estimated has a line without a gap.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
        ValueError: `most` is not positive.

    Example:

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import keras_fair as kf
    >>> audit = kf.audit("E[y | sex=*] == 0.5 +- 0.1", [0.4, 0.9], {"sex": ["F", "M"]}, confidence=None)
    >>> axes = kf.plots.gaps(audit)
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['E[y | sex=M] == 0.5 +- 0.1', 'E[y | sex=F] == 0.5 +- 0.1']
    """
    if most < 1:
        raise ValueError(f"expected most >= 1, received most={most!r}")
    shown = worst_first(audit.relations)[:most]
    with styled():
        if ax is None:
            size = (9, 1.3 + 0.34 * max(len(shown), 1))
            ax = pyplot().subplots(figsize=size, layout="constrained")[1]
        for place, relation in enumerate(shown):
            _draw_relation(ax, place, relation)
        _draw_bands(ax, shown)
        ax.axvline(0, color=INK, linewidth=0.8, linestyle=":", zorder=1)
        ax.set_yticks(range(len(shown)), [shortened(relation.name) for relation in shown])
        ax.set_ylim(max(len(shown), 1) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("gap, with its interval; the band is allowed")
        if len(shown) < len(audit):
            ax.set_title(f"the {len(shown)} worst of {len(audit):,} relations", fontsize=10)
        _name_marks(ax, {relation.verdict for relation in shown})
    return ax


def _draw_relation(ax: Any, place: int, relation: AuditedRelation) -> None:
    marker, color, fill = _MARKS[relation.verdict]
    interval = relation.interval
    if interval is not None and math.isfinite(interval.low) and math.isfinite(interval.high):
        ends = {"color": color, "linewidth": 1.6, "zorder": 3}
        ax.plot([interval.low, interval.high], [place, place], marker="|", markersize=7, **ends)
    if not math.isnan(relation.gap):
        face = "white" if fill == "none" else color
        ax.plot(
            relation.gap,
            place,
            marker,
            color=color,
            markerfacecolor=face,
            markersize=6,
            clip_on=False,
            zorder=4,
        )


def _draw_bands(ax: Any, shown: tuple[AuditedRelation, ...]) -> None:
    """Where each gap may lie; a side without a bound reaches to the edge of the picture."""
    finite = [bound for each in shown for bound in (each.lower, each.upper) if math.isfinite(bound)]
    if finite:
        ax.update_datalim([(min(finite), 0), (max(finite), 0)])
        ax.autoscale_view(scaley=False)
    low, high = ax.get_xlim()
    for place, relation in enumerate(shown):
        lower, upper = max(relation.lower, low), min(relation.upper, high)
        if upper > lower:
            ax.barh(
                place, upper - lower, left=lower, height=0.7, color=BAND, alpha=0.16, linewidth=0, zorder=0
            )
        for bound in {relation.lower, relation.upper}:
            if math.isfinite(bound):
                ax.plot([bound, bound], [place - 0.35, place + 0.35], color=BAND, linewidth=1.2, zorder=2)
    ax.set_xlim(low, high)


def _name_marks(ax: Any, verdicts: set[Verdict]) -> None:
    for verdict in ORDER:
        if verdict in verdicts:
            marker, color, fill = _MARKS[verdict]
            face = "white" if fill == "none" else color
            ax.plot([], [], marker, color=color, markerfacecolor=face, label=plain(verdict.value))
    if verdicts:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, handletextpad=0.2)
