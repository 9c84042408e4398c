"""The layer of `AdversarialModel`: networks that guess attributes from predictions, and what each batch gives
them to guess.

    loss = cross-entropy of the guesses,   through a reversed gradient of the predictions

A number is guessed too, standardised in each batch, with the squared error. The networks see log-odds where
predictions are bounded, and the label and the product of both where the text speaks of the label (Zhang,
Lemoine and Mitchell, 2018, sections 3 and 4).

The loss that is added is 0 in value, and has the gradient: the loss that Keras shows is that of the task. How
well the networks guess is in the logs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops as keras_ops

from keras_fair.constraints import Constraints
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import concrete, on_host
from keras_fair.layers.adversary_lower import plan_adversary
from keras_fair.layers.adversary_networks import build_networks, check_networks, seen_prediction
from keras_fair.layers.adversary_plan import AdversaryPlan
from keras_fair.layers.adversary_sight import parse_spoken, sights_of
from keras_fair.layers.call_arguments import CallArguments, check_names, clipped_codes, encode
from keras_fair.layers.epoch_sums import pool_now
from keras_fair.layers.gradient_reversal import gradient_reversed
from keras_fair.layers.kept_weight import kept_weight, weight_read
from keras_fair.layers.schedules import Scheduled, check_scheduled
from keras_fair.layers.training_layer import BatchEnd, BatchSeen, TrainingLayer
from keras_fair.ops import Outcome
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.modes import output_names

__all__ = ["Adversary"]

@keras.saving.register_keras_serializable(package="keras_fair")
class Adversary(TrainingLayer):
    """Networks that guess attributes from predictions; it gives predictions back as they came. Made by
    `AdversarialModel`, which documents the arguments.

    Args:
        constraints: text or a `ConstraintSet`; see `adversary_sight`.
        strength, ramp: see there.
        networks: a network for each statement, or None.
        domain, vocabulary, weight_statistics, unknown, global_batch: see `FairProjection`.
    """

    def __init__(
        self,
        constraints: Constraints,
        strength: Any = 1.0,
        *,
        ramp: float = 1 / 3,
        networks: Sequence[Any] | None = None,
        domain: Any = (0.0, 1.0),
        vocabulary: Vocabulary | Mapping[str, Sequence[Any] | None] | None = None,
        weight_statistics: bool = True,
        unknown: str = "error",
        global_batch: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            parse_spoken(constraints),
            domain=domain,
            vocabulary=vocabulary,
            weight_statistics=weight_statistics,
            unknown=unknown,
            global_batch=global_batch,
            **kwargs,
        )
        self._pools = True
        self.sights = sights_of(self.constraints)
        self._scheduled = Scheduled(strength=check_scheduled("strength", strength, zero=True))
        if isinstance(ramp, bool) or not isinstance(ramp, (int, float)) or not 0 <= ramp <= 1:
            raise ValueError(f"expected ramp as a number in [0, 1], received ramp={ramp!r}")
        self.ramp = float(ramp)
        self._own_networks = networks is not None
        self.networks: list[Any] = [] if networks is None else check_networks(networks, len(self.sights))
        self._saved: dict[str, np.ndarray] = {}

    def _lowered(self, outputs: int) -> AdversaryPlan:
        return plan_adversary(
            self.sights, self.constraints, self.vocabulary, output_names(self.constraints), outputs
        )

    def _pooled_size(self) -> int:
        return 2 * len(self.sights)

    def summary(self, place: int) -> dict[str, float]:
        """`{name}_adversary_loss` of each statement, over the batches added up in a place."""
        assert self.pooled is not None
        losses, weights = self.pooled.read(place).reshape(2, -1)
        return {
            f"{sight.name}_adversary_loss": float(loss / weight) if weight > 0 else float("nan")
            for sight, loss, weight in zip(self.sights, losses, weights, strict=True)
        }

    def comparisons(self, y: np.ndarray, columns: Mapping[str, Any], label: Any) -> list[Any]:
        """What a probe of predictions has to tell apart.

        Args:
            y: `(n, outputs)` predictions.
            columns: attributes as the user has them.
            label: `(n,)` numbers, or None.

        Returns:
            For each comparison its name, the predictions `(n,)`, whom to tell apart and who takes part,
            `(n,)` bool.
        """
        plan: Any = self.plan(y.shape[1])
        listed = {} if self.vocabulary is None else self.vocabulary.values
        call = CallArguments(y, dict(columns), label, None)
        check_names(plan, call)
        call = encode(plan, call, listed, self.domain, refuse_unknown=self.unknown == "error")
        return plan.comparisons(y, call.attributes, call.label)

    def begin_training(self, batches: int | None) -> None:
        """Say over how many batches training goes, before its first one; a later `fit` changes nothing."""
        if "ramp" not in self._saved:
            self._saved["ramp"] = np.array([max(1.0, self.ramp * (batches or 3000))])
            if self.built:
                self._ramp_weight.assign(self._saved["ramp"])

    def build(self, y_shape: Any) -> None:
        super().build(y_shape)
        plan: AdversaryPlan = self._built_plan
        self.networks = build_networks(self.networks, plan.guesses)
        self._scheduled.build(self.add_weight)
        self._steps_weight = self._scheduled.steps
        self._ramp_weight = self._kept_weight("ramp", 1.0)
        self._ramped_weight = self._kept_weight("ramped", 0.0)
        if self._scheduled.steps is not None and "steps" in self._saved:
            self._scheduled.steps.assign(self._saved["steps"])

    def _kept_weight(self, name: str, value: float) -> Any:
        """A weight of one number: the one that was saved, else `value`."""
        initial = self._saved.get(name, np.array([value]))
        return kept_weight(
            self.add_weight,
            name,
            (1,),
            working_dtype(),
            lambda _, dtype: keras_ops.convert_to_tensor(initial, dtype),
        )

    def _trained_on(self, y: Any, columns: Any, label: Any, sample_weight: Any, training: bool) -> None:
        plan, given = self._built_plan, y
        columns = {name: on_host(column) for name, column in columns.items()}
        label, sample_weight = map(on_host, (label, sample_weight))
        sample_weight = sample_weight if self.weight_statistics else None
        answers = plan.answers(
            clipped_codes(plan, columns) if concrete(given) is None else columns,
            label,
            sample_weight,
            keras_ops.shape(given)[0],
        )
        y = keras_ops.reshape(keras_ops.cast(given, "float32"), (-1, plan.outputs.count))
        losses, weights = [], []
        strength = self._strength_now()
        for network, guess, answer in zip(self.networks, plan.guesses, answers.of, strict=True):
            seen = seen_prediction(y[:, guess.output : guess.output + 1], self.domain)
            seen = gradient_reversed(seen, strength * guess.sight.weight)
            if answer.label is not None:
                seen = keras_ops.concatenate([seen, answer.label, seen * answer.label], axis=1)
            losses.append(guess.loss(network(seen, training=training), answer))
            weights.append(keras_ops.sum(answer.weight))
        total = keras_ops.stack(losses)
        weight = keras_ops.stack(weights)
        active = weight > 0
        mean = total / keras_ops.where(active, weight, keras_ops.ones_like(weight))
        assert self._reports is not None
        self._reports.add(
            given,
            columns,
            BatchSeen(active, answers.unknown, answers.missing),
            BatchEnd(keras_ops.cast(int(Outcome.SOLVED), "int32"), keras_ops.zeros_like(mean)),
            sample_weight,
            label=label,
        )
        place = pool_now()
        if place is not None and self.pooled is not None:
            self.pooled.add(place, keras_ops.concatenate([total, weight]))
        if training:
            added = keras_ops.sum(mean)
            self.add_loss(added - keras_ops.stop_gradient(added))
            self._scheduled.advance()
            self._ramped_weight.assign(weight_read(self._ramped_weight) + 1.0)

    def _strength_now(self) -> Any:
        """The strength at this batch, () float32: of a schedule as it is, of a number by the ramp."""
        strength = keras_ops.cast(self._scheduled.now("strength"), "float32")
        if self._scheduled.changes or self.ramp == 0.0:
            return strength
        past = keras_ops.convert_to_tensor(weight_read(self._ramped_weight))
        end = keras_ops.convert_to_tensor(weight_read(self._ramp_weight))
        share = keras_ops.minimum(keras_ops.reshape(past / end, ()), 1.0)
        return strength * keras_ops.cast(share, "float32")

    def _kept(self) -> dict[str, Any]:
        if not hasattr(self, "_ramp_weight"):
            return {}
        steps = {} if self._scheduled.steps is None else {"steps": self._scheduled.steps}
        return {"ramp": self._ramp_weight, "ramped": self._ramped_weight, **steps}

    def save_own_variables(self, store: Any) -> None:
        """Save how far training has come; the record of batches is not part of a model."""
        for name, weight in self._kept().items():
            store[name] = np.asarray(keras_ops.convert_to_numpy(weight.value))

    def load_own_variables(self, store: Any) -> None:
        """See `save_own_variables`; also before `build`."""
        self._saved = {name: np.array(store[name]) for name in store.keys()}  # noqa: SIM118
        for name, weight in self._kept().items():
            if name in self._saved:
                weight.assign(self._saved[name])

    def get_config(self) -> dict[str, Any]:
        networks = [keras.saving.serialize_keras_object(network) for network in self.networks]
        own = {"ramp": self.ramp, "networks": networks if self._own_networks else None}
        return {**super().get_config(), **self._scheduled.get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        if config.get("networks") is not None:
            config["networks"] = [keras.saving.deserialize_keras_object(one) for one in config["networks"]]
        return super().from_config(config)
