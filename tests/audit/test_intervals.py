"""Intervals: what they are where a formula says so, and that they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest

from keras_fair.audit import AuditedRelation, Interval, audit
from keras_fair.audit.quantiles import rate_limits, t_quantile


def tail(size: int, rate: float, counts: range) -> float:
    """The probability of these counts of a binomial variable."""
    return sum(math.comb(size, count) * rate**count * (1 - rate) ** (size - count) for count in counts)


@pytest.mark.parametrize(("ones", "size", "alpha"), [(3, 20, 0.05), (1, 7, 0.01), (199, 200, 0.1)])
def test_clopper_and_pearson_cut_the_tails(ones, size, alpha) -> None:
    low, high = rate_limits(ones, size, alpha)
    assert tail(size, low, range(ones, size + 1)) == pytest.approx(alpha / 2, rel=1e-9)
    assert tail(size, high, range(ones + 1)) == pytest.approx(alpha / 2, rel=1e-9)


def test_a_rate_of_nothing_or_of_everything_has_one_open_end() -> None:
    low, high = rate_limits(0, 20, 0.05)
    assert (low, (1 - high) ** 20) == (0.0, pytest.approx(0.025, rel=1e-9))
    assert rate_limits(20, 20, 0.05) == (pytest.approx(1 - high), 1.0)


@pytest.mark.parametrize(
    ("freedom", "alpha", "quantile"),
    [(1, 0.5, 1.0), (2, 0.05, 4.302652729911275), (19, 0.05, 2.093024054408263), (1e7, 0.05, 1.959964)],
)
def test_quantiles_of_student(freedom, alpha, quantile) -> None:
    assert t_quantile(freedom, alpha) == pytest.approx(quantile, rel=1e-6)


def only(text: str, *arguments: object, **keywords: object) -> AuditedRelation:
    (relation,) = audit(text, *arguments, **keywords)
    return relation


def test_the_mean_of_scores(rng: np.random.Generator) -> None:
    y = rng.random(20)
    found = only("E[y] <= 0.5", y, {}).interval
    reach = 2.093024054408263 * y.std(ddof=1) / math.sqrt(20) * 1.05
    assert (found.low, found.high) == (pytest.approx(y.mean() - reach), pytest.approx(y.mean() + reach))
    assert (found.method, found.confidence) == ("student t", 0.95)


def test_the_difference_of_means(rng: np.random.Generator) -> None:
    y, sex = rng.random(50), np.array(["Female"] * 20 + ["Male"] * 30)
    found = only("E[y | sex=Female] == E[y | sex=Male] +- 0.1", y, {"sex": sex})
    errors = [part.var(ddof=1) / len(part) * (1 + 1 / len(part)) ** 2 for part in (y[:20], y[20:])]
    freedom = sum(errors) ** 2 / (errors[0] ** 2 / 19 + errors[1] ** 2 / 29)
    reach = t_quantile(freedom, 0.05) * math.sqrt(sum(errors))
    assert found.interval == Interval(
        pytest.approx(found.gap - reach), pytest.approx(found.gap + reach), 0.95, "welch"
    )


def test_the_difference_of_rates() -> None:
    y, sex = np.repeat([1.0, 0.0, 1.0, 0.0], [6, 14, 11, 19]), ["Female"] * 20 + ["Male"] * 30
    found = only("P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.1", y, {"sex": sex})
    (a, b), (c, d) = rate_limits(6, 20, 0.05), rate_limits(11, 30, 0.05)
    one, other = 6 / 20, 11 / 30
    low = one - other - math.hypot(one - a, d - other)
    high = one - other + math.hypot(b - one, other - c)
    assert (found.interval.low, found.interval.high) == (pytest.approx(low), pytest.approx(high))
    assert found.interval.method == "clopper-pearson, squares added"
    same = only("E[y | sex=Female] == E[y | sex=Male] +- 0.1", y, {"sex": sex})  # 0 and 1 are rates too
    assert same.interval == found.interval


def test_differences_within_one_group_are_paired(rng: np.random.Generator) -> None:
    y = rng.random(40)
    label = y + 0.01 * rng.random(40)
    found = only("E[y] == E[label] +- 0.1", y, {}, label).interval
    paired = only("E[y - label] == 0 +- 0.1", y, {}, label).interval
    assert (found.low, found.high) == (pytest.approx(paired.low), pytest.approx(paired.high))
    assert found.high - found.low < 0.003


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("E[y | g=a] == E[y] +- 0.1", "bootstrap"),
        ("E[y | g=a] * E[label] <= 1", "bootstrap"),
        ("cov(y, x) <= 1", "bootstrap"),
        ("E[y | g=a] == P[label=1 | g=b] +- 0.1", "squares added"),
        ("spread(E[y | g=*]) <= 0.1", "bootstrap, simultaneous"),
        ("disparate_impact(g) >= 80%", "bootstrap, simultaneous"),
        ("abs(E[y | g=a] - E[y | g=b]) <= 1", "bootstrap, simultaneous"),
        ("E[y | g=a] / E[y | g=b] >= 0.8", "welch"),
    ],
)
def test_methods(text, method, rng: np.random.Generator) -> None:
    columns = {"g": rng.choice(["a", "b", "c"], 90), "x": rng.random(90)}
    y, label = rng.random(90), (rng.random(90) < 0.5) * 1.0
    found = only(text, y, columns, label)
    assert found.interval.method == method
    assert found.interval.low <= found.gap <= found.interval.high
    assert found == only(text, y, columns, label)  # the seed is fixed
    other = only(text, y, columns, label, seed=1).interval
    assert (other == found.interval) == (not method.startswith("bootstrap"))
    wider = only(text, y, columns, label, confidence=0.99).interval
    assert wider.low < found.interval.low or found.interval.low == 0
    assert wider.high > found.interval.high
    assert only(text, y, columns, label, confidence=None).interval is None


def test_weights_that_are_all_alike_are_none(rng: np.random.Generator) -> None:
    y, columns = rng.random(60), {"g": rng.choice(["a", "b"], 60)}
    text = "E[y | g=a] == E[y | g=b] +- 0.1; spread(E[y | g=*]) <= 0.1"
    plain = [relation.interval for relation in audit(text, y, columns)]
    for weight in (2.0, 0.1):
        found = audit(text, y, columns, sample_weight=np.full(60, weight))
        for one, other in zip(found, plain, strict=True):
            assert (one.interval.low, one.interval.high) == (
                pytest.approx(other.low),
                pytest.approx(other.high),
            )
        assert found.relations[0].statistics[0].weight == pytest.approx(
            weight * found.relations[0].statistics[0].size
        )


def test_uneven_weights_widen(rng: np.random.Generator) -> None:
    y = rng.random(400)
    weight = np.where(np.arange(400) % 4 == 0, 1.0, 1e-6)  # as if there were 100
    wide = only("E[y] <= 1", y, {}, sample_weight=weight).interval
    plain = only("E[y] <= 1", y[::4], {}).interval
    assert wide.high - wide.low == pytest.approx(plain.high - plain.low, rel=0.1)


def covered(kind: str, rng: np.random.Generator, repeats: int) -> float:
    """How often the interval of a kind holds the truth, groups of 20."""
    hits = 0
    for _ in range(repeats):
        columns = {"g": np.repeat(["a", "b", "c"], 20)}
        label = None
        y = rng.beta(2, 3, 60)
        if kind == "rates":
            text, truth = "P[y >= 0.5 | g=a] == P[y >= 0.5 | g=b] +- 0.1", -0.2
            y = (rng.random(60) < np.repeat([0.1, 0.3, 0.3], 20)) * 1.0
        elif kind == "means":
            text, truth = "E[y | g=a] == E[y | g=b] +- 0.1", 0.0
        elif kind == "overlap":
            columns = {"g": np.where(rng.random(60) < 1 / 3, "a", "b")}
            text, truth = "E[y | g=a] == E[y] +- 0.1", 0.0
        elif kind == "spread":
            text, truth = "spread(E[y | g=*]) <= 0.1", 0.0
        elif kind == "covariance":
            columns["x"] = rng.normal(size=60)
            y = columns["x"] / 2 + rng.normal(size=60)
            text, truth = "cov(y, x | g=a) <= 1", 0.5
        else:
            label = (rng.random(60) < 0.4) * 1.0
            text, truth = "E[y | g=a] / P[label=1 | g=a] >= 0.8", 1.0
        found = only(text, y, columns, label).interval
        hits += found.low - 1e-12 <= truth <= found.high + 1e-12
    return hits / repeats


@pytest.mark.parametrize("kind", ["rates", "means", "overlap", "spread", "covariance", "ratio"])
def test_groups_of_20_are_covered(kind) -> None:
    assert covered(kind, np.random.default_rng(5), 60) >= 0.9


def test_statistics_have_intervals_too(rng: np.random.Generator) -> None:
    y, columns = rng.random(60), {"g": rng.choice(["a", "b"], 60)}
    for statistic in only("E[y | g=a] >= 0.8 * E[y | g=b]", y, columns).statistics:
        assert statistic.interval.low < statistic.value < statistic.interval.high
        assert statistic.interval.method == "student t"


def test_many_groups_are_taken_one_by_one(rng: np.random.Generator) -> None:
    columns = {"g": np.repeat([f"g{place:02}" for place in range(40)], 30)}
    found = only("spread(E[y | g=*]) <= 0.1", rng.random(1200), columns)
    assert 0 <= found.interval.low <= found.gap <= found.interval.high < 1


def test_a_weighted_rate_has_an_effective_size() -> None:
    y = np.repeat([1.0, 0.0], [6, 14])
    found = only("P[y >= 0.5] <= 1", y, {}, sample_weight=np.where(np.arange(20) % 2, 1.0, 3.0)).interval
    size = (10 * 3 + 10) ** 2 / (10 * 9 + 10)
    low, high = rate_limits(0.3 * size, size, 0.05)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.method == "clopper-pearson, effective size"
    assert only("E[y] <= 1", y, {}, sample_weight=np.where(np.arange(20) % 2, 1.0, 3.0)).interval == found


def test_weighted_rates_that_share_no_sample_are_compared_by_their_effective_sizes(
    rng: np.random.Generator,
) -> None:
    y, columns = (rng.random(40) < 0.3) * 1.0, {"g": np.repeat(["a", "b"], 20)}
    weight = rng.uniform(0.5, 2.0, 40)
    pieces = []
    for group in ("a", "b"):
        relation = only(f"P[y >= 0.5 | g={group}] <= 1", y, columns, sample_weight=weight)
        pieces.append((relation.gap, relation.interval.low, relation.interval.high))
    text = "P[y >= 0.5 | g=a] == P[y >= 0.5 | g=b] +- 0.1"
    found = only(text, y, columns, sample_weight=weight)
    (a, a_low, a_high), (b, b_low, b_high) = pieces
    assert found.interval.method == "clopper-pearson, effective size, squares added"
    assert found.gap == pytest.approx(a - b)
    assert found.interval.low == pytest.approx(a - b - np.hypot(a - a_low, b_high - b))
    assert found.interval.high == pytest.approx(a - b + np.hypot(a_high - a, b - b_low))


def test_the_samples_of_many_groups_are_not_compared_with_each_other(monkeypatch, rng) -> None:
    """A spread has no closed interval, so nothing is made that grows with the square of its groups."""
    from keras_fair.audit import intervals

    asked = []
    atoms_of = intervals.atoms_of
    monkeypatch.setattr(
        intervals,
        "atoms_of",
        lambda selected, groups: asked.append(len(selected)) or atoms_of(selected, groups),
    )
    found = audit("spread(E[y | g=*]) <= 0.1", rng.random(400), {"g": rng.integers(0, 40, 400).astype(str)})
    assert found.relations[0].interval is not None
    assert max(asked) == 1
