"""Statements as constraints on training: multipliers rise where a statement is violated and fall where it
holds.

    loss + sum_r lambda_r c_r + rho / 2 sum_r max(c_r, 0)^2,     c_r = how far the soft gap lies outside a
    bound

    lambda <- max(0, lambda + rate * (e + damping * (x - x_before))),     x <- smoothing * x_before + (1 -
    smoothing) e

with `e` the same of the strict pooled gap, which counts decisions, negative inside the bounds. The gradient
goes through stand-ins, the multipliers through what is meant (proxies: Cotter et al. 2019). Plain ascent,
`damping=0` and `rho=0`, oscillates around a solution; the proportional term damps it (nuPI: Sohrabi et al.
2024), and so does the augmented one (Hestenes and Powell 1969).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops as keras_ops

from keras_fair.constraints import Constraints, statement_names
from keras_fair.errors import quoted, some_of
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.settings import check_positive
from keras_fair.layers.kept_weight import weight_read
from keras_fair.layers.schedules import check_scheduled
from keras_fair.layers.soft_layer import MeasuredBatch, SoftLayer
from keras_fair.ops.dispatch import ops

__all__ = ["FairnessLagrangian"]

_LAST = 5  # epochs in which a multiplier must have grown before that is said


@keras.saving.register_keras_serializable(package="keras_fair")
class FairnessLagrangian(SoftLayer):
    """Trains the weights until statements hold, by multipliers that it learns along; predictions pass
    unchanged.

    No weight has to be found: the multiplier of each statement becomes what its tolerance asks for. In
    service the model needs no attributes. Nothing is promised for other people than those trained on: audit
    the result.

    Args:
        constraints: text of the constraint language, or a `ConstraintSet`. `with weight 2` of a statement
            doubles the rate of its multipliers.
        rate: of the multipliers, > 0, by training batch; a number or a `keras.optimizers.schedules` schedule.
        damping: of the proportional term, in batches, >= 0.
        smoothing: of the error in the proportional term, in [0, 1).
        augmented: rho, the weight of the augmented term, >= 0; a number or a schedule.
        most: a multiplier that reaches this has diverged: it stays there, `fit` warns with the names, and the
            statement can't be met by this model. > 0.
        temperature, loss: see `FairnessPenalty`.
        memory: about how many past predictions the gaps are pooled over beside the batch, >= 1; None: each
            batch by itself.
        domain, vocabulary, unknown, weight_statistics, global_batch: see `FairProjection`.

    Call arguments, Returns, Raises: see `FairnessPenalty`.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> layer = kf.layers.FairnessLagrangian("E[y | sex=F] == E[y | sex=M] +- 0.1", rate=1.0, damping=0.0)
        >>> sex = np.array(["F", "F", "M", "M"])
        >>> y = layer(np.array([0.2, 0.4, 0.6, 0.8]), attributes={"sex": sex}, training=True)
        >>> {name: round(value, 3) for name, value in layer.multipliers().items()}  # the gap is 0.3 below
        {'E[y | sex=F] == E[y | sex=M] +- 0.1': -0.3}
    """

    def __init__(
        self,
        constraints: Constraints,
        rate: Any = 0.03,
        *,
        damping: float = 10.0,
        smoothing: float = 0.9,
        augmented: Any = 1.0,
        most: float = 1000.0,
        temperature: Any = 0.5,
        memory: int | None = 4000,
        loss: Any = None,
        domain: Any = (0.0, 1.0),
        vocabulary: Vocabulary | Mapping[str, Sequence[Any] | None] | None = None,
        unknown: str = "error",
        weight_statistics: bool = True,
        global_batch: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            constraints,
            domain=domain,
            vocabulary=vocabulary,
            weight_statistics=weight_statistics,
            unknown=unknown,
            global_batch=global_batch,
            temperature=temperature,
            memory=memory,
            loss=loss,
            scheduled={
                "rate": check_scheduled("rate", rate, zero=False),
                "augmented": check_scheduled("augmented", augmented, zero=True),
            },
            **kwargs,
        )
        self.damping = check_between("damping", damping, float("inf"))
        self.smoothing = check_between("smoothing", smoothing, 1.0)
        self.most = check_positive("most", most)
        self._course: list[np.ndarray] = []  # the multipliers at the ends of the last epochs

    def multipliers(self) -> dict[str, float]:
        """The multiplier of each relation: positive at its upper bound, negative at its lower one, as duals
        are.

        Raises:
            ValueError: the layer was not called yet.
        """
        self._record()
        lower, upper = self._read_state("multipliers")
        return dict(zip(self._built_plan.names, (upper - lower).tolist(), strict=True))

    def diverged(self) -> list[str]:
        """The names of the relations whose multiplier has reached `most`."""
        return [name for name, value in self.multipliers().items() if abs(value) >= self.most]

    def end_epoch(self) -> dict[str, float]:
        """`{name}_multiplier` of each statement: of its relations, the one that is furthest from 0."""
        found = np.array(list(self.multipliers().values()))
        self._course = [*self._course[-_LAST:], found]
        owners = np.array([relation.statement for relation in self._built_plan.relations])
        logged = {}
        for index, name in enumerate(statement_names(self.constraints.statements)):
            own = found[owners == index]
            logged[f"{name}_multiplier"] = float(own[np.argmax(np.abs(own))]) if len(own) else math.nan
        return logged

    def doubts(self) -> list[str]:
        said = super().doubts()
        diverged = self.diverged()
        if diverged:
            said.append(
                f"the multipliers of {some_of([quoted(name) for name in diverged], 3)} have diverged, they "
                f"reached most={self.most:g}: this model does not meet these statements on its training "
                "data; ask kf.diagnose whether statements contradict each other, or widen a tolerance"
            )
        growing = [name for name in self._still_growing() if name not in diverged]
        if growing:
            said.append(
                f"the multipliers of {some_of([quoted(name) for name in growing], 3)} were still growing in "
                f"each of the last {_LAST} epochs, so these statements are not met yet: train longer, with "
                "a larger rate, or ask kf.diagnose whether statements contradict each other"
            )
        return said

    def _still_growing(self) -> list[str]:
        """Relations whose multiplier grew in each of the last epochs, by a tenth or more in all."""
        if len(self._course) <= _LAST:
            return []
        sizes = np.abs(np.stack(self._course[-_LAST - 1 :]))
        grew = (np.diff(sizes, axis=0) > 0).all(axis=0) & (sizes[-1] > 1.1 * sizes[0])
        return [name for name, grown in zip(self._built_plan.names, grew, strict=True) if grown]

    def build(self, y_shape: Any) -> None:
        super().build(y_shape)
        size = 2 * len(self._built_plan.relations)
        self._multipliers_weight = self._kept("multipliers", size)
        self._errors_weight = self._kept("errors", size)

    def _read_state(self, name: str) -> np.ndarray:
        return np.asarray(keras_ops.convert_to_numpy(self._state[name].value), "float64").reshape(2, -1)

    def _added_loss(self, batch: MeasuredBatch, past: Any, training: bool) -> Any:
        shape = (2, len(self._built_plan.relations))
        before = ops.reshape(weight_read(self._multipliers_weight), shape)
        beyond = ops.square(ops.maximum(past, 0.0))
        total = ops.sum(before * past) + 0.5 * self._scheduled.now("augmented") * ops.sum(beyond)
        if training:
            smoothed = ops.reshape(weight_read(self._errors_weight), shape)
            new = self.smoothing * smoothed + (1.0 - self.smoothing) * ops.stop_gradient(past)
            step = ops.stop_gradient(past) + self.damping * (new - smoothed)
            rate = self._scheduled.now("rate") * np.asarray(self._built_plan.weights)
            after = ops.minimum(ops.maximum(before + rate * step, 0.0), self.most)
            self._errors_weight.assign(ops.reshape(ops.stop_gradient(new), (-1,)))
            self._multipliers_weight.assign(ops.reshape(ops.stop_gradient(after), (-1,)))
        return total

    def get_config(self) -> dict[str, Any]:
        own = ("damping", "smoothing", "most")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def check_between(name: str, value: Any, end: float) -> float:
    """A number in [0, end); raises ValueError where it is not."""
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not is_number or not 0 <= value < end:
        shown = "a finite number >= 0" if end == float("inf") else f"a number in [0, {end:g})"
        raise ValueError(f"expected {name} as {shown}, received {name}={value!r}")
    return float(value)
