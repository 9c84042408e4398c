"""What comes between scores and answers gives what the rule, and the stream, give by themselves."""

from __future__ import annotations

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.serving.answers import Answer, Answering, Uncorrected
from keras_fair.serving.faults import Refused
from keras_fair.serving.people import ID, People
from keras_fair.serving.rule_correction import RuleCorrection
from keras_fair.serving.seen import SeenPeople
from keras_fair.serving.stream_correction import StreamCorrection
from keras_fair.serving.turns import Turns
from keras_fair.streaming.state_document import StateError
from tests.serving.conftest import arrivals

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"


def requests_of(sex: np.ndarray, sizes: list[int], ids: list | None = None) -> list[People]:
    made, at = [], 0
    for size in sizes:
        columns = {"sex": sex[at : at + size].tolist()}
        if ids is not None:
            columns[ID] = ids[at : at + size]
        made.append(People(columns, size, alone=size == 1))
        at += size
    return made


def given(answers: list) -> np.ndarray:
    assert all(isinstance(answer, Answer) for answer in answers)
    return np.concatenate([answer.y for answer in answers])


@pytest.mark.parametrize("sizes", [[1] * 40, [3, 1, 36], [40], [100], [1, 99]])
def test_a_rule_answers_as_the_rule_itself(rule, sizes) -> None:
    scores, sex = arrivals(sum(sizes), 3)
    seen = SeenPeople()
    correction = RuleCorrection(rule, seen)
    answers = correction.correct(scores, requests_of(sex, sizes))
    np.testing.assert_array_equal(given(answers), rule(scores, {"sex": sex}))
    accepted = np.concatenate([answer.accepted for answer in answers])
    np.testing.assert_array_equal(accepted, rule.decide(scores, {"sex": sex}))
    batch = seen.take()
    assert batch is not None
    np.testing.assert_array_equal(batch.scores, scores)
    assert batch.columns["sex"] == sex.tolist()
    assert seen.take() is None


def test_a_group_that_the_rule_does_not_know(rule) -> None:
    scores = np.array([0.4, 0.5, 0.6], "float32")
    requests = requests_of(np.array(["Female", "Divers", "Male"]), [1, 1, 1])
    answers = RuleCorrection(rule).correct(scores, requests)
    assert isinstance(answers[1], Refused)
    assert answers[1].status == 422
    assert "nobody was of at calibration" in answers[1].problems[0].received
    assert answers[0].y[0] == rule(scores[:1], {"sex": ["Female"]})[0]
    people, sex = arrivals(1000, 1)
    lenient = kf.FrozenFairness("spread(E[y | sex=*]) <= 0.1", confidence=None, unknown="exclude")
    correction = RuleCorrection(lenient.fit(people, {"sex": sex}))
    assert correction.correct(scores, requests)[1].y[0] == scores[1]
    assert correction.measured() == {"unknown": 1}


def test_lots_are_those_of_the_ids() -> None:
    scores, sex = arrivals(2000, 1)
    text = "demographic_parity(sex) <= 0 at y >= 0.5"
    drawn = kf.FrozenFairness(text, confidence=None, randomise="allowed")
    drawn.fit(scores, {"sex": sex})
    ids: list = [f"person {k}" for k in range(50)]
    correction = RuleCorrection(drawn)
    answers = correction.correct(scores[:50], requests_of(sex[:50], [1] * 20 + [30], ids))
    np.testing.assert_array_equal(given(answers), drawn(scores[:50], {"sex": sex[:50]}, ids=ids))
    (refusal,) = correction.correct(scores[:1], requests_of(sex[:1], [1], [None]))
    assert refusal.problems[0].field == "id"


def test_a_stream_answers_as_the_stream_itself_and_has_saved(tmp_path) -> None:
    scores, sex = arrivals(60, 4)
    place = f"sqlite:///{tmp_path / 'state.db'}"
    mine = kf.StreamingFairness(PARITY, state=place, sync_every=2**31)
    correction = StreamCorrection(mine, ["sex"], (0.0, 1.0), at_once=True, turns=Turns(""))
    alone = kf.StreamingFairness(PARITY)
    sizes = [1] * 30 + [10] * 3
    at = 0
    for request in requests_of(sex, sizes):
        part = slice(at, at + request.size)
        (answer,) = correction.correct(scores[part], [request])
        np.testing.assert_array_equal(answer.y, alone.project(scores[part], {"sex": sex[part].tolist()}))
        at = part.stop
        assert kf.StreamingFairness.load(place).report().arrivals == at
    measured = correction.measured()
    assert measured["arrivals"] == 60
    assert measured["gaps"][0][1] == pytest.approx(alone.report().relations[0].gap)


class Failing:
    """A store that fails when it is told to."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.fails = ""

    def load(self) -> str | None:
        if self.fails == "load":
            raise StateError("the store is gone")
        return self.text

    def compare_and_swap(self, before: str | None, after: str) -> bool:
        if self.fails:
            raise StateError("the store is gone")
        done, self.text = self.text == before, after
        return done


@pytest.mark.parametrize("fails", ["load", "swap"])
def test_what_is_not_saved_is_not_answered(fails) -> None:
    store = Failing()
    stream = kf.StreamingFairness(PARITY, state=store, sync_every=2**31)
    correction = StreamCorrection(stream, ["sex"], (0.0, 1.0), at_once=True, turns=Turns(""))
    scores, sex = arrivals(2, 4)
    requests = requests_of(sex, [1, 1])
    store.fails = fails
    answers = correction.correct(scores, requests)
    assert [answer.status for answer in answers] == [503, 503]
    assert answers[0].retry == 1
    assert correction.failed
    store.fails = ""
    answers = correction.correct(scores, requests)
    assert all(isinstance(answer, Answer) for answer in answers)
    assert not correction.failed
    assert stream.report().arrivals == (2 if fails == "load" else 4)  # "may be counted once"


def test_people_whom_the_stream_refuses_do_not_refuse_the_others() -> None:
    stream = kf.StreamingFairness("E[y | age < 30] <= 0.5")
    correction = StreamCorrection(stream, ["age"], (0.0, 1.0), at_once=False, turns=Turns(""))
    requests = [People({"age": [value]}, 1, alone=True) for value in (20.0, "old", 50.0)]
    answers = correction.correct(np.array([0.4, 0.5, 0.6], "float32"), requests)
    assert [type(answer) for answer in answers] == [Answer, Refused, Answer]
    assert answers[1].status == 422
    assert stream.report().arrivals == 2


def test_scores_that_are_none_refuse_only_their_request(rule) -> None:
    def model(columns: dict) -> np.ndarray:
        return columns["x"]

    def features(requests: list) -> dict:
        return {"x": np.array([each for one in requests for each in one.columns["x"]], "float32")}

    answering = Answering(features, model, RuleCorrection(rule))
    requests = [People({"x": [x], "sex": ["Male"]}, 1, alone=True) for x in (0.4, float("nan"), 0.6, 1.5)]
    answers = answering(requests)
    assert [getattr(answer, "status", 200) for answer in answers] == [200, 500, 200, 500]
    plain = Answering(features, model, Uncorrected())(requests[::2])
    assert [answer.y.tolist() for answer in plain] == [[pytest.approx(0.4)], [pytest.approx(0.6)]]
