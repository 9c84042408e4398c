"""Pairs of arrivals: as they are defined, whatever the batches are, and without a bias."""

from __future__ import annotations

import numpy as np
import pytest

from keras_fair.postprocessing.drift_pairs import Block, Paired, pair_in_turn, pair_together


def empty(groups: int) -> Block:
    return Block(np.zeros(groups), np.zeros((groups, 2)))


def together(codes: np.ndarray, groups: int) -> np.ndarray:
    """Who is in which group; a code beyond the last is nobody's."""
    return codes[None] == np.arange(groups)[:, None]


def by_hand(member: np.ndarray, values: np.ndarray, turns: bool) -> tuple[list, list]:
    """Means and ends, one arrival after the other."""
    held: list[list] = [[] for _ in member]
    means, ends = [], []
    for place, who in enumerate(member.T):
        if turns:
            turn = sum(bool(each) for each in held)
            if who[turn]:
                held[turn].append(values[place])
        elif who.any():
            held[int(who.argmax())].append(values[place])
        if all(held):
            means.append([np.mean(each, axis=0) for each in held])
            ends.append(place)
            held = [[] for _ in member]
    return means, ends


def pairs(
    member: np.ndarray, values: np.ndarray, turns: bool, cuts: list[int]
) -> tuple[list, list, Block, int]:
    """The same by batches."""
    pair = pair_in_turn if turns else pair_together
    block, people = empty(len(member)), 0
    means: list = []
    ends: list = []
    edges = [0, *cuts, len(values)]
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        paired: Paired = pair(member[:, begin:end], values[begin:end], block)
        block = paired.open
        people += paired.people
        means += paired.means.tolist()
        ends += (paired.ends + begin).tolist()
    return means, ends, block, people


@pytest.mark.parametrize("turns", [False, True])
@pytest.mark.parametrize("groups", [1, 2, 3, 5])
def test_pairs_are_as_defined(turns, groups, rng) -> None:
    for cuts in ([], [1], [3, 3, 4, 100], list(range(1, 200))):
        if turns:
            member = rng.random((groups, 200)) < 0.5
        else:
            member = together(rng.integers(0, groups + 1, 200), groups)
        values = rng.random((200, 2))
        expected_means, expected_ends = by_hand(member, values, turns)
        means, ends, block, people = pairs(member, values, turns, cuts)
        assert ends == expected_ends
        assert np.array(means) == pytest.approx(np.array(expected_means))
        used = people - block.counts.sum()
        assert used == (len(ends) * groups if turns else member[:, : ends[-1] + 1].any(axis=0).sum())


@pytest.mark.parametrize("turns", [False, True])
def test_batches_of_one_and_many_agree_to_the_last_digit(turns, rng) -> None:
    member = together(rng.integers(0, 2, 500), 2)
    values = rng.random((500, 2))
    whole, single = (pairs(member, values, turns, cuts) for cuts in ([], list(range(1, 500))))
    assert whole[:2] == single[:2]


@pytest.mark.parametrize("turns", [False, True])
def test_nobody_ends_no_pair(turns) -> None:
    member = np.zeros((2, 0), bool)
    means, ends, block, people = pairs(member, np.zeros((0, 2)), turns, [])
    assert (means, ends, people) == ([], [], 0)
    only_one = together(np.zeros(50, int), 2)
    means, ends, block, people = pairs(only_one, np.ones((50, 2)), turns, [20])
    assert (means, ends) == ([], [])
    assert block.sums[0].tolist() == ([1.0, 1.0] if turns else [50.0, 50.0])


def test_the_block_that_is_given_stays_as_it_is(rng) -> None:
    block = Block(np.array([1.0, 0.0]), np.array([[0.5, 0.0], [0.0, 0.0]]))
    for pair in (pair_together, pair_in_turn):
        for size in (1, 30):
            pair(together(rng.integers(0, 2, size), 2), rng.random((size, 2)), block)
            assert block.counts.tolist() == [1.0, 0.0]
            assert block.sums[0, 0] == 0.5


def test_everyone_and_some_of_them_have_the_means_of_the_population() -> None:
    """In turn, E[m] is the mean of everyone; in a block that waits for a woman it would not be."""
    rng = np.random.default_rng(6)
    is_woman = rng.random(60_000) < 0.2
    decided = (rng.random(60_000) < np.where(is_woman, 0.1, 0.6)).astype(float)
    member = np.stack([is_woman, np.ones(60_000, bool)])
    paired = pair_in_turn(member, np.stack([decided, decided], axis=1), empty(2))
    women, everyone = paired.means[:, :, 0].T
    error = 4 * np.sqrt(0.25 / len(women))
    assert women.mean() == pytest.approx(0.1, abs=error)
    assert everyone.mean() == pytest.approx(0.2 * 0.1 + 0.8 * 0.6, abs=error)


def test_the_mean_of_a_block_has_no_bias() -> None:
    rng = np.random.default_rng(7)
    codes = (rng.random(60_000) < 0.2).astype(int)
    decided = (rng.random(60_000) < np.where(codes == 1, 0.1, 0.6)).astype(float)
    paired = pair_together(together(codes, 2), np.stack([decided, decided], axis=1), empty(2))
    first, second = paired.means[:, :, 0].T
    error = 4 * np.sqrt(0.25 / len(first))
    assert first.mean() == pytest.approx(0.6, abs=error)
    assert second.mean() == pytest.approx(0.1, abs=error)
