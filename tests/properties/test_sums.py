"""The laws of `MergeableSums`, for each class that follows it: a further class is an entry of `CASES`."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_fair as kf
from keras_fair.packing import SumsError, pack
from keras_fair.streaming import StreamReport, StreamState
from keras_fair.sums import MergeableSums

CLOSE = {"rel": 1e-9, "abs": 1e-9} if keras.backend.backend() != "jax" else {"rel": 1e-4, "abs": 1e-4}
TEXT = """
parity: spread(E[y | sex=*]) <= 0.02
race: E[y | race=a] == E[y] +- 0.05
opportunity: E[y | sex=Female, label=1] == E[y | sex=Male, label=1] +- 0.05
age: cov(y, age) <= 0.5
"""
OTHER = "E[y | sex=Female] <= 0.5"
SEX = {"sex": ["Female", "Male"]}


def numbers_of_metric(result: Mapping[str, float]) -> dict[str, float]:
    return dict(result)


def numbers_of_report(result: StreamReport) -> dict[str, float]:
    found = {
        f"{relation.name} {name}": getattr(relation, name)
        for relation in result
        for name in ("gap", "violation", "lower", "upper", "smallest_weight", "price", "dual")
    }
    counts = {f"{name} outside": sum(numbers) for name, numbers in result.outside.items()}
    moments = {f"moment {place}": moment for place, moment in enumerate(result.moments)}
    return {**found, **counts, **moments, "arrivals": result.arrivals}


@dataclass(frozen=True)
class Case:
    """A class that follows the protocol.

    Attributes:
        make: an object without samples, for constraints.
        numbers: what its result says, by name.
    """

    make: Callable[[str], Any]
    numbers: Callable[[Any], dict[str, float]]


def state(text: str) -> StreamState:
    return StreamState(str(kf.parse(text)), [0.0, 1.0], 1, kf.Vocabulary().get_config())


def numbers_of_audit(result: Any) -> dict[str, float]:
    numbers: dict[str, float] = {"samples": result.samples}
    for relation in result:
        numbers.update({f"{relation.name} {name}": getattr(relation, name) for name in ("gap", "violation")})
        for statistic in relation.statistics:
            numbers[f"{relation.name} {statistic.text}"] = statistic.value
            numbers[f"{relation.name} {statistic.text} size"] = statistic.size
    for group in result.groups:
        numbers[f"{group.attributes} {group.values}"] = group.mean
    return numbers


CASES = {
    "Auditor": Case(lambda text: kf.Auditor(text), numbers_of_audit),
    "PooledGap": Case(lambda text: kf.metrics.PooledGap(text, vocabulary=SEX), numbers_of_metric),
    "StreamState": Case(state, numbers_of_report),
}
Batch = tuple[np.ndarray, dict[str, np.ndarray], np.ndarray, np.ndarray]


def drawn(n: int, seed: int) -> Batch:
    """Predictions, attributes, labels and weights; all values occur among the first."""
    rng = np.random.default_rng(seed)
    places = np.arange(n)
    columns = {
        "sex": np.where(places < 4, places % 2, rng.integers(0, 2, n)),
        "race": np.where(places < 4, places // 2, rng.integers(0, 2, n)),
    }
    attributes = {
        "sex": np.array(SEX["sex"])[columns["sex"]],
        "race": np.array(["a", "b"])[columns["race"]],
        "age": rng.normal(40.0, 10.0, n),
    }
    label = np.where(places < 4, 1, rng.integers(0, 2, n))
    return rng.random(n), attributes, label, rng.uniform(0.5, 2.0, n)


def part(batch: Batch, where: slice) -> Batch:
    y, attributes, label, weight = batch
    return y[where], {name: column[where] for name, column in attributes.items()}, label[where], weight[where]


PEOPLE = drawn(24, 0)


def sums(case: Case, *batches: Batch) -> Any:
    total = case.make(TEXT)
    for batch in batches:
        total = total.add(*batch)
    return total


def copied(one: Any) -> Any:
    return type(one).from_bytes(one.to_bytes())


def merged(shards: Sequence[Any]) -> Any:
    """All of them, the left ones first; the shards stay as they are."""
    return functools.reduce(lambda left, right: left.merge(right), shards[1:], copied(shards[0]))


def assert_says(case: Case, one: Any, expected: Mapping[str, float]) -> None:
    assert case.numbers(one.result()) == pytest.approx(expected, nan_ok=True, **CLOSE)


def said(case: Case, one: Any) -> str:
    """Every digit of what it says; the result of an object without samples may be an error."""
    try:
        return repr(case.numbers(one.result()))
    except ValueError as fault:
        return repr(fault)


@pytest.fixture(params=CASES)
def case(request) -> Case:
    return CASES[request.param]


def test_it_follows_the_protocol(case) -> None:
    one = case.make(TEXT)
    assert isinstance(one, MergeableSums)
    assert isinstance(one.to_bytes(), bytes)
    assert type(one.add(*PEOPLE)) is type(one)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    cuts=st.lists(st.integers(0, 24), max_size=4),
    order=st.randoms(use_true_random=False),
    nested=st.booleans(),
)
def test_merged_shards_are_one_object_that_saw_all_samples(name, cuts, order, nested) -> None:
    case = CASES[name]
    ends = [0, *sorted(cuts), 24]
    shards = [sums(case, part(PEOPLE, slice(*pair))) for pair in zip(ends[:-1], ends[1:], strict=True)]
    order.shuffle(shards)
    if nested and len(shards) > 2:  # the right ones first
        shards = [shards[0], merged(shards[1:])]
    assert_says(case, merged(shards), case.numbers(sums(case, PEOPLE).result()))


def test_nothing_is_added_by_what_has_no_samples(case) -> None:
    whole, empty = sums(case, PEOPLE), case.make(TEXT)
    expected = case.numbers(whole.result())
    assert_says(case, merged([whole, empty]), expected)
    assert_says(case, merged([empty, whole]), expected)
    nobody = merged([empty, case.make(TEXT)])
    assert said(case, nobody) == said(case, empty)
    assert_says(case, nobody.add(*PEOPLE), expected)


def test_what_is_packed_goes_on_exactly(case) -> None:
    first, then = part(PEOPLE, slice(0, 10)), part(PEOPLE, slice(10, 24))
    for before in ((), (first,)):
        one = sums(case, *before)
        again = copied(one)
        assert said(case, again) == said(case, one)
        assert again.to_bytes() == one.to_bytes()
        one, again = one.add(*then), again.add(*then)
        assert said(case, again) == said(case, one)
        shard = sums(case, first)
        assert said(case, again.merge(shard)) == said(case, one.merge(shard))


def read_only(one: Any) -> Any:
    """The object as it comes out of shared memory or a memory map: none of its arrays can be written to."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(one, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(pickled, buffers=[memoryview(bytes(buffer.raw())) for buffer in buffers])


