"""A drift monitor beside its rule: what is watched, what it tells, what it refuses, and how it travels."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.packing import SumsError, pack, unpack
from keras_fair.sums import MergeableSums

PARITY = "parity: P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05"
SCORES = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
PRECISION = "P[label=1 | y >= 0.5, sex=*] >= 0.5"
OPPORTUNITY = "P[y >= 0.5 | sex=Male, label=1] - P[y >= 0.5 | sex=Female, label=1] <= 0.2"
BOTH = f"{PARITY}\n{OPPORTUNITY}"
RUN_LENGTH = "average run length"

People = tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]


def people(n: int, seed: int, women: float = 0.4) -> People:
    """Scores, attributes and labels."""
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(n) < 0.4, "Female", "Male")
    scores = np.clip(rng.normal(np.where(sex == "Female", women, 0.55), 0.2), 0, 1)
    return scores, {"sex": sex, "race": rng.choice(list("abc"), n)}, (rng.random(n) < scores).astype(int)


def part(who: People, chosen: Any) -> People:
    scores, attributes, label = who
    return scores[chosen], {name: column[chosen] for name, column in attributes.items()}, label[chosen]


@functools.cache
def rule_of(text: str, **options: Any) -> kf.FrozenFairness:
    scores, attributes, label = people(6000, 0)
    rule = kf.FrozenFairness(text, confidence=None, **options)
    return rule.fit(scores, attributes, label if rule.constraints.uses_label else None)


def numbers(monitor: kf.DriftMonitor) -> list[float]:
    report = monitor.report()
    counts = [report.people, report.awaited, report.unknown]
    rows = ((row.mean, row.evidence, row.observations, row.people) for row in report.rows)
    return [*counts, *(number for row in rows for number in row)]


def decisions(rule: kf.FrozenFairness, who: People) -> np.ndarray:
    return rule.decide(who[0], who[1])


def test_a_quiet_stream_and_a_drift() -> None:
    rule = kf.FrozenFairness(PARITY).fit(*people(6000, 0)[:2])
    monitor = kf.DriftMonitor(rule)
    assert monitor.observe(*people(20_000, 1)[:2]) == ()
    (alarm,) = monitor.observe(*people(10_000, 2, women=0.3)[:2])
    assert monitor.alarms == (alarm,)
    assert alarm.relation == "parity"
    assert alarm.row == "P[y >= 0.5 | sex=Male] - P[y >= 0.5 | sex=Female] <= 0.05"
    assert 20_000 < alarm.people <= 30_000
    assert alarm.evidence >= alarm.threshold == 200
    assert monitor.observe(*people(100, 3)[:2]) == ()  # each inequality has one alarm
    assert "ALARM" in str(monitor)
    assert "0.005 for each" in str(monitor)
    assert json.loads(json.dumps(monitor.report().to_dict()))["alarms"][0]["people"] == alarm.people


@pytest.mark.parametrize("kind", ["false alarm probability", RUN_LENGTH])
def test_people_in_batches_of_any_size_say_the_same(kind) -> None:
    who = people(400, 4)
    for text in (PARITY, SCORES, BOTH, "P[y >= 0.5 | sex=Female] <= P[y >= 0.5] + 0.05"):
        whole, single = (kf.DriftMonitor(rule_of(text), kind=kind) for _ in range(2))
        whole.observe(*who)
        for place in range(400):
            single.observe(*part(who, slice(place, place + 1)))
        assert numbers(single) == pytest.approx(numbers(whole), rel=1e-9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PARITY, lambda d, sex, label: [d[sex].mean() - d[~sex].mean()]),
        ("P[y >= 0.5 | sex=Female] <= P[y >= 0.5] + 0.1", lambda d, sex, label: [d[sex].mean() - d.mean()]),
        ("P[y >= 0.5] <= 0.6", lambda d, sex, label: [d.mean()]),
        (
            PRECISION,
            lambda d, sex, label: [((label - 0.5) * d)[sex].mean(), ((label - 0.5) * d)[~sex].mean()],
        ),
        (
            OPPORTUNITY,
            lambda d, sex, label: [d[~sex & (label == 1)].mean() - d[sex & (label == 1)].mean()],
        ),
        (
            "P[y >= 0.5 | sex=Female] >= 0.8 * P[y >= 0.5 | sex=Male]",
            lambda d, sex, label: [0.8 * d[~sex].mean() - d[sex].mean()],
        ),
    ],
)
def test_the_mean_of_the_left_side_is_that_of_the_people(text, expected) -> None:
    rule, who = rule_of(text), people(20_000, 5)
    monitor = kf.DriftMonitor(rule)
    monitor.observe(*who)
    decided = decisions(rule, who).astype(float)
    found = [row.mean for row in monitor.report().rows]
    wanted = expected(decided, who[1]["sex"] == "Female", who[2])
    assert found[: len(wanted)] == pytest.approx(wanted, abs=0.04)


def test_formulas_say_what_is_watched() -> None:
    rows = kf.DriftMonitor(rule_of(PRECISION)).report().rows
    assert [row.row for row in rows] == [
        f"E[(label - 0.5) * (y >= 0.5) | sex={sex}] >= 0" for sex in ("Female", "Male")
    ]
    (row,) = kf.DriftMonitor(rule_of("P[y >= 0.5 | sex=Female] >= 0.2")).report().rows
    assert (row.row, row.bound) == ("P[y >= 0.5 | sex=Female] >= 0.2", 0.2)
    assert np.isnan(row.mean)
    spread = kf.DriftMonitor(rule_of("spread(P[y >= 0.5 | race=*]) <= 0.1")).report().rows
    assert len(spread) == 6


def test_a_floor_that_is_broken_is_told() -> None:
    rule = rule_of("P[y >= 0.5 | sex=Female] >= 0.2")
    monitor = kf.DriftMonitor(rule)
    assert monitor.observe(*people(3000, 6)[:2]) == ()
    scores, attributes, _ = people(3000, 7)
    (alarm,) = monitor.observe(scores * 0.5, attributes)
    assert alarm.row == "P[y >= 0.5 | sex=Female] >= 0.2"


def test_labels_that_come_late() -> None:
    rule, who = rule_of(BOTH), people(3000, 8)
    at_once, later = kf.DriftMonitor(rule), kf.DriftMonitor(rule)
    at_once.observe(*who)
    later.observe(*who[:2])
    quiet = later.report()
    assert quiet.awaited == 3000
    assert [row.observations > 0 for row in quiet.rows] == [True, True, False]
    assert "3,000 people without a label so far" in str(later)
    later.observe(*who, late=True)
    assert numbers(later) == pytest.approx(numbers(at_once))
    assert later.report().awaited == 0


def test_average_run_length_has_another_default_and_says_so() -> None:
    monitor = kf.DriftMonitor(rule_of(PARITY), kind=RUN_LENGTH)
    assert monitor.alpha == 1e-5
    assert "once in 100,000 observations" in str(monitor)
    assert monitor.observe(*people(20_000, 9)[:2]) == ()
    assert monitor.observe(*people(20_000, 10, women=0.25)[:2])


def test_people_whom_the_rule_does_not_know() -> None:
    scores, attributes, _ = people(20, 11)
    attributes = {**attributes, "sex": np.where(np.arange(20) < 3, "Diverse", attributes["sex"])}
    strict = kf.DriftMonitor(rule_of(PARITY))
    before = strict.to_bytes()
    with pytest.raises(ValueError, match="3 people of a group that nobody was of"):
        strict.observe(scores, attributes)
    assert strict.to_bytes() == before
    lenient = kf.DriftMonitor(rule_of(PARITY, unknown="exclude"))
    with pytest.warns(UserWarning, match="3 people of a group"):
        lenient.observe(scores, attributes)
    report = lenient.report()
    assert (report.people, report.unknown, report.outside) == (20, 3, {"sex": 3})
    assert "3 people with a value of sex outside the vocabulary" in str(report)


def test_missing_values_follow_the_vocabulary() -> None:
    scores, attributes, _ = people(300, 12)
    attributes["sex"] = np.where(np.arange(300) % 10 == 0, "", attributes["sex"])
    vocabulary = kf.Vocabulary({"sex": ["Female", "Male"]}, missing="exclude")
    rule = kf.FrozenFairness(SCORES, confidence=None, vocabulary=vocabulary).fit(scores, attributes)
    monitor = kf.DriftMonitor(rule)
    monitor.observe(scores, attributes)
    assert monitor.report().missing == {"sex": 30}
    assert "30 people without a value of sex" in str(monitor)
    with pytest.raises(ValueError, match="sex"):
        kf.DriftMonitor(rule_of(PARITY)).observe(scores, attributes)


def test_rules_that_draw_lots_take_ids() -> None:
    scores, attributes, _ = people(3000, 13)
    coarse = np.round(scores * 4) / 4
    rule = kf.FrozenFairness(
        "P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.001", confidence=None, randomise="allowed"
    ).fit(coarse, attributes)
    assert rule.learnt.knots.draws_lots
    monitor = kf.DriftMonitor(rule)
    with pytest.raises(ValueError, match="ids"):
        monitor.observe(coarse, attributes)
    monitor.observe(coarse, attributes, ids=np.arange(3000))
    assert monitor.people == 3000


@pytest.mark.parametrize(
    ("text", "options"),
    [("E[y | sex=Female] <= P[label=1 | sex=Female] + 0.2", {}), (SCORES, {"domain": None})],
)
def test_relations_that_cannot_be_watched_are_named(text, options) -> None:
    with pytest.raises(ValueError, match="can't be watched"):
        kf.DriftMonitor(rule_of(text, **options))


def test_relations_that_cannot_be_watched_may_be_left_out() -> None:
    rule = rule_of("calibrated: E[y | sex=Female] <= P[label=1 | sex=Female] + 0.2\nE[y | sex=Male] <= 0.9")
    with pytest.raises(ValueError, match="'calibrated' can't be watched"):
        kf.DriftMonitor(rule)
    with pytest.warns(UserWarning, match="'calibrated' can't be watched"):
        monitor = kf.DriftMonitor(rule, unwatchable="exclude")
    assert [row.row for row in monitor.report().rows] == ["E[y | sex=Male] <= 0.9"]
    assert "Not watched: 'calibrated'" in str(monitor)
    assert str(kf.DriftMonitor.from_bytes(monitor.to_bytes())) == str(monitor)


def test_what_is_malformed_is_refused() -> None:
    rule = rule_of(PARITY)
    with pytest.raises(ValueError, match="expected rule to be a FrozenFairness, received str"):
        kf.DriftMonitor(PARITY)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected a rule that was fitted"):
        kf.DriftMonitor(kf.FrozenFairness(PARITY))
    for alpha in (0, 1, -0.1, float("nan"), True, "1%"):
        with pytest.raises(ValueError, match=r"expected alpha in \(0, 1\), received alpha="):
            kf.DriftMonitor(rule, alpha)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected kind to be one of"):
        kf.DriftMonitor(rule, kind="cusum")
    with pytest.raises(ValueError, match="expected unwatchable"):
        kf.DriftMonitor(rule, unwatchable="ignore")


def test_arrivals_that_are_malformed_change_nothing() -> None:
    scores, attributes, label = people(50, 14)
    monitor = kf.DriftMonitor(rule_of(BOTH))
    monitor.observe(scores, attributes, label)
    before = monitor.to_bytes()
    broken = np.where(np.arange(50) == 7, np.nan, scores)
    for arguments, words in (
        ((broken, attributes, label), "NaN or infinite"),
        ((scores + 1, attributes, label), "expected predictions y in"),
        ((scores, None, label), "no attributes were given"),
        ((scores, {"race": attributes["race"]}, label), "sex"),
        ((scores, attributes, label[:-1]), "label has 49"),
        ((scores, {"sex": attributes["sex"][:-1]}, label), "49"),
        ((scores, attributes, np.full(50, 0.5)), "received 50 probabilities"),
    ):
        with pytest.raises(ValueError, match=words):
            monitor.observe(*arguments)
    with pytest.raises(ValueError, match="received no label"):
        monitor.observe(scores, attributes, late=True)
    with pytest.raises(ValueError, match="need none"):
        kf.DriftMonitor(rule_of(PARITY)).observe(scores, attributes, label, late=True)
    with pytest.raises(ValueError, match="expected labels 0 and 1"):
        kf.DriftMonitor(rule_of(PRECISION)).observe(scores, attributes, label * 2)
    assert monitor.to_bytes() == before


def test_a_rule_that_is_fitted_anew_needs_a_new_monitor() -> None:
    who = people(2000, 15)
    rule = kf.FrozenFairness(PARITY, confidence=None).fit(*who[:2])
    monitor = kf.DriftMonitor(rule)
    rule.fit(*people(2000, 16)[:2])
    with pytest.raises(ValueError, match="fitted anew"):
        monitor.observe(*who[:2])


# The laws of `keras_fair.sums.MergeableSums`


@pytest.fixture(params=["false alarm probability", RUN_LENGTH])
def shards(request) -> list[kf.DriftMonitor]:
    """Monitors of different people, of whom some wait for the other half of a pair."""
    made = []
    for seed in range(3):
        monitor = kf.DriftMonitor(rule_of(BOTH), kind=request.param)
        made.append(monitor.add(*people(700 + seed, 20 + seed)))
    return made


def copied(monitor: kf.DriftMonitor) -> kf.DriftMonitor:
    return kf.DriftMonitor.from_bytes(monitor.to_bytes())


def test_it_follows_the_protocol(shards) -> None:
    assert isinstance(shards[0], MergeableSums)
    assert shards[0].result() == shards[0].report()


def test_merging_is_associative_and_commutative(shards) -> None:
    one, two, three = shards
    left = copied(one).merge(two).merge(three)
    right = copied(three).merge(copied(two).merge(one))
    assert numbers(left) == pytest.approx(numbers(right))
    assert left.people == sum(each.people for each in shards)
    assert left.report().monitors == 3
    assert "Merged from 3 monitors" in str(left)


def test_merged_evidence_is_the_product_of_that_of_parts_share_by_share() -> None:
    rule = rule_of(PARITY)
    one, two = (kf.DriftMonitor(rule).add(*people(2000, seed)[:2]) for seed in (30, 31))
    merged = copied(one).merge(two)
    for row, first, second in zip(*(each.report().rows for each in (merged, one, two)), strict=True):
        assert row.observations == first.observations + second.observations
        assert row.evidence >= first.evidence * second.evidence / 8


def test_nothing_is_added_by_what_has_nobody(shards) -> None:
    whole = shards[0]
    expected = whole.to_bytes()
    nobody = kf.DriftMonitor(whole.rule, kind=whole.kind)
    assert copied(whole).merge(nobody).to_bytes() == expected
    assert nobody.merge(whole).to_bytes() == expected
    assert whole.to_bytes() == expected


def test_another_monitor_is_left_as_it_is(shards) -> None:
    one, other, _ = shards
    before = other.to_bytes()
    one.merge(other).observe(*people(300, 32))
    assert other.to_bytes() == before


def test_what_is_packed_goes_on_exactly(shards, tmp_path) -> None:
    one = shards[0]
    again = copied(one)
    one.save(tmp_path / "drift.bin")
    loaded = kf.DriftMonitor.load(tmp_path / "drift.bin", rule=one.rule)
    for monitor in (one, again, loaded):
        monitor.observe(*people(500, 33))
    assert one.to_bytes() == again.to_bytes() == loaded.to_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["drift.bin"]


def test_alarms_stay_when_monitors_are_merged() -> None:
    rule = rule_of(PARITY)
    drifted = kf.DriftMonitor(rule).add(*people(8000, 34, women=0.25)[:2])
    (alarm,) = drifted.alarms
    fair = kf.DriftMonitor(rule).add(*people(8000, 35)[:2])
    assert fair.merge(drifted).alarms == (alarm,)


def test_two_monitors_may_see_together_what_neither_sees_alone() -> None:
    rule = rule_of(PARITY)
    monitors = [kf.DriftMonitor(rule).add(*people(350, seed, women=0.33)[:2]) for seed in (41, 42, 43)]
    assert not any(monitor.alarms for monitor in monitors)
    (alarm,) = monitors[0].merge(monitors[1]).merge(monitors[2]).alarms
    assert alarm.people in (700, 1050)


def test_monitors_of_something_else_are_not_merged(shards) -> None:
    one = shards[0]
    before = one.to_bytes()
    other_rule = kf.DriftMonitor(rule_of(PARITY), kind=one.kind)
    with pytest.raises(ValueError, match="of the same rule"):
        one.merge(other_rule)
    with pytest.raises(ValueError, match="same alpha"):
        one.merge(kf.DriftMonitor(one.rule, 0.5, kind=one.kind))
    with pytest.raises(ValueError, match="expected a DriftMonitor"):
        one.merge("monitor")  # type: ignore[arg-type]
    assert one.to_bytes() == before


def test_bytes_of_something_else_are_refused(shards) -> None:
    one = shards[0]
    values, arrays = unpack("DriftMonitor", one.to_bytes())
    for foreign in (
        b"",
        pack("something else", {}),
        pack("DriftMonitor", {}),
        pack("DriftMonitor", {**values, "rule": "{}"}, arrays),
        pack("DriftMonitor", {**values, "alpha": 2.0}, arrays),
        pack("DriftMonitor", values, {name: array for name, array in arrays.items() if name != "parts"}),
        pack("DriftMonitor", values, {**arrays, "parts": arrays["parts"][:1]}),
        pack("DriftMonitor", values, {**arrays, "parts": arrays["parts"] * np.nan}),
        pack("DriftMonitor", values, {**arrays, "people": np.array(-1)}),
        pack("DriftMonitor", values, {**arrays, "more": np.zeros(1)}),
    ):
        with pytest.raises(SumsError):
            kf.DriftMonitor.from_bytes(foreign)
    damaged = bytearray(one.to_bytes())
    damaged[-1] ^= 1
    with pytest.raises(SumsError, match="cut off or damaged"):
        kf.DriftMonitor.from_bytes(damaged)
    with pytest.raises(SumsError, match="received that of another one"):
        kf.DriftMonitor.from_bytes(one.to_bytes(), rule=rule_of(PARITY))
