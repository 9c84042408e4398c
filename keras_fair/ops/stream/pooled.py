"""The rows of many batches together, from the sums that these leave behind.

    T = (sum over batches of (M y + constants)) / (sum over batches of N)

Each term and each constant of the data is a quotient of two sums, and sums add up over batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from keras_fair.ops.dispatch import ops
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.measured import Measured
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.terms import Terms

__all__ = ["PooledSums", "pooled_rows"]


@dataclass(frozen=True)
class PooledSums:
    """What adds up over batches, in NumPy; T terms, K constants of the data.

    Attributes:
        sums: `(T,)`, `M y + constants`.
        weights: `(T,)`, `N`.
        constant_sums: `(K,)`; constant_weights: `(K,)`.
    """

    sums: np.ndarray
    weights: np.ndarray
    constant_sums: np.ndarray
    constant_weights: np.ndarray

    @classmethod
    def none(cls, plan: RowPlan) -> PooledSums:
        """The sums of no samples."""
        return cls(*(np.zeros(size) for size in (plan.terms, plan.terms, plan.constants, plan.constants)))

    @classmethod
    def of(cls, measured: Measured, y: np.ndarray) -> PooledSums:
        """The sums of a batch with these predictions, `(n,)` or `(n, outputs)`."""
        terms = measured.terms
        return cls(
            _array(terms.sums(y)) + _array(terms.constants),
            _array(terms.weights),
            _array(measured.constant_sums),
            _array(measured.constant_weights),
        )

    @classmethod
    def of_state(cls, parts: Mapping[str, np.ndarray]) -> PooledSums:
        """The sums in a state, from its parts by `StateLayout.split`."""
        return cls(**{name: parts[name] for name in cls.__dataclass_fields__})

    def plus(self, other: PooledSums, times: float = 1.0) -> PooledSums:
        """The sums of both; `times` is -1 to take the other ones away."""
        return PooledSums(**{name: mine + times * vars(other)[name] for name, mine in vars(self).items()})

    def rows(self, plan: RowPlan) -> LinearRows:
        """The rows over all these samples. No prediction is left open: gaps are those of `np.zeros(0)`."""
        terms = Terms((), constants=self.sums, weights=self.weights, outputs=1)
        return plan.bind(Measured(terms, self.constant_sums, self.constant_weights, certain=True))


def pooled_rows(plan: RowPlan, measured: Measured, state: Mapping[str, Any]) -> LinearRows:
    """The rows of a batch together with what a state holds, arrays or tensors.

    Args:
        plan: the lowered constraints.
        measured: the batch.
        state: the parts of the state; its first part faded.
    """
    terms = measured.terms
    pooled = replace(
        measured,
        terms=replace(
            terms, constants=terms.constants + state["sums"], weights=terms.weights + state["weights"]
        ),
        constant_sums=measured.constant_sums + state["constant_sums"],
        constant_weights=measured.constant_weights + state["constant_weights"],
    )
    return plan.bind(pooled)


def _array(tensor: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor))
