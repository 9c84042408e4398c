"""The projections of a model: what a callback watches, or streams."""

from __future__ import annotations

from typing import Any

from keras_fair.layers.fair_projection import FairProjection

__all__ = ["projections"]


def projections(model: Any) -> list[FairProjection]:
    """The `FairProjection` layers of a model, those of inner models and layers included, each once."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, FairProjection)]
