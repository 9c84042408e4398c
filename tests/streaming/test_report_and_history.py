"""What a stream shows people: report, history, picture, warnings, and the hook for lasting violations."""

from __future__ import annotations

import json

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.streaming.history import History
from keras_fair.streaming.watch import Watch
from tests.streaming.conftest import EXACT, PARITY, SEX, people, served


def test_report_as_table_dict_and_json(parity) -> None:
    assert "0 arrivals" in str(parity.report())
    y, sex = people(60)
    fair = served(parity, y, sex)
    report = parity.report()
    assert "stream of 60 arrivals" in str(report)
    assert PARITY in str(report)
    assert report[PARITY] == next(iter(report))
    with pytest.raises(KeyError):
        report["another"]
    plain = report.to_dict()
    assert plain == json.loads(report.to_json())
    assert plain["mean_squared_move"] == pytest.approx(float(np.mean((fair - y) ** 2)), abs=EXACT)
    assert plain["outcomes"]["SOLVED"] == 60
    assert plain["violation"] == report.violation == max(r.violation for r in report)


def test_a_group_without_people_is_not_called_held(parity) -> None:
    parity.project([0.5], {"sex": ["Male"]})
    (relation,) = parity.report()
    assert np.isnan(relation.gap)
    assert np.isnan(relation.violation)
    assert parity.report().to_dict()["relations"][0]["gap"] is None
    assert np.isnan(parity.history["gap"][PARITY]).all() if parity.history["gap"] else True


def test_history_follows_the_arrivals(parity) -> None:
    assert len(parity.history["arrivals"]) == 0
    y, sex = people(30)
    served(parity, y, sex)
    history = parity.history
    assert history["arrivals"].tolist() == list(range(1, 31))
    (relation,) = parity.report()
    assert history["gap"][PARITY][-1] == pytest.approx(relation.gap, abs=EXACT)
    assert history["violation"][PARITY][-1] == pytest.approx(relation.violation, abs=EXACT)
    assert history["dual"][PARITY][-1] == pytest.approx(relation.dual)
    figure = parity.plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["pooled gap", "violation", "pull (dual)"]
    assert history["bounds"] == {PARITY: (relation.lower, relation.upper)}
    assert history["every"] == 1
    assert len(figure.axes[0].patches) == 1
    assert figure.get_suptitle().startswith(("Held from arrival ", "Outside by "))
    assert len(figure.axes[0].lines[0].get_xdata()) == 30


def test_history_is_thinned_and_stays_even() -> None:
    history = History(points=8)
    for arrivals in range(1, 101):
        point = {"gap": {"a": float(arrivals)}, "violation": {}, "dual": {}}
        history.add(arrivals, point.copy)
        assert len(history.to_dict()["arrivals"]) <= 8
    kept = history.to_dict()
    assert len(kept["arrivals"]) >= 4
    assert len(set(np.diff(kept["arrivals"]))) == 1
    np.testing.assert_array_equal(kept["gap"]["a"], kept["arrivals"])
    assert kept["arrivals"][-1] > 100 - 2 * np.diff(kept["arrivals"])[0]


def test_a_relation_that_appears_later_has_no_past() -> None:
    history = History()
    history.add(1, lambda: {"gap": {}, "violation": {}, "dual": {}})
    history.add(2, lambda: {"gap": {"a": 0.5}, "violation": {"a": 0.0}, "dual": {"a": 1.0}})
    np.testing.assert_array_equal(history.to_dict()["gap"]["a"], [np.nan, 0.5])


def test_watch_calls_once_for_each_lasting_violation() -> None:
    calls: list[tuple] = []
    watch = Watch(lambda *arguments: calls.append(arguments), patience=10)
    course = [
        (5, 0.1),
        (10, 0.2),
        (15, 0.2),
        (16, 0.3),
        (20, 0.3),
        (21, 0.0),
        (30, 0.1),
        (40, 0.1),
        (41, 0.2),
    ]
    for arrivals, violation in course:
        watch.look("stream", {"parity": violation}, arrivals)
        watch.look("another stream", {"parity": 0.0}, arrivals)
    assert calls == [("parity", 16, 0.3), ("parity", 41, 0.2)]


def test_hook_of_a_stream_may_look_at_it_and_raise(tmp_path) -> None:
    def hook(name: str, arrivals: int, violation: float) -> None:
        assert stream.report()[name].violation == pytest.approx(violation, abs=EXACT)
        raise RuntimeError(f"{name} at {arrivals}")

    stream = kf.StreamingFairness(
        PARITY, vocabulary=SEX, on_violation=hook, patience=0, step=1e-6, margin=0.0, state=tmp_path / "s"
    )
    stream.project([0.1], {"sex": ["Female"]})
    stream.project([0.9], {"sex": ["Male"]})
    with pytest.raises(RuntimeError, match="at 3"):
        stream.project([0.9], {"sex": ["Male"]})
    assert kf.StreamingFairness.load(tmp_path / "s").report().arrivals == 3


def test_a_step_that_could_not_be_met_is_warned_of_when_the_state_is_safe(tmp_path) -> None:
    stream = kf.StreamingFairness(
        "E[y | sex=Female] <= 0.1", vocabulary=SEX, guard=True, domain=(0.5, 1.0), state=tmp_path / "s"
    )
    with pytest.warns(UserWarning, match="arrival 1"):
        stream.project([0.7], {"sex": ["Female"]})
    stream.project([0.7], {"sex": ["Female"]})  # no second warning
    assert stream.report().outcomes["RELAXED"] == 2
    assert kf.StreamingFairness.load(tmp_path / "s", guard=True).report().arrivals == 2
    assert stream.report().violation >= 0.4
