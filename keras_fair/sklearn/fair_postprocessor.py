"""A scikit-learn estimator whose scores go through a frozen rule.

    people ──split──▶ estimator.fit (the most) · rule.fit (calibration people)
    new people ──▶ estimator ──score──▶ rule ──▶ decision

What a rule is, and what it promises, is `keras_fair.postprocessing`'s; here is only what scikit-learn asks
of an estimator.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    check_is_fitted,
    column_or_1d,
    indexable,
    validate_data,
)

from keras_fair.constraints import Constraints, parse
from keras_fair.inputs.orders import check_order
from keras_fair.inputs.predictions import read_weight
from keras_fair.postprocessing.frozen_fairness import FrozenFairness
from keras_fair.sklearn.named_columns import named_columns
from keras_fair.sklearn.two_classes import routes, two_classes, weighted, with_shape

__all__ = ["FairPostprocessor"]

_CALIBRATION = 0.3


def _classifies(self: FairPostprocessor) -> bool:
    return bool(is_classifier(self.estimator))


class FairPostprocessor(MetaEstimatorMixin, BaseEstimator):
    """Corrects the scores of an estimator by a rule that is learnt once and promises its text for new people.

    `fit` splits the people at random: the estimator is fitted on the most of them, the rule on the others,
    since the estimator's scores are too good for its own people. See `keras_fair.FrozenFairness` for rules.

    Args:
        estimator: a classifier of two classes with `predict_proba`, or a regressor. Wrapped in
            `sklearn.frozen.FrozenEstimator` it is fitted already, and all people given to `fit` are for the
            rule; they must not be those it was fitted on.
        constraints: text about decisions, `P[y >= 0.5 | ...]`, or about scores, `E[y | ...]`. `y` is the
            probability of `classes_[1]`, or what a regressor predicts; `label=1` is `classes_[1]`.
        columns: where in `X` an attribute is, by name or position, if not under its own name.
        calibration: the share of the people that the rule is learnt from, in (0, 1); None: 0.3, and all with
            a `FrozenEstimator`.
        confidence, utility, randomise, method, vocabulary, unknown, weight_bound: of the rule.
        domain: `(low, high)` of the scores; `"auto"`: (0, 1) for a classifier, all reals for a regressor.
        random_state: an integer, the seed of the split and of the rule.

    Metadata of `fit`, `predict` and `predict_proba`:
        attributes: the columns that the text names, where `X` does not hold them: a DataFrame, or a dict of
            columns (which scikit-learn does not cut into folds).
        ids: of `predict` and `predict_proba`: `(n,)`, a name or number of each person, where the rule draws
            lots.

    Attributes:
        estimator_: the fitted estimator.
        rule_: the fitted `FrozenFairness`.
        promise_: what it promises, or None with `confidence=None`.
        classes_: `(2,)`, of a classifier.

    Raises:
        Unpromised, Unmet, ConstraintError: see `keras_fair.FrozenFairness.fit`.
        ValueError: arguments are malformed, an attribute is nowhere, a classifier has not two classes.

    Example:
        >>> import numpy as np, pandas as pd
        >>> from sklearn.linear_model import LogisticRegression
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> x = pd.DataFrame({"sex": rng.integers(0, 2, 9000), "skill": rng.normal(size=9000)})
        >>> hired = (x.skill + 0.4 * x.sex + rng.normal(size=9000) > 0.4).astype(int)
        >>> fair = kf.sklearn.FairPostprocessor(
        ...     LogisticRegression(), "P[y >= 0.5 | sex=0] == P[y >= 0.5 | sex=1] +- 0.05"
        ... )
        >>> _ = fair.fit(x, hired)
        >>> accepted = fair.predict(x)
        >>> bool(abs(accepted[x.sex == 0].mean() - accepted[x.sex == 1].mean()) < 0.05)
        True
    """

    # The columns are asked for by name, so metadata routing need not be told that they are wanted.
    __metadata_request__fit = {"attributes": True}
    __metadata_request__predict = {"attributes": True, "ids": True}
    __metadata_request__predict_proba = {"attributes": True, "ids": True}
    __metadata_request__score = {"attributes": True}

    def __init__(
        self,
        estimator: Any,
        constraints: Constraints,
        *,
        columns: Mapping[str, Any] | None = None,
        calibration: float | None = None,
        confidence: float | None = 0.95,
        utility: Any = "implied",
        randomise: str = "never",
        method: str = "auto",
        domain: Any = "auto",
        vocabulary: Any = None,
        unknown: str = "error",
        weight_bound: float | None = None,
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.constraints = constraints
        self.columns = columns
        self.calibration = calibration
        self.confidence = confidence
        self.utility = utility
        self.randomise = randomise
        self.method = method
        self.domain = domain
        self.vocabulary = vocabulary
        self.unknown = unknown
        self.weight_bound = weight_bound
        self.random_state = random_state

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, attributes: Any = None, **fit_params: Any
    ) -> FairPostprocessor:
        """Fit the estimator, then the rule.

        Args:
            X: `(n, features)`.
            y: `(n,)`, the target.
            sample_weight: `(n,)` >= 0, for both; the rule's promise then asks for `weight_bound`.
            attributes: see the class.
            fit_params: of the estimator's `fit`; those of n values are split as the people are.
        """
        if not hasattr(self.estimator, "fit"):
            raise TypeError(
                "expected FairPostprocessor(estimator, constraints), received an estimator without fit: "
                f"{self.estimator!r}"
            )
        rule, share = self._rule(), self._share()
        check_order({"X": X, "y": y, "sample_weight": sample_weight})
        X, y, sample_weight = indexable(X, y, sample_weight)
        X = with_shape(X)
        sample_weight = None if sample_weight is None else read_weight(sample_weight)
        validate_data(self, X=X, y=y, skip_check_array=True)
        y = column_or_1d(y, warn=True)
        classes = self._classes(weighted(y, sample_weight))
        params = self._fit_params(sample_weight, fit_params)
        whole = {name: value for name, value in params.items() if not _has_entries(value, len(y))}
        cut = {name: value for name, value in params.items() if name not in whole}
        columns = self._attributes(X, attributes)
        rule.check_columns(columns, None if classes is None else (y == classes[1]).astype(float))
        held = _People(X, y, columns, sample_weight, cut)
        if share is None:
            estimator = self.estimator
            check_is_fitted(estimator)
        else:
            learnt, held = _split(held, share, self.random_state)
            estimator = clone(self.estimator).fit(learnt.X, learnt.y, **learnt.params, **whole)
        label = held.y
        if classes is not None:
            _check_classes(estimator, classes)
            label = (np.asarray(label) == classes[1]).astype(float)
        rule.fit(_scores(estimator, held.X, {}), held.attributes, label, held.sample_weight)
        self.estimator_, self.rule_, self.promise_ = estimator, rule, rule.promise
        if classes is not None:
            self.classes_ = classes
        return self

    def predict(self, X: Any, *, attributes: Any = None, ids: Any = None, **params: Any) -> np.ndarray:
        """The class of each person after the rule, or a regressor's corrected value, `(n,)`.

        Args:
            X: `(n, features)`.
            attributes, ids: see the class.
            params: of the estimator's prediction.
        """
        scores = self._ruled(X, attributes, ids, "predict", params)
        if not _classifies(self):
            return scores
        threshold = self.rule_.meaning.threshold
        accepted = scores >= (0.5 if threshold is None else threshold)
        return self.classes_[accepted.astype(int)]

    @available_if(_classifies)
    def predict_proba(self, X: Any, *, attributes: Any = None, ids: Any = None, **params: Any) -> np.ndarray:
        """The scores after the rule, `(n, 2)`: that of `classes_[1]` is >= the text's threshold exactly where
        a person is accepted, so the same text audits them. Arguments as of `predict`."""
        scores = self._ruled(X, attributes, ids, "predict_proba", params)
        return np.column_stack([1 - scores, scores])

    def score(self, X: Any, y: Any, sample_weight: Any = None, *, attributes: Any = None) -> float:
        """The accuracy of `predict`, or a regressor's R2."""
        predicted = self.predict(X, attributes=attributes)
        measure = accuracy_score if _classifies(self) else r2_score
        return float(measure(y, predicted, sample_weight=sample_weight))

    def get_metadata_routing(self) -> MetadataRouter:
        """What `fit` and the predictions take for themselves, and hand on to the estimator."""
        mapping = MethodMapping().add(caller="fit", callee="fit")
        for name in ("predict", "predict_proba", "score"):
            mapping.add(caller=name, callee=_response(self.estimator))
        router = MetadataRouter(owner=self)
        return router.add_self_request(self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "rule_")

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_class = False
        tags.input_tags, tags.array_api_support = inner.input_tags, False
        tags.target_tags.required, tags.target_tags.multi_output = True, False
        return tags

    def _rule(self) -> FrozenFairness:
        """The rule, not yet learnt; a fault of its settings comes before the estimator is fitted."""
        domain = self.domain
        if isinstance(domain, str) and domain == "auto":
            domain = (None, None) if is_regressor(self.estimator) else (0.0, 1.0)
        return FrozenFairness(
            self.constraints,
            confidence=self.confidence,
            utility=self.utility,
            randomise=self.randomise,
            method=self.method,
            domain=domain,
            vocabulary=self.vocabulary,
            unknown=self.unknown,
            weight_bound=self.weight_bound,
            seed=self.random_state,
        )

    def _share(self) -> float | None:
        """The share of calibration people; None for all of them."""
        share, is_frozen = self.calibration, isinstance(self.estimator, FrozenEstimator)
        if share is None:
            return None if is_frozen else _CALIBRATION
        if is_frozen:
            raise ValueError(
                "expected calibration=None with a FrozenEstimator, whose rule is learnt from all people, "
                f"received calibration={share!r}"
            )
        if not isinstance(share, (float, np.floating)) or not 0 < share < 1:
            raise ValueError(f"expected calibration in (0, 1) or None, received calibration={share!r}")
        return float(share)

    def _classes(self, y: Any) -> np.ndarray | None:
        if not _classifies(self):
            return None
        return two_classes(y)

    def _attributes(self, X: Any, attributes: Any) -> dict[str, Any]:
        return named_columns(parse(self.constraints).attributes, X, attributes, self.columns)

    def _fit_params(self, sample_weight: Any, fit_params: Mapping[str, Any]) -> dict[str, Any]:
        """What the estimator's `fit` is given beside `X` and `y`."""
        if routes():
            routed = process_routing(self, "fit", sample_weight=sample_weight, **fit_params)
            return dict(routed.estimator.fit)
        params = dict(fit_params)
        if sample_weight is not None:
            if "sample_weight" not in inspect.signature(self.estimator.fit).parameters:
                raise ValueError(
                    f"expected an estimator that takes sample_weight, received {_kind(self.estimator)}: "
                    "without weights it would be fitted to other people than the rule; a Pipeline takes them "
                    "by metadata routing"
                )
            params["sample_weight"] = sample_weight
        return params

    def _ruled(self, X: Any, attributes: Any, ids: Any, caller: str, params: Any) -> np.ndarray:
        if not hasattr(self, "rule_"):
            raise NotFittedError(f"This {type(self).__name__} instance is not fitted yet: call fit first.")
        X = with_shape(X)
        if routes():
            routed = process_routing(self, caller, **params)
            params = routed.estimator[_response(self.estimator)]
        scores = _scores(self.estimator_, X, params)
        columns = named_columns(self.rule_.attributes, X, attributes, self.columns)
        return np.asarray(self.rule_(scores, columns, ids=ids))


