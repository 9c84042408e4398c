"""Evidence by betting: what it is, how seldom it errs where a promise holds, how soon it tells where not."""

from __future__ import annotations

import numpy as np
import pytest

from keras_fair.postprocessing.drift_pairs import Block, pair_together
from keras_fair.postprocessing.drift_process import (
    KINDS,
    SHARES,
    Capital,
    advance,
    bets,
    evidence_of,
    joined,
    start,
)

PROBABILITY, RUN_LENGTH = KINDS
LAMS = bets(-1.0, 1.0, 0.05)


def observations(rng: np.random.Generator, size: int, high: float, low: float) -> np.ndarray:
    """Differences of one decision of either group, less a bound of 0.05."""
    return (rng.random(size) < high).astype(float) - (rng.random(size) < low) - 0.05


def course(excess: np.ndarray, kind: str) -> np.ndarray:
    return advance(start(kind), excess, LAMS, 0, kind)[1]


def by_hand(excess: np.ndarray, kind: str) -> list[float]:
    """The evidence after each observation, as it is defined."""
    parts = np.full(len(SHARES), 0.75 if kind == PROBABILITY else 0.0)
    found = []
    for place, each in enumerate(excess.tolist()):
        before, after = (0.25 / np.sqrt(1 + time / 1000) for time in (place, place + 1))
        entering, reserve = (before - after, after) if kind == PROBABILITY else (1.0, 0.0)
        parts = (parts + entering) * (1 + LAMS * each)
        found.append(float(parts.mean() + reserve))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_what_the_definition_says(kind, rng) -> None:
    excess = observations(rng, 300, 0.5, 0.2)
    assert np.exp(course(excess, kind)) == pytest.approx(by_hand(excess, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_any_size_give_the_same(kind, rng) -> None:
    excess = observations(rng, 70_000, 0.275, 0.225)  # more than are gone through at a time
    whole, expected = advance(start(kind), excess, LAMS, 0, kind)
    capital, seen, found = start(kind), 0, []
    for part in np.split(excess, [1, 2, 500, 40_000]):
        capital, evidence = advance(capital, part, LAMS, seen, kind)
        seen += len(part)
        found.append(evidence)
    assert np.concatenate(found) == pytest.approx(expected, abs=1e-8)
    assert capital.parts == pytest.approx(whole.parts, abs=1e-8)
    assert float(capital.reserve) == pytest.approx(float(whole.reserve))


def test_no_bet_can_lose_all() -> None:
    for low, bound in ((-1.0, 0.05), (0.0, 0.1), (0.0, 0.0), (-0.4, 0.0), (0.0, 1e-9)):
        high = low + 1 if low > -1 else 1.0
        lams = bets(low, high, bound)
        assert np.isfinite(lams).all()
        assert (1 + lams * (low - bound) >= 0.49).all()


def test_the_mean_of_a_step_is_at_most_one_at_the_bound() -> None:
    """Over all outcomes of three pairs, weighed by their probabilities, exactly."""
    values = {-1.0: 0.725 * 0.225, 0.0: 0.275 * 0.225 + 0.725 * 0.775, 1.0: 0.275 * 0.775}
    total = 0.0
    for first, p in values.items():
        for second, q in values.items():
            for third, r in values.items():
                evidence = course(np.array([first, second, third]) - 0.05, PROBABILITY)[-1]
                total += p * q * r * float(np.exp(evidence))
    assert total == pytest.approx(1.0, abs=1e-12)


def test_false_alarms_are_as_rare_as_alpha_says() -> None:
    """300 streams of 20,000 pairs whose gap is the bound: at most 1%, and chance (3 standard errors)."""
    rng = np.random.default_rng(1)
    streams = [course(observations(rng, 20_000, 0.275, 0.225), PROBABILITY).max() for _ in range(300)]
    assert np.mean(np.array(streams) >= np.log(100)) <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / 300)


def test_false_alarms_of_means_that_wander_below_the_bound(rng) -> None:
    """The promise may hold with a different mean each time, as the past says."""
    found = []
    for _ in range(200):
        gap = 0.05 - 0.1 * (np.sin(np.arange(5000) / 300) ** 2) * (rng.random() < 0.5)
        excess = (rng.random(5000) < 0.225 + gap).astype(float) - (rng.random(5000) < 0.225) - 0.05
        found.append(course(excess, PROBABILITY).max())
    assert np.mean(np.array(found) >= np.log(20)) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_a_gap_of_twice_the_bound_is_seen_within_2000_pairs() -> None:
    """People of two groups of one size, rates 0.3 and 0.2; each inequality of an equality has alpha =
    0.005."""
    rng = np.random.default_rng(2)
    at = []
    for _ in range(200):
        first = rng.random(15_000) < 0.5
        decided = (rng.random(15_000) < np.where(first, 0.3, 0.2)).astype(float)[:, None]
        nobody = Block(np.zeros(2), np.zeros((2, 1)))
        means = pair_together(np.stack([first, ~first]), decided, nobody).means
        reached = course(means[:, 0, 0] - means[:, 1, 0] - 0.05, PROBABILITY) >= np.log(200)
        at.append(int(reached.argmax()) + 1 if reached.any() else len(reached))
    assert np.median(at) <= 2000


def test_a_late_drift_is_seen_nearly_as_soon() -> None:
    rng = np.random.default_rng(3)
    fair, drifted = observations(rng, 20_000, 0.25, 0.24), observations(rng, 8000, 0.3, 0.2)
    at = {}
    for kind, alpha in ((PROBABILITY, 0.01), (RUN_LENGTH, 1e-5)):
        reached = course(np.concatenate([fair, drifted]), kind) >= -np.log(alpha)
        at[kind] = int(reached.argmax()) - 20_000
    assert 0 < at[RUN_LENGTH] < 4000
    assert 0 < at[PROBABILITY] < 6000


def test_the_average_run_length_is_at_least_what_is_proven() -> None:
    rng = np.random.default_rng(4)
    lengths = []
    for _ in range(200):
        reached = course(observations(rng, 5000, 0.275, 0.225), RUN_LENGTH) >= np.log(500)
        lengths.append(int(reached.argmax()) + 1 if reached.any() else 5000)
    assert np.mean(lengths) >= 500 - 3 * np.std(lengths) / np.sqrt(200)


def test_two_streams_are_joined_in_any_order(rng) -> None:
    for kind in KINDS:
        parts = [advance(start(kind), observations(rng, 400, 0.3, 0.2), LAMS, 0, kind)[0] for _ in range(3)]
        left = joined(joined(parts[0], parts[1], kind), parts[2], kind)
        right = joined(parts[2], joined(parts[1], parts[0], kind), kind)
        assert left.parts == pytest.approx(right.parts)
        assert float(left.reserve) == pytest.approx(float(right.reserve))


def test_joined_evidence_is_the_product_share_by_share(rng) -> None:
    drawn = [observations(rng, 50, 0.3, 0.2) for _ in range(2)]
    one, two = (advance(start(PROBABILITY), excess, LAMS, 0, PROBABILITY)[0] for excess in drawn)
    each = [np.exp(capital.parts) + np.exp(capital.reserve) for capital in (one, two)]
    both = joined(one, two, PROBABILITY)
    assert float(np.exp(evidence_of(both))) == pytest.approx(float((each[0] * each[1]).mean()))


def test_joined_streams_err_no_more_often() -> None:
    """The product of two streams at the bound, after each observation of either."""
    rng = np.random.default_rng(5)
    largest = []
    for _ in range(300):
        capitals = []
        for _ in range(2):
            capital, states = start(PROBABILITY), []
            for part in np.split(observations(rng, 2000, 0.275, 0.225), 20):
                capital, _ = advance(capital, part, LAMS, 100 * len(states), PROBABILITY)
                states.append(capital)
            capitals.append(states)
        largest.append(
            max(float(evidence_of(joined(*pair, PROBABILITY))) for pair in zip(*capitals, strict=True))
        )
    assert np.mean(np.array(largest) >= np.log(20)) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_nothing_is_known_at_the_start() -> None:
    assert float(evidence_of(start(PROBABILITY))) == pytest.approx(0.0)
    assert float(evidence_of(start(RUN_LENGTH))) == -np.inf
    both = joined(start(RUN_LENGTH), Capital(np.zeros(len(SHARES)), np.array(-np.inf)), RUN_LENGTH)
    assert float(evidence_of(both)) == pytest.approx(0.0)
