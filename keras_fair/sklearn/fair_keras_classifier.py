"""A Keras model that is held to a text, as a scikit-learn classifier.

    build() ──▶ base model ──▶ kf.FairModel(base, text or layer) ──fit──▶ predict_proba

How the text is held is `keras_fair.layers`' and `keras_fair.models`'; here is only what scikit-learn asks of
an estimator.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import (
    check_array,
    check_is_fitted,
    column_or_1d,
    indexable,
    validate_data,
)

from keras_fair import layers
from keras_fair.constraints import Constraints, ConstraintSet, parse
from keras_fair.inputs.columns import columns_of, is_table
from keras_fair.inputs.orders import check_order
from keras_fair.inputs.predictions import read_weight
from keras_fair.inputs.settings import check_choice, check_count, check_seed
from keras_fair.models.fair_model import FairModel
from keras_fair.sklearn.named_columns import named_columns
from keras_fair.sklearn.two_classes import seen_before, two_classes, weighted, with_shape

__all__ = ["FairKerasClassifier"]

# Of each mode the layer of `keras_fair.layers` that holds the text; None: the text is projected onto.
_LAYERS: dict[str, str | None] = {
    "projection": None,
    "penalty": "FairnessPenalty",
    "lagrangian": "FairnessLagrangian",
}


class FairKerasClassifier(ClassifierMixin, BaseEstimator):
    """A Keras model of two classes that is trained with `kf.FairModel`.

    Args:
        build: a function without arguments, or of the number of features, that makes the base model: one
            output `(n, 1)` or `(n,)` in [0, 1], the probability of `classes_[1]`. A compiled one keeps its
            optimizer, loss and metrics.
        constraints: the text. `y` is that probability, `label=1` is `classes_[1]`.
        mode: `"projection"`: predictions are projected onto the text, in training and after it; attributes
            are asked for in both. `"penalty"` (`kf.layers.FairnessPenalty`) and `"lagrangian"`
            (`kf.layers.FairnessLagrangian`): the text trains the weights, and attributes are asked for in
            `fit` alone.
        settings: a dict of further arguments of `kf.FairModel`, or of the layer of the mode.
        features: the columns of `X` that the base model sees, by names or positions; None: all, and of a
            table all but those that the text names.
        columns: where in `X` an attribute is, by name or position, if not under its own name.
        epochs, batch_size: of `fit`, >= 1.
        predict_batch_size: of predictions; None: all of `X` are one batch. A projection holds the text on
            each batch, so predictions depend on who is predicted together.
        optimizer, loss: where `build` gives a model that is not compiled: as Keras takes them. None: Adam
            with `clipnorm=1.0`.
        random_state: an integer, which seeds Keras, NumPy and Python before `build`, for all of the process;
            None: they are left alone.
        verbose: of Keras.

    Metadata of `fit`, and with `mode="projection"` of `predict` and `predict_proba`:
        attributes: the columns that the text names, where `X` does not hold them: a DataFrame, or a dict of
            columns (which scikit-learn does not cut into folds).

    Attributes:
        classes_: `(2,)`.
        model_: the trained `kf.FairModel`.
        history_: a dict of lists, what Keras logged by epoch.

    Raises:
        ConstraintError: the text is malformed, or the mode does not take it.
        TypeError, ValueError: arguments are malformed, an attribute is nowhere, labels are not of two
            classes, features are no finite numbers.

    Example:
        >>> import keras, numpy as np, pandas as pd
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> sex = pd.DataFrame({"sex": rng.choice(["Female", "Male"], 600)})
        >>> x = rng.normal(size=(600, 3)) + 0.8 * (sex[["sex"]] == "Male").to_numpy()
        >>> y = (x.sum(axis=1) > 1.2).astype(int)
        >>> def build(width):
        ...     return keras.Sequential([keras.Input((width,)), keras.layers.Dense(1, activation="sigmoid")])
        >>> text = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
        >>> fair = kf.sklearn.FairKerasClassifier(build, text, epochs=2, random_state=0)
        >>> scores = fair.fit(x, y, attributes=sex).predict_proba(x, attributes=sex)[:, 1]
        >>> bool(kf.audit(text, scores, sex, confidence=None).relations[0].violation < 1e-5)
        True
    """

    # The columns are asked for by name, so metadata routing need not be told that they are wanted.
    __metadata_request__fit = {"attributes": True}
    __metadata_request__predict = {"attributes": True}
    __metadata_request__predict_proba = {"attributes": True}
    __metadata_request__score = {"attributes": True}

    def __init__(
        self,
        build: Callable[..., Any],
        constraints: Constraints,
        *,
        mode: str = "projection",
        settings: Mapping[str, Any] | None = None,
        features: Sequence[Any] | None = None,
        columns: Mapping[str, Any] | None = None,
        epochs: int = 20,
        batch_size: int = 256,
        predict_batch_size: int | None = None,
        optimizer: Any = None,
        loss: Any = "binary_crossentropy",
        random_state: int | None = None,
        verbose: Any = 0,
    ) -> None:
        self.build = build
        self.constraints = constraints
        self.mode = mode
        self.settings = settings
        self.features = features
        self.columns = columns
        self.epochs = epochs
        self.batch_size = batch_size
        self.predict_batch_size = predict_batch_size
        self.optimizer = optimizer
        self.loss = loss
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, attributes: Any = None
    ) -> FairKerasClassifier:
        """Build the model and train it.

        Args:
            X: `(n, features)`.
            y: `(n,)`, of two classes.
            sample_weight: `(n,)` >= 0, of the loss and of the statistics.
            attributes: see the class.
        """
        constraints = self._check_settings()
        check_order({"X": X, "y": y, "sample_weight": sample_weight})
        X, y, sample_weight = indexable(X, y, sample_weight)
        X = with_shape(X)
        validate_data(self, X=X, y=y, skip_check_array=True)
        weight = None if sample_weight is None else read_weight(sample_weight)
        y = column_or_1d(y, warn=True)
        self.classes_ = two_classes(weighted(y, weight))
        label = (y == self.classes_[1]).astype("float32")
        named = named_columns(constraints.attributes, X, attributes, self.columns)
        x = self._seen(X, constraints)
        if self.random_state is not None:
            keras.utils.set_random_seed(check_seed(self.random_state))
        model = self._model(constraints, x.shape[1])
        history = model.fit(
            _inputs(x, named),
            label,
            sample_weight=weight,
            epochs=int(self.epochs),
            batch_size=int(self.batch_size),
            verbose=self.verbose,
        )
        self.model_, self.history_ = model, history.history
        return self

    def predict(self, X: Any, *, attributes: Any = None) -> np.ndarray:
        """The class of each person, `(n,)`: the second where its probability is at least 0.5.

        Args:
            X: `(n, features)`.
            attributes: see the class.
        """
        scores = self._scores(X, attributes)
        return self.classes_[(scores >= 0.5).astype(int)]

    def predict_proba(self, X: Any, *, attributes: Any = None) -> np.ndarray:
        """The probability of each class, `(n, 2)`; that of `classes_[1]` is the `y` of the text. Arguments as
        of `predict`."""
        scores = self._scores(X, attributes)
        return np.column_stack([1 - scores, scores])

    def score(self, X: Any, y: Any, sample_weight: Any = None, *, attributes: Any = None) -> float:
        """The accuracy of `predict`."""
        right = self.predict(X, attributes=attributes) == np.asarray(y)
        return float(np.average(right, weights=sample_weight))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.non_deterministic = self.random_state is None
        return tags

    def _check_settings(self) -> ConstraintSet:
        if not callable(self.build):
            raise TypeError(
                "expected FairKerasClassifier(build, constraints) with a function that makes a Keras model, "
                f"received build={self.build!r}"
            )
        check_choice("mode", self.mode, tuple(_LAYERS))
        check_count("epochs", self.epochs)
        check_count("batch_size", self.batch_size)
        if self.predict_batch_size is not None:
            check_count("predict_batch_size", self.predict_batch_size)
        return parse(self.constraints)

    def _seen(self, X: Any, constraints: ConstraintSet) -> np.ndarray:
        """What the base model sees, `(n, k)` float32."""
        chosen = self.features
        if is_table(X):
            table = columns_of(X)
            if chosen is None:
                named = {(self.columns or {}).get(name, name) for name in constraints.attributes}
                chosen = [name for name in table if name not in named]
            if not chosen:
                raise ValueError("expected a column of X beside those that the text names, found none")
            X = np.stack([np.asarray(_column(table, name)) for name in chosen], axis=1)
            chosen = None
        seen = check_array(X, dtype="float32", estimator=self, input_name="X")
        return seen if chosen is None else seen[:, list(chosen)]

    def _model(self, constraints: ConstraintSet, width: int) -> FairModel:
        base = self.build(width) if _takes_width(self.build) else self.build()
        if not isinstance(base, keras.Model):
            raise TypeError(f"expected build to return a Keras model, received {type(base).__name__}")
        settings, layer = dict(self.settings or {}), _LAYERS[self.mode]
        if layer is None:
            model = FairModel(base, constraints, **settings)
        else:
            model = FairModel(base, getattr(layers, layer)(constraints, **settings))
        if base.compiled:
            model.compile_from_config(base.get_compile_config())
            return model
        optimizer = self.optimizer
        if optimizer is None:
            optimizer = keras.optimizers.Adam(clipnorm=1.0)
        elif isinstance(optimizer, keras.optimizers.Optimizer):
            optimizer = type(optimizer).from_config(optimizer.get_config())  # one that has trained nothing
        model.compile(optimizer, self.loss)
        return model

    def _scores(self, X: Any, attributes: Any) -> np.ndarray:
        """The probability of the second class, `(n,)`."""
        check_is_fitted(self)
        X, constraints = seen_before(self, X), parse(self.constraints)
        x = self._seen(X, constraints)
        size = self.predict_batch_size or len(x)
        if _LAYERS[self.mode] is None:
            named = named_columns(constraints.attributes, X, attributes, self.columns)
            answer = self.model_.predict(_inputs(x, named), batch_size=size, verbose=0)
        else:  # the layer leaves predictions as they are
            answer = self.model_.base_model.predict(x, batch_size=size, verbose=0)
        answer = np.asarray(answer, dtype=float)
        if answer.size != len(x):
            raise ValueError(
                f"expected a base model with one output a person, received outputs of shape {answer.shape}"
            )
        return answer.reshape(-1)


def _column(table: Mapping[Any, Any], name: Any) -> Any:
    """A column by its name or position."""
    if name in table:
        return table[name]
    if isinstance(name, (int, np.integer)) and -len(table) <= name < len(table):
        return table[list(table)[name]]
    raise ValueError(f"expected features among the columns of X {list(table)}, received {name!r}")


def _inputs(x: np.ndarray, named: Mapping[str, Any]) -> dict[str, Any]:
    """Features and attributes as `FairModel` takes them: features under a key that no attribute has."""
    key = "x"
    while key in named:
        key += "_"
    return {key: x, **{name: np.asarray(column) for name, column in named.items()}}


def _takes_width(build: Callable[..., Any]) -> bool:
    """Whether a function has to be told the number of features."""
    parameters = inspect.signature(build).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(each.kind in positional and each.default is inspect.Parameter.empty for each in parameters)
