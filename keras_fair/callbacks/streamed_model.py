"""Running a model's `predict` and `evaluate` on a stream, and leaving the model as it was.

Keras makes the function that runs a batch before it calls callbacks, and asks for it again at the start of
each later run. So a `_Switch` takes the place of that function while some run is on a stream. It sends each
batch to the function of the stream that this thread's run takes part in, and any other batch to the model's
own. A run that fails calls no hook at its end; it has ended when its thread asks for the function again.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from keras_fair.layers.streamed import StreamedLayer, streaming

__all__ = ["StreamedModel"]

_KINDS = ("predict", "test")
_SWITCHES = "_keras_fair_switches"  # the attribute of a model that holds them


class StreamedModel:
    """One model's part in one stream.

    Args:
        model: it is held weakly.
        layers: the part of each of its projections in the stream, by `id`.
        around: a context in which each batch runs: it puts the state in before and takes it over after.
    """

    def __init__(self, model: Any, layers: Mapping[int, StreamedLayer], around: Callable[[], Any]) -> None:
        self._model = weakref.ref(model)
        self._layers, self._around = layers, around
        self._due = threading.local()

    def attach(self, kind: str) -> None:
        """Let the run of this thread take part.

        Args:
            kind: `"predict"` or `"test"`.

        Raises:
            ValueError: it takes part in another stream already, or runs on several replicas.
        """
        self._refuse_replicas()
        self._switch(kind).enter(self)

    def detach(self, kind: str) -> None:
        """The run of this thread has ended."""
        self._switch(kind).leave(self)

    def expect(self, kind: str) -> None:
        """A batch of this thread's run comes next: take part again, if a run in between ended this one."""
        self.attach(kind)
        self._due.batch = True

    def confirm(self) -> None:
        """The batch has run.

        Raises:
            RuntimeError: the stream did not see it.
        """
        if getattr(self._due, "batch", False):
            raise RuntimeError(
                "a batch was predicted without the stream: another callback ran the same model between the "
                "beginning of the batch and the batch; put StreamingFairness after it in callbacks"
            )

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Stream all that the model predicts and evaluates inside, in any thread."""
        self._refuse_replicas()
        switches = [self._switch(kind) for kind in _KINDS]
        for switch in switches:
            switch.hold(self)
        try:
            yield
        finally:
            for switch in switches:
                switch.release(self)

    def run(self, function: Any, *arguments: Any, **keywords: Any) -> Any:
        """Run a batch, or several in one execution, on the stream."""
        with self._around(), streaming(self._layers):
            result = function(*arguments, **keywords)
        self._due.batch = False
        return result

    def _refuse_replicas(self) -> None:
        strategy = getattr(_alive(self._model), "distribute_strategy", None)  # of TensorFlow's models
        if strategy is not None and strategy.num_replicas_in_sync > 1:
            raise ValueError(
                f"expected a model on one device, received {strategy.num_replicas_in_sync} replicas of "
                "tf.distribute: arrivals of a stream come one after the other. Predict outside the strategy, "
                "or let processes share the stream through a store (state='sqlite:///...')"
            )

    def _switch(self, kind: str) -> _Switch:
        model = _alive(self._model)
        with _making:
            switches = model.__dict__.get(_SWITCHES)
            if switches is None:
                switches = {one: _Switch(model, one) for one in _KINDS}
                object.__setattr__(model, _SWITCHES, switches)  # Keras would take a dict for layers
        return switches[kind]


class _Switch:
    """Which stream, if any, the batches of a model go to, by thread.

    It belongs to the model and goes with it, as the functions do that it keeps.
    """

    def __init__(self, model: Any, kind: str) -> None:
        self._model = weakref.ref(model)
        self._name, self._maker = f"{kind}_function", f"make_{kind}_function"
        self._lock = threading.RLock()
        self._runs: dict[int, StreamedModel] = {}
        self._held: list[StreamedModel] = []
        self._own: Any = None
        self._made: weakref.WeakKeyDictionary[StreamedModel, tuple[Any, Any]] = weakref.WeakKeyDictionary()

    def enter(self, stream: StreamedModel) -> None:
        with self._lock:
            other = self._runs.get(threading.get_ident(), stream)
            if other is not stream:
                raise ValueError("expected one StreamingFairness for a run, received two")
            self._runs[threading.get_ident()] = stream
            self._install()
            self._function_of(stream)

    def leave(self, stream: StreamedModel) -> None:
        with self._lock:
            if self._runs.get(threading.get_ident()) is stream:
                del self._runs[threading.get_ident()]
            self._remove_if_idle()

    def hold(self, stream: StreamedModel) -> None:
        with self._lock:
            self._held.append(stream)
            self._install()
            self._function_of(stream)

    def release(self, stream: StreamedModel) -> None:
        with self._lock:
            self._held.remove(stream)
            self._remove_if_idle()

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """A batch of the model."""
        with self._lock:
            stream = self._runs.get(threading.get_ident()) or (self._held[-1] if self._held else None)
            function = self._own if stream is None else self._function_of(stream)
        if stream is None:
            return function(*arguments, **keywords)
        return stream.run(function, *arguments, **keywords)

    def _begin(self, force: bool = False) -> Any:
        """Keras asks for the function, for a run that begins in this thread: the one before has ended."""
        with self._lock:
            model = _alive(self._model)
            failed = self._runs.pop(threading.get_ident(), None) is not None
            if failed and hasattr(model, "jax_state_sync"):  # on JAX it has left the weights beside the model
                model.jax_state_sync()
            alive = {thread.ident for thread in threading.enumerate()}
            self._runs = {thread: stream for thread, stream in self._runs.items() if thread in alive}
            self._remove_if_idle()
            if not self._installed:
                return getattr(model, self._maker)(force)
            if force or getattr(model, self._name) is not self:
                self._remove()
                getattr(model, self._maker)(force)
                self._install()
            return self

    @property
    def _installed(self) -> bool:
        return self._maker in _alive(self._model).__dict__

    def _install(self) -> None:
        """Take the place of the model's own function."""
        model = _alive(self._model)
        current = getattr(model, self._name)
        if current is self:
            return
        if self._installed:  # the model was compiled again: its function is another one
            model.__dict__.pop(self._maker)
        if current is None:
            getattr(model, self._maker)()
            current = getattr(model, self._name)
        self._own = current
        object.__setattr__(model, self._maker, self._begin)
        setattr(model, self._name, self)

    def _remove(self) -> None:
        model = self._model()
        removed = model is not None and model.__dict__.pop(self._maker, None) is not None
        if removed and getattr(model, self._name) is self:
            setattr(model, self._name, self._own)

    def _remove_if_idle(self) -> None:
        if not (self._runs or self._held):
            self._remove()

    def _function_of(self, stream: StreamedModel) -> Any:
        """The function of a stream: made like the model's own, but traced while the stream is on."""
        own, made = self._made.get(stream, (None, None))
        if own is not self._own:
            model = _alive(self._model)
            aside = _Aside(model)
            getattr(type(model), self._maker)(aside, force=True)
            made = vars(aside)[self._name]
            self._made[stream] = (self._own, made)
        return made


def _alive(reference: weakref.ref[Any]) -> Any:
    """The model that is held weakly."""
    model = reference()
    if model is None:
        raise ValueError("expected a model that is still there, received one that is gone")
    return model


class _Aside:
    """Stands in for a model while a function is made for it, so that no other thread meets that function.

    Args:
        model: what all but the function comes from.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    # JAX takes a method that it has compiled before for the same one, so these are others than the model's.
    def predict_step(self, *arguments: Any, **keywords: Any) -> Any:
        return self._model.predict_step(*arguments, **keywords)

    def test_step(self, *arguments: Any, **keywords: Any) -> Any:
        return self._model.test_step(*arguments, **keywords)

    @property
    def __class__(self) -> Any:  # so that `super()` works in a model that overrides how functions are made
        return type(self._model)

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise AttributeError("expected the class to stay")


_making = threading.Lock()
