"""A model that is trained against an adversary, which guesses attributes from its predictions.

    minimise over the base model    task loss - strength * adversary's loss
    minimise over the adversary     adversary's loss

Both at once, by one gradient that is turned round between them (Ganin and Lempitsky, 2015). What the
adversary sees follows from the text, see `keras_fair.layers.adversary_sight`.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_fair.constraints import Constraints
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.columns import columns_of
from keras_fair.inputs.predictions import chosen_output
from keras_fair.layers.adversary import Adversary
from keras_fair.models.epoch_logs import with_logs
from keras_fair.models.fair_model import FairModel
from keras_fair.models.inputs import Choice
from keras_fair.models.labels import class_of
from keras_fair.models.probe import Probe, TooFew, probe_scores
from keras_fair.models.two_optimizers import TwoOptimizers

__all__ = ["AdversarialModel"]


@keras.saving.register_keras_serializable(package="keras_fair")
class AdversarialModel(FairModel):
    """A base model that is trained so that an adversary can't guess attributes from its predictions.

        model = kf.AdversarialModel(base_model, "independence(sex)", strength=1.0)
        model.compile("adam", "binary_crossentropy")
        model.fit({"x": x, "sex": sex}, label, validation_data=({"x": x2, "sex": sex2}, label2))
        model.predict(x3)  # needs no attributes

    **The text** says what the adversary guesses and what it sees; a bound may be left out and plays no part.

    | statement | it guesses | it sees |
    | --- | --- | --- |
    | `independence(A)`, `mutual_information(A)`, `demographic_parity(A)` | the group | the prediction |
    | `separation(A)`, `equalized_odds(A)` | the group | the prediction and the label |
    | `equal_opportunity(A)` | the group | the prediction, of people with label 1 |
    | `corr(y, A)`, `cov(y, A)` | the number `A` | the prediction |

    Of several attributes it guesses their intersection; of several statements each has a network. A
    `with weight` multiplies the strength. `independence(A | condition)` is for those people only.

    **Training.** The adversary has an optimizer of its own, faster than the model's, with clipped gradients.
    A strength that is a number grows from 0 over the first third of the batches of the first `fit` (the first
    1000 where it isn't known how many there are). The loss that Keras shows is that of the task;
    `{statement}_adversary_loss` in the logs is how well the adversary guesses: the higher, the better for
    you. Early stopping by `val_loss` would stop before the adversary has had its say.

    **A beaten adversary proves nothing.** It may just be too weak, or too slow. Ask a fresh one: `probe`.
    `fit` does so at its end where it is given `validation_data` as arrays, prints what it finds unless
    `verbose=0`, and keeps it in `last_probe`. Where early stopping or the choice of a strength used these
    data, probe others.

    Args:
        base_model: see `FairModel`.
        text: statements or expressions, or a `ConstraintSet`.
        strength: of the reversed gradient, a number >= 0, or a `keras.optimizers.schedules` schedule over the
            training batches, which is taken as it is.
        ramp: over which share of the training batches a number grows from 0, in [0, 1].
        adversary: a Keras model in place of the default, two layers of 32; of several statements a list. It
            takes `(n, 1)`, the log-odds of the prediction (where predictions have no two bounds, themselves,
            standardised in each batch); with the label `(n, 1 + 2 k)`: the log-odds, the label as 0 and 1 for
            each of its `k` values but the first, and their products. It gives a logit for each group
            `(n, groups)`, in the order of the vocabulary, or `(n, 1)` for a number.
        adversary_optimizer: an optimizer or its name. Default: Adam at five times the model's learning rate,
            0.01 at most, with `global_clipnorm=1`.
        projected_gradient: whether what helps the adversary is taken out of the task's gradient before each
            step (Zhang, Lemoine and Mitchell, 2018); on TensorFlow only, in one replica.
        domain, vocabulary, unknown, weight_statistics, global_batch: see `FairProjection`.
        inputs, output: see `FairModel`.

    Raises:
        ConstraintError: the text is malformed, or asks for something that is no independence.
        ValueError: arguments that do not fit.

    Source:
        Ganin and Lempitsky (2015), Unsupervised domain adaptation by backpropagation. Zhang, Lemoine and
        Mitchell (2018), Mitigating unwanted biases with adversarial learning.

    Example:
        >>> import keras, numpy as np
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> x, sex = rng.normal(size=(64, 3)), rng.choice(["Female", "Male"], 64)
        >>> base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
        >>> model = kf.AdversarialModel(base, "independence(sex)")
        >>> model.compile("adam", "binary_crossentropy")
        >>> history = model.fit({"x": x, "sex": sex}, rng.integers(0, 2, 64), verbose=0)
        >>> sorted(history.history)
        ['independence(sex)_adversary_loss', 'loss']
        >>> model.predict(x, verbose=0).shape
        (64, 1)
    """

    def __init__(
        self,
        base_model: Any,
        text: Constraints | Adversary,
        *,
        strength: Any = 1.0,
        ramp: float = 1 / 3,
        adversary: Any = None,
        adversary_optimizer: Any = None,
        projected_gradient: bool = False,
        domain: Any = (0.0, 1.0),
        vocabulary: Vocabulary | Mapping[str, Any] | None = None,
        unknown: str = "error",
        weight_statistics: bool = True,
        global_batch: bool = True,
        inputs: Choice = None,
        output: str | int | None = None,
        **kwargs: Any,
    ) -> None:
        if projected_gradient and keras.backend.backend() != "tensorflow":
            raise ValueError(
                "expected projected_gradient=False on this backend, received projected_gradient=True: its "
                f"step is written for TensorFlow, and Keras runs on {keras.backend.backend()}"
            )
        layer = text
        if not isinstance(layer, Adversary):
            layer = Adversary(
                layer,
                strength,
                ramp=ramp,
                networks=adversary,
                domain=domain,
                vocabulary=vocabulary,
                unknown=unknown,
                weight_statistics=weight_statistics,
                global_batch=global_batch,
                name="adversary",
            )
        super().__init__(base_model, layer, inputs=inputs, output=output, **kwargs)
        self.projected_gradient = bool(projected_gradient)
        self._adversary_optimizer = None  # its config: the optimizer itself is part of the compiled one
        if adversary_optimizer is not None:
            chosen = keras.optimizers.get(adversary_optimizer)
            self._adversary_optimizer = keras.saving.serialize_keras_object(chosen)
        self.last_probe: Probe | None = None

    @property
    def adversary(self) -> Adversary:
        """The layer that holds the adversary's networks."""
        return self.fairness

    def compile(self, optimizer: Any = "rmsprop", *arguments: Any, **keywords: Any) -> None:
        """See `keras.Model.compile`. The optimizer is that of the base model's weights."""
        if not isinstance(optimizer, TwoOptimizers):
            optimizer = TwoOptimizers(optimizer, copy.deepcopy(self._adversary_optimizer))
        optimizer.tell_adversary(lambda: self.adversary.trainable_variables)
        super().compile(optimizer, *arguments, **keywords)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as a saved model was."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)

    def fit(self, x: Any = None, y: Any = None, **keywords: Any) -> Any:
        """See `keras.Model.fit`; at its end a fresh probe asks `validation_data`, given as arrays."""
        self._refuse_no_labels(x, y)
        keywords["callbacks"] = with_logs(keywords.get("callbacks"), _Beginning(self.adversary))
        validation = keywords.get("validation_data")
        history = super().fit(x, y, **keywords)
        self.last_probe = None
        if isinstance(validation, (tuple, list)) and _has(validation[0], self.constraints.attributes):
            try:
                self.last_probe = self.probe(validation[0], label=validation[1])
            except TooFew as fault:  # the model is trained all the same
                warnings.warn(f"{self.name}: validation_data were not probed: {fault}", stacklevel=2)
            if self.last_probe is not None and keywords.get("verbose", "auto") != 0:
                print(f"{self.name}: {self.last_probe}")
        return history

    def train_step(self, *arguments: Any, **keywords: Any) -> Any:
        if not self.projected_gradient:
            return super().train_step(*arguments, **keywords)
        from keras_fair.models.projected_step_tensorflow import projected_step

        data = keywords["data"] if "data" in keywords else arguments[-1]
        with self._step(*arguments, **keywords):
            return projected_step(self, data, self.adversary)

    def probe(
        self,
        x: Any,
        attributes: Any = None,
        label: Any = None,
        *,
        confidence: float = 0.95,
        seed: int = 0,
        batch_size: int | None = None,
    ) -> Probe:
        """How well a fresh classifier guesses the attributes from predictions, on people held out of `fit`.

        A logistic regression on hinges of the ranks of the prediction is fitted on one half of the people;
        its AUC on the other half is reported, with an interval. Each group is told from the rest; under
        `separation` within each value of the label; a number by whether it lies above each of its quartiles.
        The largest AUC counts. Sample weights play no part.

        Args:
            x: inputs as for `predict`.
            attributes: columns by name; default: those in `x`.
            label: `(n,)`, where statements speak of it.
            confidence: of the interval, over all comparisons together, in (0, 1). It holds for these
                classifiers over people like these; another classifier may find more.
            seed: of the halves.
            batch_size: of `predict`.

        Returns:
            `Probe`: `auc`, `lower`, `upper`, `text` and each comparison.

        Raises:
            ValueError: an argument is not given or does not fit; no group has 20 people, and as many outside.
        """
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"expected confidence between 0 and 1, received confidence={confidence!r}")
        layer = self.adversary
        columns = columns_of(x if attributes is None else attributes)
        if not _has(columns, self.constraints.attributes):
            raise ValueError(
                f"expected the columns {list(self.constraints.attributes)} to probe predictions, received "
                f"{sorted(columns)}"
            )
        if self.constraints.uses_label and label is None:
            raise ValueError("expected label=(n,) where statements speak of it, received None")
        predicted = self.predict(x, verbose=0, batch_size=batch_size)
        y = np.asarray(chosen_output(predicted, self.fair_output), "float64")
        y = y.reshape(len(y), -1)
        labels = None
        if label is not None:
            labels = np.asarray(ops.convert_to_numpy(class_of(np.asarray(self._reader.of_output(label)))))
            labels = labels.reshape(-1).astype("float64")
        return probe_scores(
            layer.comparisons(y, columns, labels), confidence=confidence, seed=seed
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["text"] = config.pop("constraints")
        optimizer = copy.deepcopy(self._adversary_optimizer)
        return {**config, "projected_gradient": self.projected_gradient, "adversary_optimizer": optimizer}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> AdversarialModel:
        config = copy.deepcopy(config)  # Keras empties what it reads
        for name in ("base_model", "text"):
            config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects)
        return cls(**config)


class _Beginning(keras.callbacks.Callback):
    """Says over how many batches `fit` goes."""

    def __init__(self, layer: Adversary) -> None:
        super().__init__()
        self.layer = layer

    def on_train_begin(self, logs: Any = None) -> None:
        steps = self.params.get("steps")
        self.layer.begin_training(None if steps is None else steps * self.params["epochs"])


def _has(x: Any, names: Any) -> bool:
    """Whether these are columns by name that hold all of the names."""
    return (isinstance(x, Mapping) or hasattr(x, "columns")) and set(names) <= set(columns_of(x))
