"""A model around a base model. It projects the base predictions, with the labels where there are any.

    y = projection(base_model(x), attributes, label)

`fit` and `evaluate` have labels; `predict` has none, and puts a probability in their place. The class only
routes: `keras_fair.models.inputs` says which input goes where, and all mathematics is below `FairProjection`.
"""

from __future__ import annotations

import copy
import inspect
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from keras_fair.constraints import ConstraintSet
from keras_fair.groups.demands import number_thresholds
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.columns import check_order
from keras_fair.layers.fair_projection import FairProjection
from keras_fair.layers.place import place_kept
from keras_fair.layers.reports import nobody_in
from keras_fair.models.inputs import AttributeRules, Choice, Routes, check_choice
from keras_fair.models.labels import can_stand_in, class_of, stand_in
from keras_fair.models.steps import current_step, labels_to_come, running, step_of

__all__ = ["FairModel"]


@keras.saving.register_keras_serializable(package="keras_fair")
class FairModel(keras.Model):
    """A base model whose predictions are projected onto the constraints, batch by batch.

    The base model need not take the attributes as inputs:

        model = kf.FairModel(base_model, "equalized_odds(sex) <= 0.05")
        model.adapt({"sex": sex}, label)
        model.compile(keras.optimizers.Adam(clipnorm=1.0), "binary_crossentropy")
        model.fit({"x": x, "sex": sex}, label)

    With the Euclidean divergence and a log loss a few steps have a very large gradient: where the label is 1
    and the fair prediction is just above 0. `clipnorm` of the optimizer keeps these from undoing the others.

    **Inputs** are a dict. The keys that the constraints name are attributes. A functional base model gets the
    keys that have the names of its inputs; a model with a single input gets the key of that name, else `"x"`,
    else the only other key. Where that is not enough, use `inputs`.

    **Labels.** Constraints on the label hold for the labels of the batch in `fit`, `evaluate`,
    `train_on_batch` and `test_on_batch`. In `predict`, and wherever the model is simply called, there are
    none. Then the probability of `label=1` replaces the label: every sample belongs partly to `label=1` and
    partly to `label=0`. So the constraints hold in expectation, as far as that probability is right. By
    default it is the base model's own prediction; `label_source` names another. In a training loop of your
    own pass `model(inputs, label=label)`. Predictions that are projected with labels contain information
    about these labels. So under constraints on the label, the accuracy of `evaluate` describes training, not
    use. To measure use, score what `predict` returns.

    Args:
        base_model: a Keras model or layer that gives predictions `(n, 1)`, `(n,)` or `(n, outputs)` in the
            domain.
        constraints: text, or a `ConstraintSet`.
        domain, divergence, vocabulary, stiffness, unknown, memory: see `FairProjection`.
        label_source: what replaces labels where there are none: None for the base model's prediction, the key
            of an input that holds probabilities, or a Keras model that gives them for the base model's inputs
            (it is not trained along).
        inputs: the key, or the keys, of the base model's inputs.
        weight_statistics, weight_objective: whether the `sample_weight` of `fit` and `evaluate` (class
            weights included) weighs the statistics and the objective too. By default it weighs the loss only.

    Raises:
        ConstraintError: the constraints are malformed.
        ValueError: arguments that do not fit.

    Example:
        >>> import keras, numpy as np
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> x, sex = rng.normal(size=(64, 3)), rng.choice(["Female", "Male"], 64)
        >>> base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
        >>> model = kf.FairModel(base, "E[y | sex=Female] == E[y | sex=Male] +- 0.01")
        >>> y = model.predict({"x": x, "sex": sex}, batch_size=64, verbose=0)[:, 0]
        >>> bool(abs(y[sex == "Female"].mean() - y[sex == "Male"].mean()) <= 0.010001)
        True
    """

    def __init__(
        self,
        base_model: Any,
        constraints: str | ConstraintSet,
        *,
        domain: Any = (0.0, 1.0),
        divergence: str = "euclidean",
        vocabulary: Any = None,
        stiffness: float = math.inf,
        label_source: Any = None,
        inputs: Choice = None,
        weight_statistics: bool = False,
        weight_objective: bool = False,
        unknown: str = "error",
        memory: int | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("autocast", False)  # the base model casts for itself, attributes stay as they are
        super().__init__(**kwargs)
        if not isinstance(base_model, keras.layers.Layer):
            raise ValueError(f"expected base_model to be a Keras model, received base_model={base_model!r}")
        if not (label_source is None or isinstance(label_source, (str, keras.layers.Layer))):
            raise ValueError(
                "expected label_source to be None, a key or a Keras model, "
                f"received label_source={label_source!r}"
            )
        self.base_model = base_model
        self._base_is_told = "training" in inspect.signature(base_model.call).parameters
        self.label_source = label_source
        if isinstance(label_source, keras.layers.Layer):
            label_source.trainable = False
        self.inputs_of_base = check_choice(inputs)
        self.projection = FairProjection(
            constraints,
            domain=domain,
            divergence=divergence,
            vocabulary=vocabulary,
            stiffness=stiffness,
            weight_statistics=weight_statistics,
            weight_objective=weight_objective,
            unknown=unknown,
            memory=memory,
            dtype=self.dtype_policy,
            name="projection",
        )
        others = (label_source,) if isinstance(label_source, str) else ()
        self._routes = Routes(base_model, self.constraints.attributes, others, self.inputs_of_base)

    @property
    def constraints(self) -> ConstraintSet:
        """The constraints."""
        return self.projection.constraints

    def adapt(self, inputs: Any, label: Any = None) -> None:
        """Learn the values of the attributes; see `FairProjection.adapt`."""
        self.projection.adapt(inputs, label)

    def build(self, inputs_shape: Any) -> None:
        """Nothing of its own; its parts are built when they are first called."""

    def call(self, inputs: Any, label: Any = None, training: bool | None = None) -> Any:
        with place_kept():
            features, attributes = self._routes.split(inputs)
            # Passed explicitly: on JAX, Keras calls this method outside the context that would pass it on.
            raw = self.base_model(features, **({"training": training} if self._base_is_told else {}))
            if not hasattr(raw, "shape"):
                raise ValueError(
                    f"expected one prediction tensor of the base model, received {type(raw).__name__}"
                )
            step, weight = current_step(self), None
            if step is not None:
                label, weight = step.label, step.sample_weight
            uses_label = self.constraints.uses_label
            if uses_label and label is None:
                label = self._stand_in(inputs, features, raw)
            fair = self.projection(
                raw,
                attributes=attributes,
                label=class_of(label) if uses_label else None,
                sample_weight=weight,
                training=training,
            )
            if not self.projection.supports_jit and self._jit_compile:
                warnings.warn(
                    "text in the inputs: continuing without jit_compile, because XLA has no text",
                    stacklevel=2,
                )
                self.jit_compile = False
            return fair

    def train_step(self, *arguments: Any, **keywords: Any) -> Any:
        with self._step(*arguments, **keywords):
            return super().train_step(*arguments, **keywords)

    def test_step(self, *arguments: Any, **keywords: Any) -> Any:
        with self._step(*arguments, **keywords):
            return super().test_step(*arguments, **keywords)

    def fit(self, x: Any = None, y: Any = None, **keywords: Any) -> Any:
        validation = keywords.get("validation_data")
        if isinstance(validation, (tuple, list)):
            keywords["validation_data"] = (self._readable(*validation), *validation[1:])
        with self._ran(labels=True):
            history = super().fit(self._readable(x, y, keywords.get("sample_weight")), y, **keywords)
        self._tell_inactive()
        return history

    def evaluate(self, x: Any = None, y: Any = None, **keywords: Any) -> Any:
        with self._ran(labels=True):
            return super().evaluate(self._readable(x, y, keywords.get("sample_weight")), y, **keywords)

    def predict(self, x: Any, **keywords: Any) -> Any:
        with self._ran(labels=False):
            return super().predict(self._readable(x), **keywords)

    def train_on_batch(self, x: Any, y: Any = None, **keywords: Any) -> Any:
        with self._ran(labels=True):
            return super().train_on_batch(self._readable(x, y, keywords.get("sample_weight")), y, **keywords)

    def test_on_batch(self, x: Any, y: Any = None, **keywords: Any) -> Any:
        with self._ran(labels=True):
            return super().test_on_batch(self._readable(x, y, keywords.get("sample_weight")), y, **keywords)

    def predict_on_batch(self, x: Any) -> Any:
        with self._ran(labels=False):
            return super().predict_on_batch(self._readable(x))

    def get_config(self) -> dict[str, Any]:
        own = ("domain", "divergence", "vocabulary", "stiffness", "unknown", "memory")
        weigh = ("weight_statistics", "weight_objective")
        projection = self.projection.get_config()
        source = self.label_source
        if isinstance(source, keras.layers.Layer):
            source = keras.saving.serialize_keras_object(source)
        return {
            **super().get_config(),
            "base_model": keras.saving.serialize_keras_object(self.base_model),
            "constraints": projection["constraints"],
            **{name: projection[name] for name in (*own, *weigh)},
            "label_source": source,
            "inputs": self.inputs_of_base,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> FairModel:
        config = copy.deepcopy(config)  # Keras empties what it reads
        config["base_model"] = keras.saving.deserialize_keras_object(config["base_model"], custom_objects)
        if isinstance(config["label_source"], Mapping):
            config["label_source"] = keras.saving.deserialize_keras_object(
                config["label_source"], custom_objects
            )
        if config["vocabulary"] is not None:
            config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        return cls(**config)

    def _stand_in(self, inputs: Any, features: Any, raw: Any) -> Any:
        """What stands in for the label, `(n,)` or `(n, 1)`."""
        if isinstance(self.label_source, str):
            if not isinstance(inputs, Mapping) or self.label_source not in inputs:
                raise ValueError(
                    f"expected the input {self.label_source!r} to stand in for the label, received none"
                )
            return inputs[self.label_source]
        plan = self.projection.plan(1 if len(raw.shape) == 1 else int(raw.shape[1]))
        guess = raw if self.label_source is None else self.label_source(features)
        if labels_to_come() and not can_stand_in(plan, guess):
            return ops.zeros_like(raw[..., 0] if len(raw.shape) == 2 else raw)
        return stand_in(plan, guess)

    @contextmanager
    def _step(self, *arguments: Any, **keywords: Any) -> Iterator[None]:
        """A step of `fit` or `evaluate`, with the labels that constraints on the label need."""
        with step_of(self, *arguments, **keywords):
            step = current_step(self)
            if self.constraints.uses_label and step is not None and step.label is None:
                raise ValueError(
                    "expected labels y where there are constraints on the label, received y=None: only "
                    "predict can replace them"
                )
            yield

    @contextmanager
    def _ran(self, *, labels: bool) -> Iterator[None]:
        """Run over data; afterwards raise an error for faults of the data where `jit_compile=True` can't
        stop."""
        before = self._faulty()
        with running(labels=labels):
            yield
        if self._faulty() > before:
            raise ValueError(
                f"expected predictions of the base model in {self.projection.domain}, attributes without "
                "missing or unknown values, and sample weights >= 0, received others in some batches; "
                "without jit_compile=True the error says which"
            )

    def _tell_inactive(self) -> None:
        """Warn of rows whose groups were empty: a misspelt value must not look like a constraint that
        holds."""
        inactive = [row for row, batches in self.projection.record().active.items() if batches == 0]
        if inactive:
            warnings.warn(f"{self.name}: {nobody_in(inactive)}", stacklevel=3)

    def _faulty(self) -> int:
        compiled = self._jit_compile and keras.backend.backend() == "tensorflow"
        return self.projection.record().faulty if compiled and self.projection.built else 0

    def _readable(self, x: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Inputs as Keras takes them; an error where labels or weights are in another order."""
        inputs = (
            {f"input {name!r}": column for name, column in x.items()} if isinstance(x, Mapping) else {"x": x}
        )
        check_order({**inputs, "y": y, "sample_weight": sample_weight})
        vocabulary = self.projection.vocabulary
        rules = AttributeRules(
            encode=None if vocabulary is None else self.projection.encode,
            thresholds=number_thresholds(self.constraints.statements, vocabulary),
            missing="error" if vocabulary is None else vocabulary.missing,
        )
        return self._routes.readable(x, rules)