def _response(estimator: Any) -> str:
    """The method whose answer is the score."""
    return "predict_proba" if is_classifier(estimator) else "predict"


def _scores(estimator: Any, X: Any, params: Mapping[str, Any]) -> np.ndarray:
    """The score of each person, `(n,)`: the probability of the second class, or the value."""
    if not is_classifier(estimator):
        return np.asarray(estimator.predict(X, **params), dtype=float)
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"expected a classifier with predict_proba, received {_kind(estimator)}: "
            "sklearn.calibration.CalibratedClassifierCV gives it one"
        )
    return np.asarray(estimator.predict_proba(X, **params), dtype=float)[:, 1]


def _kind(estimator: Any) -> str:
    """What an estimator is, in a word: of a Pipeline that of its last step."""
    steps = getattr(estimator, "steps", None)
    return f"a Pipeline of {type(steps[-1][1]).__name__}" if steps else type(estimator).__name__


def _check_classes(estimator: Any, classes: np.ndarray) -> None:
    """The estimator was fitted on both classes, and on no others."""
    own = np.asarray(estimator.classes_)
    if not np.array_equal(own, classes):
        raise ValueError(
            f"expected an estimator of the classes {classes.tolist()} of y, received one of {own.tolist()}"
        )


def _has_entries(value: Any, n: int) -> bool:
    """Whether a parameter of `fit` has one entry a person."""
    shape = getattr(value, "shape", None)
    if shape is not None:
        return len(shape) > 0 and shape[0] == n
    return isinstance(value, (list, tuple)) and len(value) == n


class _People(NamedTuple):
    """People with what `fit` needs of them."""

    X: Any
    y: Any
    attributes: dict[str, Any]
    sample_weight: Any
    params: dict[str, Any]


def _split(people: _People, share: float, seed: int) -> tuple[_People, _People]:
    """The people in two: whom the estimator learns from, and calibration people.

    They are drawn without regard to their label: the promise is about people drawn like that.
    """
    weight = [] if people.sample_weight is None else [people.sample_weight]
    columns = [*people.attributes.values(), *people.params.values()]
    parts = train_test_split(people.X, people.y, *weight, *columns, test_size=share, random_state=seed)

    def half(of: list[Any]) -> _People:
        X, y, *others = of
        sample_weight = others.pop(0) if weight else None
        attributes = dict(zip(people.attributes, others, strict=False))
        params = dict(zip(people.params, others[len(attributes) :], strict=True))
        return _People(X, y, attributes, sample_weight, params)

    return half(parts[::2]), half(parts[1::2])
