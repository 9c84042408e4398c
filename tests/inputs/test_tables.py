"""Attributes as a dict, a DataFrame or a table: each place that takes them says the same of all of these."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import keras_fair as kf
from keras_fair.audit.sources import chunks_of
from keras_fair.streaming import StreamState

N = 40
Y = np.random.default_rng(7).random(N)
LABEL = np.tile([0, 1, 1, 0, 1], 8)
COLUMNS = {
    "sex": np.tile(["Female", "Male"], N // 2),
    "age": np.arange(20.0, 20.0 + N),
    "day": np.array("2024-01-01", "M8[D]") + np.arange(N),
    "score": Y,
}
TEXT = """
E[y | sex=Female] == E[y | sex=Male] +- 0.05
E[y | age < 30] >= 0.1
E[y | day < '2024-02-01'] >= 0.1
"""
PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.05"
RATES = "spread(P[y >= 0.5 | sex=*]) <= 0.1"

TABLE = pa.table(COLUMNS)
CONTAINERS = {
    "table": TABLE,
    "batch": TABLE.to_batches()[0],
    "chunks": pa.concat_tables([TABLE.slice(0, 7), TABLE.slice(7)]),
    "dictionary": TABLE.set_column(0, "sex", TABLE["sex"].dictionary_encode()),
    "large strings": TABLE.set_column(0, "sex", TABLE["sex"].cast(pa.large_string())),
    "pandas": pd.DataFrame(COLUMNS),
    "pandas on pyarrow": TABLE.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": pl.DataFrame(COLUMNS),
}


def rule() -> kf.FrozenFairness:
    return kf.FrozenFairness(RATES, confidence=None).fit(Y, {"sex": COLUMNS["sex"]})


def gaps(audited: Any) -> list[float]:
    return [relation.gap for relation in audited]


def watched(attributes: Any) -> str:
    monitor = kf.DriftMonitor(rule())
    monitor.observe(Y, attributes)
    return str(monitor.report())


def model(inputs: Any) -> np.ndarray:
    return np.asarray(inputs["score"])


def metric(attributes: Any) -> dict[str, float]:
    return kf.metrics.PooledGap(TEXT).add(Y, attributes).result()


def stated(attributes: Any) -> dict[str, Any]:
    empty = StreamState(str(kf.parse(TEXT)), [0.0, 1.0], 1, kf.Vocabulary().get_config())
    return empty.add(Y, attributes).to_dict()


PLACES: dict[str, Callable[[Any], Any]] = {
    "audit": lambda attributes: gaps(kf.audit(TEXT, Y, attributes)),
    "audit of chunks": lambda attributes: gaps(kf.audit(TEXT, [(Y, attributes), (Y, attributes, None)])),
    "audit of a model": lambda attributes: gaps(kf.audit(TEXT, model, attributes)),
    "audit of a model over batches": lambda attributes: gaps(kf.audit(TEXT, model, [(attributes, LABEL)])),
    "Auditor": lambda attributes: gaps(kf.Auditor(TEXT).update(Y, attributes).result()),
    "margin_for": lambda attributes: kf.margin_for(PARITY, Y, attributes, people=500),
    "diagnose": lambda attributes: str(kf.diagnose(TEXT, attributes)),
    "rows": lambda attributes: np.asarray(kf.parse(TEXT).rows(attributes).violation(Y)),
    "project": lambda attributes: kf.project(Y, TEXT, attributes).y,
    "FairProjection": lambda attributes: np.asarray(kf.FairProjection(PARITY)(Y, attributes)),
    "Vocabulary": lambda attributes: kf.Vocabulary().adapt(attributes).get_config()["values"]["sex"],
    "PooledGap": metric,
    "StreamState": stated,
    "StreamingFairness": lambda attributes: kf.StreamingFairness(PARITY).project(Y, attributes),
    "FrozenFairness.fit": lambda attributes: kf.FrozenFairness(RATES, confidence=None)
    .fit(Y, attributes)
    .groups,
    "FrozenFairness": lambda attributes: rule()(Y, attributes),
    "FrozenFairness.audit": lambda attributes: gaps(rule().audit(Y, attributes)),
    "FrozenRule": lambda attributes: np.asarray(rule().layer()(Y, attributes)),
    "DriftMonitor": watched,
    "select_top": lambda attributes: kf.select_top("P[y >= 0.5 | sex=Female] >= 0.01", Y, attributes, k=9),
}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """What each place says of a dict; made once."""
    return {}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("place", PLACES)
def test_a_table_says_what_a_dict_says(place, container, expected) -> None:
    say = PLACES[place]
    if place not in expected:
        expected[place] = say(COLUMNS)
    found, wanted = say(CONTAINERS[container]), expected[place]
    if isinstance(wanted, np.ndarray):
        np.testing.assert_array_equal(found, wanted)
    else:
        assert repr(found) == repr(wanted)


@pytest.mark.parametrize("container", [list, pd.Series, pa.array])
def test_decimals_of_a_database_are_numbers(container) -> None:
    """Spark and DuckDB give whole and money columns as decimals."""
    ages = [Decimal("29.9"), Decimal(30), None] + ([] if container is pa.array else [Decimal("NaN")])
    scores = np.array([0.2, 0.9, 0.5, 0.5])[: len(ages)]
    policy = kf.Vocabulary(missing="exclude")
    found = kf.audit("E[y | age < 29.95] >= 0", scores, {"age": container(ages)}, vocabulary=policy)
    assert gaps(found) == pytest.approx([0.2])


def test_a_data_set_that_is_no_table_is_refused_as_before() -> None:
    with pytest.raises(ValueError, match="a tf.data pipeline, a dict of inputs, a DataFrame"):
        next(chunks_of(model, 3, None, None))
    with pytest.raises(ValueError, match="a dict or a DataFrame of the attributes"):
        next(chunks_of(model, [Y], None, None))
