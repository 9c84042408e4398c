"""Stores that fail, forget, and are changed: nothing is counted twice, and what is lost is said."""

from __future__ import annotations

import random
import warnings

import pytest

import keras_fair as kf
from keras_fair.streaming import StateError, marks, shared_state
from keras_fair.streaming.running_stream import RunningStream
from keras_fair.streaming.state_document import StateDocument
from tests.streaming.conftest import (
    OPPORTUNITY,
    SEX,
    people,
    served,
)
from tests.streaming.stores import (
    InMemory,
    Losing,
    Overtaken,
    assert_sums,
    content,
    parity,
)

SPREAD = "spread(E[y | sex=*]) <= 0.02"


def test_no_increment_is_counted_twice_or_lost_whatever_answers_are(monkeypatch) -> None:
    chance = random.Random(3)
    fates = ["fine", "fine", "asked in vain", "answer lost", "asked twice"]
    store = Losing(lambda: chance.choice(fates))
    streams = [parity(store, sync_every=every) for every in (1, 1, 4)]
    y, sex = people(150)
    fair: list[float] = []
    members: list[str] = []
    project = RunningStream.project

    def noted(self, values, attributes, *arguments):
        answers = project(self, values, attributes, *arguments)
        fair.append(float(answers[0]))  # from here on it must be in the store once
        members.append(str(attributes["sex"][0]))
        return answers

    monkeypatch.setattr(RunningStream, "project", noted)
    faults = 0
    for i in range(150):
        try:
            chance.choice(streams).project(y[i : i + 1], {"sex": sex[i : i + 1]})
        except ConnectionError:
            faults += 1
    store.says = lambda: "fine"
    for stream in streams:
        stream.save()
    assert faults > 20
    assert_sums(store, fair, members)


def test_an_answer_that_was_lost_is_found_by_its_mark_also_after_others(monkeypatch) -> None:
    fates = ["answer lost"]
    store = Losing(lambda: fates.pop() if fates else "fine")
    mine, other = parity(store), parity(store)
    y, sex = people(5)
    with pytest.raises(ConnectionError):
        mine.project(y[:1], {"sex": sex[:1]})
    for i in (1, 2):
        other.project(y[i : i + 1], {"sex": sex[i : i + 1]})
    mine.project(y[3:4], {"sex": sex[3:4]})
    assert content(store).arrivals == 4
    fates.append("answer lost")
    with pytest.raises(ConnectionError):
        mine.project(y[4:5], {"sex": sex[4:5]})
    monkeypatch.setattr(marks, "REMEMBERED", 3)
    for _ in range(4):
        other.project(y[:1], {"sex": sex[:1]})
    swaps = store.swaps
    for use in (mine.save, lambda: mine.project(y[:1], {"sex": sex[:1]})):
        with pytest.raises(StateError, match="can't tell whether an increment of this process was counted"):
            use()
    assert store.swaps == swaps
    assert content(store).arrivals == 9
    mine._keeper.saving._shared._attempt = None  # what is left in doubt is not for the end of the test


def test_others_that_come_in_between_are_no_fault(monkeypatch) -> None:
    monkeypatch.setattr(shared_state, "_PAUSE", 0.0)
    others: list = []
    store = Overtaken(others)
    mine, other = parity(store), parity(store)
    y, sex = people(6)
    served(mine, y[:1], sex[:1])

    def comes() -> None:
        store.others, kept = [], store.others
        served(other, y[1:2], sex[1:2])
        store.others = kept

    others += [comes, comes, comes]
    served(mine, y[2:3], sex[2:3])
    assert content(store).arrivals == 5
    monkeypatch.setattr(shared_state, "_SECONDS", 0.0)
    store.others = [comes]
    with pytest.raises(StateError, match="others changed it each time .* nothing is lost"):
        served(mine, y[3:4], sex[3:4])
    mine.save()
    assert content(store).arrivals == 7


def test_labels_whose_answer_was_lost_are_put_in_once() -> None:
    fates: list[str] = []
    store = Losing(lambda: fates.pop() if fates else "fine")
    stream = kf.StreamingFairness(OPPORTUNITY, vocabulary=SEX, state=store)
    y, sex = people(3)
    fair = served(stream, y, sex, ids=["a", "b", "c"])
    fates.append("answer lost")
    with pytest.raises(ConnectionError):
        stream.observe(["a"], [1])
    assert stream.observe(["a"], [1]) == 0
    fates.append("asked in vain")
    with pytest.raises(ConnectionError):
        stream.observe(["b"], [1])
    assert stream.observe(["b"], [1]) == 1
    fates.append("asked twice")
    assert stream.observe(["c"], [1]) == 1
    assert sum(n[1] for n in content(store).terms.values()) == pytest.approx(3.0)
    assert sum(n[0] for n in content(store).terms.values()) == pytest.approx(float(fair.sum()))


