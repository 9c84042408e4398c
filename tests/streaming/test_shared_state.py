"""Streams that share a store: what they hold together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.streaming import StreamState, saving
from keras_fair.streaming.increments import increased
from tests.streaming.conftest import (
    EXACT,
    OPPORTUNITY,
    PARITY,
    SEX,
    people,
    served,
    state_of,
)
from tests.streaming.stores import (
    InMemory,
    Overtaken,
    assert_sums,
    content,
    parity,
)

SPREAD = "spread(E[y | sex=*]) <= 0.02"


@pytest.fixture(autouse=True)
def time_that_stands_still(monkeypatch) -> None:
    """On a slow machine a block would become old before it is long enough."""
    monkeypatch.setattr(saving, "monotonic", lambda: 0.0)


@pytest.mark.parametrize("every", [1, 7])
def test_one_stream_alone_is_what_it_is_without_a_store(every) -> None:
    y, sex = people(60)
    store = InMemory()
    stream = parity(store, sync_every=every)
    np.testing.assert_array_equal(
        served(stream, y, sex), served(kf.StreamingFairness(PARITY, vocabulary=SEX), y, sex)
    )
    stream.save()
    assert store.swaps == -(-60 // every)
    plain = kf.StreamingFairness(PARITY, vocabulary=SEX)
    served(plain, y, sex)
    assert content(store).to_dict() == state_of(plain)["stream"]


@pytest.mark.parametrize("every", [1, 3, 10])
@pytest.mark.parametrize("text", [PARITY, SPREAD])
def test_streams_hold_one_pooled_gap(every, text) -> None:
    y, sex = people(120)
    sex[:6] = "Male"  # values are learnt by one stream and then by the others
    store = InMemory()
    streams = [kf.StreamingFairness(text, state=store, sync_every=every) for _ in range(3)]
    order = np.random.default_rng(1).integers(0, 3, 120)
    fair = [float(streams[k].project(y[i : i + 1], {"sex": sex[i : i + 1]})[0]) for i, k in enumerate(order)]
    for stream in streams:
        stream.save()
    assert_sums(store, fair, sex.tolist(), text)
    gap = kf.audit(text, fair, {"sex": sex}, confidence=None).relations[0].gap
    for stream in streams:
        (relation,) = stream.report()
        assert relation.gap == pytest.approx(gap, abs=EXACT)
        assert stream.report().arrivals == 120
    assert abs(gap) <= 0.06  # 0.3 without
    if every == 1:  # each looks at the store before it answers: that is one stream
        np.testing.assert_allclose(fair, served(kf.StreamingFairness(text), y, sex), atol=EXACT)


def test_with_half_life_the_store_holds_what_one_stream_would_in_the_order_of_exchanges() -> None:
    y, sex = people(40)
    store = InMemory()
    blocks: list[int] = []
    streams = [parity(store, sync_every=4, half_life=9.0) for _ in range(2)]
    order = np.random.default_rng(2).integers(0, 2, 40)
    waiting: dict[int, list[int]] = {0: [], 1: []}
    fair = np.zeros(40)
    for i, k in enumerate(order.tolist()):
        fair[i] = streams[k].project(y[i : i + 1], {"sex": sex[i : i + 1]})[0]
        waiting[k].append(i)
        if len(waiting[k]) == 4:
            blocks += waiting[k]
            waiting[k] = []
    for k in (0, 1):
        streams[k].save()
        blocks += waiting[k]
    fade = 0.5 ** (np.arange(40)[::-1] / 9.0)
    for group in SEX["sex"]:
        members = (sex[blocks] == group) * fade
        sums = next(n for key, n in content(store).terms.items() if group in key)
        assert sums[:2] == pytest.approx((float(members @ fair[blocks]), float(members.sum())), abs=EXACT)


def test_prices_of_all_count_and_stay_bounded() -> None:
    vocabulary = kf.Vocabulary(SEX).get_config()
    base: dict[str, Any] = {
        "constraints": PARITY,
        "domain": [0.0, 1.0],
        "outputs": 1,
        "vocabulary": vocabulary,
    }

    def state(arrivals: int, price: float, dual: float) -> StreamState:
        moments = (float(arrivals), 0.0, 0.0, 0.0)
        return StreamState(**base, arrivals=arrivals, moments=moments, rows={"parity": (price, dual)})

    counted = state(90, 0.2, 1.0)
    merged, _ = increased(state(100, 0.3, 5.0), counted, state(120, 0.6, 7.0), half_life=np.inf, window=5)
    # 90 of the 100 arrivals behind this price were there before: so much of what others moved counts.
    assert merged.rows["parity"] == pytest.approx((0.3 + 0.9 * 0.4, 5.0))
    assert merged.arrivals == 130
    untouched, _ = increased(state(100, 0.2, 1.0), counted, state(120, 0.6, 7.0), half_life=np.inf, window=5)
    assert untouched.rows["parity"] == (0.6, 7.0)
    first, _ = increased(state(10, 0.3, 5.0), None, state(120, 0.6, 7.0), half_life=np.inf, window=5)
    assert first.rows["parity"] == (0.3, 5.0)
    other = StreamState(**{**base, "domain": [0.0, 2.0]}, arrivals=1, moments=(1.0, 0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="other domain"):
        increased(state(10, 0.3, 5.0), None, other, half_life=np.inf, window=5)


def test_labels_are_put_in_once_whichever_process_has_them() -> None:
    store = InMemory()
    first, second = (
        kf.StreamingFairness(OPPORTUNITY, vocabulary=SEX, state=store, sync_every=100) for _ in range(2)
    )
    y, sex = people(8)
    ids = np.array([f"person {k}" for k in range(8)])
    fair = np.concatenate(
        [served(first, y[:4], sex[:4], ids=ids[:4]), served(second, y[4:], sex[4:], ids=ids[4:])]
    )
    label = np.array([1, 0, 1, 1, 0, 1, 0, 1])
    assert first.report().waiting == 8  # arrivals with ids are brought at once
    assert second.observe(ids[:3], label[:3]) == 3
    assert first.observe(ids[:5], label[:5]) == 2
    assert first.observe(ids, label) == 3
    assert second.observe(ids, label) == 0
    for group in SEX["sex"]:
        members = (sex == group) * label
        sums = next(n for key, n in content(store).terms.items() if group in key)
        assert sums[:2] == pytest.approx((float(members @ fair), float(members.sum())), abs=EXACT)
    with pytest.raises(ValueError, match="one label for each"):
        first.observe(ids[:2], [1])
    served(first, y[:1], sex[:1], ids=["again"])
    with pytest.raises(ValueError, match="wait for a label already"):
        served(second, y[:1], sex[:1], ids=["again"])


def test_the_same_id_in_two_processes_at_once_is_said() -> None:
    store = Overtaken([])
    first, second = (kf.StreamingFairness(OPPORTUNITY, vocabulary=SEX, state=store) for _ in range(2))
    y, sex = people(2)
    store.others.append(lambda: served(second, y[:1], sex[:1], ids=["a"]))
    with pytest.warns(UserWarning, match="id 'a' waits for its label in another process"):
        served(first, y[1:], sex[1:], ids=["a"])
    assert content(store).arrivals == 2
    assert len(content(store).waiting) == 1


def test_the_window_bounds_the_arrivals_of_all() -> None:
    store = InMemory()
    streams = [kf.StreamingFairness(OPPORTUNITY, vocabulary=SEX, state=store, window=3) for _ in range(2)]
    y, sex = people(6)
    for k in range(6):
        served(streams[k % 2], y[k : k + 1], sex[k : k + 1], ids=[k])
    assert [entry["id"] for entry in content(store).waiting] == ["3", "4", "5"]
    assert [entry["arrivals"] for entry in content(store).waiting] == [4, 5, 6]


def test_a_block_that_has_become_old_is_brought_before_the_next_arrival(monkeypatch) -> None:
    store, now = InMemory(), [0.0]
    monkeypatch.setattr(saving, "monotonic", lambda: now[0])
    mine, other = parity(store, sync_every=10), parity(store)
    y, sex = people(6)
    served(mine, y[:3], sex[:3])
    served(other, y[3:4], sex[3:4])
    assert content(store).arrivals == 1
    assert mine._keeper.kept.arrivals() == {"stream": 3}
    now[0] = 1.5
    served(mine, y[4:5], sex[4:5])
    assert content(store).arrivals == 4
    assert mine._keeper.kept.arrivals() == {"stream": 5}


def test_the_gap_is_bounded_by_what_was_not_seen_as_the_page_says() -> None:
    """In any order: the excess of one stream, and the part of each group that had not been seen."""
    used = 0.0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        store, n = InMemory(), 400
        every, count = int(rng.integers(2, 30)), 3
        streams = [parity(store, sync_every=every, margin=0.0) for _ in range(count)]
        code = np.sort(rng.integers(0, 2, n)) if seed % 2 else rng.integers(0, 2, n)
        y = np.where(code == 1, 0.9, 0.1) if seed < 4 else rng.uniform(size=n)
        turns = np.repeat(rng.integers(0, count, n), rng.integers(1, 9))[:n]  # in bursts
        blocks: dict[int, list[tuple[int, float]]] = {k: [] for k in range(count)}
        begun: dict[int, np.ndarray] = {}
        sums, total, largest = np.zeros(2), np.zeros(2), 0.0  # in the order of exchanges
        for i, k in enumerate(turns.tolist()):
            if not blocks[k]:
                begun[k] = total.copy()
            fair = float(streams[k].project(y[i : i + 1], {"sex": [SEX["sex"][code[i]]]})[0])
            blocks[k].append((int(code[i]), fair))
            if len(blocks[k]) < every:
                continue
            missed = total - begun[k]
            for member, value in blocks[k]:
                sums[member] += value
                total[member] += 1.0
                if not total.all():
                    continue
                t = total.sum()
                plain = total.max() / (0.2 * max(t - missed.sum(), 1.0) ** 1.5)
                largest = max(largest, t * (plain + float((missed / total).sum())))
                excess = abs(sums[0] / total[0] - sums[1] / total[1]) - 0.02
                assert excess <= largest / t + 1e-9, (seed, i)
                if t > 100:
                    used = max(used, excess * t / largest)
            blocks[k] = []
    assert used > 0.02  # the bound says something


def test_what_shares_a_store_is_not_merged() -> None:
    store = InMemory()
    first, second = parity(store), parity(store)
    served(first, *people(2))
    with pytest.raises(
        ValueError, match="received two that share the store of type InMemory: there they are one"
    ):
        first.merge(second)
    elsewhere = parity(InMemory())
    served(elsewhere, *people(3))
    assert first.merge(elsewhere).report().arrivals == 5
