"""What an exported model takes: the inputs of its last call, with the types that they had.

Keras writes a signature of floats for every model that is no functional one. Here inputs may be text or
codes, and a column of text that the model encodes before it runs is served as text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import keras
import numpy as np
from keras import backend, ops

__all__ = ["ServedInputs"]


class ServedInputs:
    """The shapes and types of a model's inputs, remembered from its calls."""

    def __init__(self) -> None:
        self._specs: Any = None
        self._text: set[str] = set()

    def see(self, inputs: Any) -> None:
        """Remember inputs, a tensor or a nested structure of them; lists and columns of pandas say nothing of
        what a graph takes."""
        if all(_has_type(leaf) for leaf in keras.tree.flatten(inputs)):
            self._specs = keras.tree.map_structure(_spec_of, inputs)

    def see_text(self, names: Collection[str]) -> None:
        """Remember which inputs are given as text and reach the model as codes."""
        self._text = set(names)

    def signature(self, *, text: bool = True) -> Any:
        """An `InputSpec` for each input, in their structure, with its key as name; None before the first
        call.

        Args:
            text: whether columns that the model encodes are served as text; else as codes.
        """
        if not isinstance(self._specs, Mapping):
            return self._specs
        # Only TensorFlow has tensors of text.
        named = self._text if text and backend.backend() == "tensorflow" else set()
        return {
            name: _named(keras.InputSpec(dtype="string", shape=spec.shape) if name in named else spec, name)
            for name, spec in self._specs.items()
        }

    def get_config(self) -> dict[str, Any] | None:
        """What `set_config` needs, JSON-able; None before the first call."""
        if self._specs is None:
            return None
        specs = keras.tree.map_structure(
            lambda spec: {"shape": list(spec.shape), "dtype": spec.dtype}, self._specs
        )
        return {"inputs": specs, "text": sorted(self._text)}

    def set_config(self, config: Mapping[str, Any] | None) -> None:
        """Take what another model's `get_config` gave; None: nothing."""
        if config is not None:
            self._specs, self._text = _specs_from(config["inputs"]), set(config["text"])


def _has_type(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) or ops.is_tensor(leaf) or backend.is_keras_tensor(leaf)


def _spec_of(tensor: Any) -> keras.InputSpec:
    is_text = isinstance(tensor, np.ndarray) and tensor.dtype.kind in "OUS"
    dtype = "string" if is_text else backend.standardize_dtype(tensor.dtype)
    return keras.InputSpec(dtype=dtype, shape=(None, *tensor.shape[1:]))


def _named(spec: Any, name: str) -> Any:
    if not isinstance(spec, keras.InputSpec):  # inputs of a base model that are a dict themselves
        return {key: _named(entry, key) for key, entry in spec.items()} if isinstance(spec, Mapping) else spec
    return keras.InputSpec(dtype=spec.dtype, shape=spec.shape, name=name)


def _specs_from(config: Any) -> Any:
    if isinstance(config, (list, tuple)):
        return [_specs_from(entry) for entry in config]
    if set(config) == {"shape", "dtype"} and isinstance(config["dtype"], str):
        return keras.InputSpec(dtype=config["dtype"], shape=tuple(config["shape"]))
    return {name: _specs_from(entry) for name, entry in config.items()}
