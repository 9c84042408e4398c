"""The distributions of scores in each group, before and after, as one PNG.

`keras_fair.plots` draws them; here the picture gets its titles and is saved, without a screen.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from keras_fair.audit import AuditedRelation
from keras_fair.comparison.compare import ModelComparison, Side
from keras_fair.constraints import ConstraintSet, parse
from keras_fair.datasets import Split
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.language import node_text, on_prediction
from keras_fair.reports.numbers import allowed

__all__ = ["groups_of", "save_picture"]

MOST_GROUPS = 6


def save_picture(
    path: str | Path, comparison: ModelComparison, test: Split, constraints: ConstraintSet, title: str
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
    from matplotlib import pyplot

    from keras_fair.plots import distributions

    shown = _shown(comparison)
    groups = groups_of(comparison.free.audit.relations[shown], test, constraints)
    if len(groups) > MOST_GROUPS:
        title += f" (the {MOST_GROUPS} largest of {len(groups)} groups)"
    figure = distributions(comparison.free.y, comparison.fair.y, groups, most=MOST_GROUPS)
    sides = {"free model": comparison.free, "fair model": comparison.fair}
    for panel, (heading, side) in zip(figure.axes, sides.items(), strict=True):
        panel.set_title(_found(side, side.audit.relations[shown]), fontsize=10)
        panel.text(0.5, 1.11, heading, transform=panel.transAxes, ha="center", fontsize=12, fontweight="bold")
    figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def groups_of(relation: AuditedRelation, test: Split, constraints: ConstraintSet) -> dict[str, np.ndarray]:
    """The people behind the statistics of a relation: `(n,)` bool by condition."""
    vocabulary = Vocabulary().adapt(
        {name: test.attributes[name] for name in constraints.attributes}, test.label
    )
    members: dict[str, np.ndarray] = {}
    for statistic in relation.statistics:
        if statistic.size == 0:
            continue
        parsed = parse(f"{statistic.text} >= 0")
        expression: Any = parsed.statements[0].relation.left  # type: ignore[union-attr]
        if not on_prediction(expression):
            continue
        name = "everyone" if expression.condition is None else node_text(expression.condition)
        matrix = parsed.rows(test.attributes, test.label, vocabulary=vocabulary).matrix
        members.setdefault(name, np.asarray(matrix)[0] != 0)
    return members


def _shown(comparison: ModelComparison) -> int:
    """The place of the relation that the free model violates most."""
    violations = [relation.violation for relation in comparison.free.audit]
    return int(np.argmax(np.nan_to_num(violations, nan=-1.0)))


def _found(side: Side, relation: AuditedRelation) -> str:
    gap = "-" if math.isnan(relation.gap) else f"{relation.gap:+.4f}"
    return f"gap {gap}  (allowed {allowed(relation)}),  accuracy {side.scores.accuracy:.3f}"
