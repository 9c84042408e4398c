"""The people that a front measures its points on, and what it asks of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.audit import Audit, audit
from keras_fair.constraints import Constraints, ConstraintSet, parse
from keras_fair.fronts.measured import Measured
from keras_fair.fronts.objectives import Objective
from keras_fair.fronts.texts import FrontText, measured_texts
from keras_fair.inputs.columns import columns_of
from keras_fair.inputs.predictions import (
    check_lengths,
    check_pairing,
    length_of,
    number_array,
    read_predictions,
)
from keras_fair.inputs.settings import check_confidence, check_seed

__all__ = ["Validation"]


@dataclass(frozen=True, eq=False)
class Validation:
    """Validation people and the questions; arguments are those of `keras_fair.Front`.

    Raises:
        ValueError: labels do not fit the objectives, names are used twice, a setting is malformed.
    """

    texts: tuple[FrontText, ...]
    objectives: tuple[Objective, ...]
    attributes: Any
    label: Any
    sample_weight: Any
    vocabulary: Any
    threshold: float
    confidence: float | None
    seed: int

    def __post_init__(self) -> None:
        for objective in self.objectives:
            if objective.name in {text.name for text in self.texts}:
                raise ValueError(
                    f"expected names of objectives unlike the texts, received {objective.name!r} as both"
                )
            objective.checked(self.label)
        number = isinstance(self.threshold, (int, float, np.integer, np.floating))
        if not number or isinstance(self.threshold, bool) or not np.isfinite(self.threshold):
            raise ValueError(f"expected threshold as a finite number, received threshold={self.threshold!r}")
        check_confidence(self.confidence)
        check_seed(self.seed)
        check_pairing(None, self.attributes, self.label, self.sample_weight)
        columns = columns_of(self.attributes)
        named = {f"attribute {name!r}": columns[name] for name in self.asked.attributes if name in columns}
        beside = {"label": self.label, "sample_weight": self.sample_weight}
        check_lengths({name: length_of(column) for name, column in {**named, **beside}.items()})

    @property
    def asked(self) -> ConstraintSet:
        """The statements of all texts."""
        return parse([text.constraints for text in self.texts])

    def read(self, predictions: Any) -> np.ndarray:
        """Predictions as `(n,)` or `(n, outputs)` float64.

        Raises:
            ValueError: they are malformed, or of another number of people.
        """
        check_pairing(predictions, self.attributes, self.label, self.sample_weight)
        return read_predictions(predictions).flat

    def measured(self, y: np.ndarray) -> tuple[dict[str, Measured], dict[str, Measured]]:
        """Scores by objective, and gaps by text.

        Args:
            y: what `read` gives.

        Raises:
            ConstraintError: a text has no meaning for these people.
        """
        gaps = measured_texts(self.texts, self.audit(self.asked, y, self.confidence))
        label = self.label if self.label is None else number_array(self.label, "label")[0]
        scores = {
            each.name: each.measured(
                y,
                self.label if each.own else label,
                self.sample_weight,
                threshold=float(self.threshold),
                confidence=self.confidence,
                seed=self.seed,
            )
            for each in self.objectives
        }
        return scores, gaps

    def audit(self, constraints: Constraints, y: np.ndarray, confidence: float | None) -> Audit:
        """The audit of predictions; intervals of the relations of one statement hold together."""
        return audit(
            constraints,
            y,
            self.attributes,
            self.label,
            self.sample_weight,
            vocabulary=self.vocabulary,
            confidence=confidence,
            simultaneous=True,
            seed=self.seed,
        )
