"""What models share that are exported with the inputs of their last call."""

from __future__ import annotations

from typing import Any

import keras

from keras_fair.inputs.arrays import computes_on_host
from keras_fair.layers.guard import no_export_from_torch
from keras_fair.models.served import ServedInputs

__all__ = ["ExportedModel"]

_WITHOUT_TEXT = ("onnx", "litert")


class ExportedModel(keras.Model):
    """A model that remembers what it takes in service, text included, and is written with that.

    Whoever derives from it lets `_served` see its inputs.
    """

    _served: ServedInputs

    def export(
        self, filepath: Any, format: str = "tf_saved_model", input_signature: Any = None, **keywords: Any
    ) -> None:
        """Write the model for serving, as `keras.Model.export` does. It needs no keras_fair to run.

        Args:
            filepath: of the folder, or of the file.
            format: `"tf_saved_model"`. What `kf.serve` made is also written as `"onnx"` (needs tf2onnx) and
                `"litert"`, which have no text: columns of text are given as codes there, as `encode` makes
                them. A projection solves for a whole batch, which these formats can't hold.
            input_signature: what the model takes; default: inputs as in its last call, with any number of
                samples, and before the first one those of the base model, where it shows them. Where columns
                of text were given, text is served.
            **keywords: see `keras.Model.export`.

        Raises:
            ValueError: it isn't known what the model takes, or the format can't hold it; on PyTorch no format
                can.
        """
        if computes_on_host():
            raise ValueError(f"{self.name}: {no_export_from_torch()}")
        signature = self._served.signature(text=format not in _WITHOUT_TEXT)
        if input_signature is None and signature is not None:
            input_signature = [signature]
        super().export(filepath, format=format, input_signature=input_signature, **keywords)

    @property
    def _default_save_signature(self) -> Any:
        """What `tf.saved_model.save` traces; Keras would make up inputs of floats."""
        from keras_fair.models.served_tensorflow import saved_function

        return saved_function(self, self._served.signature())

    def get_build_config(self) -> Any:
        return {**(super().get_build_config() or {}), "served": self._served.get_config()}

    def build_from_config(self, config: Any) -> None:
        config = dict(config)
        self._served.set_config(config.pop("served", None))
        super().build_from_config(config)
