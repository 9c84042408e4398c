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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from keras_fair.constraints import Constraints, ConstraintSet
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.predictions import chosen_output, replaced_output
from keras_fair.layers.building import building, is_built_only
from keras_fair.layers.constraint_layer import ConstraintLayer
from keras_fair.layers.epoch_sums import TRAINING, VALIDATION, pooling
from keras_fair.layers.fair_projection import FairProjection
from keras_fair.layers.guard import told_last
from keras_fair.layers.place import place_kept
from keras_fair.layers.reports import nobody_in
from keras_fair.models.epoch_logs import EpochLogs, TestLogs, with_logs
from keras_fair.models.exported import ExportedModel
from keras_fair.models.inputs import Choice, Routes, check_choice
from keras_fair.models.labels import can_stand_in, class_of, stand_in
from keras_fair.models.reader import Reader
from keras_fair.models.served import ServedInputs
from keras_fair.models.steps import (
    current_step,
    labels_to_come,
    own_step,
    running,
    step_of,
)
from keras_fair.rows.margins import Margin

__all__ = ["FairModel"]

_NO_LABELS = (
    "expected labels y where there are constraints on the label, received y=None: only predict can replace "
    "them"
)


@keras.saving.register_keras_serializable(package="keras_fair")
class FairModel(ExportedModel):
    """A base model whose predictions are projected onto the constraints, batch by batch; or one whose weights
    a layer of constraints trains.

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

    **Values.** Where no vocabulary was given, `fit` learns the values of the attributes from inputs and
    validation data that are at hand (a dict of columns or a DataFrame) and prints them. From then on a value
    that was not among them is an error, or with `unknown="exclude"` in no group.

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
        constraints: text, or a `ConstraintSet`, which are projected onto; or a layer that holds constraints,
            such as `kf.layers.FairnessPenalty` and `kf.layers.FairnessLagrangian`. These train the weights,
            so predictions need neither attributes nor labels; what is said below of them is the layer's own.
        domain, divergence, vocabulary, stiffness, unknown, memory, margin, global_batch: see
            `FairProjection`.
        label_source: what replaces labels where there are none: None for the base model's prediction, the key
            of an input that holds probabilities, or a Keras model that gives them for the base model's inputs
            (it is not trained along).
        inputs: the key, or the keys, of the base model's inputs. Where a base model has a single input and
            several keys are named, or the columns of a DataFrame beside the attributes are as many as its
            input is wide, they become its columns.
        output: where the base model has several outputs, the key or the place of the one that the constraints
            are on; the others pass unchanged. Labels and weights of several outputs are dicts or lists, as
            Keras takes them; constraints use those of this output.
        weight_statistics, weight_objective: whether the `sample_weight` of `fit` and `evaluate` weighs the
            statistics and the objective, as it does in audits (default), or the loss only. `class_weight`
            always weighs the loss only.

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
        constraints: Constraints | ConstraintLayer,
        *,
        domain: Any = (0.0, 1.0),
        divergence: str = "euclidean",
        vocabulary: Any = None,
        stiffness: float = math.inf,
        label_source: Any = None,
        inputs: Choice = None,
        output: str | int | None = None,
        weight_statistics: bool = True,
        weight_objective: bool = True,
        unknown: str = "error",
        memory: int | None = None,
        margin: Margin = 0.0,
        global_batch: bool = True,
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
        self.fair_output = output
        options: dict[str, Any] = {
            "domain": domain,
            "divergence": divergence,
            "vocabulary": vocabulary,
            "stiffness": stiffness,
            "weight_statistics": weight_statistics,
            "weight_objective": weight_objective,
            "unknown": unknown,
            "memory": memory,
            "margin": margin,
            "global_batch": global_batch,
        }
        if isinstance(constraints, ConstraintLayer):
            _refuse_options({**options, "label_source": label_source}, constraints)
            layer = constraints
        else:
            layer = FairProjection(constraints, **options, dtype=self.dtype_policy, name="projection")
        layer.pool_batches()
        if isinstance(layer, FairProjection):  # under these names their weights are saved
            self.projection = layer
        else:
            self.fairness = layer
        others = (label_source,) if isinstance(label_source, str) else ()
        self._routes = Routes(base_model, layer.attributes, others, self.inputs_of_base)
        self._trains = layer.trains_weights
        self._served = ServedInputs()
        self._evaluates_labels = self._class_weights = self._told_inactive = False
        self._reader = Reader(layer, self._routes, self._served, output)

    @property
    def constraints(self) -> ConstraintSet:
        """The constraints."""
        return self._reader.layer.constraints

    def adapt(self, inputs: Any, label: Any = None) -> None:
        """Learn the values of the attributes; see `FairProjection.adapt`."""
        self._reader.layer.adapt(inputs, label)

    def build(self, inputs_shape: Any) -> None:
        """Nothing of its own; its parts are built when they are first called."""

    def call(self, inputs: Any, label: Any = None, training: bool | None = None) -> Any:
        with place_kept():
            features, attributes = self._routes.split(inputs, optional=self._trains)
            # Passed explicitly: on JAX, Keras calls this method outside the context that would pass it on.
            raw = self.base_model(features, **({"training": training} if self._base_is_told else {}))
            outputs, raw = raw, chosen_output(raw, self.fair_output)
            step, weight = current_step(self), None
            if step is not None:
                label, weight = (self._reader.of_output(part) for part in (step.label, step.sample_weight))
            uses_label = self._reader.layer.uses_label
            if uses_label and label is None:
                if training and labels_to_come(self):
                    raise ValueError(own_step("train_step"))
                label = None if self._trains else self._stand_in(inputs, features, raw)
            elif labels_to_come(self) and not training and not is_built_only():
                self._evaluates_labels = True
            place = None if step is None else TRAINING if training else VALIDATION
            with pooling(place):
                fair = self._reader.layer(
                    raw,
                    attributes=attributes,
                    label=class_of(label) if uses_label and label is not None else None,
                    sample_weight=weight,
                    training=training,
                )
            if not self._reader.layer.supports_jit and self._jit_compile:
                warnings.warn(
                    "text in the inputs: continuing without jit_compile, because XLA has no text",
                    stacklevel=2,
                )
                self.jit_compile = False
            if is_built_only():
                return replaced_output(outputs, raw, fair)
            self._served.see(inputs)  # last: a call that fails says nothing of what is served
            return replaced_output(outputs, raw, fair)

    def train_step(self, *arguments: Any, **keywords: Any) -> Any:
        with self._step(*arguments, **keywords):
            return super().train_step(*arguments, **keywords)

    def test_step(self, *arguments: Any, **keywords: Any) -> Any:
        with self._step(*arguments, **keywords):
            return super().test_step(*arguments, **keywords)

    def fit(self, x: Any = None, y: Any = None, **keywords: Any) -> Any:
        validation = keywords.get("validation_data")
        if type(self).train_step is FairModel.train_step:
            self._refuse_no_labels(x, y)
        learnt = self._reader.learn(x, y, validation)
        if learnt is not None and keywords.get("verbose", "auto") != 0:
            print(f"{self.name}: values of the attributes, taken from the data: {learnt}")
        keywords["validation_data"] = self._reader.read_validation(validation)
        keywords["callbacks"] = with_logs(keywords.get("callbacks"), EpochLogs(self._reader.layer))
        with self._ran(labels=True, class_weights=self._takes_class_weights(keywords)):
            history = super().fit(self._read(x, y, keywords), y, **keywords)
        active = self._reader.layer.record().active
        self._tell_inactive([row for row, batches in active.items() if batches == 0])
        for doubt in self._reader.layer.doubts():
            warnings.warn(f"{self.name}: {doubt}", stacklevel=2)
        return history

    def evaluate(self, x: Any = None, y: Any = None, **keywords: Any) -> Any:
        if type(self).test_step is FairModel.test_step:
            self._refuse_no_labels(x, y)
        logs = TestLogs(self._reader.layer)
        if not isinstance(keywords.get("callbacks"), keras.callbacks.CallbackList):  # else `fit` logs them
            keywords["callbacks"] = with_logs(keywords.get("callbacks"), logs)
        as_dict = keywords.pop("return_dict", False)
        with self._ran(labels=True):
            result = super().evaluate(self._read(x, y, keywords), y, return_dict=True, **keywords)
        # A list has no names, so there it holds only what Keras puts into it.
        result = {**result, **logs.summary} if as_dict else self._flatten_metrics_in_order(result)
        if self._reader.layer.uses_label and not self._evaluates_labels:
            warnings.warn(own_step("test_step"), stacklevel=2)
        return result

    def predict(self, x: Any, **keywords: Any) -> Any:
        with self._ran(labels=False, alone=keywords.get("batch_size") == 1):
            inputs = self._reader.read(x, optional=self._trains)
            self._build_on(inputs)
            return super().predict(inputs, **keywords)

    def train_on_batch(self, x: Any, y: Any = None, **keywords: Any) -> Any:
        with self._ran(labels=True, class_weights=self._takes_class_weights(keywords)):
            return super().train_on_batch(self._read(x, y, keywords), y, **keywords)

    def test_on_batch(self, x: Any, y: Any = None, **keywords: Any) -> Any:
        with self._ran(labels=True):
            return super().test_on_batch(self._read(x, y, keywords), y, **keywords)

    def predict_on_batch(self, x: Any) -> Any:
        with self._ran(labels=False):
            return super().predict_on_batch(self._reader.read(x, optional=self._trains))

    def get_config(self) -> dict[str, Any]:
        source = self.label_source
        if isinstance(source, keras.layers.Layer):
            source = keras.saving.serialize_keras_object(source)
        common = {
            **super().get_config(),
            "base_model": keras.saving.serialize_keras_object(self.base_model),
            "inputs": self.inputs_of_base,
            "output": self.fair_output,
        }
        if self._trains:
            return {**common, "constraints": keras.saving.serialize_keras_object(self._reader.layer)}
        own = ("constraints", "domain", "divergence", "vocabulary", "stiffness", "unknown")
        switches = ("memory", "margin", "weight_statistics", "weight_objective", "global_batch")
        projection = self._reader.layer.get_config()
        return {**common, **{name: projection[name] for name in (*own, *switches)}, "label_source": source}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> FairModel:
        config = copy.deepcopy(config)  # Keras empties what it reads
        config["base_model"] = keras.saving.deserialize_keras_object(config["base_model"], custom_objects)
        for name in ("label_source", "constraints"):
            if isinstance(config.get(name), Mapping):
                config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects)
        if config.get("vocabulary") is not None:
            config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        return cls(**config)

    def _read(self, x: Any, y: Any, keywords: Mapping[str, Any]) -> Any:
        """Inputs as Keras takes them, of a method with labels."""
        return self._reader.read(x, y, keywords.get("sample_weight"))

    def _takes_class_weights(self, keywords: Mapping[str, Any]) -> bool:
        """Whether weights are those of classes; a step that was traced otherwise is traced again."""
        takes = keywords.get("class_weight") is not None
        if takes is not self._class_weights:
            self._class_weights, self.train_function = takes, None
        return takes

    def _stand_in(self, inputs: Any, features: Any, raw: Any) -> Any:
        """What stands in for the label, `(n,)` or `(n, 1)`."""
        if isinstance(self.label_source, str):
            if not isinstance(inputs, Mapping) or self.label_source not in inputs:
                raise ValueError(
                    f"expected the input {self.label_source!r} to stand in for the label, received none"
                )
            return inputs[self.label_source]
        plan = self._reader.layer.plan(1 if len(raw.shape) == 1 else int(raw.shape[1]))
        guess = raw if self.label_source is None else self.label_source(features)
        if labels_to_come(self) and not can_stand_in(plan, guess):
            return ops.zeros_like(raw[..., 0] if len(raw.shape) == 2 else raw)
        return stand_in(plan, guess)

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Keras' hook before the first step on TensorFlow."""
        from keras_fair.models.built_first_tensorflow import batch_shapes

        shapes = None if iterator is None else batch_shapes(iterator)
        if shapes is None or (self.run_eagerly and self.distribute_strategy.num_replicas_in_sync == 1):
            super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)
            return
        with self.distribute_strategy.scope(), building():
            self._symbolic_build(data_batch=shapes)

    def _build_on(self, inputs: Any) -> None:
        """Before `predict`, where Keras has no such hook: replicas that wait for each other can't make
        weights."""
        if keras.backend.backend() != "tensorflow" or self._reader.layer.built:
            return
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return
        from keras_fair.models.built_first_tensorflow import input_shapes

        symbolic = input_shapes(inputs)
        if symbolic is not None:
            with self.distribute_strategy.scope(), building():
                self(symbolic)

    @contextmanager
    def _step(self, *arguments: Any, **keywords: Any) -> Iterator[None]:
        """A step of `fit` or `evaluate`, with the labels that constraints on the label need."""
        with step_of(self, *arguments, **keywords):
            step = current_step(self)
            if self._reader.layer.uses_label and step is not None and step.label is None:
                raise ValueError(_NO_LABELS)
            yield

    def _refuse_no_labels(self, x: Any, y: Any) -> None:
        """Refuse columns without labels before Keras, which on PyTorch says that None has no dtype, meets
        them."""
        named = isinstance(x, Mapping) or hasattr(x, "columns")
        if y is None and named and self._reader.layer.uses_label:
            raise ValueError(_NO_LABELS)

    @contextmanager
    def _ran(self, *, labels: bool, class_weights: bool = False, alone: bool = False) -> Iterator[None]:
        """Run over data; afterwards raise an error for faults of the data where `jit_compile=True` can't
        stop."""
        before, active = self._faulty(), self._active_without_vocabulary()
        with running(self, labels=labels, class_weights=class_weights), told_last(self._reader.layer.name):
            yield
        # One person alone is never in two groups, however values are spelt.
        if not alone:
            after = self._active_without_vocabulary()
            self._tell_inactive([row for row, batches in after.items() if batches == active.get(row, 0)])
        if self._faulty() > before:
            raise ValueError(
                f"expected predictions of the base model in {self._reader.layer.domain}, attributes without "
                "missing or unknown values, and sample weights >= 0, received others in some batches; "
                "without jit_compile=True the error says which"
            )

    def _active_without_vocabulary(self) -> dict[str, int]:
        """By row, in how many batches it was active; nothing where a vocabulary notices misspelt values."""
        literal = self._reader.layer.built and self._reader.layer.vocabulary is None
        return self._reader.layer.record().active if literal else {}

    def _tell_inactive(self, inactive: Sequence[str]) -> None:
        """Warn, once, of rows whose groups were empty: a misspelt value must not look like a constraint that
        holds."""
        if inactive and not self._told_inactive:
            self._told_inactive = True
            warnings.warn(f"{self.name}: {nobody_in(inactive)}", stacklevel=4)

    def _faulty(self) -> int:
        compiled = self._jit_compile and keras.backend.backend() == "tensorflow"
        return self._reader.layer.record().faulty if compiled and self._reader.layer.built else 0


def _refuse_options(options: Mapping[str, Any], layer: ConstraintLayer) -> None:
    """Refuse arguments that say what a layer that is handed in says itself."""
    defaults = inspect.signature(FairModel.__init__).parameters
    given = [name for name, value in options.items() if value != defaults[name].default]
    if given:
        raise ValueError(
            f"expected {', '.join(given)} as arguments of the layer, received them beside "
            f"constraints={layer.name!r}, which is a {type(layer).__name__}"
        )
