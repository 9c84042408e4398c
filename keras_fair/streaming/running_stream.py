"""One stream: arrivals in, fair predictions out, and the state in between.

It checks arrivals, learns values, keeps the state, and remembers which labels are still to come. It holds
no lock and writes no file; `keras_fair.streaming.keeper` does.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from keras_fair.constraints import ConstraintSet
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.ops import Outcome
from keras_fair.ops.stream.pooled import PooledSums
from keras_fair.ops.stream.state_vector import StateLayout, StreamRule, advanced
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.arrivals import Arrivals
from keras_fair.streaming.delayed import Waiting, difference
from keras_fair.streaming.history import History
from keras_fair.streaming.learnt_values import LearntValues, names_nobody
from keras_fair.streaming.lone_request import LoneRequest
from keras_fair.streaming.lone_step import AfterOne
from keras_fair.streaming.plan_step import PlanStep
from keras_fair.streaming.plans import lowered
from keras_fair.streaming.report import StreamReport
from keras_fair.streaming.state import StreamState, checked
from keras_fair.streaming.state_numbers import StateNumbers
from keras_fair.streaming.strangers import Strangers
from keras_fair.streaming.stream_settings import saved_domain

__all__ = ["RunningStream"]

_NOT_ALL_AT_ONCE = (
    "no prediction inside the domain meets all rows. Those that were met before come first, as far as groups "
    "do not overlap, and the others get what these leave; `report` says which are violated and by how much."
)


class RunningStream:
    """The stream of one set of constraints.

    Args:
        constraints: parsed.
        rule: how they are held.
        outputs: number of outputs.
        vocabulary: the values of attributes; None to learn them.
        window: how many arrivals wait for their label at most.
        state: to go on from.
        plan: the constraints lowered elsewhere (by a layer); they then stay as they are.

    Raises:
        ValueError: the state is of other constraints, another domain or number of outputs.
    """

    def __init__(
        self,
        constraints: ConstraintSet,
        rule: StreamRule,
        outputs: int,
        vocabulary: Vocabulary | None,
        window: int,
        state: StreamState | None,
        plan: RowPlan | None,
    ) -> None:
        self.constraints, self.rule = constraints, rule
        empty = StreamState(
            str(constraints), saved_domain(rule.domain), outputs, (vocabulary or Vocabulary()).get_config()
        )
        self._base = empty if state is None else checked(state, empty)
        self._given, self._given_plan = vocabulary if plan is None else plan.vocabulary, plan
        self._values = LearntValues(constraints, self._given, None if state is None else state.vocabulary)
        self.waiting = Waiting(window, self._base.waiting)
        self.history = History()
        self.arrivals = self._base.arrivals
        self._strangers = Strangers(self._base.outside, self.arrivals)
        self.outcomes = dict.fromkeys(Outcome, 0)
        self._last: dict[str, list[Any]] | None = None  # by part of the last readout
        self._fresh = state is None
        self._news: list[str] = []
        self._numbers = StateNumbers(np.zeros(0))
        self._step: PlanStep | None = None
        if plan is not None:
            self._use(PlanStep(plan, rule))
        elif not self._values.learns or state is not None:
            self._lower()

    @property
    def plan(self) -> RowPlan | None:
        """The constraints lowered for the values that have arrived; None before the first."""
        return None if self._step is None else self._step.plan

    @property
    def vector(self) -> np.ndarray:
        """The state `(size,)` in the places that the plan gives it."""
        return self._numbers.array

    @vector.setter
    def vector(self, vector: np.ndarray) -> None:
        self._numbers = StateNumbers(vector)

    @property
    def state(self) -> StreamState:
        """The state by name: what is saved and merged."""
        whole = replace(self._base, waiting=self.waiting.entries, vocabulary=self._values.config)
        return whole if self.plan is None else whole.with_vector(self.plan, self.vector, self.arrivals)

    def project(
        self, y: Any, attributes: Any, label: Any = None, sample_weight: Any = None, ids: Any = None
    ) -> np.ndarray:
        """Fair predictions for arrivals, and the state after them; see `StreamingFairness.project`.

        Raises:
            ConstraintError, ValueError: the arrivals do not fit; then nothing has changed.
        """
        lone = None
        if ids is None and self._step is not None:
            lone = self._step.lone.read(y, attributes, label, sample_weight, self.arrivals)
            after = None if lone is None else self._step.lone(self._numbers.list, lone)
            if lone is not None and after is not None:
                return self._take_one(lone, after, attributes, label)
        arrivals = Arrivals.read(
            y, attributes, label, sample_weight, ids, self.rule.domain, self._base.outputs
        )
        with self._kept_unless_done():
            if self._values.learn(attributes, arrivals.certain_label):
                self._lower()
            step = self._ready()
            batch = arrivals.batch(step.plan)
            if not len(batch.r):
                return arrivals.shaped(batch.r)
            if lone is not None:
                step.lone.remember(lone, batch.columns, batch.label)
                after = step.lone(self._numbers.list, lone)
                if after is not None:
                    return self._take_one(lone, after, attributes, label)
            kept = None if ids is None else self.waiting.entries_of(step.plan, arrivals, batch)
            fair, readout = step(self.vector, batch)
            values = step.readout.read(readout)
            self.check(values)
        self._say_doubts(arrivals.label)
        self.take(values, attributes)
        if kept is not None:
            self.waiting.add(kept, fair, self.arrivals)
        return arrivals.shaped(fair)

    @property
    def untouched(self) -> bool:
        """Whether nothing has arrived, and no saved state stands behind it."""
        return self._fresh and self.arrivals == 0

    def other_outputs(self, outputs: int | None) -> bool:
        """Whether it was made for another number of outputs, and nothing has arrived yet."""
        return self.untouched and outputs is not None and outputs != self._base.outputs

    def check_plan(self, constraints: ConstraintSet, plan: RowPlan) -> None:
        """Check that a layer's rows are those of this stream.

        Raises:
            ValueError: they are of other constraints or values.
        """
        mine = self.plan
        keys = ("names", "term_keys", "constant_keys", "attributes", "outputs")
        same = mine is not None and all(getattr(mine, key) == getattr(plan, key) for key in keys)
        if constraints != self.constraints or not same:
            raise ValueError(
                "expected one stream for layers of the same name, constraints and values, received others: "
                f"{str(self.constraints)!r} and {str(constraints)!r}"
            )

    def check(self, values: Mapping[str, np.ndarray]) -> None:
        """Check what steps read out, before it is taken over.

        Raises:
            ValueError: predictions or attributes were no finite numbers; nothing has changed.
        """
        if not np.isfinite(values["change"]).all():
            raise ValueError(
                f"stream, arrival {self.arrivals}: expected finite predictions, attributes and weights, "
                "received others; the batch was not counted"
            )

    def take(self, values: Mapping[str, np.ndarray], attributes: Any = None) -> None:
        """Take over what one or more steps under the plan read out, by part of the readout. Warnings name
        values of `attributes`, the columns of the last batch, where they are at hand."""
        layout = self._ready().readout.layout
        self.vector = advanced(layout, self.vector, values["change"], float(values["fade"][0]))
        self.arrivals += round(float(values["arrived"][0]))
        self._last = {name: values[name].tolist() for name in ("gaps", "violation", "estimable")}
        for outcome in Outcome:
            fresh = int(values["outcomes"][outcome])
            if fresh and not self.outcomes[outcome] and outcome is not Outcome.SOLVED:
                relaxed = self.rule.guard and outcome is Outcome.RELAXED
                self._news.append(self._news_of(_NOT_ALL_AT_ONCE if relaxed else outcome.message))
            self.outcomes[outcome] += fresh
        self._look_for_strangers(attributes)
        self.history.add(self.arrivals, self._point)

    def _take_one(self, person: LoneRequest, after: AfterOne, attributes: Any, label: Any) -> np.ndarray:
        """Take over what the step for one person gave, and answer."""
        self._say_doubts(label)
        self._numbers = StateNumbers(after.state)
        self.arrivals += 1
        self._last = {"gaps": after.gaps, "violation": after.violation, "estimable": after.estimable}
        self.outcomes[Outcome.SOLVED] += 1
        self._look_for_strangers(attributes)
        self.history.add(self.arrivals, self._point)
        return person.answer(after.y)

    def warn(self) -> None:
        """Warn of steps that ended in a new way. The state is safe by now, also if a warning is an error."""
        while self._news:
            warnings.warn(self._news.pop(0), stacklevel=5)

    def observe(self, ids: Sequence[Any], labels: Any) -> int:
        """Put true labels in the place of those that stood in; see `StreamingFairness.observe`."""
        plan = self.plan
        if plan is None:
            raise ValueError("expected arrivals with ids before labels, received labels first")
        entries, numbers = self.waiting.labelled(ids, labels, plan)
        change = difference(plan, entries, numbers, self.arrivals, self.rule.half_life)
        self.vector = StateLayout.of(plan).with_change(self.vector, change)
        self.waiting.remove(entries)
        self._measure_again(plan)
        return len(entries)

    def labelled(self, state: StreamState, ids: Sequence[Any], labels: Any) -> tuple[StreamState, int]:
        """A state of this stream's after `observe`, and what that gives; this stream stays as it is."""
        other = RunningStream(
            self.constraints,
            self.rule,
            self._base.outputs,
            self._given,
            self.waiting.window,
            state,
            self._given_plan,
        )
        count = other.observe(ids, labels)
        return (other.state if count else state), count

    def adopt(self, state: StreamState) -> None:
        """Go on from another state of this stream, with the arrivals of other processes in it.

        Raises:
            ValueError: it is of other constraints, another domain or number of outputs.
        """
        checked(state, self._base)
        self._fresh = False
        values, known = self._values, self._values.config
        if state.vocabulary != known:
            values = LearntValues(self.constraints, self._given, state.vocabulary)
        if self._given_plan is None and (self._step is None or values.config != known):
            self._step = lowered(self.constraints, values.vocabulary, state.outputs, self.rule)
            self._last = None
        self._base, self._values, self.arrivals = state, values, state.arrivals
        self.waiting = Waiting(self.waiting.window, state.waiting)
        plan = self._ready().plan
        self.vector = state.vector(plan)
        self._measure_again(plan)

    def violations(self) -> dict[str, float]:
        """By relation, how far its gap is outside its bounds after the last batch. Relations that can't be
        estimated are left out."""
        if self._last is None or self.plan is None:
            return {}
        rows = zip(self.plan.relations, self._last["violation"], self._last["estimable"], strict=True)
        return {relation.name: float(amount) for relation, amount, estimable in rows if estimable}

    def report(self) -> StreamReport:
        """Pooled gaps, violations and counts over all arrivals."""
        outcomes = {outcome.name: count for outcome, count in self.outcomes.items()}
        return self.state.report(self.plan, outcomes)

    def course(self) -> dict[str, Any]:
        """The history, and by relation the bounds of its gap."""
        bounds = {relation.name: (relation.lower, relation.upper) for relation in self.report()}
        return {**self.history.to_dict(), "bounds": bounds}

    def _look_for_strangers(self, attributes: Any) -> None:
        step = self._ready()
        plan, unknown = step.plan, self._numbers.list[step.readout.layout.parts["unknown"]]
        if any(unknown):
            counts = dict(zip(plan.attributes, unknown, strict=True))
            self._news += map(self._news_of, self._strangers.unknown(plan, counts, attributes))
        if self._strangers.due(self.arrivals):
            self._news += map(self._news_of, self._strangers.vacant(plan, self.report(), attributes))

    def _say_doubts(self, label: Any) -> None:
        doubts = self._strangers.labels(self.constraints, self.rule.domain.bounds, label)
        self._news += map(self._news_of, doubts)

    def _news_of(self, message: str) -> str:
        return f"stream, arrival {self.arrivals}: {message}"

    @contextmanager
    def _kept_unless_done(self) -> Iterator[None]:
        """A batch that is refused leaves no value and no plan behind."""
        names = ("_values", "_step", "_base", "_last", "_numbers")
        before = {name: getattr(self, name) for name in names}
        before["_values"] = copy.copy(self._values)
        try:
            yield
        except BaseException:
            vars(self).update(before)
            raise

    def _measure_again(self, plan: RowPlan) -> None:
        """What the last batch left, after the sums were changed by something else."""
        if self._last is not None:
            rows = PooledSums.of_state(StateLayout.of(plan).split(self.vector)).rows(plan)
            violation = np.asarray(rows.relation_violation(np.zeros(0)))
            self._last |= {"violation": violation.tolist(), "estimable": np.asarray(rows.estimable).tolist()}

    def _ready(self) -> PlanStep:
        if self._step is None:
            self._lower()
        assert self._step is not None
        return self._step

    def _lower(self) -> None:
        """Lower the constraints for the values that have arrived, and carry the state over."""
        self._use(lowered(self.constraints, self._values.vocabulary, self._base.outputs, self.rule))

    def _use(self, step: PlanStep) -> None:
        self._base = self.state
        self._step, self._last = step, None
        self.vector = self._base.vector(step.plan)

    def _point(self) -> dict[str, Any]:
        """What the history keeps of the last batch."""
        step, last = self._ready(), self._last
        assert last is not None
        names, there = [relation.name for relation in step.plan.relations], last["estimable"]
        duals = self._numbers.list[step.readout.layout.parts["duals"]]
        return {
            **{
                kind: {name: x for name, x, k in zip(names, last[part], there, strict=True) if k}
                for kind, part in (("gap", "gaps"), ("violation", "violation"))
            },
            "dual": {
                name: dual
                for name, dual in zip(step.plan.names, duals, strict=True)
                if not names_nobody(name)
            },
        }
