"""The streams of one `StreamingFairness`, by name, and what was saved that none of them has taken up.

A stream is made when it is first needed, from what was saved under its name. What was saved and is not
needed stays beside them, so that nothing in a file is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_fair.constraints import ConstraintSet, parse
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import check_domain
from keras_fair.ops.stream.state_vector import StreamRule
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.running_stream import RunningStream
from keras_fair.streaming.shared_state import States
from keras_fair.streaming.state import StreamState
from keras_fair.streaming.state_document import StateError
from keras_fair.streaming.stream_settings import domain_of, saved_domain

__all__ = ["ALONE", "StreamSet"]

ALONE = "stream"  # the name of a stream that is of no layer


class StreamSet:
    """Streams and saved states.

    Attributes:
        streams: by name.
        saved: states by name that no stream has taken up yet.
        refused: gives the error that says why what is saved can't be used; None where nothing is saved.
        shared: whether other processes go on from the same states, under the same names.

    Args:
        constraints: of a stream without a model, or None.
        rule: how streams are held; layers bring their own domain and divergence.
        vocabulary: of a stream without a model, or None to learn it.
        window: how many arrivals wait for their label at most.
        save_every: batches between two savings.
    """

    def __init__(
        self,
        constraints: ConstraintSet | None,
        rule: StreamRule,
        vocabulary: Vocabulary | None,
        window: int,
        save_every: int,
    ) -> None:
        self.constraints, self.rule, self.vocabulary = constraints, rule, vocabulary
        self._window, self._save_every = window, save_every
        self.refused: Callable[[str], StateError] | None = None
        self.shared = False
        self.streams: dict[str, RunningStream] = {}
        self.saved: States = {}

    @property
    def settings(self) -> dict[str, Any]:
        """What decides how a stream goes on, beside its state."""
        rule = self.rule
        divergences = {stream.rule.divergence for stream in self.streams.values()}
        return {
            "divergence": divergences.pop() if len(divergences) == 1 else rule.divergence,
            "step": rule.step,
            "margin": rule.margin,
            "guard": rule.guard,
            "half_life": None if rule.half_life == float("inf") else rule.half_life,
            "save_every": self._save_every,
            "window": self._window,
            "learns": self.vocabulary is None or self.vocabulary.is_empty,
        }

    def go_on(self, saved: States) -> None:
        """Go on from what was saved.

        Raises:
            StateError: it is of other constraints.
        """
        self.saved = saved
        if self.constraints is None:
            return
        for name, state in self.saved.items():
            if state.constraints != str(self.constraints):
                assert self.refused is not None
                raise self.refused(
                    f"that of {name!r} is of other constraints: expected {str(self.constraints)!r}, found "
                    f"{state.constraints!r}"
                )
        if len(self.saved) == 1 and any(state.arrivals for state in self.saved.values()):
            self.alone()

    def alone(self, outputs: int | None = None) -> RunningStream:
        """The stream that is of no layer, or else the only one there is.

        Args:
            outputs: how many outputs predictions have, where it must be made.

        Raises:
            ValueError: there is none and nothing says what it should hold, or there are several.
        """
        if len(self.streams) == 1:
            (name,) = self.streams
            if not (name == ALONE and self.streams[name].other_outputs(outputs)):
                return self.streams[name]
            del self.streams[name]  # nothing has arrived; it was made for a number of outputs that was wrong
        elif self.streams:
            raise ValueError(
                f"expected a stream of one layer, received one of the layers {sorted(self.streams)}: which "
                "is meant can't be told"
            )
        state = self._claimed(ALONE)
        constraints, rule = self.constraints, self.rule
        if constraints is None:
            if state is None:
                raise ValueError(
                    "expected constraints, a state that has them, or a model that was streamed; received none"
                )
            constraints = parse(state.constraints)
            rule = rule._replace(domain=check_domain(domain_of(state.domain)))
        outputs = outputs or (1 if state is None else state.outputs)
        name = ALONE
        if self.shared and state is not None:  # others go on under the name that it has
            name = next(key for key, other in self.saved.items() if other is state)
        return self._made(name, state, constraints, rule, outputs, vocabulary=self.vocabulary)

    def of_layer(
        self, name: str, constraints: ConstraintSet, rule: StreamRule, plan: RowPlan
    ) -> RunningStream:
        """The stream of a layer; one that served without a model goes on as that of the layer.

        Raises:
            StateError: what was saved is of other constraints.
        """
        stream = self.streams.get(name)
        if stream is not None:
            stream.check_plan(constraints, plan)
            return stream
        alone = self.streams.get(ALONE)
        if self.shared and {*self.streams, *self.saved} == {ALONE} and name != ALONE:
            assert self.refused is not None
            raise self.refused(
                f"it is of arrivals without a model, and this is layer {name!r}: processes that share a "
                "store stream the same layers"
            )
        state = self._claimed(name) if alone is None else alone.state
        if alone is not None and alone.untouched:
            state = None
        return self._made(name, state, constraints, rule, plan.outputs.count, plan=plan)

    def states(self) -> States:
        """All states by name, those that were saved and not needed yet included."""
        return {**self.saved, **self.running()}

    def whole(self) -> States:
        """All states; one without arrivals where there is none."""
        return self.states() or self._unused()

    def running(self) -> States:
        """The states of streams."""
        return {name: stream.state for name, stream in self.streams.items()}

    def arrivals(self) -> dict[str, int]:
        """How many arrivals came to each stream."""
        return {name: stream.arrivals for name, stream in self.streams.items()}

    def adopt(self, states: States) -> None:
        """Go on from states in which arrivals of other processes are."""
        for name, state in states.items():
            if name in self.streams:
                self.streams[name].adopt(state)
            else:
                self.saved[name] = state

    def _unused(self) -> States:
        """A state for constraints that nothing has arrived for."""
        if self.constraints is None:
            return {}
        vocabulary = (self.vocabulary or Vocabulary()).get_config()
        return {ALONE: StreamState(str(self.constraints), saved_domain(self.rule.domain), 1, vocabulary)}

    def _claimed(self, name: str) -> StreamState | None:
        """What was saved under a name. A state that is alone in a file is meant by any name."""
        if name in self.saved:
            return self.saved[name]
        only_one = len(self.saved) == 1 and not self.streams
        return next(iter(self.saved.values())) if only_one else None

    def _made(
        self,
        name: str,
        state: StreamState | None,
        constraints: ConstraintSet,
        rule: StreamRule,
        outputs: int,
        *,
        vocabulary: Vocabulary | None = None,
        plan: RowPlan | None = None,
    ) -> RunningStream:
        """A new stream, put under its name, in the place of the one that is of no layer. It takes up `state`,
        which is among the saved ones no more."""
        goes_on = state
        if state is not None and not state.arrivals and state.constraints == str(constraints):
            goes_on = None  # nothing has arrived, so it may be of any domain and number of outputs
        try:
            made = RunningStream(constraints, rule, outputs, vocabulary, self._window, goes_on, plan)
        except ValueError as fault:
            if goes_on is None or self.refused is None:
                raise
            raise self.refused(str(fault)) from fault
        self.streams.pop(ALONE, None)
        self.streams[name] = made
        self.saved = {key: other for key, other in self.saved.items() if other is not state}
        return made
