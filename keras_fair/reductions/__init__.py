"""A text for any classifier that takes `sample_weight`, trained by reweighing: the reductions approach.

    Moment(text)                       for fairlearn's ExponentiatedGradient and GridSearch
    FairClassifier(estimator, text)    a scikit-learn classifier by an exponentiated gradient of our own

    minimise  error(d)   subject to   A T(d) <= b      over mixtures of classifiers d(x) in {0, 1}

The attributes are asked for in training alone. fairlearn (the extra `reductions`) is imported when `Moment`
is asked for, scikit-learn (the extra `sklearn`) with `FairClassifier`. Source: Agarwal, Beygelzimer, Dudik,
Langford and Wallach, A Reductions Approach to Fair Classification (2018).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_fair.reductions.fair_classifier import FairClassifier
    from keras_fair.reductions.moment import Moment

__all__ = ["FairClassifier", "Moment"]

_OWNERS = {"FairClassifier": "fair_classifier", "Moment": "moment"}
_EXTRAS = {"fairlearn": ("fairlearn", "reductions"), "sklearn": ("scikit-learn", "sklearn")}


def __getattr__(name: str) -> Any:
    if name not in _OWNERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{__name__}.{_OWNERS[name]}"), name)
    except ModuleNotFoundError as fault:
        if fault.name not in _EXTRAS:
            raise
        package, extra = _EXTRAS[fault.name]
        raise ModuleNotFoundError(
            f"kf.reductions.{name} needs the package {package}: pip install 'keras-fair[{extra}]'",
            name=fault.name,
        ) from fault


def __dir__() -> list[str]:
    return sorted(__all__)
