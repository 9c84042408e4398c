"""Puts gaps and violations into the logs of `fit`."""

from __future__ import annotations

import inspect
import warnings
from collections import Counter
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_fair.callbacks.projections import projections
from keras_fair.callbacks.watched import Question, WatchedData
from keras_fair.constraints import Constraints, ConstraintSet, parse, statement_names
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.predictions import chosen_output
from keras_fair.language.dates import dated_columns
from keras_fair.layers.arguments import check_vocabulary
from keras_fair.layers.fair_projection import FairProjection
from keras_fair.ops import Outcome

__all__ = ["FairnessMonitor"]

_COUNTED = (Outcome.RELAXED, Outcome.ITERATION_LIMIT, Outcome.NOT_CLOSEST)
_WRITERS = (keras.callbacks.TensorBoard, keras.callbacks.CSVLogger)


class FairnessMonitor(keras.callbacks.Callback):
    """Logs, after each epoch, the gap and the violation of every constraint over whole data sets.

    `History`, the progress bar, `CSVLogger` and `TensorBoard` show them; `EarlyStopping` and
    `ModelCheckpoint` can watch them. Callbacks run in the order of the list: put those that watch after this
    one.

    | key | meaning |
    | --- | --- |
    | `{name}_gap`, `val_{name}_gap` | the signed value of the constrained expression |
    | `{name}_violation`, `val_{name}_violation` | how far it lies outside its bounds, >= 0 |
    | `relaxed_batches`, `iteration_limit_batches` | batches of the epoch, validation included, that a |
    |  | `FairProjection` of the model could not bring within all rows |
    | `not_closest_batches` | batches whose rows hold, not proven to be the closest that meet them |

    Of several relations (`for`, `*`) the one is shown that is furthest past its bound, or nearest to it.
    `{name}` is the name of the statement (`parity: E[y | ...] ...`), else its canonical text. Statistics are
    those of `model.predict`, pooled over the whole data set, never a mean over batches. A statistic whose
    group is empty is NaN; a warning says so once.

    Args:
        constraints: text or a `ConstraintSet`, affine in `y`; default: those of the model's `FairProjection`
            layers.
        training_data: `(x, label)`, `(x, label, sample_weight)` or `(x,)`, or a dataset of such batches;
            default: none, no keys for training. Predicting for it takes a forward pass each epoch.
        validation_data: the same for the `val_` keys.
        attributes: dict of columns or a DataFrame beside `training_data`, where `x` is not a dict that holds
            them.
        validation_attributes: the same beside `validation_data`.
        vocabulary: a `Vocabulary` or a dict of values; default: the model's, else the values in the data.
        domain: where predictions lie; default: the model's, else (0, 1).
        batch_size: of `predict`, default 32 as there. A projection holds per batch: the pooled gap depends on
            it.
        output: of a model with several outputs, the key or the place of the one to measure; default: that of
            a `FairModel`.

    Raises:
        ConstraintError: constraints are malformed, or do not fit the data.
        ValueError: when training begins, where there are no constraints or there is nothing to log, where the
            data do not fit each other, where `output` is missing, or where a callback that watches a key of
            the monitor stands before it.

    Example:
        >>> import keras, numpy as np
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> x, sex = rng.normal(size=(64, 3)), rng.choice(["Female", "Male"], 64)
        >>> label = rng.integers(0, 2, 64)
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
        >>> model.compile("adam", "binary_crossentropy")
        >>> monitor = kf.FairnessMonitor(
        ...     "parity: spread(E[y | sex=*]) <= 0.1",
        ...     validation_data=(x, label),
        ...     validation_attributes={"sex": sex},
        ... )
        >>> history = model.fit(x, label, epochs=2, verbose=0, callbacks=[monitor])
        >>> sorted(history.history)
        ['loss', 'val_parity_gap', 'val_parity_violation']
    """

    def __init__(
        self,
        constraints: Constraints | None = None,
        *,
        training_data: Any = None,
        validation_data: Any = None,
        attributes: Any = None,
        validation_attributes: Any = None,
        vocabulary: Vocabulary | Mapping[str, Any] | None = None,
        domain: Any = "default",
        batch_size: int | None = None,
        output: str | int | None = None,
    ) -> None:
        super().__init__()
        self.output = output
        self.constraints = None if constraints is None else parse(constraints)
        self.vocabulary = check_vocabulary(vocabulary)
        self.domain = domain
        self._watched: dict[str, WatchedData] = {}
        for prefix, data, columns in (
            ("", training_data, attributes),
            ("val_", validation_data, validation_attributes),
        ):
            if data is not None:
                self._watched[prefix] = WatchedData(data, columns, batch_size, output)
            elif columns is not None:
                raise ValueError("expected data beside attributes, received attributes alone")
        self._warned: set[str] = set()

    def on_train_begin(self, logs: Any = None) -> None:
        layers = projections(self.model)
        if self.constraints is None and not layers:
            raise ValueError(
                "expected constraints, for the model has no FairProjection to take them from; "
                "received constraints=None"
            )
        if not self._watched and not layers:
            raise ValueError("expected training_data or validation_data to measure, received neither")
        self._questions = self._asked(layers)
        outputs = getattr(self.model, "output", None)
        if self._watched and isinstance(outputs, (Mapping, list, tuple)):
            chosen_output(outputs, self.output)
        for watched in self._watched.values():
            for question in self._questions:
                watched.check(self.model, question)
        self._check_order(_callbacks_of(inspect.currentframe()))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._before = self._counts()

    def on_epoch_end(self, epoch: int, logs: MutableMapping[str, Any] | None = None) -> None:
        if logs is None:
            return
        self._log_counts(logs)
        for prefix, watched in self._watched.items():
            for question in self._questions:
                for key, value in watched.measure(self.model, question).items():
                    logs[prefix + key] = value
                    if np.isnan(value) and key.endswith("_gap"):
                        self._warn_once(f"{prefix}{key} can't be estimated: a group is empty in the data")

    def _asked(self, layers: list[FairProjection]) -> list[Question]:
        """The constraints of the constructor, or those of each projection of the model."""
        own = self.domain != "default"
        if self.constraints is None:
            return [
                Question(
                    layer.constraints,
                    self.vocabulary or layer.vocabulary,
                    self.domain if own else _domain(layer),
                )
                for layer in layers
            ]
        vocabulary = self.vocabulary
        if vocabulary is None and layers and _lists(layers[0].vocabulary, self.constraints):
            vocabulary = layers[0].vocabulary
        domain = self.domain if own else _domain(layers[0]) if layers else (0.0, 1.0)
        return [Question(self.constraints, vocabulary, domain)]

    def _keys(self) -> set[str]:
        """What it logs."""
        statements = [question.constraints.statements for question in self._questions]
        names = [name for own in statements for name in statement_names(own)]
        keys = {
            f"{prefix}{name}_{kind}"
            for prefix in self._watched
            for name in names
            for kind in ("gap", "violation")
        }
        return keys | {f"{outcome.name.lower()}_batches" for outcome in _COUNTED}

    def _check_order(self, callbacks: Sequence[Any]) -> None:
        """Raise ValueError where a callback that watches a key, or writes all of them, comes before this."""
        keys = self._keys()
        for callback in callbacks[: callbacks.index(self) if self in callbacks else 0]:
            does = "writes the logs" if isinstance(callback, _WRITERS) else ""
            if getattr(callback, "monitor", None) in keys:
                does = f"watches {callback.monitor!r}"
            if does:
                raise ValueError(
                    f"expected FairnessMonitor before {type(callback).__name__}, which {does}, received it "
                    "after: callbacks run in the order of the list"
                )

    def _counts(self) -> Counter[str]:
        """Batches by how they ended, over all projections that were called."""
        total: Counter[str] = Counter()
        for layer in projections(self.model):
            if layer.built:
                record = layer.record()
                total.update({outcome.name: count for outcome, count in record.batches.items()})
                total["FAULTY"] += record.faulty
        return total

    def _log_counts(self, logs: MutableMapping[str, Any]) -> None:
        if not projections(self.model):
            return
        now = self._counts()
        for outcome in _COUNTED:
            key = f"{outcome.name.lower()}_batches"
            logs[key] = now[outcome.name] - self._before[outcome.name]
            if logs[key]:
                self._warn_once(f"in some batches {outcome.message} The logs count them as {key}.")
        if now["FAULTY"] > self._before["FAULTY"]:
            self._warn_once(
                "some batches had predictions that are NaN or outside the domain, or attributes that are "
                "missing or unknown; without jit_compile=True that is an error, which says what is wrong"
            )

    def _warn_once(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            warnings.warn(f"FairnessMonitor: {message}", stacklevel=2)


def _callbacks_of(frame: Any) -> list[Any]:
    """All callbacks of a run, from its `CallbackList`, which calls them; Keras does not hand it over."""
    caller = None if frame is None or frame.f_back is None else frame.f_back.f_locals.get("self")
    return list(caller.callbacks) if isinstance(caller, keras.callbacks.CallbackList) else []


def _domain(layer: FairProjection) -> Any:
    return "simplex" if layer.domain.simplex else layer.domain.bounds


def _lists(vocabulary: Vocabulary | None, constraints: ConstraintSet) -> bool:
    listed = set(constraints.attributes) - set(dated_columns(constraints))
    return vocabulary is not None and listed <= set(vocabulary.values)
