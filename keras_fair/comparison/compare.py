"""Training a free model and a fair one on the same people, and predicting held-out people in one batch.

Both are the same network with the same first weights and the same batches; the fair one is trained through
its projection. The gradients of both are clipped to a norm of 1: `docs/how-to/train-or-correct.md` says why.
Columns that the constraints name are attributes: the projection sees them, the network of neither model does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_fair.audit import Audit, audit
from keras_fair.comparison.scores import Scores, scores_of
from keras_fair.constraints import ConstraintSet
from keras_fair.datasets import Split, encode
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.models.fair_model import FairModel
from keras_fair.ops import Outcome

__all__ = ["ModelComparison", "Side", "checked_vocabulary", "compare", "network"]

LAYERS = (64, 32)


@dataclass(frozen=True)
class Side:
    """What one of the two models does on held-out people.

    Attributes:
        y: `(n,)` float64, its predictions.
        scores: against the labels.
        audit: of the constraints, all held-out people pooled.
    """

    y: np.ndarray
    scores: Scores
    audit: Audit


@dataclass(frozen=True)
class ModelComparison:
    """Both models on held-out people.

    Attributes:
        free: without constraints.
        fair: with the projection.
        relaxed: whether no predictions in [0, 1] met all constraints for the held-out people.
    """

    free: Side
    fair: Side
    relaxed: bool


def network(features: int, name: str | None = None) -> keras.Model:
    """The network of both models: dense layers of 64 and 32, and a probability.

    Args:
        features: number of columns of its input `x`.
        name: of the model.
    """
    x = keras.Input((features,), name="x")
    hidden: Any = x
    for units in LAYERS:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
    return keras.Model(x, keras.layers.Dense(1, activation="sigmoid")(hidden), name=name)


def checked_vocabulary(train: Split, test: Split, constraints: ConstraintSet) -> Vocabulary:
    """The values of the attributes among all people, with which the constraints are seen to have a meaning.

    Args:
        train: the people to learn from.
        test: the held-out people.
        constraints: what the fair model is to be held to.

    Raises:
        ConstraintError: the constraints do not fit the data, or no affine row can hold them.
    """
    everyone = {
        name: np.concatenate([part.attributes[name] for part in (train, test)])
        for name in constraints.attributes
        if name in train.attributes
    }
    vocabulary = Vocabulary().adapt(everyone, np.concatenate([train.label, test.label]))
    constraints.rows(train.attributes, train.label, vocabulary=vocabulary)
    return vocabulary


def compare(
    train: Split,
    test: Split,
    constraints: ConstraintSet,
    *,
    epochs: int = 5,
    batch_size: int = 256,
    seed: int = 0,
    divergence: str = "euclidean",
    on_batch: Callable[[str], None] | None = None,
) -> ModelComparison:
    """Train both models and predict the held-out people, all in one batch.

    Args:
        train: the people to learn from; labels of 0 and 1.
        test: the held-out people.
        constraints: what the fair model is held to.
        epochs: passes over the training people, >= 1.
        batch_size: people a batch, >= 1.
        seed: of the first weights and of the order of the batches, >= 0.
        divergence: see `FairProjection`.
        on_batch: called with `"free"` or `"fair"` after every batch of training.

    Raises:
        ConstraintError: the constraints do not fit the data, or no affine row can hold them.
    """
    vocabulary = checked_vocabulary(train, test, constraints)
    named_features = [name for name in constraints.attributes if name in train.features]
    x_train, x_test, _ = encode(train, test, exclude=named_features)
    columns = [
        {"x": x, **{name: part.attributes[name] for name in constraints.attributes}}
        for x, part in ((x_train, train), (x_test, test))
    ]

    def trained(model: Any, inputs: Any, name: str) -> None:
        model.compile(optimizer=keras.optimizers.Adam(clipnorm=1.0), loss="binary_crossentropy")
        keras.utils.set_random_seed(seed)
        callbacks = []
        if on_batch is not None:
            callbacks.append(
                keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: on_batch(name))
            )
        model.fit(inputs, train.label, epochs=epochs, batch_size=batch_size, verbose=0, callbacks=callbacks)

    def side(y: Any) -> Side:
        y = np.asarray(y, "float64")[:, 0]
        measured = audit(
            constraints, y, test.attributes, test.label, vocabulary=vocabulary, confidence=None
        )  # of these people, who are all that is spoken of
        return Side(y, scores_of(y, test.label), measured)

    keras.utils.set_random_seed(seed)
    free = network(x_train.shape[1], "free")
    base = network(x_train.shape[1])
    base.set_weights(free.get_weights())
    trained(free, x_train, "free")
    fair = FairModel(base, constraints, divergence=divergence, vocabulary=vocabulary, name="fair")
    trained(fair, columns[0], "fair")
    before = side(free.predict(x_test, batch_size=test.size, verbose=0))
    fair.projection.reset_record()
    after = side(fair.predict(columns[1], batch_size=test.size, verbose=0))
    return ModelComparison(before, after, fair.projection.record().batches[Outcome.RELAXED] > 0)
