"""Models whose streams share a store."""

from __future__ import annotations

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.streaming import StateError
from tests.callbacks.test_streaming_fairness import (
    BATCH,
    EXACT,
    PARITY,
    SEX,
    N,
    audited,
    model_of,
    run,
)
from tests.streaming.stores import InMemory, content


@pytest.fixture(scope="module")
def model():
    return model_of()


@pytest.mark.parametrize("every", [1, 20])
def test_two_callbacks_hold_the_gap_of_both(model, every) -> None:
    store = InMemory()
    first, second = (kf.StreamingFairness(state=store, sync_every=every) for _ in range(2))
    answers = [run(model, first), run(model, second), run(model, first)]
    assert content(store).arrivals == 3 * N  # a run ends with an exchange
    for stream in (first, second):
        assert stream.report().arrivals == 3 * N
        assert next(iter(stream.report())).gap == pytest.approx(audited(*answers), abs=EXACT)
    if every == 1:
        alone = kf.StreamingFairness()
        np.testing.assert_allclose(
            np.concatenate(answers), np.concatenate([run(model, alone) for _ in range(3)]), atol=EXACT
        )


def test_whoever_has_no_model_reports_what_a_layer_holds(model) -> None:
    store = InMemory()
    run(model, kf.StreamingFairness(state=store))
    watching = kf.StreamingFairness.load(store)
    assert watching.report().arrivals == N
    run(model, kf.StreamingFairness(state=store), batch_size=BATCH)
    assert watching.report().arrivals == 2 * N
    watching.project([0.5], {"sex": ["Male"]})  # and may serve too, under the name that the stream has
    assert content(store).arrivals == 2 * N + 1


def test_a_layer_does_not_begin_beside_a_stream_without_a_model(model) -> None:
    store = InMemory()
    kf.StreamingFairness(PARITY, vocabulary=SEX, state=store).project([0.5], {"sex": ["Male"]})
    with pytest.raises(StateError, match="processes that share a store stream the same layers"):
        run(model, kf.StreamingFairness(state=store))
    assert content(store).arrivals == 1
