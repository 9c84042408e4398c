"""In Beam pipelines: the same audits, calibration counts and decisions as in one process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import keras_fair as kf
from keras_fair.streaming import StreamState
from tests.distributed.people import AUDITED, RATES, columns, rows

beam = pytest.importorskip("apache_beam", reason="Beam is absent: pip install 'keras-fair[beam]'")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

ONE_BY_ONE = "rows one by one"
KINDS = [dict, pd.DataFrame, pl.DataFrame, pa.table, pa.record_batch, rows, ONE_BY_ONE]


@pytest.fixture(scope="module")
def engine() -> Any:
    return kf.distributed.beam


OUTCOMES: list[Any] = []


def keep(element: Any) -> None:
    OUTCOMES.append(element)


def ran(elements: list[Any], *steps: Any) -> list[Any]:
    """The elements that come out of steps, in a pipeline of this process."""
    OUTCOMES.clear()
    with beam.Pipeline(runner="BundleBasedDirectRunner") as pipeline:
        collection = pipeline | beam.Create(elements)
        for place, step in enumerate(steps):
            collection = collection | f"step {place}" >> step
        _ = collection | beam.Map(keep)
    return list(OUTCOMES)


def pieces(kind: Any = dict, parts: int = 5) -> list[Any]:
    """The people in pieces of some kind."""
    all_of, bounds = columns(), np.linspace(0, 1500, parts + 1).astype(int)
    return [
        kind({name: column[low:high] for name, column in all_of.items()})
        for low, high in zip(bounds[:-1], bounds[1:], strict=True)
    ]


def gaps(audit: Any) -> dict[str, float]:
    return {
        f"{relation.name} {name}": getattr(relation, name)
        for relation in audit
        for name in ("gap", "violation", "lower", "upper")
    }


def attributes(*names: str) -> dict[str, np.ndarray]:
    return {name: columns()[name] for name in names}


@pytest.mark.parametrize("kind", KINDS)
def test_an_audit_says_what_it_says_in_one_process(engine, kind) -> None:
    all_of = columns()
    expected = kf.audit(
        AUDITED, all_of["score"], attributes("sex", "age", "race"), all_of["label"], all_of["weight"]
    )
    elements = rows(all_of) if kind == ONE_BY_ONE else pieces(kind)
    audited = engine.AuditFn(AUDITED, label="label", sample_weight="weight")
    (found,) = ran(elements, beam.CombineGlobally(audited))
    assert gaps(found) == pytest.approx(gaps(expected), rel=1e-9, abs=1e-12)
    assert found.samples == 1500


def test_each_key_has_an_audit_of_its_own(engine) -> None:
    text = "E[y | sex=Female] == E[y | sex=Male] +- 0.05"
    keyed = [(row["race"], row) for row in rows(columns())]
    found = dict(ran(keyed, beam.CombinePerKey(engine.AuditFn(text))))
    all_of = columns()
    for race in "abc":
        chosen = all_of["race"] == race
        expected = kf.audit(text, all_of["score"][chosen], {"sex": all_of["sex"][chosen]})
        assert gaps(found[race]) == pytest.approx(gaps(expected))


def test_sums_are_merged_as_they_are_and_as_bytes(engine) -> None:
    text = "E[y | sex=Female] == E[y | sex=Male] +- 0.05"
    parts = [kf.Auditor(text).add(piece["score"], {"sex": piece["sex"]}) for piece in pieces()]
    before = [part.to_bytes() for part in parts]
    expected = gaps(kf.audit(text, columns()["score"], attributes("sex")))
    for elements in (parts, before, [*parts[:2], *before[2:], None]):
        (total,) = ran(list(elements), beam.CombineGlobally(engine.MergeFn(kf.Auditor)))
        assert gaps(total.result()) == pytest.approx(expected)
    assert [part.to_bytes() for part in parts] == before
    assert ran([None], beam.CombineGlobally(engine.MergeFn(kf.Auditor))) == [None]
    state = StreamState(str(kf.parse(text)), [0.0, 1.0], 1, kf.Vocabulary().get_config())
    states = [state.add(piece["score"], {"sex": piece["sex"]}) for piece in pieces()]
    (total,) = ran([one.to_bytes() for one in states], beam.CombineGlobally(engine.MergeFn(StreamState)))
    assert total.result().arrivals == 1500


def test_a_rule_is_fitted_on_merged_counts(engine) -> None:
    counted = engine.CalibrationFn(RATES, label="label")
    (total,) = ran(pieces(pa.table), beam.CombineGlobally(counted))
    assert (total.people, total.kinds < 300) == (1500, True)
    all_of = columns()
    found = total.fit(kf.FrozenFairness(RATES, confidence=None))
    expected = kf.FrozenFairness(RATES, confidence=None)
    expected.fit(all_of["score"], attributes("sex"), all_of["label"])
    assert found.groups == expected.groups


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_gives_each_person_what_it_gives_in_one_process(engine, kind) -> None:
    all_of = {name: column[:60] for name, column in columns().items()}
    rule = kf.FrozenFairness(RATES, confidence=None).fit(columns()["score"], attributes("sex"))
    elements = rows(all_of)[:20] if kind == ONE_BY_ONE else [(rows if kind is rows else kind)(all_of)]
    given = ran(elements, beam.ParDo(engine.RuleFn(rule)))
    if kind == ONE_BY_ONE:
        given = [given]
    for piece in given:
        if not isinstance(piece, list):
            piece = {name: np.asarray(piece[name]) for name in ("score", "sex", "accepted")}
        people = pd.DataFrame(piece)
        expected = rule.decide(people["score"].to_numpy(), {"sex": people["sex"].to_numpy()})
        np.testing.assert_array_equal(people["accepted"].to_numpy(dtype=bool), expected)
    (moved,) = ran([pa.table(all_of)], beam.ParDo(engine.RuleFn(rule, output="score", into="moved")))
    np.testing.assert_array_equal(moved["moved"], rule(all_of["score"], {"sex": all_of["sex"]}))


def test_what_does_not_fit_is_refused(engine) -> None:
    rule = kf.FrozenFairness(RATES, confidence=None).fit(columns()["score"], attributes("sex"))
    with pytest.raises(Exception, match="nobody was of at calibration"):
        ran([{"score": 0.9, "sex": "Alien"}], beam.ParDo(engine.RuleFn(rule)))
    with pytest.raises(Exception, match="expected a column 'sex'"):
        ran([{"score": 0.9, "gender": "Female"}], beam.ParDo(engine.RuleFn(rule)))
    with pytest.raises(Exception, match="expected rows with the same keys"):
        ran([[{"score": 0.9, "sex": "Male"}, {"score": 0.9}]], beam.ParDo(engine.RuleFn(rule)))
    moves = kf.FrozenFairness("E[y | sex=Female] >= 0.1", confidence=None)
    moves.fit(columns()["score"], attributes("sex"))
    with pytest.raises(ValueError, match=r"expected output to be one of \('score',\)"):
        engine.RuleFn(moves, output="decision")
    with pytest.raises(ValueError, match="expected y as the name of a column"):
        engine.AuditFn("E[y | sex=Female] >= 0.1", y=[])
