"""The people of a fit as a game: who answers multipliers with a classifier, and what each has cost.

    c_i = w_i (1 - 2 label_i) + d/dd_i lambda' g(d)        fit to the labels [c_i < 0] with the weights |c_i|

The answer is the best classifier at these multipliers as far as the estimator minimises the weighted error.
Source: Agarwal et al. (2018), section 3.2.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier

from keras_fair.reductions.decision_rows import DecisionRows
from keras_fair.reductions.exponentiated_gradient import Answer
from keras_fair.sklearn.two_classes import routes

__all__ = ["Game", "decisions_of", "probabilities_of"]


class Game:
    """The classifiers found so far, and the fit that answers multipliers.

    Args:
        estimator: to be cloned and fitted.
        X: `(n, features)`.
        label: `(n,)` int, 0 or 1.
        weight: `(n,)` >= 0, of the people.
        rows: what is asked of decisions.
        params: of the estimator's `fit`, beside labels and weights.

    Attributes:
        estimators, known: the classifiers that were kept, and what the game sees of each; first the two that
            accept nobody and everybody.
        weight: with sum 1.
        fits: how often the estimator was fitted.

    Raises:
        ValueError: the estimator's `fit` takes no weights.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        label: np.ndarray,
        weight: np.ndarray,
        rows: DecisionRows,
        params: Mapping[str, Any],
    ) -> None:
        self.estimator, self.X, self.label, self.rows = estimator, X, label, rows
        self.total = float(weight.sum())
        self.weight = weight / self.total
        self.params, self.named_weight = params, _weight_name(estimator)
        self.fits = 0
        self.estimators: list[Any] = []
        self._decisions: list[np.ndarray] = []
        self.known: list[Answer] = []
        self._latest: tuple[Any, np.ndarray, Answer] | None = None
        self.constants = [_constant(value) for value in (0, 1)]
        for constant in self.constants:
            self._seen(constant)
            self.keep()

    @property
    def decisions(self) -> np.ndarray:
        """Of the people of `fit` by each classifier, `(k, n)`."""
        return np.array(self._decisions)

    def answers(self) -> list[Answer]:
        """Of the classifiers known."""
        return list(self.known)

    def answer(self, multipliers: np.ndarray) -> Answer:
        """The classifier with the least error and priced values that a fit finds."""
        slope = self.weight * (1 - 2.0 * self.label) + self.rows.derivative(multipliers)
        accepted, size = (slope < 0).astype(int), np.abs(slope)
        matter = accepted[size > 0]
        if not len(matter) or matter.min() == matter.max():
            return self._seen(self.constants[int(matter[0]) if len(matter) else 0])
        # Their sum is that of the people, which is what regularised estimators go by.
        fitted = clone(self.estimator)
        self.fits += 1
        fitted.fit(self.X, accepted, **{self.named_weight: size * (self.total / size.sum())}, **self.params)
        return self._seen(fitted)

    def keep(self) -> None:
        """Let the latest answer join those known."""
        assert self._latest is not None
        estimator, decisions, answer = self._latest
        self.estimators.append(estimator)
        self._decisions.append(decisions)
        self.known.append(answer)

    def keep_first(self) -> None:
        """Let the latest answer join, if it is none of the known."""
        assert self._latest is not None
        if not any(self._latest[0] is known for known in self.estimators):
            self.keep()

    def prices(self, multiplier_bound: float) -> np.ndarray:
        """Of each classifier its error and its violation at a price, `(k,)`."""
        excess = [max(0.0, float((each.values - self.rows.bounds).max())) for each in self.known]
        prices = np.array([each.error for each in self.known]) + multiplier_bound * np.array(excess)
        return prices.round(9)  # so that rounding decides nothing between equal ones

    def price(self, decisions: np.ndarray, multiplier_bound: float) -> float:
        """The error of decisions, `(n,)`, and their violation at a price."""
        error, violation = self.cost(decisions)
        return error + multiplier_bound * violation

    def cost(self, decisions: np.ndarray) -> tuple[float, float]:
        """The weighted error rate and the violation of decisions, or chances, `(n,)`."""
        decisions = np.asarray(decisions, dtype=float)
        return float(self.weight @ np.abs(self.label - decisions)), self.rows.violation(decisions)

    def _seen(self, estimator: Any) -> Answer:
        decisions = decisions_of(estimator, self.X)
        answer = Answer(float(self.weight @ np.abs(self.label - decisions)), self.rows.values(decisions))
        self._latest = (estimator, decisions, answer)
        return answer


def _constant(value: int) -> DummyClassifier:
    """A classifier that accepts nobody, or everybody."""
    return DummyClassifier(strategy="constant", constant=value).fit(np.zeros((2, 1)), [0, 1])


def decisions_of(estimator: Any, X: Any) -> np.ndarray:
    """1.0 where a person is accepted, `(n,)`."""
    return (np.asarray(estimator.predict(X)).reshape(-1) == 1).astype(float)


def probabilities_of(estimator: Any, X: Any) -> np.ndarray:
    """The probability to be accepted, `(n,)`."""
    return np.asarray(estimator.predict_proba(X), dtype=float)[:, 1]


def _weight_name(estimator: Any) -> str:
    """The name by which the weights reach the estimator that is fitted."""
    steps = getattr(estimator, "steps", None)
    if steps:
        inner = _weight_name(steps[-1][1])
        return inner if routes() else f"{steps[-1][0]}__{inner}"
    parameters = inspect.signature(estimator.fit).parameters
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    if "sample_weight" not in parameters and not takes_any:
        raise ValueError(
            f"expected an estimator whose fit takes sample_weight, received {type(estimator).__name__}: a "
            "reduction fits to weights"
        )
    return "sample_weight"
