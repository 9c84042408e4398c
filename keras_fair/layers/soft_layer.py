"""What `FairnessPenalty` and `FairnessLagrangian` share: statements measured on batches, and added to the
loss.

A gap has the value that counts decisions, and the gradient of its stand-in: what is strict says how far, what
is soft says where to. So a stand-in that differs from what it stands for does not move the bound. With a
memory both are of past batches and this one together, and the gradient is the one that this batch gives of
the pooled gap:

    value  S = fade * S_past + S_batch         dS = (n / n_batch) dS_batch

so its expectation is the gradient over all people (stochastic compositional optimisation: Wang, Fang and Liu,
2017).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import backend
from keras import ops as keras_ops

from keras_fair.constraints import Constraints, statement_names
from keras_fair.errors import quoted
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import concrete, on_host
from keras_fair.layers.call_arguments import clipped_codes
from keras_fair.layers.epoch_sums import pool_now
from keras_fair.layers.kept_weight import kept_weight, weight_read
from keras_fair.layers.memory import check_memory
from keras_fair.layers.sample_loss import check_loss, sample_loss
from keras_fair.layers.schedules import Scheduled, check_scheduled
from keras_fair.layers.training_layer import BatchEnd, BatchSeen, TrainingLayer
from keras_fair.ops import Outcome
from keras_fair.ops.dispatch import ops
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.modes import output_names, stand_ins
from keras_fair.rows.summary import summarised
from keras_fair.soft.lower import lower_softly
from keras_fair.soft.plan import BatchMoments, SoftGaps, SoftPlan

__all__ = ["MeasuredBatch", "SoftLayer"]


class MeasuredBatch(NamedTuple):
    """A batch, measured.

    Attributes:
        gaps: strict ones, pooled with the memory where there is one; their gradient is that of the soft ones.
        variance: gives the sampling variance of the gaps that this batch adds, `(R,)`.
        shares: gives, `(R,)`, the share of people in the smallest group of each relation.
    """

    gaps: SoftGaps
    variance: Any
    shares: Any


class SoftLayer(TrainingLayer):
    """Measures statements on batches and adds to the loss. Abstract: a layer of its kind says how much.

    Args:
        constraints, domain, vocabulary, weight_statistics, unknown, global_batch: see `FairProjection`.
        temperature: of the stand-ins of decisions.
        memory: about how many past predictions count beside the batch, or None.
        loss: of each sample, where statements speak of `loss`.
        scheduled: further numbers that may follow a schedule, by name.
    """

    def __init__(
        self,
        constraints: Constraints,
        *,
        domain: Any,
        vocabulary: Vocabulary | Mapping[str, Sequence[Any] | None] | None,
        weight_statistics: bool,
        unknown: str,
        global_batch: bool,
        temperature: Any,
        memory: int | None,
        loss: Any,
        scheduled: Mapping[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(
            constraints,
            domain=domain,
            vocabulary=vocabulary,
            weight_statistics=weight_statistics,
            unknown=unknown,
            global_batch=global_batch,
            **kwargs,
        )
        self.memory = check_memory(memory)
        self.loss = check_loss(loss)
        self._scheduled = Scheduled(
            temperature=check_scheduled("temperature", temperature, zero=False), **scheduled
        )
        self._saved: dict[str, np.ndarray] = {}
        self._state: dict[str, Any] = {}
        self._pools = True  # a saved one is built before its model is
        self._check_statements()

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(name for name in self.constraints.attributes if name != "loss")

    @property
    def uses_label(self) -> bool:
        return self.constraints.uses_label or "loss" in self.constraints.attributes

    def _check_statements(self) -> None:
        """Refuse statements that can't train, before any data are there."""
        vocabulary, _ = stand_ins(self.constraints)
        listed = {} if self.vocabulary is None else self.vocabulary.values
        known = Vocabulary({**vocabulary.values, **listed}, label=[0, 1])
        text, outputs = self.constraints.text, output_names(self.constraints)
        lower_softly(self.constraints.statements, text, known, outputs, self.domain)

    def _lowered(self, outputs: int) -> SoftPlan:
        return lower_softly(
            self.constraints.statements, self.constraints.text, self.vocabulary, outputs, self.domain
        )

    def _pooled_size(self) -> int:
        plan = self._built_plan
        return len(plan.places) + 2 * len(plan.layout.constant_sums)

    def summary(self, place: int) -> dict[str, float]:
        assert self.pooled is not None
        plan, sums = self._built_plan, self.pooled.read(place)
        found = plan.gaps(sums[: len(plan.places)], sums[len(plan.places) :])
        return summarised(
            statement_names(self.constraints.statements),
            plan.relations,
            found.values,
            found.lower,
            found.upper,
            found.estimable,
        )

    def doubts(self) -> list[str]:
        record = self.record()
        batches = sum(record.batches.values())
        lacking = {name: batches - active for name, active in record.active.items() if 0 < active < batches}
        if not lacking:
            return []
        name = max(lacking, key=lambda name: lacking[name])
        return [
            f"in {lacking[name]} of {batches} batches nobody was in a group of {quoted(name)}"
            f"{' (and others, less often)' if len(lacking) > 1 else ''}: it was left out of those batches; "
            "larger batches, or memory=..., count small groups"
        ]

    def build(self, y_shape: Any) -> None:
        super().build(y_shape)
        self._scheduled.build(self.add_weight)
        self._steps_weight = self._scheduled.steps
        if self.memory is not None:
            self._memory_weight = self._kept("memory", self._built_plan.size)

    def _kept(self, name: str, size: int) -> Any:
        """A weight that is saved with the layer."""
        saved = self._saved.get(name)
        fits = saved is not None and saved.shape == (size,)
        initial = (lambda _, dtype: keras_ops.convert_to_tensor(saved, dtype)) if fits else "zeros"
        weight = kept_weight(self.add_weight, name, (size,), working_dtype(), initial)
        self._state[name] = weight
        return weight

    def _trained_on(self, y: Any, columns: Any, label: Any, sample_weight: Any, training: bool) -> None:
        plan, given = self._built_plan, y
        y = ops.cast(y, working_dtype())
        y = ops.reshape(y, (-1, plan.outputs.count))
        columns = {name: on_host(column) for name, column in columns.items()}
        label, sample_weight = map(on_host, (label, sample_weight))
        moments = plan.measure(
            y,
            clipped_codes(plan, columns) if concrete(given) is None else columns,
            label,
            sample_weight if self.weight_statistics else None,
            temperature=self._scheduled.now("temperature"),
            loss=sample_loss(self.loss, self.domain, plan.outputs.count),
        )
        batch = self._pooled_with_memory(moments, training)
        past = past_bounds(batch.gaps)
        assert self._reports is not None
        self._reports.add(
            given,
            columns,
            BatchSeen(batch.gaps.estimable, moments.unknown, moments.missing),
            BatchEnd(keras_ops.cast(int(Outcome.SOLVED), "int32"), ops.maximum(ops.max(past, axis=0), 0.0)),
            sample_weight if self.weight_statistics else None,
            label=label,
        )
        place = pool_now()
        if place is not None and self.pooled is not None:
            self.pooled.add(place, ops.concatenate([moments.strict, moments.constants], axis=0))
        total = self._added_loss(batch, past, training)
        self.add_loss(keras_ops.cast(total, backend.floatx()))
        if training:
            self._scheduled.advance()

    def _added_loss(self, batch: MeasuredBatch, past: Any, training: bool) -> Any:
        """What is added to the loss, ().

        Args:
            batch: measured.
            past: `(2, R)` how far the gaps lie below their lower and above their upper bounds; negative
                inside; 0 where they cannot be estimated or there is no bound.
            training: whether this is a step of training.
        """
        raise NotImplementedError

    def _pooled_with_memory(self, moments: BatchMoments, training: bool) -> MeasuredBatch:
        plan: SoftPlan = self._built_plan
        own = ops.stop_gradient(ops.concatenate([moments.soft, moments.strict, moments.constants], axis=0))
        count = own[plan.everyone]
        sums, scale, total = moments.soft, 1.0, own
        if self.memory is not None and training:
            fade = ops.exp(-count / self.memory)
            total = weight_read(self._memory_weight) * fade + own
            self._memory_weight.assign(total)
            scale = total[plan.everyone] / ops.maximum(count, 1e-12)
            sums = total[: len(plan.places)] + scale * (moments.soft - own[: len(plan.places)])
        size = len(plan.places)
        strict = total[size : 2 * size]
        gaps = plan.gaps(strict, total[2 * size :], through=sums)

        def variance() -> Any:
            return scale * plan.variance(gaps, moments, sums, strict)

        return MeasuredBatch(gaps, variance, lambda: plan.smallest_shares(total[:size]))

    def save_own_variables(self, store: Any) -> None:
        """Save what the layer has learnt of past batches; the record of batches is not part of a model."""
        for name, weight in self._saved_weights().items():
            store[name] = np.asarray(keras_ops.convert_to_numpy(weight.value))

    def load_own_variables(self, store: Any) -> None:
        """See `save_own_variables`; also before `build`: Keras loads layers that are not built yet."""
        self._saved = {name: np.array(store[name]) for name in store.keys()}  # noqa: SIM118
        for name, weight in self._saved_weights().items():
            if name in self._saved and self._saved[name].shape == tuple(weight.shape):
                weight.assign(self._saved[name])

    def _saved_weights(self) -> dict[str, Any]:
        steps = {} if self._scheduled.steps is None else {"steps": self._scheduled.steps}
        return {**self._state, **steps}

    def get_config(self) -> dict[str, Any]:
        loss = self.loss
        if isinstance(loss, keras.losses.Loss):
            loss = keras.saving.serialize_keras_object(loss)
        return {**super().get_config(), **self._scheduled.get_config(), "memory": self.memory, "loss": loss}


def past_bounds(found: SoftGaps) -> Any:
    """How far gaps lie below their lower and above their upper bounds, `(2, R)`; negative inside."""
    past = ops.stack([found.lower - found.values, found.values - found.upper], axis=0)
    there = ops.logical_and(found.estimable, ops.greater(past, -math.inf))
    return ops.where(there, past, ops.zeros_like(past))
