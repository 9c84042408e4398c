"""A state by itself: predictions counted as they are, what it reports, and a stream that goes on from it."""

from __future__ import annotations

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.streaming import StreamState
from keras_fair.streaming.state_document import StateDocument
from keras_fair.streaming.state_file import StateFile
from tests.streaming.conftest import (
    EXACT,
    OPPORTUNITY,
    PARITY,
    SEX,
    people,
    served,
    state_of,
)

SPREAD = "spread(E[y | sex=*]) <= 0.02; cov(y, age) <= 0.1"


def state(text: str, vocabulary: dict | None = None) -> StreamState:
    config = kf.Vocabulary(vocabulary or {}).get_config()
    return StreamState(str(kf.parse(text)), [0.0, 1.0], 1, config)


def test_what_is_counted_reports_what_an_audit_finds() -> None:
    y, sex = people(30)
    columns = {"sex": sex, "age": np.linspace(20.0, 60.0, 30)}
    weight = np.linspace(0.5, 2.0, 30)
    empty = state(SPREAD)
    counted = empty.add(y, columns, sample_weight=weight)
    audit = kf.audit(SPREAD, y, columns, sample_weight=weight, confidence=None)
    assert [one.gap for one in counted.result()] == pytest.approx(
        [one.gap for one in audit.relations], abs=EXACT
    )
    assert counted.result().arrivals == 30
    assert counted.result().mean_squared_move == 0.0
    assert counted.moments == pytest.approx((30.0, y.sum(), (y**2).sum(), 0.0))
    assert empty.result().arrivals == 0
    assert list(empty.result()) == []
    assert counted.add(np.zeros(0), {"sex": [], "age": []}) is counted


def test_a_stream_reports_as_its_state_does(parity) -> None:
    served(parity, *people(10))
    (one,) = parity._keeper.kept.states().values()
    report = parity.report()
    assert one.result().relations == report.relations
    assert (one.result().moments, one.result().arrivals) == (report.moments, report.arrivals)


def test_a_prediction_stands_in_for_a_label_that_is_not_there() -> None:
    counted = state(OPPORTUNITY, SEX).add([0.25, 0.5], {"sex": ["Female", "Male"]})
    with_label = counted.add([0.5], {"sex": ["Male"]}, label=[1])
    weights = sorted(numbers[1] for numbers in with_label.terms.values())
    assert weights == pytest.approx([0.25, 1.5])


def test_a_value_that_is_new_is_learnt_where_it_is_enumerated() -> None:
    one = state("spread(E[y | race=*]) <= 0.02; E[y | sex=Male] <= 0.9")
    for race in ("a", "b", "c"):
        one = one.add([0.5], {"race": [race], "sex": ["Other"]})
    assert one.vocabulary["values"] == {"race": ["a", "b", "c"]}
    assert one.result().relations[0].smallest_weight == 1.0


def test_a_stream_goes_on_from_predictions_that_left_without_it(tmp_path) -> None:
    y, sex = people(40)
    earlier = state(PARITY, SEX).add(y[:30], {"sex": sex[:30]})
    StateFile(tmp_path / "state.json").write(StateDocument({"stream": earlier}))
    stream = kf.StreamingFairness(PARITY, vocabulary=SEX, state=tmp_path / "state.json")
    fair = np.concatenate([y[:30], served(stream, y[30:], sex[30:])])
    audit = kf.audit(PARITY, fair, {"sex": sex}, confidence=None)
    assert stream.report()[PARITY].gap == pytest.approx(audit.relations[0].gap, abs=EXACT)
    assert state_of(stream)["stream"]["arrivals"] == 40


@pytest.mark.parametrize(
    ("y", "attributes", "words"),
    [
        ([1.5], {"sex": ["Male"]}, r"\[0, 1\]"),
        ([0.5], {}, "no attribute named 'sex'"),
        ([0.5, 0.5], {"sex": ["Male"]}, "as many values"),
    ],
)
def test_what_does_not_fit_is_refused(y, attributes, words) -> None:
    with pytest.raises(ValueError, match=words):
        state(PARITY, SEX).add(y, attributes)