def test_a_store_that_was_emptied_gets_all_back_and_says_so_once() -> None:
    store = InMemory()
    mine, other = parity(store), parity(store)
    y, sex = people(4)
    served(mine, y[:2], sex[:2])
    served(other, y[2:3], sex[2:3])
    store.text = None
    with pytest.warns(
        UserWarning, match="was deleted; it is written anew, with all arrivals that this process"
    ):
        mine.save()
    assert content(store).arrivals == 2  # `mine` did not know of the third
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        served(mine, y[3:], sex[3:])
    with pytest.warns(UserWarning, match="went back to an earlier one; what was brought since is there no"):
        served(other, y[:1], sex[:1])
    assert content(store).arrivals == 4


def test_a_store_that_went_back_or_was_begun_anew_is_said() -> None:
    store = InMemory()
    mine = parity(store)
    y, sex = people(6)
    served(mine, y[:1], sex[:1])
    early = store.text
    served(mine, y[1:4], sex[1:4])
    store.text = early
    with pytest.warns(UserWarning, match="went back to an earlier one"):
        served(mine, y[4:5], sex[4:5])
    assert content(store).arrivals == 2
    store.text = None
    served(parity(store), y[:3], sex[:3])
    with pytest.warns(UserWarning, match="was begun anew"):
        served(mine, y[5:], sex[5:])
    assert content(store).arrivals == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "damaged"),
        ("{}", "no state of a stream"),
        (5, "text or None, received int"),
        (StateDocument({}).text(), "marks"),
        (StateDocument({}, {}, {"origin": "a", "swaps": -1, "writers": {}}).text(), "marks"),
        (StateDocument({}, {}, {"origin": 5, "swaps": 1, "writers": {}}).text(), "marks"),
        (StateDocument({}, {}, {"origin": "a", "swaps": True, "writers": {}}).text(), "marks"),
        (StateDocument({}, {}, {"origin": "a", "swaps": 1, "writers": []}).text(), "marks"),
        (StateDocument({}, {}, {"origin": "a", "swaps": 1, "writers": {"b": 1}}).text(), "marks"),
        (StateDocument({}, {}, {"origin": "a", "swaps": 1, "writers": {"b": [1, "c"]}}).text(), "marks"),
    ],
)
def test_what_is_no_shared_state_is_refused_and_left(text, words) -> None:
    store = InMemory()
    store.text = text
    with pytest.raises(StateError, match=words):
        parity(store)
    assert store.text == text


def test_a_file_takes_no_shared_state_and_a_store_no_other_constraints(tmp_path) -> None:
    store = InMemory()
    served(parity(store), *people(2))
    (tmp_path / "state.json").write_text(store.text or "")
    with pytest.raises(StateError, match="processes that share a store"):
        kf.StreamingFairness.load(tmp_path / "state.json")
    for other in (
        lambda: kf.StreamingFairness(SPREAD, state=store),
        lambda: parity(store, domain=(0.0, 2.0)),
    ):
        with pytest.raises(StateError, match="other (constraints|domain).*The store was left as it is"):
            other()
    kf.StreamingFairness.load(store).save(tmp_path / "copy.json")  # but it can be copied to a file
    assert kf.StreamingFairness.load(tmp_path / "copy.json").report().arrivals == 2


def test_settings_come_back_from_a_store() -> None:
    store = InMemory()
    served(parity(store, sync_every=2, step=0.3, window=7), *people(2))
    loaded = kf.StreamingFairness.load(store)
    assert loaded._keeper.kept.rule.step == 0.3
    assert loaded._keeper.saving._every == 2
    assert loaded.resumed == 2
    assert kf.StreamingFairness.load(store, sync_every=5)._keeper.saving._every == 5
    with pytest.raises(StateError, match="found none"):
        kf.StreamingFairness.load(InMemory())


def test_a_store_that_answers_neither_yes_nor_no_is_refused() -> None:
    store = InMemory()
    store.compare_and_swap = lambda before, after: None  # type: ignore[method-assign, return-value, assignment]
    stream = parity(store)
    with pytest.raises(StateError, match="True or False, received None"):
        served(stream, *people(1))
    del store.compare_and_swap
    stream.save()
    assert content(store).arrivals == 1
