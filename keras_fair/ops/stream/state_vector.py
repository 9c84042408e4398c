"""The state of a stream as a vector of numbers, and what a step reads out for people.

Layout and additions only; `keras_fair.ops.stream.step` says what the numbers mean for a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from keras_fair.inputs.domain import Domain
from keras_fair.ops.dispatch import ops
from keras_fair.ops.outcome import Outcome
from keras_fair.rows.plan import RowPlan

__all__ = ["SPREADS", "Readout", "StateLayout", "StreamRule", "advanced"]

SPREADS = ("reach", "squares", "firsts", "seconds")  # parts of a state: sizes and spreads of the terms


class StreamRule(NamedTuple):
    """How a stream is held. Static.

    Attributes:
        domain: where predictions lie.
        divergence: of the projection.
        step: how firmly violations are answered, > 0.
        margin: standard deviations of the swings that bounds are kept clear of, >= 0.
        guard: whether what was met must stay met.
        half_life: arrivals after which one counts half, or infinity.
    """

    domain: Domain
    divergence: str
    step: float
    margin: float
    guard: bool
    half_life: float


@dataclass(frozen=True)
class StateLayout:
    """Where the numbers of a state are in its vector.

    The first part adds up over batches and fades; the second is what the last batch left.

    | part | numbers |
    | --- | --- |
    | `sums`, `weights` | T each: `S` and `N` |
    | `reach`, `squares`, `firsts`, `seconds` | T each: see `keras_fair.ops.stream.noise.spread_sums` |
    | `constant_sums`, `constant_weights` | K each |
    | `moments` | 4: arrivals, sums of `r`, of `r^2` (both over outputs), of `(y - r)^2` |
    | `unknown`, `missing` | A each: arrivals outside the vocabulary, by attribute |
    | `prices`, `duals` | m each |

    Args:
        terms, constants, rows, attributes: T, K, m, A.
    """

    terms: int
    constants: int
    rows: int
    attributes: int

    @classmethod
    def of(cls, plan: RowPlan) -> StateLayout:
        """The layout for a plan."""
        return cls(plan.terms, plan.constants, len(plan.names), len(plan.attributes))

    @cached_property
    def parts(self) -> dict[str, slice]:
        """The place of each part."""
        sizes = {
            **dict.fromkeys(("sums", "weights", *SPREADS), self.terms),
            **dict.fromkeys(("constant_sums", "constant_weights"), self.constants),
            "moments": 4,
            **dict.fromkeys(("unknown", "missing"), self.attributes),
            **dict.fromkeys(("prices", "duals"), self.rows),
        }
        return _places(sizes)

    @property
    def size(self) -> int:
        """Numbers in all."""
        return self.parts["duals"].stop

    @property
    def adding(self) -> int:
        """Numbers in the first part."""
        return self.parts["missing"].stop

    def split(self, vector: Any) -> dict[str, Any]:
        """The parts of a state `(size,)`, an array or a tensor."""
        return {name: vector[place] for name, place in self.parts.items()}

    def with_change(self, vector: np.ndarray, change: Mapping[str, Any]) -> np.ndarray:
        """The state with numbers added to some of its parts."""
        changed = np.array(vector)
        for name, numbers in change.items():
            changed[self.parts[name]] += numbers
        return changed


def _places(sizes: Mapping[str, int]) -> dict[str, slice]:
    """The place of each part of a vector, one after the other."""
    ends = np.cumsum(list(sizes.values())).tolist()
    return {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)}


def advanced(layout: StateLayout, vector: Any, change: Any, fade: Any) -> Any:
    """The state after a batch, from what `stream_step` gave; arrays or tensors."""
    adding = layout.adding
    first = vector[:adding] * fade + change[:adding]
    if isinstance(vector, np.ndarray):
        return np.concatenate([first, change[adding:]])
    return ops.concatenate([first, change[adding:]], axis=0)


class Readout:
    """What a step leaves behind, as one vector that a variable can hold.

    | part | numbers |
    | --- | --- |
    | `vector` | the state |
    | `change`, `fade` | what came to it since it was set, and what it was multiplied by |
    | `arrived` | 1, predictions since then, never faded |
    | `gaps`, `estimable`, `violation` | R each, see `StreamStep` |
    | `outside` | m |
    | `outcomes` | batches that ended in each `Outcome` since then |

    The host adds `change` to its own state in float64, whatever the precision in here.

    Args:
        plan: the lowered constraints.
    """

    def __init__(self, plan: RowPlan) -> None:
        self.layout = StateLayout.of(plan)
        relations, rows = len(plan.relations), len(plan.names)
        sizes = {
            "vector": self.layout.size,
            "change": self.layout.size,
            **dict.fromkeys(("fade", "arrived"), 1),
            **dict.fromkeys(("gaps", "estimable", "violation"), relations),
            "outside": rows,
            "outcomes": len(Outcome),
        }
        self.parts = _places(sizes)
        self.size = self.parts["outcomes"].stop

    def fresh(self, vector: np.ndarray) -> np.ndarray:
        """The readout before any step, from a state."""
        readout = np.zeros(self.size)
        readout[self.parts["vector"]] = vector
        readout[self.parts["fade"]] = 1.0
        return readout

    def after(self, before: Any, step: Any) -> Any:
        """The readout after a step, a tensor like `before`."""
        old = {name: before[place] for name, place in self.parts.items()}
        new = {
            "vector": advanced(self.layout, old["vector"], step.change, step.fade),
            "change": advanced(self.layout, old["change"], step.change, step.fade),
            "fade": old["fade"] * step.fade,
            "arrived": old["arrived"] + step.change[self.layout.parts["moments"]][:1],
            **{name: getattr(step, name) for name in ("gaps", "violation", "outside")},
            "estimable": step.rows.estimable,
            "outcomes": old["outcomes"]
            + ops.one_hot(step.projection.outcome, len(Outcome), dtype=before.dtype),
        }
        return ops.concatenate([ops.cast(new[name], before.dtype) for name in self.parts], axis=0)

    def read(self, readout: np.ndarray) -> dict[str, np.ndarray]:
        """The parts of a readout."""
        readout = np.asarray(readout, dtype="float64")
        return {name: readout[place] for name, place in self.parts.items()}
