"""Feeds what a model predicts to a `DriftMonitor`: Keras hooks only; the monitor says what is watched."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np

from keras_fair.inputs.columns import columns_of
from keras_fair.inputs.predictions import chosen_output, length_of

__all__ = ["DriftWatch"]


class DriftWatch(keras.callbacks.Callback):
    """Watches a rule's promise while its model predicts: each `predict` is observed once it has ended.

    For the model that `kf.serve` made, and for its base model, whose scores come before the rule. Keras hands
    callbacks no inputs, so the columns are given beside the data, in the same order.

    Args:
        monitor: a `kf.DriftMonitor`.
        attributes: the columns that the rule takes, `(n,)` each, of the people who are predicted, in their
            order; a dict or a DataFrame.
        label: `(n,)`, where it is known already.
        ids: `(n,)`, where the rule draws lots and a base model predicts.
        output: the key or the place of the output that the rule is for, where the model has several; that of
            a served model is known.

    Attributes:
        alarms: those that this callback has seen, each once. A warning says each.

    Raises:
        ValueError: the monitor is none; at the end of `predict`: it was of another number of people, the
            served rule is not that of the monitor, or the monitor refuses these people. Then nothing of it
            has changed.

    Example:
        >>> import keras, numpy as np
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> x, sex = rng.normal(size=(400, 3)), rng.choice(["Female", "Male"], 400)
        >>> base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
        >>> rule = kf.FrozenFairness("spread(P[y >= 0.5 | sex=*]) <= 0.2", confidence=None)
        >>> _ = rule.fit(base.predict(x, verbose=0), {"sex": sex})
        >>> monitor = kf.DriftMonitor(rule)
        >>> watch = kf.callbacks.DriftWatch(monitor, {"sex": sex})
        >>> _ = kf.serve(base, rule).predict({"x": x, "sex": sex}, callbacks=[watch], verbose=0)
        >>> monitor.people, watch.alarms
        (400, [])
    """

    def __init__(
        self,
        monitor: Any,
        attributes: Any = None,
        label: Any = None,
        *,
        ids: Any = None,
        output: str | int | None = None,
    ) -> None:
        super().__init__()
        if not hasattr(monitor, "observe") or not hasattr(monitor, "rule"):
            raise ValueError(f"expected monitor to be a kf.DriftMonitor, received monitor={monitor!r}")
        self.monitor, self.label, self.ids, self.output = monitor, label, ids, output
        self.attributes = columns_of(attributes)
        self.alarms: list[Any] = []
        self._parts: list[np.ndarray] = []

    def on_predict_begin(self, logs: Any = None) -> None:
        """Begin with nobody."""
        self._parts = []

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keep the scores of a batch."""
        output = getattr(self.model, "fair_output", None) if self.output is None else self.output
        scores = np.asarray(keras.ops.convert_to_numpy(chosen_output((logs or {})["outputs"], output)))
        self._parts.append(scores.reshape(len(scores), -1))

    def on_predict_end(self, logs: Any = None) -> None:
        """Observe all who were predicted."""
        if not self._parts:
            return
        scores, self._parts = np.concatenate(self._parts), []
        served = getattr(getattr(self.model, "rule", None), "document", None)
        if served is not None and served != self.monitor.rule.to_json():
            raise ValueError("expected a monitor of the rule that is served, received one of another rule")
        for name, column in self.attributes.items():
            if length_of(column) != len(scores):
                raise ValueError(
                    f"expected attribute {name!r} of the {len(scores)} people who were predicted, received "
                    f"{length_of(column)} values"
                )
        alarms = self.monitor.observe(
            scores, self.attributes, self.label, ids=self.ids, corrected=served is not None
        )
        self.alarms += alarms
        for alarm in alarms:
            warnings.warn(f"a rule no longer holds its promise: {alarm}", stacklevel=2)
