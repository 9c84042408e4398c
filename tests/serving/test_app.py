"""The routes, in this process: limits, token, health, labels, metrics; and that no data are logged."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.serving.answers import Answering
from keras_fair.serving.app import Worker, application
from keras_fair.serving.counts import Counts
from keras_fair.serving.exposition import counts_text, family, gaps_text
from keras_fair.serving.loading import Loaded
from keras_fair.serving.people import ID, PersonField, Persons, feature_fields
from keras_fair.serving.promise_watch import PromiseWatch
from keras_fair.serving.rule_correction import RuleCorrection
from keras_fair.serving.seen import SeenPeople
from keras_fair.serving.settings import ServiceSettings
from keras_fair.serving.stream_correction import StreamCorrection
from keras_fair.serving.turns import Turns
from tests.serving.conftest import arrivals, body

httpx = pytest.importorskip("httpx")

SEX = PersonField("sex", "text", values=("Female", "Male"))
PERSON = {"x": 0.45, "sex": "Female"}
SECRET = 0.123456789


def scorer(columns: Any) -> np.ndarray:
    if (columns["x"] == np.float32(SECRET)).any():
        raise RuntimeError(f"the model failed for {columns['x']}")
    return columns["x"]


def worker(correction: Any, *fields: PersonField, **settings: Any) -> Worker:
    persons = Persons([*feature_fields({"x": ((), "float32")}), SEX, *fields], settings.get("most_people", 5))
    answering = Answering(persons.features_of, scorer, correction)
    loaded = Loaded(persons, answering, getattr(correction, "seen", None), bool(fields))

    async def shared() -> str:
        return counts_text(made.counts)

    made = Worker(loaded, ServiceSettings("model.keras", rule="rule.json", **settings), shared)
    return made


def ask(worker: Worker, *requests: tuple[str, str, bytes], **headers: str) -> list[Any]:
    async def run() -> list[Any]:
        transport = httpx.ASGITransport(application(worker))
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
            return [await client.request(verb, path, content=content) for verb, path, content in requests]

    return asyncio.run(run())


def test_predictions(rule) -> None:
    served = worker(RuleCorrection(rule, SeenPeople()))
    one, many, schema, openapi = ask(
        served,
        ("POST", "/predict", body(PERSON)),
        ("POST", "/predict", body(PERSON, {"x": 0.9, "sex": "Male"})),
        ("GET", "/schema", b""),
        ("GET", "/openapi.json", b""),
    )
    expected = rule(np.array([0.45, 0.9], "float32"), {"sex": ["Female", "Male"]})
    decided = rule.decide(np.array([0.45, 0.9], "float32"), {"sex": ["Female", "Male"]})
    assert one.json() == {"y": float(expected[0]), "accepted": bool(decided[0])}
    assert [each["y"] for each in many.json()] == expected.tolist()
    assert schema.json() == served.loaded.persons.schema()
    asked = openapi.json()["paths"]["/predict"]["post"]["requestBody"]
    assert asked["content"]["application/json"]["example"] == served.loaded.persons.example()
    assert served.counts.people == 3


def test_limits_and_refusals(rule) -> None:
    served = worker(RuleCorrection(rule), most_bytes=200, most_people=3)
    long, many, malformed, wrong, nowhere, verb = ask(
        served,
        ("POST", "/predict", b"[" + b" " * 300 + b"]"),
        ("POST", "/predict", body(*[PERSON] * 4)),
        ("POST", "/predict", b"{"),
        ("POST", "/predict", body({**PERSON, "sex": "Femal"})),
        ("POST", "/labels", b"{}"),
        ("GET", "/predict", b""),
    )
    assert [each.status_code for each in (long, many, malformed, wrong)] == [413, 413, 400, 422]
    assert long.json()["errors"] == [{"field": "(body)", "expected": "at most 200 bytes", "received": "more"}]
    assert wrong.json()["errors"][0]["expected"] == "'Female' or 'Male'"
    assert [nowhere.status_code, verb.status_code] == [404, 405]
    assert served.counts.requests == {413: 2, 400: 1, 422: 1}


def test_a_body_that_does_not_say_its_length_is_read_no_further_than_allowed(rule) -> None:
    read = []

    async def parts() -> Any:
        for _ in range(100):
            read.append(1)
            yield b" " * 100

    async def run() -> Any:
        transport = httpx.ASGITransport(application(worker(RuleCorrection(rule), most_bytes=250)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/predict", content=parts())

    assert asyncio.run(run()).status_code == 413
    assert len(read) < 10


def test_the_token(rule) -> None:
    served = worker(RuleCorrection(rule), token="secret")
    paths = [("POST", "/predict", body(PERSON)), ("GET", "/metrics", b""), ("GET", "/health/live", b"")]
    assert [each.status_code for each in ask(served, *paths)] == [401, 401, 200]
    assert [each.status_code for each in ask(served, *paths, Authorization="Bearer secre")] == [401, 401, 200]
    found = ask(served, *paths, Authorization="Bearer secret")
    assert [each.status_code for each in found] == [200, 200, 200]
    assert "secret" not in repr(served.settings)


def test_an_error_of_the_program_shows_no_data(rule, caplog) -> None:
    served = worker(RuleCorrection(rule))
    with caplog.at_level(logging.INFO):
        (found,) = ask(served, ("POST", "/predict", body({"x": SECRET, "sex": "Female"})))
        ask(served, ("POST", "/predict", body({"x": 0.5, "sex": "Somebody"})))
    assert found.status_code == 500
    assert "RuntimeError" in caplog.text
    assert "0.123" not in caplog.text + found.text
    assert "Somebody" not in caplog.text


def test_health(rule) -> None:
    served = worker(RuleCorrection(rule))
    asked = ("GET", "/health/ready", b"")
    assert ask(served, asked)[0].json() == {"ready": True, "correction": "rule"}
    served.stopping = True
    assert ask(served, asked)[0].status_code == 503


def test_a_last_saving_that_fails_is_no_end_in_order(tmp_path, caplog) -> None:
    text = "E[y | sex=Female] == E[y | sex=Male] +- 0.05"
    folder = tmp_path / "state"
    folder.mkdir()
    stream = kf.StreamingFairness(text, state=f"sqlite:///{folder}/state.db", sync_every=100)
    served = worker(StreamCorrection(stream, ["sex"], (0.0, 1.0), at_once=False, turns=Turns("")))
    assert ask(served, ("POST", "/predict", body(PERSON)))[0].status_code == 200
    (folder / "state.db").unlink()
    (folder / "state.db").mkdir()
    asyncio.run(served.close())
    assert served.unsaved
    assert "is not saved" in caplog.text
    assert "0.45" not in caplog.text
    (folder / "state.db").rmdir()  # so that the stream can save when it is let go
    stream.save()


def test_labels_that_come_later(tmp_path) -> None:
    text = "E[y | sex=Female, label=1] == E[y | sex=Male, label=1] +- 0.05"
    stream = kf.StreamingFairness(text, state=tmp_path / "state.json")
    correction = StreamCorrection(stream, ["sex"], (0.0, 1.0), at_once=True, turns=Turns(""))
    served = worker(correction, PersonField(ID, "id", optional=True))
    found = ask(
        served,
        ("POST", "/predict", body({**PERSON, "id": "a"}, {**PERSON, "id": 7})),
        ("POST", "/labels", json.dumps({"ids": ["a", "nobody"], "labels": [1, 0]}).encode()),
        ("POST", "/labels", json.dumps({"ids": ["a"], "labels": []}).encode()),
        ("POST", "/labels", json.dumps({"ids": [7], "labels": [1, 0]}).encode()),
        ("GET", "/metrics", b""),
    )
    assert [each.status_code for each in found] == [200, 200, 422, 422, 200]
    assert found[1].json() == {"observed": 1, "not_waiting": 1}
    assert "keras_fair_stream_waiting 1\n" in found[4].text
    assert "keras_fair_stream_arrivals 2\n" in found[4].text


def test_metrics_are_read_by_prometheus(rule) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    counts = Counts()
    counts.add(200, 3, 0.0015)
    counts.add(422, 0, 7.0)
    merged = counts.merged(counts)
    text = counts_text(merged) + gaps_text([('a "b" \\ c\n', float("nan"), -np.inf, 0.02, 0.0)])
    text += family("nothing", "gauge", "There is none.", [])
    found = {each.name: each for each in parser.text_string_to_metric_families(text)}
    assert {s.labels["status"]: s.value for s in found["keras_fair_requests"].samples} == {"200": 2, "422": 2}
    seconds = found["keras_fair_request_seconds"].samples
    buckets = {sample.labels["le"]: sample.value for sample in seconds if "le" in sample.labels}
    assert (buckets["0.001"], buckets["0.002"], buckets["5"], buckets["+Inf"]) == (0, 2, 2, 4)
    assert found["keras_fair_pooled_gap"].samples[0].labels["relation"] == 'a "b" \\ c\n'
    assert "keras_fair_nothing" not in found


def test_the_watch_sees_a_broken_promise_and_goes_on(rule, tmp_path, caplog) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    path = str(tmp_path / "watch.bin")
    watch, seen = PromiseWatch(rule, 0.01, path), SeenPeople()

    def observe(scores: np.ndarray, sex: np.ndarray) -> None:
        seen.add(scores, rule(scores, {"sex": sex}), {"sex": sex.tolist()}, None)
        batch = seen.take()
        assert batch is not None
        watch.observe(batch)

    def numbers() -> dict[str, list[float]]:
        families = parser.text_string_to_metric_families(watch.text())
        return {each.name: [sample.value for sample in each.samples] for each in families}

    observe(*arrivals(2000, 8))
    assert numbers()["keras_fair_drift_alarm"] == [0, 0]
    assert abs(numbers()["keras_fair_pooled_gap"][0]) < 0.15
    scores, sex = arrivals(4000, 9)
    with caplog.at_level(logging.WARNING):
        observe(np.clip(scores - 0.3 * (sex == "Female"), 0, 1).astype("float32"), sex)
    assert 1 in numbers()["keras_fair_drift_alarm"]
    assert "alarm: " in caplog.text
    assert numbers()["keras_fair_pooled_violation"][0] > 0
    watch.save()
    watch = PromiseWatch(rule, 0.01, path)
    assert numbers()["keras_fair_drift_people"] == [6000]
    with pytest.raises(ValueError, match="of alpha=0.05"):
        PromiseWatch(rule, 0.05, path)
