"""The competitors who learn rules for decisions; `_rivals.py` makes their environment and starts this.

One JSON object a line: who learns, for which criterion and tolerance, from whom, and for whom to answer. The
reply: the processor's seconds of learning, and the chance of each person to be accepted, which is between 0
and 1 where a lot is drawn.

- `fairlearn`: `ThresholdOptimizer`; with `relaxed` it is told the tolerance, else it aims at none.
- `error-parity`: `RelaxedThresholdOptimizer`.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from error_parity import RelaxedThresholdOptimizer  # type: ignore[import-not-found]
from error_parity.classifiers import (  # type: ignore[import-not-found]
    BinaryClassifierAtROCDiagonal,
    RandomizedClassifier,
)
from fairlearn.postprocessing import ThresholdOptimizer
from sklearn.base import BaseEstimator, ClassifierMixin

Columns = dict[str, np.ndarray]
Learnt = Callable[[Columns], np.ndarray]


class Scored(ClassifierMixin, BaseEstimator):
    """A model whose score is what it is given."""

    classes_ = np.array([0, 1])

    def fit(self, x: np.ndarray, y: np.ndarray) -> Scored:
        """Nothing is learnt."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """`(n, 2)`."""
        score = np.asarray(x)[:, 0]
        return np.stack([1 - score, score], axis=1)


def _fairlearn(people: Columns, criterion: str, tolerance: float, relaxed: bool = False) -> Learnt:
    rule = ThresholdOptimizer(
        estimator=Scored(),
        constraints=criterion,
        objective="accuracy_score",
        prefit=True,
        predict_method="predict_proba",
        tol=tolerance if relaxed else None,
    )
    rule.fit(people["score"][:, None], people["label"], sensitive_features=people["group"])

    def chance(others: Columns) -> np.ndarray:
        both = rule._pmf_predict(others["score"][:, None], sensitive_features=others["group"])
        return np.asarray(both)[:, 1]

    return chance


def _error_parity(people: Columns, criterion: str, tolerance: float) -> Learnt:
    rule = RelaxedThresholdOptimizer(
        predictor=lambda x: np.asarray(x)[:, 0], constraint=criterion, tolerance=tolerance
    )
    rule.fit(people["score"][:, None], people["label"].astype(int), group=people["group"])

    def chance(others: Columns) -> np.ndarray:
        chances = np.empty(len(others["score"]))
        for group, decides in rule._realized_classifier.group_to_clf.items():
            chosen = others["group"] == group
            chances[chosen] = _chance(decides, others["score"][chosen][:, None])
        return chances

    return chance


def _chance(decides: Any, x: np.ndarray) -> np.ndarray:
    """The chance of each person to be accepted by one of error-parity's classifiers."""
    if isinstance(decides, RandomizedClassifier):
        parts = zip(decides.probabilities, decides.classifiers, strict=True)
        return np.sum([share * _chance(each, x) for share, each in parts], axis=0)
    if isinstance(decides, BinaryClassifierAtROCDiagonal):
        return np.full(len(x), float(decides.target_fpr))
    return np.asarray(decides(x), dtype=float)


LEARN: dict[str, Callable[..., Learnt]] = {"fairlearn": _fairlearn, "error-parity": _error_parity}


def _columns(path: str) -> Columns:
    with np.load(path) as stored:
        return dict(stored)


def main() -> None:
    warnings.simplefilter("ignore")
    replies, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        people, others = _columns(request.pop("people")), _columns(request.pop("others"))
        repeats, competitor = request.pop("repeats"), request.pop("competitor")
        seconds = []
        for _ in range(repeats):
            start = time.process_time()
            learnt = LEARN[competitor](people, **request)
            seconds.append(time.process_time() - start)
        reply = {"seconds": seconds, "answer": learnt(others).tolist()}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