def test_what_came_read_only_goes_on(case) -> None:
    first, then = sums(case, part(PEOPLE, slice(0, 10))), sums(case, part(PEOPLE, slice(10, 24)))
    expected = case.numbers(sums(case, PEOPLE).result())
    assert_says(case, read_only(first).merge(read_only(then)), expected)
    assert_says(case, copied(first).merge(read_only(then)), expected)
    assert_says(case, read_only(first).add(*part(PEOPLE, slice(10, 24))), expected)
    held = read_only(first)
    with pytest.raises(ValueError, match="constraints"):
        held.merge(case.make(OTHER))
    assert said(case, held) == said(case, first)


def test_a_monitor_that_came_read_only_goes_on() -> None:
    y, attributes, _, _ = drawn(400, 3)
    rule = kf.FrozenFairness("spread(P[y >= 0.5 | sex=*]) <= 0.1", confidence=None).fit(y, attributes)

    def monitor(where: slice) -> kf.DriftMonitor:
        made = kf.DriftMonitor(rule)
        made.observe(y[where], {"sex": attributes["sex"][where]})
        return made

    one, other = slice(0, 200), slice(200, 400)
    expected = str(monitor(one).merge(monitor(other)).report())
    assert str(read_only(monitor(one)).merge(read_only(monitor(other))).report()) == expected
    held = read_only(monitor(one))
    held.observe(y[other], {"sex": attributes["sex"][other]})
    assert held.report().people == 400


def test_another_object_is_left_as_it_is(case) -> None:
    one, other = sums(case, part(PEOPLE, slice(0, 10))), sums(case, part(PEOPLE, slice(10, 24)))
    before = other.to_bytes()
    total = one.merge(other)
    assert other.to_bytes() == before
    total.add(*PEOPLE)
    assert other.to_bytes() == before


def test_what_fails_changes_nothing(case) -> None:
    one = sums(case, PEOPLE)
    before = one.to_bytes()
    y, attributes, label, weight = PEOPLE
    with pytest.raises(ValueError, match="sex"):
        one.add(y, {"race": attributes["race"], "age": attributes["age"]}, label, weight)
    with pytest.raises(ValueError, match="constraints"):
        one.merge(case.make(OTHER))
    assert one.to_bytes() == before


def test_bytes_of_something_else_are_refused(case) -> None:
    one = case.make(TEXT)
    kind = type(one).__name__
    for foreign in (b"", pack("something else", {}), pack(kind, {}), pack(kind, {"constraints": 3})):
        with pytest.raises(SumsError):
            type(one).from_bytes(foreign)
    packed = bytearray(sums(case, PEOPLE).to_bytes())
    assert said(case, type(one).from_bytes(memoryview(packed).toreadonly())) == said(case, sums(case, PEOPLE))
    packed[-1] ^= 1
    with pytest.raises(SumsError):
        type(one).from_bytes(packed)
