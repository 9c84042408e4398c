"""One point of a front: a model or a correction, what it predicts, and what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_fair.fronts.measured import Measured
from keras_fair.ops.outcome import Outcome

__all__ = ["FrontPoint"]


@dataclass(frozen=True, eq=False)
class FrontPoint:
    """One model or correction. Made by a `Front`.

    Attributes:
        name: of the point, unique in its front.
        scores: by objective, smaller is better.
        gaps: by text, smaller is better.
        undominated: whether no other point of the front dominates it; see `keras_fair.fronts.dominance`.
        setting: what it was made with: a tolerance, one a text, or a value of the grid; None for others.
        constraints: what a corrected point was held to, as text for `kf.project`, `kf.FairModel` or
            `kf.FrozenFairness`; `""` for others.
        predictions: `(n,)` or `(n, outputs)` float64, of the validation people.
        model: the trained model or the rule; None where there is none, or it was not kept.
        outcome: of a correction; None for others.
    """

    name: str
    scores: Mapping[str, Measured]
    gaps: Mapping[str, Measured]
    undominated: bool
    setting: Any = None
    constraints: str = ""
    predictions: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)
    model: Any = field(default=None, repr=False)
    outcome: Outcome | None = None

    @property
    def numbers(self) -> tuple[float, ...]:
        """The scores, then the gaps."""
        return tuple(each.value for each in (*self.scores.values(), *self.gaps.values()))

    @property
    def unknown(self) -> tuple[str, ...]:
        """The objectives and texts whose numbers can't be estimated."""
        both = {**self.scores, **self.gaps}
        return tuple(name for name, each in both.items() if each.value != each.value)

    def to_dict(self) -> dict[str, Any]:
        """As plain Python values, without predictions and model."""
        return {
            "name": self.name,
            "undominated": self.undominated,
            "setting": _plain_setting(self.setting),
            "constraints": self.constraints,
            "outcome": None if self.outcome is None else self.outcome.name,
            "scores": {name: each.to_dict() for name, each in self.scores.items()},
            "gaps": {name: each.to_dict() for name, each in self.gaps.items()},
        }


def _plain_setting(setting: Any) -> Any:
    """A setting as JSON takes it: numbers, texts and lists of these; else its text."""
    if isinstance(setting, (list, tuple)):
        return [_plain_setting(each) for each in setting]
    if isinstance(setting, (np.integer, np.floating)):
        setting = setting.item()
    if isinstance(setting, float) and not np.isfinite(setting):
        return None
    return setting if setting is None or isinstance(setting, (bool, int, float, str)) else str(setting)
