"""The callback that feeds a drift monitor with what a model predicts."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

import keras_fair as kf

PARITY = "P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05"


class Scores(keras.layers.Layer):
    """The input is the score."""

    def call(self, x: Any) -> Any:
        return x


@pytest.fixture(scope="module")
def base() -> keras.Model:
    return keras.Sequential([keras.Input((1,)), Scores()])


def people(n: int, seed: int, women: float = 0.4) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(n) < 0.4, "Female", "Male")
    scores = np.clip(rng.normal(np.where(sex == "Female", women, 0.55), 0.2), 0, 1).astype("float32")
    return scores[:, None], {"sex": sex}


@pytest.fixture(scope="module")
def rule() -> kf.FrozenFairness:
    return kf.FrozenFairness(PARITY).fit(*people(4000, 0))


@pytest.mark.parametrize("is_served", [True, False])
def test_a_drift_raises_the_alarm_of_the_monitor(is_served: bool, base: Any, rule: Any) -> None:
    model = kf.serve(base, rule) if is_served else base
    monitor, same = kf.DriftMonitor(rule), kf.DriftMonitor(rule)
    for seed, women in ((1, 0.4), (2, 0.2)):
        scores, attributes = people(3000, seed, women)
        columns = pd.DataFrame(attributes) if is_served else attributes
        watch = kf.callbacks.DriftWatch(monitor, columns)
        inputs = {"x": scores, **attributes} if is_served else scores
        predicted = {"callbacks": [watch], "batch_size": 512, "verbose": 0}
        expected = same.observe(scores, attributes)
        if expected:
            with pytest.warns(UserWarning, match="a rule no longer holds its promise: .*sex=Male"):
                model.predict(inputs, **predicted)
        else:
            model.predict(inputs, **predicted)
        assert tuple(watch.alarms) == expected
    assert len(same.alarms) == 1
    assert monitor.to_bytes() == same.to_bytes()


def test_what_is_refused_leaves_the_monitor_as_it_was(base: Any, rule: Any) -> None:
    monitor = kf.DriftMonitor(rule)
    before = monitor.to_bytes()
    scores, attributes = people(100, 3)
    other = kf.FrozenFairness(PARITY).fit(*people(4000, 5))
    cases = [
        (base, scores, {"sex": attributes["sex"][:50]}, "of the 100 people who were predicted, received 50"),
        (base, scores, {}, "sex"),
        (base, scores, {"sex": np.array(["Diverse"] * 100)}, "nobody was of at calibration"),
        (kf.serve(base, other), {"x": scores, **attributes}, attributes, "one of another rule"),
    ]
    for model, inputs, columns, message in cases:
        with pytest.raises(ValueError, match=message):
            model.predict(inputs, callbacks=[kf.callbacks.DriftWatch(monitor, columns)], verbose=0)
        assert monitor.to_bytes() == before
    with pytest.raises(ValueError, match=r"expected monitor to be a kf\.DriftMonitor"):
        kf.callbacks.DriftWatch(rule)
