"""From people who arrive one by one to observations of a difference of means of groups.

    sum_g a_g mean_g <= b        z = sum_g a_g m_g,    m_g from the group's people in one block of arrivals

*Together*, where nobody is in two of the groups: a block ends as soon as each group has had an arrival in it,
and `m_g` is the mean of the group's arrivals in it. With two groups each arrival of one is paired with the
mean of the other's since the last pair. Given who is in which group, the values of a group's people have the
group's mean, and groups alone decide where a block ends; so E[m_g | past] = mean_g.

*In turn*, where somebody can be in two of them, as in `E[y | sex=Female] <= E[y] + 0.05`: the next arrival of
the first group gives `m_1`, from then on the next of the second group gives `m_2`, and so on. Each is an
arrival after a time that the past decides, so E[m_g | past] = mean_g again. In one block together they would
not be: a block that waits for a woman ends with one, and its mean is no mean of everyone.

People of a block arrive close to each other, so a mean that changes for all groups alike, as over a year,
moves z little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Block", "Paired", "pair_in_turn", "pair_together"]


@dataclass(frozen=True)
class Block:
    """A block that has not ended yet.

    Attributes:
        counts: `(k,)` float, its arrivals of each group.
        sums: `(k, f)`, of the values of these.
    """

    counts: np.ndarray
    sums: np.ndarray


@dataclass(frozen=True)
class Paired:
    """Blocks that ended.

    Attributes:
        means: `(blocks, k, f)`, of each group.
        ends: `(blocks,)` int, the arrivals that ended them.
        open: the block that goes on.
        people: how many arrivals were used.
    """

    means: np.ndarray
    ends: np.ndarray
    open: Block
    people: int


def pair_together(member: np.ndarray, values: np.ndarray, block: Block) -> Paired:
    """Blocks of groups that share nobody.

    Args:
        member: `(k, n)` bool, at most one of each column.
        values: `(n, f)`.
        block: the one that goes on.

    Example:
        >>> member = np.array([[1, 1, 0, 0, 1], [0, 0, 1, 1, 0]], bool)
        >>> values = np.array([[1.0], [0.0], [1.0], [1.0], [0.0]])
        >>> paired = pair_together(member, values, Block(np.zeros(2), np.zeros((2, 1))))
        >>> paired.means[:, :, 0].tolist(), paired.ends.tolist()
        ([[0.5, 1.0], [0.0, 1.0]], [2, 4])
    """
    if member.shape[1] == 1:
        group = int(member[:, 0].argmax())
        return _one(group if member[group, 0] else None, values[0], block)
    groups, features = member.shape[0], values.shape[1]
    arrivals = np.flatnonzero(member.any(axis=0))
    if groups == 1:
        return Paired(values[arrivals][:, None, :], arrivals, block, len(arrivals))
    codes = member[:, arrivals].argmax(axis=0)
    ends = _ends(codes, block.counts > 0)
    lengths = np.diff(ends, prepend=-1, append=len(codes) - 1)
    # What the open block holds goes first: sums are added up in one order, whatever the batches are.
    of_block = np.concatenate([np.zeros(groups, int), np.repeat(np.arange(len(ends) + 1), lengths)])
    places = of_block * groups + np.concatenate([np.arange(groups), codes])
    size = (len(ends) + 1) * groups
    counts = np.bincount(places, np.concatenate([block.counts, np.ones(len(codes))]), size)
    summed = [
        np.bincount(places, np.concatenate([block.sums[:, each], values[arrivals, each]]), size)
        for each in range(features)
    ]
    counts = counts.reshape(-1, groups)
    sums = np.stack(summed, axis=1).reshape(-1, groups, features)
    means = sums[:-1] / counts[:-1, :, None]
    return Paired(means, arrivals[ends], Block(counts[-1], sums[-1]), len(arrivals))


def _one(group: int | None, value: np.ndarray, block: Block) -> Paired:
    """One arrival, which counts in this group, or in none; a batch of one takes no passes over arrays."""
    nothing = np.zeros((0, *block.sums.shape))
    if group is None:
        return Paired(nothing, np.zeros(0, int), block, 0)
    counts, sums = block.counts.copy(), block.sums.copy()
    counts[group] += 1
    sums[group] += value
    if not counts.all():
        return Paired(nothing, np.zeros(0, int), Block(counts, sums), 1)
    empty = Block(np.zeros_like(counts), np.zeros_like(sums))
    return Paired((sums / counts[:, None])[None], np.zeros(1, int), empty, 1)


def _ends(codes: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The places where blocks end.

    Args:
        codes: `(m,)`, the group of each arrival.
        held: `(k,)` bool, which groups the open block has had already.
    """
    size = len(codes)
    following = np.stack([_following(codes == group) for group in range(len(held))])
    whole = following.max(axis=0).tolist()  # where a block ends that begins here
    ends = []
    end = int(following[~held, 0].max()) if size else size
    while end < size:
        ends.append(end)
        end = whole[end + 1] if end + 1 < size else size
    return np.array(ends, int)


def _following(member: np.ndarray) -> np.ndarray:
    """From each place on the first that is a member, `(n,)` int; n without one."""
    size = len(member)
    return np.minimum.accumulate(np.where(member, np.arange(size), size)[::-1])[::-1]


def pair_in_turn(member: np.ndarray, values: np.ndarray, block: Block) -> Paired:
    """Blocks of groups that may share people; arguments as of `pair_together`.

    Example:
        >>> member = np.array([[0, 1, 0, 0, 1], [1, 1, 1, 1, 1]], bool)
        >>> paired = pair_in_turn(member, np.arange(5.0)[:, None], Block(np.zeros(2), np.zeros((2, 1))))
        >>> paired.means[:, :, 0].tolist(), paired.open.counts.tolist()
        ([[1.0, 2.0]], [1.0, 0.0])
    """
    groups, size = member.shape
    if size == 1:
        turn = int(block.counts.sum())
        return _one(turn if member[turn, 0] else None, values[0], block)
    following = [_following(each).tolist() for each in member]
    turn, chosen, place = int(block.counts.sum()), [], 0
    while place < size and (found := following[turn][place]) < size:
        chosen.append(found)
        turn, place = (turn + 1) % groups, found + 1
    picked = values[np.array(chosen, int)]
    held = int(block.counts.sum())
    whole = np.concatenate([block.sums[:held], picked])
    blocks = len(whole) // groups
    rest = whole[blocks * groups :]
    sums = np.zeros_like(block.sums)
    sums[: len(rest)] = rest
    counts = (np.arange(groups) < len(rest)).astype(float)
    ends = np.array(chosen, int)[groups - 1 - held :: groups]
    means = whole[: blocks * groups].reshape(blocks, groups, values.shape[1])
    return Paired(means, ends, Block(counts, sums), len(chosen))
