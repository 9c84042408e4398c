"""Audits in chunks: the same numbers as of the whole, whatever the chunks, shards and sources are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from keras_fair.audit import Audit, Auditor, audit
from keras_fair.errors import ConstraintTypeError
from keras_fair.rows import Vocabulary

N = 1200

EVERYTHING = """
difference: E[y | sex=Female] == E[y | sex=Male] +- 0.02
rates: P[y >= 0.5 | sex=Female] >= 0.8 * P[y >= 0.5 | sex=Male]
spread(E[y | race=*]) <= 0.05
spread(E[y | race=*, sex=*]) <= 0.08
for g in race: E[y | race=g] == E[y] +- 0.05
for a, b in sex and c in label: E[y | sex=a, label=c] == E[y | sex=b, label=c] +- 0.05
E[y | age < 25] >= E[y | 25 <= age < 60] - 0.1
E[label | y >= 0.5, sex=Female] >= 0.1
cov(y, hours) == 0 +- 0.5
E[y | sex=Female] / P[label=1 | sex=Female] >= 0.8
equalized_odds(race) <= 0.05
E[y] in [E[label] - 0.1, E[label] + 0.1]
for a in grade: E[y | grade=a] <= 0.9
"""


@pytest.fixture
def samples(rng: np.random.Generator) -> dict[str, Any]:
    race = rng.choice(["a", "b", "c"], N, p=[0.6, 0.3, 0.1]).astype(object)
    race[-7:] = "late"
    y = rng.random(N)
    return {
        "y": y,
        "attributes": {
            "sex": rng.choice(["Female", "Male"], N),
            "race": race,
            "age": rng.integers(18, 80, N).astype("float32"),
            "hours": rng.integers(1, 60, N).astype("float64"),
            "grade": rng.integers(1, 5, N),
        },
        "label": (rng.random(N) < y).astype("float32"),
        "sample_weight": rng.random(N),
    }


def part(samples: dict[str, Any], chosen: Any) -> dict[str, Any]:
    """Some of the samples."""
    found = {name: column[chosen] for name, column in samples.items() if name != "attributes"}
    return {**found, "attributes": {name: column[chosen] for name, column in samples["attributes"].items()}}


def assert_same(one: Audit, other: Audit) -> None:
    assert one.samples == other.samples
    assert [relation.name for relation in one] == [relation.name for relation in other]
    for mine, theirs in zip(one, other, strict=True):
        assert (mine.verdict, mine.note) == (theirs.verdict, theirs.note)
        for name in ("left", "right", "gap", "lower", "upper", "violation"):
            assert getattr(mine, name) == pytest.approx(
                getattr(theirs, name), rel=1e-12, abs=1e-12, nan_ok=True
            )
        for a, b in zip((mine, *mine.statistics), (theirs, *theirs.statistics), strict=True):
            assert (a.interval is None) == (b.interval is None)
            if a.interval is not None and b.interval is not None:
                assert a.interval.low == pytest.approx(b.interval.low, rel=1e-12, abs=1e-12)
                assert a.interval.high == pytest.approx(b.interval.high, rel=1e-12, abs=1e-12)
                assert a.interval.method == b.interval.method
    assert one.edges == other.edges
    assert [(g.attributes, g.values) for g in one.groups] == [(g.attributes, g.values) for g in other.groups]
    for ours, yours in zip(one.groups, other.groups, strict=True):
        np.testing.assert_allclose(
            [ours.size, ours.weight, ours.mean, *ours.counts],
            [yours.size, yours.weight, yours.mean, *yours.counts],
            rtol=1e-12,
        )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [1, 37, 700])
def test_chunks_give_what_the_whole_gives(samples, weighted, size) -> None:
    if not weighted:
        del samples["sample_weight"]
    if size == 1:
        samples = part(samples, slice(N - 60, N))
    count = len(samples["y"])
    auditor = Auditor(EVERYTHING)
    for start in range(0, count, size):
        auditor.update(**part(samples, slice(start, start + size)))
    assert_same(auditor.result(), audit(EVERYTHING, **samples))


def test_shards_can_be_joined(samples) -> None:
    first = Auditor(EVERYTHING).update(**part(samples, slice(700, N)))
    second = Auditor(EVERYTHING).update(**part(samples, slice(0, 700)))
    assert_same(first.merge(second).result(), audit(EVERYTHING, **samples))
    assert second.samples == 700
    assert_same(Auditor(EVERYTHING).merge(second).result(), second.result())
    assert_same(second.merge(Auditor(EVERYTHING)).result(), audit(EVERYTHING, **part(samples, slice(0, 700))))


def test_scores_beyond_0_and_1_are_joined_in_any_order(samples) -> None:
    text = "E[y | sex=Female] <= 1; cov(y, hours) <= 100"
    samples["y"] = np.where(np.arange(N) < 400, samples["y"], 50 * samples["y"] - 20)
    samples["attributes"]["hours"] = samples["attributes"]["hours"] * np.where(np.arange(N) < 800, 1, 40)
    parts = [part(samples, slice(start, start + 400)) for start in (0, 400, 800)]
    whole = audit(text, **samples)
    for order in ((0, 1, 2), (2, 1, 0)):
        auditor = Auditor(text)
        for place in order:
            auditor.update(**parts[place])
        assert_same(auditor.result(), whole)
        joined = Auditor(text).update(**parts[order[0]])
        for place in order[1:]:
            joined.merge(Auditor(text).update(**parts[place]))
        assert_same(joined.result(), whole)
    assert whole.edges[0] <= samples["y"].min()
    assert whole.edges[-1] >= samples["y"].max()
    assert sum(whole.groups[0].counts) == pytest.approx(whole.groups[0].weight)


def test_groups_known_as_probabilities_in_chunks(rng: np.random.Generator) -> None:
    shares = rng.dirichlet([1, 2], 300)
    y = rng.random(300)
    text = "E[y | race=a] == E[y | race=b] +- 0.1; P[y >= 0.5 | race=a] <= 0.5; spread(E[y | race=*]) <= 1"

    def columns(chosen: slice) -> dict[str, Any]:
        return {"race": {"a": shares[chosen, 0], "b": shares[chosen, 1]}}

    auditor = Auditor(text)
    for start in range(0, 300, 77):
        chosen = slice(start, start + 77)
        auditor.update(y[chosen], columns(chosen))
    found = auditor.result()
    assert_same(found, audit(text, y, columns(slice(None))))
    assert found.relations[0].gap == pytest.approx(
        np.average(y, weights=shares[:, 0]) - np.average(y, weights=shares[:, 1])
    )
    assert found.relations[0].interval.low < found.relations[0].gap < found.relations[0].interval.high
    (a, b) = found.groups
    assert (a.values, b.values) == (("a",), ("b",))
    assert a.size == pytest.approx(shares[:, 0].sum())


def test_an_iterable_of_chunks(samples) -> None:
    del samples["sample_weight"]

    def chunks() -> Iterator[tuple[Any, ...]]:
        for start in range(0, N, 500):
            found = part(samples, slice(start, start + 500))
            yield found["y"], found["attributes"], found["label"]

    whole = audit(EVERYTHING, **samples)
    assert_same(audit(EVERYTHING, chunks()), whole)
    assert_same(audit(EVERYTHING, list(chunks())), whole)


def test_a_model_with_a_pipeline(samples) -> None:
    import keras
    import tensorflow as tf

    inputs = keras.Input((2,), name="x")
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(inputs))
    x = np.stack([samples["y"], samples["attributes"]["hours"] / 60], axis=1).astype("float32")
    given = {"x": x, **samples["attributes"]}
    dataset = tf.data.Dataset.from_tensor_slices((given, samples["label"], samples["sample_weight"]))
    found = audit(EVERYTHING, model, dataset.batch(256))
    y = np.concatenate([model.predict_on_batch(x[start : start + 256]) for start in range(0, N, 256)])
    samples["y"] = y[:, 0]
    assert_same(found, audit(EVERYTHING, **samples))


def test_a_pipeline_without_batches_is_told_so(samples) -> None:
    import keras
    import tensorflow as tf

    inputs = keras.Input((1,), name="x")
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    given = {"x": samples["y"][:, None].astype("float32"), "sex": samples["attributes"]["sex"]}
    for elements in ((given,), (given, samples["label"])):
        dataset = tf.data.Dataset.from_tensor_slices(elements if len(elements) > 1 else given)
        with pytest.raises(
            ValueError, match=r"expected a data set of batches.*'sex' has shape \(\).*\.batch"
        ):
            audit("E[y | sex=Female] <= 1", model, dataset)


def test_any_function_can_stand_for_a_model(samples) -> None:
    data = [({"score": samples["y"], **samples["attributes"]}, samples["label"], samples["sample_weight"])]
    found = audit(EVERYTHING, lambda inputs: inputs["score"], data)
    assert_same(found, audit(EVERYTHING, **samples))


def test_memory_does_not_grow_with_the_samples(samples) -> None:
    auditor = Auditor(EVERYTHING)
    auditor.update(**samples)
    cells = [sum(part.size.shape[0] for part in table.parts()) for table in auditor._seen.tables]
    for _ in range(3):
        auditor.update(**samples)
    assert [sum(part.size.shape[0] for part in table.parts()) for table in auditor._seen.tables] == cells
    assert auditor.result().samples == 4 * N


def test_values_that_arrive_late_are_learnt_and_faults_come_with_the_result(samples) -> None:
    auditor = Auditor("E[y | race=late] <= 1")
    auditor.update(**part(samples, slice(0, 100)))
    with pytest.raises(ConstraintTypeError, match="'race' has no value 'late'"):
        auditor.result()
    auditor.update(**part(samples, slice(100, N)))
    assert auditor.result().relations[0].statistics[0].size == 7


def test_a_faulty_chunk_does_not_count(samples) -> None:
    auditor = Auditor("E[y | sex=Female] <= 1").update(**part(samples, slice(0, 100)))
    with pytest.raises(ValueError, match="NaN"):
        auditor.update([math.nan], {"sex": ["Male"]})
    with pytest.raises(ConstraintTypeError, match="either text or numbers"):
        auditor.update([0.5], {"sex": [3.0]})
    assert auditor.result().samples == 100


def test_a_faulty_chunk_leaves_no_value_behind(samples) -> None:
    auditor = Auditor("spread(E[y | sex=*]) <= 0.9; spread(E[y | race=*]) <= 0.9; E[y | grade=*] <= 1")
    auditor.update(**part(samples, slice(0, 100)))
    before = auditor.result()
    strange = {"sex": ["ZZ", "YY"], "grade": [77, 78]}
    for race in ([1, 2], ["c", None], ["c"]):
        with pytest.raises(ValueError, match="race"):
            auditor.update([0.5, 0.6], {**strange, "race": race}, sample_weight=[2.0, 3.0])
    assert auditor.result() == before
    assert_same(
        auditor.update(**part(samples, slice(100, N))).result(), audit(auditor.constraints, **samples)
    )


def test_a_faulty_first_chunk_fixes_nothing() -> None:
    auditor = Auditor("E[label | sex=a] <= 1")
    with pytest.raises(ValueError, match="either text or numbers"):
        auditor.update([[0.5, 0.6], [0.1, 0.2]], {"sex": ["a", 1.0]}, [1, 0])
    with pytest.raises(ValueError, match="at least one sample"):
        auditor.result()
    assert auditor.update([0.5], {"sex": ["a"]}, [1]).result().samples == 1


def test_a_chunk_with_too_many_kinds_of_samples_leaves_no_sum_behind(monkeypatch, rng) -> None:
    for module in ("seen", "cells"):
        monkeypatch.setattr(f"keras_fair.audit.{module}.MOST_CELLS", 40)
    auditor = Auditor("E[y] <= 1; E[y | race=*, grade=*] <= 1")
    auditor.update(rng.random(30), {"race": list("abc") * 10, "grade": [1, 2] * 15})
    before = auditor.result()
    columns = {"race": [f"r{place}" for place in range(50)], "grade": [9] * 50}
    with pytest.raises(ValueError, match="more than 40 kinds of samples"):
        auditor.update(rng.random(50), columns)
    assert auditor.result() == before
    other = Auditor("E[y] <= 1; E[y | race=*, grade=*] <= 1")
    other.update(rng.random(38), {name: column[:38] for name, column in columns.items()})
    with pytest.raises(ValueError, match="more than 40 kinds of samples"):
        auditor.merge(other)
    assert auditor.result() == before


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Auditor("E[y] <= 1").result(), "at least one sample"),
        (lambda: Auditor("E[y] <= 1").merge(Auditor("E[y] <= 2")), "same constraints"),
        (lambda: Auditor("E[y] <= 1").merge(3), "same constraints"),
        (
            lambda: Auditor("E[y] <= 1").merge(Auditor("E[y] <= 1", vocabulary=Vocabulary({"a": ["b"]}))),
            "same vocabulary",
        ),
        (lambda: Auditor("E[y] <= 1").update([0.1], {}).update([[0.1, 0.2]], {}), "shape"),
        (lambda: Auditor("E[y] <= 1", confidence=1.0), "confidence=1.0"),
        (lambda: Auditor("E[y] <= 1", confidence=95), "confidence=95"),
        (lambda: Auditor("E[y] <= 1", seed=-1), "seed=-1"),
        (lambda: audit("E[y] <= 1", iter([0.3, 0.2])), "chunks"),
        (lambda: audit("E[y] <= 1", iter([]), {}), "inside the chunks"),
        (lambda: audit("E[y] <= 1", iter([])), "at least one sample"),
        (lambda: audit("E[y] <= 1", lambda x: x), "data set"),
        (lambda: audit("E[y] <= 1", lambda x: x, [([1.0], [2.0])]), "dict"),
        (lambda: audit("E[y] <= 1", lambda x: x, [{}], [1.0]), "inside the data set"),
    ],
)
def test_malformed_arguments(make, words) -> None:
    with pytest.raises(ValueError, match=words):
        make()
