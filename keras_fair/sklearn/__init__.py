"""The text of constraints in scikit-learn: estimators and scorers.

    FairPostprocessor(estimator, text)    the estimator's scores, through a frozen rule
    FairKerasClassifier(build, text)      a Keras model that is trained with kf.FairModel
    make_scorer(text)                     what cross_val_score and GridSearchCV measure

Columns that a text names are taken from `X`, where it is a DataFrame that has them, or come as metadata,
`attributes=`. scikit-learn (the extra `sklearn`) is imported when one of these is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_fair.sklearn.fair_keras_classifier import FairKerasClassifier
    from keras_fair.sklearn.fair_postprocessor import FairPostprocessor
    from keras_fair.sklearn.fairness_scorer import FairnessScorer, make_scorer

__all__ = ["FairKerasClassifier", "FairPostprocessor", "FairnessScorer", "make_scorer"]

_OWNERS = {
    "FairKerasClassifier": "fair_keras_classifier",
    "FairPostprocessor": "fair_postprocessor",
    "FairnessScorer": "fairness_scorer",
    "make_scorer": "fairness_scorer",
}


def __getattr__(name: str) -> Any:
    if name not in _OWNERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{__name__}.{_OWNERS[name]}"), name)
    except ModuleNotFoundError as fault:
        if fault.name != "sklearn":
            raise
        raise ModuleNotFoundError(
            f"kf.sklearn.{name} needs the package scikit-learn: pip install 'keras-fair[sklearn]'",
            name="sklearn",
        ) from fault


def __dir__() -> list[str]:
    return sorted(__all__)
