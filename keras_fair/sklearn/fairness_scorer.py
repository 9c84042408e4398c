"""What `cross_val_score` and the searches of scikit-learn measure: a text, on held-out people.

    text without a bound, `demographic_parity(sex)`          minus its absolute value
    text with bounds, `demographic_parity(sex) <= 0.05`      minus its largest violation

Higher is better, as scikit-learn's scorers have it. The numbers are those of `keras_fair.audit`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.metadata_routing import MetadataRequest, get_routing_for_object

from keras_fair.audit.audit import audit
from keras_fair.constraints import Constraints, ConstraintSet, parse, parse_expression
from keras_fair.errors import ConstraintSyntaxError
from keras_fair.inputs.orders import check_order
from keras_fair.inputs.settings import check_choice
from keras_fair.sklearn.named_columns import named_columns

__all__ = ["FairnessScorer", "make_scorer"]

_METHODS = ("auto", "predict_proba", "predict")


def make_scorer(
    text: Constraints, *, response_method: str = "auto", columns: Mapping[str, Any] | None = None
) -> FairnessScorer:
    """A scorer from a text, for `scoring=` of scikit-learn.

    Args:
        text: an expression, such as `demographic_parity(sex)`: its score is minus its absolute value, so that
            a difference counts in either direction; where quantifiers make several of it, the largest. Or
            constraints with bounds: minus the largest
            violation.
        response_method: `y` of the text: `"predict_proba"`, that of `classes_[1]`; `"predict"`, where the
            second class is 1 and the first 0, or a regressor's value; `"auto"`: `"predict_proba"` of
            classifiers that have it.
        columns: where in `X` an attribute is, by name or position, if not under its own name.

    Returns:
        A scorer `scorer(estimator, X, y)`. With metadata routing it takes `attributes`, and, if asked to by
        `scorer.set_score_request(sample_weight=True)`, weights.

    Raises:
        ConstraintError: the text is malformed.

    Example:
        >>> import pandas as pd
        >>> from sklearn.dummy import DummyClassifier
        >>> from sklearn.model_selection import cross_val_score
        >>> import keras_fair as kf
        >>> x = pd.DataFrame({"sex": ["F", "M"] * 20, "income": range(40)})
        >>> scorer = kf.sklearn.make_scorer("demographic_parity(sex)")
        >>> cross_val_score(DummyClassifier(), x, [0, 1, 1, 0] * 10, scoring=scorer, cv=2).tolist()
        [0.0, 0.0]
    """
    return FairnessScorer(text, response_method=response_method, columns=columns)


class FairnessScorer:
    """A scorer of scikit-learn that measures a text; made by `make_scorer`, whose arguments it takes.

    Call arguments:
        estimator: fitted, of two classes or a regressor.
        X: `(n, features)`.
        y: `(n,)`, the target: the label of the text.
        attributes: columns that `X` does not hold; handed on to the estimator's prediction where it takes
            them, as `FairPostprocessor` does.
        sample_weight: `(n,)` >= 0.

    Returns:
        A float; NaN, with a warning, where nobody is in a group of the text: not estimable is not fair.
    """

    def __init__(
        self, text: Constraints, *, response_method: str = "auto", columns: Mapping[str, Any] | None = None
    ) -> None:
        self.text = text
        self.response_method = check_choice("response_method", response_method, _METHODS)
        self.columns = columns
        self._request = MetadataRequest(owner=self)
        self._request.score.add_request(param="attributes", alias=True)
        self._request.score.add_request(param="sample_weight", alias=None)
        self._constraints, self._is_expression = _read(text)

    def __call__(
        self, estimator: Any, X: Any, y: Any, *, attributes: Any = None, sample_weight: Any = None
    ) -> float:
        check_order({"X": X, "y": y, "sample_weight": sample_weight})
        predictions = self._predictions(estimator, X, attributes)
        label = None
        if self._constraints.uses_label:
            label = np.asarray(y) if not is_classifier(estimator) else _of_second(estimator, y)
        columns = named_columns(self._constraints.attributes, X, attributes, self.columns)
        found = audit(self._constraints, predictions, columns, label, sample_weight, confidence=None)
        values = [abs(relation.gap) if self._is_expression else relation.violation for relation in found]
        unknown = [relation.text for relation in found if math.isnan(relation.violation)]
        if unknown:
            warnings.warn(f"nobody is in a group of {unknown[0]!r}: the score is NaN", stacklevel=2)
            return math.nan
        return -float(max(values))

    def set_score_request(self, **requests: bool | str | None) -> FairnessScorer:
        """Ask scikit-learn's metadata routing for `attributes` or `sample_weight`, `True` or another name."""
        for name, alias in requests.items():
            if name not in ("attributes", "sample_weight"):
                raise TypeError(f"expected attributes or sample_weight, received {name}={alias!r}")
            self._request.score.add_request(param=name, alias=alias)
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """What the scorer asks of metadata routing."""
        return self._request

    def __repr__(self) -> str:
        return f"make_scorer({str(self.text)!r})"

    def _predictions(self, estimator: Any, X: Any, attributes: Any) -> np.ndarray:
        method = self.response_method
        if method == "auto":
            has_scores = is_classifier(estimator) and hasattr(estimator, "predict_proba")
            method = "predict_proba" if has_scores else "predict"
        taken = {}
        if attributes is not None and _takes_attributes(estimator, method):
            taken["attributes"] = attributes
        given = np.asarray(getattr(estimator, method)(X, **taken))
        if method == "predict_proba":
            _check_two(estimator)
            return given[:, 1]
        return _of_second(estimator, given) if is_classifier(estimator) else given.astype(float)


def _read(text: Constraints) -> tuple[ConstraintSet, bool]:
    """The constraints, and whether they stand for an expression, whose value is asked for."""
    try:
        return parse(text), False
    except ConstraintSyntaxError:
        if not isinstance(text, str):
            raise
        return parse_expression(text), True


def _takes_attributes(estimator: Any, method: str) -> bool:
    """Whether the estimator, or one inside it, asks for attributes when it predicts."""
    if not isinstance(estimator, BaseEstimator) and not hasattr(estimator, "get_metadata_routing"):
        return False
    return bool(get_routing_for_object(estimator).consumes(method, ["attributes"]))


def _check_two(estimator: Any) -> np.ndarray:
    classes = np.asarray(estimator.classes_)
    if len(classes) != 2:
        raise ValueError(f"expected a classifier of 2 classes, received one of {len(classes)}")
    return classes


def _of_second(estimator: Any, y: Any) -> np.ndarray:
    """1 where a value is the second class, else 0."""
    return (np.asarray(y) == _check_two(estimator)[1]).astype(float)
