"""What comes between a request and its answer: the base model's score, and what corrects it.

    columns --scorer--> scores (n,) --correction--> y (n,), accepted (n,)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from keras_fair.serving.faults import Problem, Refused
from keras_fair.serving.people import People

__all__ = ["Answer", "Answering", "Correction", "Scorer", "Uncorrected", "one_score", "parts_of", "within"]

_SECONDS = 60.0  # between two lines of the log about scores that are none
_logger = logging.getLogger("keras_fair.serving")

Scorer = Callable[[Mapping[str, np.ndarray]], np.ndarray]
"""The base model: columns of features in, scores `(n,)` or `(n, outputs)` out."""


class Answer(NamedTuple):
    """What a request is told.

    Attributes:
        y: `(n,)` or `(n, outputs)` scores.
        accepted: `(n,)` bool, where the rule decides.
    """

    y: np.ndarray
    accepted: np.ndarray | None = None

    def people(self) -> list[dict[str, Any]]:
        """As plain values, person by person."""
        scores = self.y.tolist()
        if self.accepted is None:
            return [{"y": y} for y in scores]
        return [{"y": y, "accepted": each} for y, each in zip(scores, self.accepted.tolist(), strict=True)]


class Correction(Protocol):
    """What is done to scores.

    Attributes:
        name: in a word.
        bounds: where scores must lie.
        waits: whether it waits for a disk or another machine.
    """

    name: str
    bounds: tuple[float, float]
    waits: bool

    def correct(self, scores: np.ndarray, requests: Sequence[People]) -> list[Answer | Refused]:
        """An answer for each request. When this returns, what was promised to be saved is saved.

        Args:
            scores: `(n,)` or `(n, outputs)` of the people of all requests, one after the other.
            requests: who they are.
        """

    def measured(self) -> Mapping[str, Any]:
        """What has to be known of it: numbers by name."""

    def close(self) -> None:
        """Save what is not saved.

        Raises:
            StateError: it can't be.
        """


class Uncorrected:
    """Scores as they are."""

    name, bounds, waits = "none", (-np.inf, np.inf), False

    def correct(self, scores: np.ndarray, requests: Sequence[People]) -> list[Answer | Refused]:
        """The scores."""
        return [Answer(part) for part in parts_of(scores, requests)]

    def measured(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def close(self) -> None:
        """Nothing is kept."""


class Answering:
    """Answers requests that came at about the same time: one call of the model for all of them.

    Args:
        features: the columns that the model takes, of some requests.
        scorer: the model.
        correction: what is done to its scores.
    """

    def __init__(
        self,
        features: Callable[[Sequence[People]], dict[str, np.ndarray]],
        scorer: Scorer,
        correction: Correction,
    ) -> None:
        self._features, self._scorer, self.correction = features, scorer, correction
        self._log_at = 0.0

    def scores(self, requests: Sequence[People]) -> np.ndarray:
        """The model's scores, `(n,)` or `(n, outputs)`, of all people of some requests."""
        return self._scorer(self._features(requests))

    def __call__(self, requests: Sequence[People]) -> list[Answer | Refused]:
        """An answer for each request, in their order."""
        scores = self.scores(requests)
        fine = within(scores, self.correction.bounds)
        if fine.all():
            return self.correction.correct(scores, requests)
        are_fine = [bool(part.all()) for part in parts_of(fine, requests)]
        kept = [request for request, is_fine in zip(requests, are_fine, strict=True) if is_fine]
        corrected: list[Answer | Refused] = []
        if kept:
            people = np.repeat(are_fine, [request.size for request in requests])
            corrected = self.correction.correct(scores[people], kept)
        low, high = self.correction.bounds
        if time.monotonic() >= self._log_at:
            self._log_at = time.monotonic() + _SECONDS
            _logger.error(
                "the model gave scores for %d of %d people that are no numbers from %g to %g: not answered",
                len(fine) - fine.sum(), len(fine), low, high,
            )  # fmt: skip
        wrong = Problem("(model)", f"scores of the model from {low:g} to {high:g}", "others for these people")
        given = iter(corrected)
        return [next(given) if is_fine else Refused(500, wrong) for is_fine in are_fine]


def parts_of(values: np.ndarray, requests: Sequence[People]) -> list[np.ndarray]:
    """The part of each request."""
    parts, at = [], 0
    for request in requests:
        parts.append(values[at : at + request.size])
        at += request.size
    return parts


def within(scores: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """Whose scores are numbers in the domain, `(n,)` bool."""
    low, high = bounds
    fine = (scores >= low) & (scores <= high) & np.isfinite(scores)
    return fine if fine.ndim == 1 else fine.all(axis=1)


def one_score(found: np.ndarray) -> np.ndarray:
    """Scores `(n,)` where a model gives one for each person, else as they are."""
    return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
