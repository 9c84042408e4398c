"""Training one model for each value of a grid. What a value means is the matter of `build`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from keras_fair.inputs.predictions import length_of

__all__ = ["people_of", "read_grid", "trained"]


def read_grid(values: Iterable[Any]) -> dict[str, Any]:
    """The values of a grid, by how a name shows them.

    Raises:
        ValueError: there is none, or two are shown alike.
    """
    grid: dict[str, Any] = {}
    for value in values:
        shown = _shown(value)
        if shown in grid:
            raise ValueError(f"expected each value of the grid once, received {shown} twice")
        grid[shown] = value
    if not grid:
        raise ValueError("expected at least one value in the grid, received none")
    return grid


def _shown(value: Any) -> str:
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return f"{value:.6g}" if is_number else str(value)


def trained(
    build: Callable[[Any], Any],
    value: Any,
    inputs: Any,
    fit: Mapping[str, Any] | Callable[[Any], Any] | None,
    seed: int | None,
    batch_size: int | None,
) -> tuple[Any, Any]:
    """The model of one value, fitted, and what it predicts; see `keras_fair.Front.train`.

    Raises:
        ValueError: there is no way to fit, or two.
    """
    import keras

    if seed is not None:
        keras.utils.set_random_seed(seed)
    model = build(value)
    if isinstance(model, tuple):
        model, beside = model
        if fit is not None:
            raise ValueError("expected fit or a function beside the model that build returns, received both")
        fit = beside
    if fit is None:
        raise ValueError(
            "expected a way to fit: fit as a dict of arguments of model.fit, or as a function of the model, "
            "or a build that returns (model, fit); received fit=None"
        )
    if callable(fit):
        fit(model)
    else:
        model.fit(**{"verbose": 0, **fit})
    return model, model.predict(inputs, batch_size=batch_size or people_of(inputs), verbose=0)


def people_of(inputs: Any) -> int | None:
    """How many people inputs are of; None for a pipeline, which has batches of its own."""
    if hasattr(inputs, "shape"):
        return length_of(inputs)
    if not isinstance(inputs, (Mapping, list, tuple)):
        return None
    parts = inputs.values() if isinstance(inputs, Mapping) else inputs
    columns = [part for part in parts if hasattr(part, "shape") or isinstance(part, (list, tuple))]
    return length_of(columns[0]) if columns else None
