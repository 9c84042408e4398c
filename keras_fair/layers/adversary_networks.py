"""The networks of an adversary: those that are given, checked, or else small ones; and what they see of a
prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_fair.inputs.domain import Domain
from keras_fair.layers.adversary_plan import Guess

__all__ = ["build_networks", "check_networks", "seen_prediction"]

_WIDTH = 32
_CLOSEST = 1e-6  # to the ends of the domain, for log-odds


def check_networks(networks: Any, count: int) -> list[Any]:
    """Networks as a list.

    Args:
        networks: a Keras model, or a list of them.
        count: how many there must be.

    Raises:
        ValueError: it is something else, or another number of them.
    """
    given = list(networks) if isinstance(networks, (list, tuple)) else [networks]
    if len(given) != count or not all(isinstance(one, keras.layers.Layer) for one in given):
        raise ValueError(
            f"expected adversary as a Keras model, or as a list of {count}, one for each statement; "
            f"received adversary={networks!r}"
        )
    return given


def build_networks(networks: Sequence[Any], guesses: Sequence[Guess]) -> list[Any]:
    """Networks with weights, one for each guess.

    Args:
        networks: those that are given; where there are none, small ones are made.
        guesses: by statement.

    Raises:
        ValueError: one takes or gives another number of columns.
    """
    built = list(networks) or [_network(guess, place) for place, guess in enumerate(guesses)]
    for network, guess in zip(built, guesses, strict=True):
        if not network.built:
            network.build((None, guess.inputs))
        shape = tuple(network.compute_output_shape((None, guess.inputs)))
        if shape != (None, guess.outputs):
            raise ValueError(
                f"expected an adversary that makes (n, {guess.inputs}) into logits (n, {guess.outputs}) "
                f"for {guess.sight.name!r}, received one that makes {shape}"
            )
    return built


def seen_prediction(y: Any, domain: Domain) -> Any:
    """Predictions as networks see them, `(n, 1)`: log-odds between the bounds of the domain; where it has no
    two bounds, standardised in the batch.

    Args:
        y: `(n, 1)` float32.
        domain: of the predictions.
    """
    if np.isfinite(domain.low) and np.isfinite(domain.high):
        share = ops.clip((y - domain.low) / (domain.high - domain.low), _CLOSEST, 1.0 - _CLOSEST)
        return ops.log(share) - ops.log1p(-share)
    held = ops.stop_gradient(y)
    return (y - ops.mean(held)) / ops.maximum(ops.std(held), 1e-7)


def _network(guess: Guess, place: int) -> Any:
    layers = [keras.layers.Dense(_WIDTH, activation="relu", dtype="float32") for _ in range(2)]
    answer = keras.layers.Dense(guess.outputs, dtype="float32")
    return keras.Sequential([keras.Input((guess.inputs,)), *layers, answer], name=f"adversary_{place + 1}")
