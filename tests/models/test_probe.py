"""The fresh probe: its AUC, what its interval covers, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from keras_fair.models.probe import area_with_interval, probe_scores


def whole(y: np.ndarray, group: np.ndarray, name: str = "g") -> tuple:
    return name, y, group, np.ones(len(y), dtype=bool)


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(0)
    above, below = rng.integers(0, 6, 40) + 0.0, rng.integers(0, 5, 50) + 0.0
    pairs = np.sign(above[:, None] - below[None, :])
    auc, lower, upper = area_with_interval(above, below, 0.95)
    assert auc == pytest.approx(np.mean((pairs + 1) / 2))
    assert lower < auc < upper


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    truth = stats.norm.cdf(0.5 / np.sqrt(2))
    runs = 1500
    covered = 0
    for _ in range(runs):
        _, lower, upper = area_with_interval(rng.normal(0.5, size=60), rng.normal(size=80), 0.9)
        covered += lower <= truth <= upper
    assert 0.88 <= covered / runs <= 0.93


def test_a_perfect_order_still_has_an_interval() -> None:
    auc, lower, upper = area_with_interval(np.arange(20) + 100.0, np.arange(30) + 0.0, 0.95)
    assert (auc, upper) == (1.0, 1.0)
    assert lower == pytest.approx(0.025 ** (1 / 20))


def test_what_has_no_order_is_found_too() -> None:
    """One group lies in the middle: the score itself has AUC 0.5, and says nearly all."""
    rng = np.random.default_rng(2)
    group = rng.random(2000) < 0.5
    y = np.where(group, rng.uniform(0.4, 0.6, 2000), rng.choice([0.1, 0.9], 2000) + rng.uniform(0, 0.1, 2000))
    found = probe_scores([whole(y, group)], confidence=0.95, seed=0)
    assert found.lower > 0.95


def test_independent_scores_give_a_half() -> None:
    rng = np.random.default_rng(3)
    found = probe_scores([whole(rng.random(4000), rng.random(4000) < 0.3)], confidence=0.99, seed=0)
    assert found.lower < 0.5 < found.upper
    assert found.text.startswith("a fresh probe tells g with AUC 0.")


def test_the_worst_counts_and_the_interval_is_of_all_together() -> None:
    rng = np.random.default_rng(4)
    group = rng.random(1000) < 0.5
    none, much = rng.random(1000), rng.random(1000) + 0.5 * group
    both = probe_scores([whole(none, group, "none"), whole(much, group, "much")], confidence=0.9, seed=0)
    alone = probe_scores([whole(much, group, "much")], confidence=0.9, seed=0)
    assert both.auc == max(comparison.auc for comparison in both.comparisons)
    assert "much" in both.text
    assert "the worst of 2" in both.text
    assert both.upper - both.lower > alone.upper - alone.lower
    assert [comparison.what for comparison in both.comparisons] == ["none", "much"]


def test_groups_of_a_few_are_named_and_left_out() -> None:
    rng = np.random.default_rng(5)
    y, group, rare = rng.random(200), rng.random(200) < 0.5, np.arange(200) < 5
    found = probe_scores([whole(y, group), whole(y, rare, "rare")], confidence=0.9, seed=0)
    assert found.skipped == ("rare",)
    assert "too few people for rare" in str(found)
    with pytest.raises(ValueError, match="expected 20 people or more"):
        probe_scores([whole(y, rare, "rare")], confidence=0.9, seed=0)
