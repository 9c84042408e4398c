"""The distributions of scores in each group, before and after, as one PNG.

Matplotlib is imported here and nowhere else, and draws without a screen.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from keras_fair.audit import AuditedRelation
from keras_fair.comparison.compare import Comparison, Side
from keras_fair.datasets import Split
from keras_fair.language import node_text, on_prediction
from keras_fair.rows.constraint_set import ConstraintSet, parse
from keras_fair.rows.vocabulary import Vocabulary

__all__ = ["groups_of", "save_picture"]

MOST_GROUPS = 6
_BINS = 40
# Okabe and Ito: told apart by the colour-blind too
_COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_INK = "#333333"
_DASHES = (0, (4, 2))


def save_picture(
    path: str | Path, comparison: Comparison, test: Split, constraints: ConstraintSet, title: str
) -> None:
    """Draw the score distributions of the groups of one relation, without and with the constraints.

    The relation is the one that the free model violates most; its gap is written into both panels.

    Args:
        path: of the PNG; its folder exists.
        comparison: what was found on the held-out people.
        test: the held-out people.
        constraints: what the fair model is held to.
        title: of the picture.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import lines, pyplot

    shown = _shown(comparison)
    every = groups_of(comparison.free.audit.relations[shown], test, constraints)
    largest = sorted(every, key=lambda name: -int(every[name].sum()))[:MOST_GROUPS]
    groups = {name: every[name] for name in every if name in largest}
    if len(groups) < len(every):
        title += f" (the {len(groups)} largest of {len(every)} groups)"
    style: Any = {"font.size": 10, "axes.edgecolor": _INK, "axes.labelcolor": _INK, "text.color": _INK}
    style |= {"axes.spines.top": False, "axes.spines.right": False}
    with pyplot.rc_context(style):
        figure, panels = pyplot.subplots(
            1, 2, figsize=(10, 4.6), sharex=True, sharey=True, layout="constrained"
        )
        for panel, side, heading in zip(
            panels, (comparison.free, comparison.fair), ("free model", "fair model"), strict=True
        ):
            _draw(panel, side, side.audit.relations[shown], groups, heading)
        _limit_height(panels, comparison, groups)
        panels[0].set_ylabel("density in the group")
        handles, names = panels[0].get_legend_handles_labels()
        handles.append(lines.Line2D([], [], color=_INK, linewidth=1.4, linestyle=_DASHES))
        names.append("mean of the group")
        figure.legend(handles, names, loc="outside lower center", ncols=_legend_columns(names), frameon=False)
        figure.suptitle(title, fontsize=11)
        figure.savefig(path, dpi=110, metadata={"Software": None})
        pyplot.close(figure)


def groups_of(relation: AuditedRelation, test: Split, constraints: ConstraintSet) -> dict[str, np.ndarray]:
    """The people behind the statistics of a relation: `(n,)` bool by condition."""
    vocabulary = Vocabulary().adapt(
        {name: test.attributes[name] for name in constraints.attributes}, test.label
    )
    found: dict[str, np.ndarray] = {}
    for statistic in relation.statistics:
        if statistic.size == 0:
            continue
        parsed = parse(f"{statistic.text} >= 0")
        expression: Any = parsed.statements[0].relation.left  # type: ignore[union-attr]
        if not on_prediction(expression):
            continue
        name = "everyone" if expression.condition is None else node_text(expression.condition)
        matrix = parsed.rows(test.attributes, test.label, vocabulary=vocabulary).matrix
        found.setdefault(name, np.asarray(matrix)[0] != 0)
    return found


def _shown(comparison: Comparison) -> int:
    """The place of the relation that the free model violates most."""
    violations = [
        -1.0 if math.isnan(relation.violation) else relation.violation for relation in comparison.free.audit
    ]
    return int(np.argmax(violations))


def _draw(
    panel: Any, side: Side, relation: AuditedRelation, groups: dict[str, np.ndarray], heading: str
) -> None:
    edges = np.linspace(0, 1, _BINS + 1)
    for place, (name, members) in enumerate(groups.items()):
        color = _COLORS[place % len(_COLORS)]
        density = _density(side, members)
        panel.stairs(density, edges, color=color, fill=True, alpha=0.18)
        panel.stairs(
            density, edges, color=color, linewidth=1.6, label=f"{name}  (n = {int(members.sum()):,})"
        )
        panel.axvline(float(side.y[members].mean()), color=color, linewidth=1.4, linestyle=_DASHES)
    gap = "-" if math.isnan(relation.gap) else f"{relation.gap:+.4f}"
    panel.set_title(
        f"gap {gap}  (allowed {_allowed(relation)}),  accuracy {side.scores.accuracy:.3f}", fontsize=10
    )
    panel.text(0.5, 1.11, heading, transform=panel.transAxes, ha="center", fontsize=12, fontweight="bold")
    panel.set_xlabel("predicted score y")
    panel.set_xlim(0, 1)


def _legend_columns(names: list[str]) -> int:
    """As many as fit beside each other under the picture."""
    return max(1, min(len(names), 112 // (max(map(len, names)) + 8)))


def _allowed(relation: AuditedRelation) -> str:
    """The bounds of the gap, with the signs of a printed text."""
    bounds = relation.bounds
    for typed, printed in (("+-", "±"), ("<=", "≤"), (">=", "≥"), ("...", "to")):
        bounds = bounds.replace(typed, printed)
    return bounds


def _density(side: Side, members: np.ndarray) -> np.ndarray:
    return np.histogram(side.y[members], bins=_BINS, range=(0, 1), density=True)[0]


def _limit_height(panels: Any, comparison: Comparison, groups: dict[str, np.ndarray]) -> None:
    """Cut off spikes at the ends of the domain, which would flatten everything else."""
    inner = [
        _density(side, members)[1:-1].max(initial=0.0)
        for side in (comparison.free, comparison.fair)
        for members in groups.values()
    ]
    panels[0].set_ylim(0, 1.25 * max([*inner, 1.0]))
