"""Which sample belongs to which condition: states, cells, and sums over them.

Where all states are certain, a sample is in one cell, and a sum over the samples of any condition is a
sum over cells of sums over samples: one pass for all conditions. Where the states of an attribute are
probabilities, or the label is one, the membership is the sum of the truth table over the cells with their
probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.groups.coding import MISSING, UNKNOWN
from keras_fair.groups.conditions import Cluster
from keras_fair.groups.enumeration import column_name
from keras_fair.groups.factors import Factor, attribute_of
from keras_fair.groups.samples import Samples
from keras_fair.groups.thresholds import LARGE, equal_to, interval_codes, is_missing
from keras_fair.inputs.arrays import Tensor, floats, is_numpy, namespace
from keras_fair.language.nodes import Label, Subject

__all__ = ["Members", "member_of", "outside", "shares_of_label"]

_FEW_CELLS = 8


@dataclass(frozen=True)
class Members:
    """The samples of a batch among the conditions of one cluster.

    Args:
        table: `(conditions, cells)`, the truth table.
        cells: `(n,)` int, where all states are certain, else None.
        shares: `(conditions, n)` in [0, 1], where some are not, else None.
    """

    table: np.ndarray
    cells: Tensor | None
    shares: Tensor | None

    def of_samples(self, xp: Any) -> Tensor:
        """The membership of each sample in each condition, `(conditions, n)` floats."""
        if self.shares is not None:
            return self.shares
        return xp.take(floats(xp, self.table), self.cells, axis=1)

    def sums(self, quantities: Sequence[Tensor | None], samples: Samples) -> Tensor:
        """`sum_i m_i q_i` for each condition and each quantity `(n,)`, shape `(conditions, quantities)`.

        None among the quantities stands for all 1.
        """
        xp, count = samples.xp, self.table.shape[1]
        if self.cells is not None and is_numpy(self.cells):
            cells = self.cells.astype(np.intp)
            sums = [np.bincount(cells, weights=quantity, minlength=count) for quantity in quantities]
            return np.matmul(self.table, np.stack(sums, axis=1))
        if self.cells is None:
            stacked = xp.stack(
                [samples.ones() if quantity is None else quantity for quantity in quantities], axis=1
            )
            return xp.matmul(self.shares, stacked)
        # One at a time: a sum of vectors by cell takes TensorFlow ten times as long as that of numbers.
        sums = [
            _counts(self.cells, count, samples)
            if quantity is None
            else xp.segment_sum(quantity, self.cells, num_segments=count)
            for quantity in quantities
        ]
        by_cell = xp.stack(sums, axis=1)
        if np.all(self.table.sum(axis=1) == 1):  # each condition is one cell
            return xp.take(by_cell, self.table.argmax(axis=1).astype("int32"), axis=0)
        return xp.matmul(floats(xp, self.table), by_cell)


def member_of(
    cluster: Cluster, factors: Mapping[Subject, Factor], samples: Samples, *, fractional_label: bool
) -> Members:
    """The place of each sample of a batch in the truth table of a cluster.

    Args:
        cluster: the conditions.
        factors: the states of each subject.
        samples: the batch.
        fractional_label: whether the label is read as the probability of 1.
    """
    hard: list[tuple[Tensor, int]] = []
    soft: list[Tensor] = []
    soft_axes = []
    for axis, (subject, block) in enumerate(zip(cluster.subjects, cluster.blocks, strict=True)):
        column = samples.column(attribute_of(subject))
        factor, size = factors[subject], cluster.sizes[axis]
        if isinstance(subject, Label) and fractional_label:
            soft.append(_label_shares(samples.xp, column, factor, block, size))
        elif len(column.shape) == 2:
            soft.append(_attribute_shares(samples.xp, column, factor, block, size))
        else:
            hard.append((_block_codes(column, factor, block, samples), size))
            continue
        soft_axes.append(axis)
    cells = _joint(hard, samples)
    if not soft:
        return Members(cluster.table, cells, None)
    return Members(cluster.table, None, _memberships(samples.xp, cluster, cells, soft, soft_axes))


def outside(
    factors: Mapping[Subject, Factor], samples: Samples
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """How many samples have a value outside the vocabulary, and how many have none, by attribute."""
    unknown, missing = {}, {}
    xp = samples.xp
    none = xp.zeros((), dtype="int32")
    compared = {attribute_of(subject): factor for subject, factor in factors.items()}
    for name in dict.fromkeys([*compared, *samples.columns]):
        if name is None or len(samples.columns[name].shape) == 2:
            continue
        column, factor = samples.columns[name], compared.get(name)
        if factor is not None and factor.cuts is None:
            size = factor.states - 2
            seen = samples.highest.get(name, size) < size
            missing[name] = none if seen else _number_where(xp.equal(column, size + 1))
            if not factor.other:
                unknown[name] = none if seen else _number_where(xp.equal(column, size))
        else:  # numbers
            missing[name] = none if name in samples.complete else _number_where(is_missing(column))
            if factor is not None and factor.listed:
                numbers = [value for value in factor.values or () if not isinstance(value, str)]
                known = xp.logical_or(
                    equal_to(column, numbers, passes=_is_large(samples)), is_missing(column)
                )
                unknown[name] = _number_where(xp.logical_not(known))
    return unknown, missing


def _number_where(condition: Tensor) -> Tensor:
    xp = namespace(condition)
    return xp.sum(xp.cast(condition, "int32"))


def _is_large(samples: Samples) -> bool:
    """Whether passes over the samples cost more than operations."""
    return samples.size is not None and samples.size >= LARGE


def _counts(cells: Tensor, count: int, samples: Samples) -> Tensor:
    """The number of samples in each cell, `(count,)`."""
    xp = samples.xp
    if count > _FEW_CELLS:
        return xp.segment_sum(samples.ones(), cells, num_segments=count)
    inside = xp.equal(xp.expand_dims(cells, 0), np.arange(count, dtype="int32")[:, None])
    return floats(xp, xp.sum(xp.cast(inside, "int32"), axis=1))


def _joint(hard: list[tuple[Tensor, int]], samples: Samples) -> Tensor:
    """One cell a sample from one block a subject, the last varying fastest."""
    xp = samples.xp
    if not hard:
        return xp.zeros((samples.count,), dtype="int32")
    dtype = _code_dtype(samples, math.prod(size for _, size in hard))
    cells = xp.cast(hard[0][0], dtype)
    for codes, size in hard[1:]:
        cells = cells * xp.cast(size, dtype) + xp.cast(codes, dtype)
    return cells


def _code_dtype(samples: Samples, count: int) -> str:
    """The dtype for codes below `count`: in NumPy, where passes over the samples cost, a narrow one."""
    if samples.xp is not namespace():
        return "int32"
    return "int8" if count < 127 else "int16" if count < 32_767 else "int32"


def _block_codes(column: Tensor, factor: Factor, block: np.ndarray, samples: Samples) -> Tensor:
    """The block of each sample, `(n,)`."""
    xp, name = samples.xp, attribute_of(factor.subject)
    dtype = _code_dtype(samples, 2 * int(block.max()) + 2)
    if factor.cuts is None:
        last = int(block[-1])
        if np.array_equal(block, np.minimum(np.arange(len(block)), last)):
            return column if samples.highest.get(name, len(block)) <= last else xp.minimum(column, last)
        return xp.take(xp.convert_to_tensor(block, dtype), column, axis=0)
    what, passes = column_name(factor.subject), _is_large(samples)
    codes = interval_codes(column, factor.cuts, block[:-2], what, dtype=dtype, passes=passes)
    if name not in samples.complete:
        codes = xp.where(is_missing(column), xp.cast(int(block[-1]), dtype), codes)
    return codes


def _attribute_shares(xp: Any, column: Tensor, factor: Factor, block: np.ndarray, size: int) -> Tensor:
    """The probability of each block, `(n, size)`, from those of the values; the rest is an unlisted value."""
    of_value = np.eye(size)[block[factor.state_of_value()]]
    rest = np.eye(size)[block[UNKNOWN]]
    left = xp.maximum(1.0 - xp.sum(column, axis=1, keepdims=True), 0.0)
    return xp.matmul(column, floats(xp, of_value)) + left * floats(xp, rest)


def _label_shares(xp: Any, label: Tensor, factor: Factor, block: np.ndarray, size: int) -> Tensor:
    """The probability of each block of a label that is the probability of 1."""
    parts = shares_of_label(xp, floats(xp, label))
    states = [factor.state_of_number(0.0), factor.state_of_number(1.0), 0, factor.states - 3, MISSING]
    return xp.matmul(xp.stack(parts, axis=1), floats(xp, np.eye(size)[block[states]]))


def shares_of_label(xp: Any, label: Tensor) -> tuple[Tensor, ...]:
    """A label that may be the probability of 1, in parts that add up to 1 for each sample.

    Args:
        xp: the functions for the label.
        label: `(n,)` floats.

    Returns:
        The parts in which it is 0, is 1, lies below 0, lies above 1, and is missing, each `(n,)` floats. A
        number outside [0, 1] has no part in 0 or 1.
    """
    inside = floats(xp, xp.logical_and(xp.greater_equal(label, 0.0), xp.less_equal(label, 1.0)))
    missing = xp.isnan(label)
    share = xp.where(missing, xp.zeros_like(label), label) * inside
    below, above = floats(xp, xp.less(label, 0.0)), floats(xp, xp.greater(label, 1.0))
    return inside - share, share, below, above, floats(xp, missing)


def _memberships(
    xp: Any, cluster: Cluster, cells: Tensor, soft: list[Tensor], soft_axes: list[int]
) -> Tensor:
    """The membership of each sample in each condition, `(conditions, n)`."""
    hard_axes = [axis for axis in range(len(cluster.sizes)) if axis not in soft_axes]
    count = cluster.table.shape[0]
    order = [0, *(axis + 1 for axis in hard_axes), *(axis + 1 for axis in soft_axes)]
    states = math.prod(cluster.sizes[axis] for axis in soft_axes)
    grid = cluster.table.reshape(count, *cluster.sizes).transpose(order).reshape(count, -1, states)
    joint = soft[0]
    for shares in soft[1:]:
        product = xp.expand_dims(joint, 2) * xp.expand_dims(shares, 1)
        joint = xp.reshape(product, (-1, int(joint.shape[1]) * int(shares.shape[1])))
    if grid.shape[1] == 1:
        return xp.matmul(floats(xp, grid[:, 0]), xp.transpose(joint))
    parts = [
        xp.take(floats(xp, grid[:, :, state]), cells, axis=1) * joint[:, state]
        for state in range(states)
        if state == 0 or grid[:, :, state].any()
    ]
    return sum(parts[1:], parts[0])
