"""What a front scores its points by, besides the gaps; smaller is better.

    balanced_error        the mean over labels 0 and 1 of the share of wrong decisions, y >= threshold
    error                 the share of wrong decisions
    log_loss              -mean(label log y + (1 - label) log(1 - y)), y kept 1e-7 inside [0, 1], as in Keras
    mean_squared_error    mean((y - label)^2)

Each is a mean of losses, or a mean of two such means. So their intervals are those of `keras_fair.audit` of a
column that holds the losses. A function of one's own may give losses, one a sample, which get the same
interval, or one number, which has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.audit import audit
from keras_fair.fronts.measured import Measured
from keras_fair.inputs.predictions import number_array

__all__ = ["Objective", "read_objectives"]

_EPSILON = 1e-7
_COLUMN = "loss_of_a_sample"
_MEAN = f"E[{_COLUMN}] <= 0"
_BALANCED = f"(E[{_COLUMN} | label=0] + E[{_COLUMN} | label=1]) / 2 <= 0"


@dataclass(frozen=True)
class Objective:
    """One objective.

    Attributes:
        name: of it.
        function: from labels, predictions and the threshold to losses; or a user's function of labels and
            predictions.
        binary: whether labels must be 0 and 1.
        balanced: whether it is the mean over both labels.
        own: whether it is a user's function.
    """

    name: str
    function: Callable[..., Any]
    binary: bool = False
    balanced: bool = False
    own: bool = False

    def checked(self, label: Any) -> None:
        """Refuse labels that it can't be computed of.

        Raises:
            ValueError: there are none, they are no numbers, or not 0 and 1.
        """
        if self.own:
            return
        if label is None:
            raise ValueError(f"expected label, which the objective {self.name!r} needs, received none")
        values = number_array(label, "label")[0]
        if values.ndim != 1 or values.dtype.kind not in "fiub" or not np.isfinite(values).all():
            raise ValueError(
                f"expected label as (n,) finite numbers for the objective {self.name!r}, received shape "
                f"{values.shape} and dtype {values.dtype}"
            )
        found = np.unique(values)
        if self.binary and not np.isin(found, (0, 1)).all():
            raise ValueError(
                f"expected labels of 0 and 1 for the objective {self.name!r}, received {found[:5].tolist()}; "
                "'mean_squared_error' or a function takes others"
            )
        if self.balanced and len(found) < 2:
            raise ValueError(
                f"expected labels of both 0 and 1 for the objective {self.name!r}, received only "
                f"{found.tolist()}"
            )

    def measured(
        self,
        y: np.ndarray,
        label: Any,
        sample_weight: Any,
        *,
        threshold: float,
        confidence: float | None,
        seed: int,
    ) -> Measured:
        """The objective of predictions.

        Args:
            y: `(n,)` or `(n, outputs)` float64.
            label: `(n,)`, see `checked`.
            sample_weight: `(n,)`, or None.
            threshold: decisions are `y >= threshold`.
            confidence: of the interval, or None for none.
            seed: of the bootstrap.

        Raises:
            ValueError: predictions that it isn't defined for; a function's answer is neither a number nor one
                loss a sample.
        """
        if self.own:
            losses = np.asarray(self.function(label, y), "float64")
            if losses.shape == ():
                note = "" if np.isfinite(losses) else "its function gives no finite number"
                return Measured(float(losses) if np.isfinite(losses) else math.nan, note=note)
            if losses.shape != (len(y),):
                raise ValueError(
                    f"expected the objective {self.name!r} to give a number or {len(y)} losses, one a "
                    f"sample, received shape {losses.shape}"
                )
            if not np.isfinite(losses).all():
                return Measured(math.nan, note="its function gives losses that are not finite")
        else:
            if y.ndim > 1:
                raise ValueError(
                    f"expected predictions of shape (n,) or (n, 1) for the objective {self.name!r}, received "
                    f"shape {y.shape}: give a function of (label, predictions)"
                )
            if self.function is _log_loss and (y.min() < 0 or y.max() > 1):
                raise ValueError(
                    "expected predictions in [0, 1] for the objective 'log_loss', received values from "
                    f"{y.min():g} to {y.max():g}"
                )
            losses = self.function(np.asarray(label, "float64"), y, threshold)
        (relation,) = audit(
            _BALANCED if self.balanced else _MEAN,
            losses,
            {_COLUMN: losses},
            label if self.balanced else None,
            sample_weight,
            confidence=confidence,
            seed=seed,
        )
        return Measured(relation.gap, relation.interval, relation.note if math.isnan(relation.gap) else "")


def _wrong(label: np.ndarray, y: np.ndarray, threshold: float) -> np.ndarray:
    return ((y >= threshold) != (label == 1)).astype("float64")


def _log_loss(label: np.ndarray, y: np.ndarray, threshold: float) -> np.ndarray:
    y = np.clip(y, _EPSILON, 1 - _EPSILON)
    return -(label * np.log(y) + (1 - label) * np.log1p(-y))


def _squared(label: np.ndarray, y: np.ndarray, threshold: float) -> np.ndarray:
    return (y - label) ** 2


_NAMED = {
    each.name: each
    for each in (
        Objective("balanced_error", _wrong, binary=True, balanced=True),
        Objective("error", _wrong, binary=True),
        Objective("log_loss", _log_loss, binary=True),
        Objective("mean_squared_error", _squared),
    )
}


def read_objectives(objectives: Any) -> tuple[Objective, ...]:
    """The objectives of a front.

    Args:
        objectives: the name of one, a function `(label, y)`, a list of these, or a dict from names to these.

    Raises:
        TypeError, ValueError: it is none of these, there is none, or one name twice.
    """
    if isinstance(objectives, Mapping):
        read = [_read(each, str(name)) for name, each in objectives.items()]
    else:
        single = isinstance(objectives, str) or callable(objectives)
        given = [objectives] if single else objectives
        if not isinstance(given, (list, tuple)):
            raise TypeError(f"expected objectives as names or functions, received {type(given).__name__}")
        read = [_read(each, None) for each in given]
    if not read:
        raise ValueError("expected at least one objective, received none")
    names = [each.name for each in read]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"expected each objective once, received {name!r} twice: name them by a dict")
    return tuple(read)


def _read(objective: Any, name: str | None) -> Objective:
    if callable(objective):
        called = str(name or getattr(objective, "__name__", type(objective).__name__))
        if called == "<lambda>":
            raise ValueError(
                "expected a function with a name as an objective, received a lambda: name it by "
                "objectives={'name': lambda label, y: ...}"
            )
        return Objective(called, objective, own=True)
    if not isinstance(objective, str) or objective not in _NAMED:
        raise ValueError(
            f"expected an objective to be one of {sorted(_NAMED)} or a function, received {objective!r}"
        )
    known = _NAMED[objective]
    return known if name is None else Objective(name, known.function, known.binary, known.balanced)
