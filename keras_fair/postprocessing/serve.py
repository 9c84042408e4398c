"""A base model and a fitted rule as one Keras model: inputs and attributes in, the scores after the rule out.

    y' = rule(base_model(x), attributes)

Each person alone: batches of any size give the same answers. The class only routes; which input goes where,
and how columns are read, is that of `keras_fair.models`, as for a `FairModel`.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import keras
from keras import backend

from keras_fair.errors import near_names
from keras_fair.groups.coding import has_words
from keras_fair.groups.dates import CODES_OF_DATES
from keras_fair.inputs.columns import columns_of
from keras_fair.inputs.predictions import chosen_output, replaced_output
from keras_fair.layers.guard import told_last
from keras_fair.layers.place import place_kept
from keras_fair.models.exported import ExportedModel
from keras_fair.models.inputs import Choice, Routes, base_specs, check_choice
from keras_fair.models.reader import Reader
from keras_fair.models.served import ServedInputs
from keras_fair.postprocessing.frozen_fairness import FrozenFairness
from keras_fair.postprocessing.frozen_rule import FrozenRule

__all__ = ["ServedModel", "serve"]


def serve(
    base_model: Any,
    rule: FrozenFairness,
    *,
    inputs: Choice = None,
    output: str | int | None = None,
    lots: str = "lots",
    name: str | None = None,
) -> ServedModel:
    """A Keras model whose scores are those of a base model after a fitted rule.

    Args:
        base_model: a Keras model or layer that gives scores `(n, 1)` or `(n,)` in the domain of the rule: the
            one whose scores the rule was fitted on.
        rule: fitted.
        inputs: the key, or the keys, of the base model's inputs; see `FairModel`.
        output: where the base model has several outputs, the key or the place of the one that the rule is
            for; the others pass unchanged.
        lots: the key of the input that holds the lots, where the rule draws any.
        name: of the model.

    Returns:
        A model that takes a dict with the inputs of the base model, the attributes that the rule compares,
        and lots where it draws any. It saves, loads and exports as every Keras model; a SavedModel needs no
        keras_fair to run.

    Raises:
        ValueError: the rule was not fitted; arguments that do not fit.

    Example:
        >>> import keras, numpy as np
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> x, sex = rng.normal(size=(400, 3)), rng.choice(["Female", "Male"], 400)
        >>> base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
        >>> scores = base.predict(x, verbose=0)
        >>> rule = kf.FrozenFairness("spread(P[y >= 0.5 | sex=*]) <= 0.02", confidence=None)
        >>> served = kf.serve(base, rule.fit(scores, {"sex": sex}))
        >>> y = served.predict({"x": x, "sex": sex}, verbose=0)
        >>> bool((y == rule(scores, {"sex": sex})).all())
        True
    """
    if not isinstance(rule, FrozenFairness):
        raise ValueError(f"expected rule to be a fitted kf.FrozenFairness, received rule={rule!r}")
    return ServedModel(base_model, rule.to_json(), inputs=inputs, output=output, lots=lots, name=name)


@keras.saving.register_keras_serializable(package="keras_fair")
class ServedModel(ExportedModel):
    """What `kf.serve` makes. It is not trained: its rule was learnt for the scores of this base model.

    Args:
        base_model, inputs, output, lots: see `kf.serve`.
        rule: the document of a fitted rule, `rule.to_json()`.
    """

    def __init__(
        self,
        base_model: Any,
        rule: str,
        *,
        inputs: Choice = None,
        output: str | int | None = None,
        lots: str = "lots",
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("autocast", False)  # the base model casts for itself, attributes stay as they are
        super().__init__(**kwargs)
        if not isinstance(base_model, keras.layers.Layer):
            raise ValueError(f"expected base_model to be a Keras model, received base_model={base_model!r}")
        if not isinstance(lots, str):
            raise ValueError(f"expected lots to be the key of an input, received lots={lots!r}")
        self.base_model = base_model
        self._base_is_told = "training" in inspect.signature(base_model.call).parameters
        self.rule = FrozenRule(rule, name="rule")
        self.inputs_of_base = check_choice(inputs)
        self.fair_output, self.lots_key = output, lots
        if self.rule.draws_lots and lots in self.rule.attributes:
            raise ValueError(f"expected lots under a key of their own, received lots={lots!r}, an attribute")
        others = (lots,) if self.rule.draws_lots else ()
        self._routes = Routes(base_model, self.rule.attributes, others, self.inputs_of_base)
        self._served = ServedInputs()
        # It asks for what a rule's layer has as a projection has it: constraints, vocabulary, domain, encode.
        self._reader = Reader(self.rule, self._routes, self._served, output)
        self._served.set_config(_expected_inputs(self))
        self.built = bool(base_model.built)  # its parts are

    def build(self, inputs_shape: Any) -> None:
        """Nothing of its own; its parts are built when they are first called."""

    def call(self, inputs: Any) -> Any:
        with place_kept():
            features, given = self._routes.split(inputs)
            raw = self.base_model(features, **({"training": False} if self._base_is_told else {}))
            outputs, raw = raw, chosen_output(raw, self.fair_output)
            attributes = {name: given[name] for name in self.rule.attributes if name in given}
            lots = {"lots": given.get(self.lots_key)} if self.rule.draws_lots else {}
            fair = self.rule(raw, attributes=attributes, **lots)
            if not self.rule.supports_jit and self._jit_compile:
                warnings.warn(
                    "text in the inputs: continuing without jit_compile, because XLA has no text",
                    stacklevel=2,
                )
                self.jit_compile = False
            self._served.see(inputs)  # last: a call that fails says nothing of what is served
            return replaced_output(outputs, raw, fair)

    def predict(self, x: Any, **keywords: Any) -> Any:
        with self._ran():
            return super().predict(self._read(x), **keywords)

    def predict_on_batch(self, x: Any) -> Any:
        with self._ran():
            return super().predict_on_batch(self._read(x))

    def evaluate(self, x: Any = None, y: Any = None, **keywords: Any) -> Any:
        with self._ran():
            return super().evaluate(self._read(x, y, keywords.get("sample_weight")), y, **keywords)

    def test_on_batch(self, x: Any, y: Any = None, **keywords: Any) -> Any:
        with self._ran():
            return super().test_on_batch(self._read(x, y, keywords.get("sample_weight")), y, **keywords)

    def fit(self, *_: Any, **__: Any) -> NoReturn:
        """Refused."""
        self._refuse_training()

    def train_on_batch(self, *_: Any, **__: Any) -> NoReturn:
        """Refused."""
        self._refuse_training()

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "base_model": keras.saving.serialize_keras_object(self.base_model),
            "rule": self.rule.document,
            "inputs": self.inputs_of_base,
            "output": self.fair_output,
            "lots": self.lots_key,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> ServedModel:
        config = copy.deepcopy(config)  # Keras empties what it reads
        config["base_model"] = keras.saving.deserialize_keras_object(config["base_model"], custom_objects)
        return cls(**config)

    def _read(self, x: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Inputs as Keras takes them."""
        if not (isinstance(x, Mapping) or hasattr(x, "columns")):
            return self._reader.read(x, y, sample_weight)
        columns = columns_of(x)
        if self.rule.draws_lots and self.lots_key not in columns:
            raise ValueError(
                f"expected lots, (n,) in [0, 1), under {self.lots_key!r}, received inputs {sorted(columns)}"
                f"{near_names(self.lots_key, columns)}: the rule draws lots, and the same person has to get "
                "the same one each time; model.rule.lots_of(ids) gives them"
            )
        read = self._reader.read(x, y, sample_weight)
        lots = read.get(self.lots_key) if self.rule.draws_lots else None
        self.rule.check_people(read, columns, lots)
        return read

    @contextmanager
    def _ran(self) -> Iterator[None]:
        """Run over data; afterwards raise an error for faults of the data where `jit_compile=True` can't
        stop."""
        before = self._faulty()
        with told_last(self.rule.name):
            yield
        if self._faulty() > before:
            raise ValueError(
                f"expected scores of the base model in {self.rule.domain}, attributes without missing "
                "values, and people of groups that the rule knows, received others in some batches; without "
                "jit_compile=True the error says which"
            )

    def _faulty(self) -> int:
        compiled = self._jit_compile and backend.backend() == "tensorflow"
        return self.rule.record().faulty if compiled else 0

    def _refuse_training(self) -> NoReturn:
        raise ValueError(
            "a served model is not trained: its rule was learnt for the scores of this base model. Train the "
            "base model, fit a rule on people that it was not trained on, and serve both again"
        )


def _expected_inputs(model: ServedModel) -> dict[str, Any] | None:
    """The inputs of a base model that shows its own, and those of the rule, as `ServedInputs` describes them;
    None where it shows none."""
    rule = model.rule
    shown = base_specs(model.base_model, model.inputs_of_base)
    if shown is None:
        return None
    specs: dict[str, Any] = {key: _spec(dtype, shape) for key, (shape, dtype) in shown.items()}
    text = set()
    for name in rule.attributes:
        if name in specs:
            continue
        values = rule.plan.vocabulary
        if values.is_dated(name):
            specs[name] = _spec(CODES_OF_DATES)
        elif has_words(values.values.get(name)):
            text.add(name)
            specs[name] = _spec("int32")
        else:
            specs[name] = _spec(backend.floatx())
    if rule.draws_lots:
        specs.setdefault(model.lots_key, _spec(backend.floatx()))
    return {"inputs": specs, "text": sorted(text)}


def _spec(dtype: Any, shape: tuple[int | None, ...] = ()) -> dict[str, Any]:
    return {"shape": [None, *shape], "dtype": str(backend.standardize_dtype(dtype))}
