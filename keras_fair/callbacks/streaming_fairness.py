"""The pooled gap held over arrivals that come one at a time, in `predict` and in servers.

This class is the face: hooks of Keras, in the order of a run, and what a server calls. Streams, their lock
and their file are `keras_fair.streaming.keeper`'s; the models that run on them are
`keras_fair.callbacks.model_streams`'.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from keras_fair.callbacks.model_streams import ModelStreams
from keras_fair.constraints import Constraints, parse
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.layers.arguments import check_vocabulary
from keras_fair.provided import provided
from keras_fair.rows.modes import check_enforceable
from keras_fair.streaming.continued import merged, saved_arguments
from keras_fair.streaming.history import History
from keras_fair.streaming.keeper import Keeper
from keras_fair.streaming.places import saving_in
from keras_fair.streaming.report import StreamReport
from keras_fair.streaming.stores import Store
from keras_fair.streaming.stream_set import StreamSet
from keras_fair.streaming.stream_settings import stream_rule, whole
from keras_fair.streaming.watch import Watch

__all__ = ["StreamingFairness"]


class StreamingFairness(keras.callbacks.Callback):
    """Holds constraints over all arrivals of a stream together, batches of one included.

    With a model that has `FairProjection` layers (or is a `FairModel`), constraints, domain, divergence and
    vocabulary are theirs, and this is a callback of `predict` and `evaluate`:

        stream = kf.StreamingFairness(state="stream.json")
        model.predict(requests, callbacks=[stream])

    Without a model, constraints are given here, and `project` serves requests:

        stream = kf.StreamingFairness("E[y | sex=Female] == E[y | sex=Male] +- 0.02")
        y = stream.project(y, {"sex": sex})

    What is bounded is the pooled gap: that of all predictions so far. Early arrivals, single persons and rows
    that cannot be met are not covered; docs/streaming.md says what is proven. Calls from several threads take
    turns.

    Args:
        constraints: text, a `ConstraintSet`, or None where a model or a saved state has them.
        domain, divergence, vocabulary: see `FairProjection`; for `project`. Without a vocabulary the values
            of attributes that constraints enumerate (`race=*`) are learnt as they first arrive.
        step: how firmly a violation is answered, > 0. Larger: tighter early on, and more movement.
        margin: how many standard deviations of their own swings the pooled gaps keep from their bounds, >= 0.
            It is not the `margin` of `FairModel` and `FairProjection`: that is in units of the gap, and is
            kept in addition.
        guard: whether what was met must stay met, at the price of single arrivals that are moved far;
            docs/streaming.md says for which relations it can.
        half_life: arrivals after which one counts half, > 1; None for never.
        state: where the state lives: sums over all arrivals, and the attributes of those that wait for their
            label. A stream goes on from what is there, and says so on stderr. A path is a file for one
            process, written after every `save_every` batches, at the end of a run, of a `with` block, of the
            object and of the interpreter. Processes that share `"sqlite:///..."`, `"redis://..."`, or a
            `keras_fair.streaming.stores.Store` hold one pooled gap together.
        save_every: batches between two savings to a file, >= 1.
        sync_every: arrivals of this process between two exchanges with a store, >= 1.
        window: how many arrivals may wait for their label, see `observe`.
        on_violation: called with the name of a relation, the arrivals and the violation, once the relation
            was violated for more than `patience` arrivals without a break.
        patience: see `on_violation`.

    Raises:
        ConstraintError: the constraints are malformed, or ask for what no projection can hold.
        StateError: the state can't be read, is damaged, of other constraints, or could not be written.
        ValueError: other arguments that do not fit.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> stream = kf.StreamingFairness("E[y | sex=Female] == E[y | sex=Male] +- 0.05")
        >>> rng = np.random.default_rng(0)
        >>> for _ in range(500):
        ...     sex = rng.choice(["Female", "Male"], 1)
        ...     y = stream.project(rng.uniform(0.0, 0.6, 1) + 0.4 * (sex == "Male"), {"sex": sex})
        >>> stream.report().violation
        0.0
    """

    def __init__(
        self,
        constraints: Constraints | None = None,
        *,
        domain: Any = (0.0, 1.0),
        divergence: str = "euclidean",
        step: float = 0.2,
        margin: float = 3.5,
        guard: bool = False,
        half_life: float | None = None,
        vocabulary: Vocabulary | Mapping[str, Sequence[Any] | None] | None = None,
        state: str | os.PathLike[str] | Store | None = None,
        save_every: int = 1,
        sync_every: int = 1,
        window: int = 1000,
        on_violation: Callable[[str, int, float], Any] | None = None,
        patience: int = 1000,
    ) -> None:
        super().__init__()
        rule = stream_rule(domain, divergence, step=step, margin=margin, guard=guard, half_life=half_life)
        parsed = None if constraints is None else parse(constraints)
        if parsed is not None:
            check_enforceable(parsed, rule.domain.bounds, stacklevel=2)
        whole("window", window, 0)
        whole("save_every", save_every, 1)
        whole("sync_every", sync_every, 1)
        self._keeper = Keeper(
            StreamSet(parsed, rule, check_vocabulary(vocabulary), window, save_every),
            saving_in(state, save_every, sync_every, rule.half_life, window),
            Watch(on_violation, whole("patience", patience, 0)),
        )
        self._models = ModelStreams(self._keeper)

    # Hooks, in the order in which Keras calls them. `_model`: on JAX, `self.model` would copy the weights.

    def on_train_begin(self, logs: Any = None) -> None:
        raise ValueError(
            "expected StreamingFairness in predict or evaluate, received it in fit; to train with a memory "
            "over batches give FairProjection(memory=...)"
        )

    def on_test_begin(self, logs: Any = None) -> None:
        self._models.of(self._model).attach("test")

    def on_test_batch_begin(self, batch: Any, logs: Any = None) -> None:
        self._models.of(self._model).expect("test")

    def on_test_batch_end(self, batch: Any, logs: Any = None) -> None:
        self._models.of(self._model).confirm()

    def on_test_end(self, logs: Any = None) -> None:
        self._models.of(self._model).detach("test")
        self._keeper.save_rest()

    def on_predict_begin(self, logs: Any = None) -> None:
        self._models.of(self._model).attach("predict")

    def on_predict_batch_begin(self, batch: Any, logs: Any = None) -> None:
        self._models.of(self._model).expect("predict")

    def on_predict_batch_end(self, batch: Any, logs: Any = None) -> None:
        self._models.of(self._model).confirm()

    def on_predict_end(self, logs: Any = None) -> None:
        self._models.of(self._model).detach("predict")
        self._keeper.save_rest()

    @classmethod
    def load(cls, path: str | os.PathLike[str] | Store, **changes: Any) -> StreamingFairness:
        """Go on from a saved state, with the settings that it was saved with.

        Args:
            path: the file or the store; it is written to again as `state`.
            changes: arguments of the constructor that are to differ.

        Raises:
            StateError: there is no such state, or it is damaged.
        """
        return cls(**{**saved_arguments(path), **changes})

    def project(
        self, y: Any, attributes: Any = None, label: Any = None, sample_weight: Any = None, ids: Any = None
    ) -> np.ndarray:
        """Fair predictions for arrivals, without a model.

        Args:
            y: `(n,)`, `(n, 1)` or `(n, outputs)` predictions in the domain, n >= 1.
            attributes: dict of columns `(n,)`, or a DataFrame.
            label: `(n,)` labels, or probabilities of 1. Where the constraints use the label and none is
                given, the prediction itself stands in as the probability of 1, until `observe` replaces it.
            sample_weight: `(n,)` weights of the statistics, >= 0.
            ids: `(n,)` text or whole numbers, by which `observe` finds these arrivals.

        Returns:
            Predictions of the shape and dtype of `y`. When this returns, the arrivals are counted, and saved
            if it was time to save.

        Raises:
            ConstraintError, ValueError: the arrivals do not fit; then nothing has changed.
            StateError: the state could not be saved; the arrivals are counted.
        """
        return self._keeper.project(y, attributes, label, sample_weight, ids)

    def observe(self, ids: Sequence[Any], labels: Any) -> int:
        """Replace the probabilities that stood in for labels by the true labels.

        Args:
            ids: of earlier arrivals. An id that does not wait any more, or never did, is passed over.
            labels: as many labels.

        Returns:
            How many of the arrivals were waiting.

        Raises:
            ValueError: ids and labels do not fit.
        """
        return self._keeper.observe(ids, labels)

    def report(self) -> Any:
        """Pooled gaps, violations, duals, weights and arrivals: a `StreamReport`; a dict of them by layer
        where there are several."""
        return _of_one(self._keeper.reports(), StreamReport((), 0, (0.0, 0.0, 0.0, 0.0), {}, {}))

    @property
    def history(self) -> Any:
        """Gaps, violations and duals over the arrivals of this process, and the bounds of the gaps:
        `{"arrivals": (k,), "gap": {name: (k,)}, ..., "bounds": {name: (lower, upper)}, "every": 1}`, where of
        `every` batches one is kept; a dict of those by layer where there are several."""
        return _of_one(self._keeper.histories(), {**History().to_dict(), "bounds": {}})

    def plot(self, **keywords: Any) -> Any:
        """The history as a picture, which says whether the gaps held; see `keras_fair.plots.stream`.

        Raises:
            ImportError: matplotlib is not installed.
        """
        return provided("plot_stream")(self.history, **keywords)

    def save(self, path: str | os.PathLike[str] | None = None) -> None:
        """Write the state, now.

        Args:
            path: of a file; default: what was given as `state`.

        Raises:
            ValueError: there is neither.
            StateError: it could not be written.
        """
        self._keeper.save(path)

    def merge(self, other: StreamingFairness) -> StreamingFairness:
        """The stream of both: a new one, without a file, with the settings of this one.

        Raises:
            TypeError: `other` is no stream.
            ValueError: they are of different constraints.
        """
        if not isinstance(other, StreamingFairness):
            raise TypeError(f"expected a StreamingFairness to merge with, received {type(other).__name__}")
        arguments, states = merged(self._keeper, other._keeper)
        both = StreamingFairness(**arguments)
        both._keeper.kept.saved = states
        return both

    @property
    def resumed(self) -> int:
        """How many arrivals were in the state when this object went on from it."""
        return self._keeper.resumed

    def __enter__(self) -> StreamingFairness:
        """Serve inside; what is not saved at the end of the block is saved then."""
        return self

    def __exit__(self, *fault: object) -> None:
        self._keeper.save_rest()

    def __repr__(self) -> str:
        with self._keeper.lock:
            arrivals = sum(state.arrivals for state in self._keeper.kept.states().values())
        saving = self._keeper.saving
        where = "" if saving is None else f", in {saving}, {self.resumed:,} of them from before"
        return f"<StreamingFairness, {arrivals:,} arrivals{where}>"

    @contextmanager
    def attached(self, model: Any) -> Iterator[StreamingFairness]:
        """Stream all that a model predicts and evaluates inside, whether or not it is given this callback.

        Args:
            model: with at least one `FairProjection` layer.
        """
        with self._models.of(model).attached():
            try:
                yield self
            finally:
                self._keeper.save_rest()


def _of_one(by_layer: dict[str, Any], nothing: Any) -> Any:
    """What there is of the only layer, `nothing` where there is none; of several, by layer."""
    return by_layer if len(by_layer) > 1 else next(iter(by_layer.values()), nothing)
