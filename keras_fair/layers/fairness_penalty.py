"""Statements as a penalty on the loss: the weights are trained, and predictions need no attributes.

    loss + sum_r weight_r * phi(v_r / scale),    v_r = how far the soft gap of relation r lies outside its
    bounds

`phi` is the square, the absolute value, or Huber's function. The square of a gap estimated on a batch is too
large by its sampling variance, which is subtracted where the gap is outside (`keras_fair.soft.plan`); what is
left has the gradient of the square of the gap itself, and vanishes at a gap on its bound, also for small
groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_fair.constraints import Constraints
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.settings import check_choice, check_positive
from keras_fair.layers.schedules import check_scheduled
from keras_fair.layers.soft_layer import MeasuredBatch, SoftLayer
from keras_fair.ops.dispatch import ops

__all__ = ["FairnessPenalty"]


@keras.saving.register_keras_serializable(package="keras_fair")
class FairnessPenalty(SoftLayer):
    """Adds to the loss how far statements are from being met; predictions pass unchanged.

    The weights learn to meet the statements, so in service the model needs no attributes. Nothing is
    promised: audit the result. Every statement of the language is taken, decision rates included; `y >= 0.5`
    is counted in logs and audits, and has a stand-in with a gradient in training.

    Use it in a functional model, called with `attributes` as `FairProjection` is, or as
    `kf.FairModel(base_model, kf.layers.FairnessPenalty(...))`.

    Args:
        constraints: text of the constraint language, or a `ConstraintSet`. `with weight 2` of a statement
            multiplies its penalty.
        weight: of the penalty beside the loss, >= 0; a number or a `keras.optimizers.schedules` schedule over
            the training batches. Gaps are small numbers and their squares smaller: 10 to 1,000 is usual for
            decision rates; `kf.Front` tries several.
        penalty: `"square"`, `"linear"` (from a finite weight on it meets the bounds as far as batches show
            them), or `"huber"`: the square up to `huber_delta`, then linear.
        scale: the unit that violations are measured in, > 0.
        huber_delta: in units of `scale`, > 0.
        temperature: of the stand-ins of decisions, in log-odds for predictions between two bounds, else in
            standard deviations of `y`; > 0, a number or a schedule. Small is close to counting and noisy.
        debias: whether the sampling variance is taken out of squares.
        by_size: whether each relation counts in proportion to the share of people in its smallest group.
        memory: about how many past predictions count beside those of the batch, >= 1; older ones fade. None:
            each batch by itself. Small groups need it.
        loss: the loss of each sample, for statements on `loss`: a name, a `keras.losses.Loss`, or None for
            the cross-entropy in (0, 1) and on the simplex, else the squared error.
        domain, vocabulary, unknown, weight_statistics, global_batch: see `FairProjection`.

    Call arguments:
        y, attributes, label, sample_weight: see `FairProjection`. Without attributes nothing is added, which
            is an error in training.

    Returns:
        `y` as it came.

    Raises:
        ConstraintError: the constraints are malformed, have no stand-in with a gradient, or do not fit the
            attributes of the call.
        ValueError: arguments that do not fit.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> layer = kf.layers.FairnessPenalty("E[y | sex=F] == E[y | sex=M]", weight=10.0, debias=False)
        >>> y = layer(np.array([0.2, 0.4, 0.6, 0.8]), attributes={"sex": np.array(["F", "F", "M", "M"])})
        >>> round(float(layer.losses[0]), 3)  # 10 * 0.4^2
        1.6
    """

    def __init__(
        self,
        constraints: Constraints,
        weight: Any = 1.0,
        *,
        penalty: str = "square",
        scale: float = 1.0,
        huber_delta: float = 0.05,
        temperature: Any = 0.5,
        debias: bool = True,
        by_size: bool = False,
        memory: int | None = None,
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
            scheduled={"weight": check_scheduled("weight", weight, zero=True)},
            **kwargs,
        )
        self.penalty = check_choice("penalty", penalty, ("square", "linear", "huber"))
        self.scale = check_positive("scale", scale)
        self.huber_delta = check_positive("huber_delta", huber_delta)
        self.debias = bool(debias)
        self.by_size = bool(by_size)

    def _added_loss(self, batch: MeasuredBatch, past: Any, training: bool) -> Any:
        past = ops.maximum(ops.max(past, axis=0), 0.0) / self.scale
        if self.penalty == "linear":
            costs = past
        else:
            squares = ops.square(past)
            if self.debias and training:
                beyond = ops.greater(past, 0.0)
                variance = batch.variance() / self.scale**2
                squares = squares - ops.where(beyond, variance, ops.zeros_like(variance))
            costs = squares
            if self.penalty == "huber":
                far = ops.greater(past, self.huber_delta)
                costs = ops.where(far, 2.0 * self.huber_delta * past - self.huber_delta**2, squares)
        weights = np.asarray(self._built_plan.weights)
        costs = costs * (weights * batch.shares() if self.by_size else weights)
        return ops.sum(costs, axis=0) * self._scheduled.now("weight")

    def get_config(self) -> dict[str, Any]:
        own = ("penalty", "scale", "huber_delta", "debias", "by_size")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
