"""A rule as a layer: what it says is what the rule says, of one person or of many, in and outside graphs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
from keras import ops

import keras_fair as kf
from keras_fair.postprocessing.frozen_rule import FrozenRule

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
SIZE = 240

tensorflow_only = pytest.mark.skipif(not ON_TENSORFLOW, reason="XLA that can't stop is TensorFlow's")


class People(NamedTuple):
    scores: np.ndarray
    attributes: dict[str, np.ndarray]
    label: np.ndarray
    ids: np.ndarray

    @property
    def codes(self) -> dict[str, np.ndarray]:
        return {**self.attributes, "sex": (self.attributes["sex"] == "Male").astype("int32")}

    def first(self, count: int) -> People:
        columns = {name: column[:count] for name, column in self.attributes.items()}
        return People(self.scores[:count], columns, self.label[:count], self.ids[:count])


@cache
def people() -> People:
    rng = np.random.default_rng(3)
    sex = np.where(rng.random(SIZE) < 0.4, "Female", "Male")
    scores = np.clip(rng.normal(np.where(sex == "Female", 0.4, 0.55), 0.2), 0, 1).astype("float32")
    label = (rng.random(SIZE) < scores).astype(int)
    age = rng.integers(20, 60, SIZE).astype("float32")
    return People(scores, {"sex": sex, "age": age}, label, np.arange(SIZE))


TEXTS = {
    "thresholds": ("spread(P[y >= 0.3 | sex=*]) <= 0.02", {}),
    "lots": ("spread(P[y >= 0.5 | sex=*]) <= 0", {"randomise": "allowed"}),
    "everyone": ("P[y >= 0.5] <= 0.1", {}),
    "shifts": ("E[y | sex=Female, age >= 40] == E[y | sex=Male, age < 40] +- 0.01", {}),
    "crossentropy": ("spread(E[y | sex=*]) <= 0.01", {"divergence": "binary_crossentropy"}),
    "labels": ("spread(E[y | sex=*, label=1]) <= 0.01", {}),
}
# The means of one group are a constant that only calibration needs.
TEXTS["constants"] = ("E[y | sex=Female] >= 0.01 * E[age]", {})


@cache
def fitted(kind: str, unknown: str = "error") -> kf.FrozenFairness:
    text, options = TEXTS[kind]
    rule = kf.FrozenFairness(text, confidence=None, unknown=unknown, **options)
    those = people()
    return rule.fit(those.scores, those.attributes, those.label if "label" in text else None)


def lots(layer: FrozenRule, those: People) -> dict[str, np.ndarray]:
    return {"lots": layer.lots_of(those.ids)} if layer.draws_lots else {}


def as_numpy(tensor) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor))


def model_of(layer: FrozenRule, text: bool = False, **compile_arguments) -> keras.Model:
    inputs = {"y": keras.Input((1,), name="y"), "age": keras.Input((), name="age")}
    inputs["sex"] = keras.Input((), name="sex", dtype="string" if text else "int32")
    if layer.draws_lots:
        inputs["lots"] = keras.Input((), name="lots")
    model = keras.Model(inputs, layer(inputs))
    model.compile(**compile_arguments)
    return model


def feed(layer: FrozenRule, those: People, text: bool = False) -> dict[str, np.ndarray]:
    columns = {**those.attributes, "sex": those.attributes["sex"].astype(object)} if text else those.codes
    return {"y": those.scores[:, None].copy(), **columns, **lots(layer, those)}


@pytest.mark.parametrize("kind", TEXTS)
def test_the_layer_says_what_the_rule_says(kind) -> None:
    rule, those = fitted(kind), people()
    layer, exact = rule.layer(), rule.meaning.decides
    attributes = those.attributes if kind != "constants" else {"sex": those.attributes["sex"]}
    expected = rule(those.scores, those.attributes, ids=those.ids)
    for given in (attributes, {**attributes, **those.codes}):
        fair = layer(those.scores, attributes=given, **lots(layer, those))
        assert keras.backend.standardize_dtype(fair.dtype) == "float32"
        np.testing.assert_allclose(as_numpy(fair), expected, rtol=0, atol=0 if exact else 1e-6)
    column = layer({"y": those.scores[:, None], **attributes, **lots(layer, those)})
    np.testing.assert_array_equal(as_numpy(column)[:, 0], as_numpy(fair))
    one = those.first(1)
    alone = layer(one.scores.tolist(), one.attributes, **lots(layer, one))
    np.testing.assert_allclose(as_numpy(alone), expected[:1], rtol=0, atol=1e-6)
    nobody = those.first(0)
    assert as_numpy(layer(nobody.scores, nobody.attributes, **lots(layer, nobody))).size == 0
    if exact:
        halves = those.scores.astype("float16")
        assert as_numpy(layer(halves, attributes, **lots(layer, those))).dtype == "float16"
        np.testing.assert_array_equal(
            as_numpy(layer(halves, attributes, **lots(layer, those))),
            rule(halves, those.attributes, ids=those.ids),
        )


def test_any_thresholds_and_shares(rng) -> None:
    """Rules that nobody learnt: thresholds at the ends, at scores, and none; shares of zero."""
    those = people()
    values = json.loads(fitted("lots").to_json())
    for _ in range(8):
        scores = rng.choice([0.0, 1.0, *those.scores[:20]], SIZE).astype("float32")
        choices = [0.0, 1.0, *those.scores[:20].tolist()]
        thresholds = np.sort(rng.choice(choices, (2, 3)), axis=1).tolist()
        thresholds[0][2] = None
        shares = rng.multinomial(4, [0.3, 0.3, 0.4], 2) / 4
        values["knots"] |= {"thresholds": thresholds, "shares": shares.tolist()}
        rule = kf.FrozenFairness.from_json(json.dumps(values))
        layer = rule.layer()
        fair = as_numpy(layer(scores, those.attributes, **lots(layer, those)))
        np.testing.assert_array_equal(fair, rule(scores, those.attributes, ids=those.ids))


@pytest.mark.parametrize(
    ("kind", "text", "jit_compile"),
    [("lots", True, False), ("thresholds", False, True), ("shifts", False, True), ("everyone", False, False)],
)
def test_in_a_graph_one_person_or_many(kind, text, jit_compile) -> None:
    text = text and ON_TENSORFLOW
    rule, those = fitted(kind), people()
    layer = rule.layer(name="fair")
    model = model_of(layer, text, jit_compile=jit_compile)
    inputs = feed(layer, those, text)
    fair = model.predict(inputs, batch_size=SIZE, verbose=0)
    exact = rule.meaning.decides
    expected = rule(those.scores, those.attributes, ids=those.ids)
    np.testing.assert_allclose(fair[:, 0], expected, rtol=0, atol=0 if exact else 1e-6)
    for size in (1, 2, 7):
        part = {name: column[:size] for name, column in inputs.items()}
        np.testing.assert_array_equal(model.predict(part, verbose=0), fair[:size])


def test_strangers_outside_a_graph(recwarn) -> None:
    those = people().first(4)
    strangers = {"sex": np.array(["Female", "Other", "Male", "Diverse"])}
    rule = fitted("thresholds")
    with pytest.raises(ValueError, match="2 people of a group that nobody was of") as of_rule:
        rule(those.scores, strangers)
    with pytest.raises(ValueError, match="2 people.*received sex='Other'") as of_layer:
        rule.layer()(those.scores, strangers)
    assert str(of_layer.value) == str(of_rule.value)
    with pytest.raises(ValueError, match="2 people.*received sex=2"):
        rule.layer()(those.scores, {"sex": np.array([0, 2, 1, 2])})
    layer = fitted("thresholds", "exclude").layer()
    with pytest.warns(UserWarning, match="2 people of a group that the rule doesn't know.*left as they are"):
        fair = as_numpy(layer(those.scores, strangers))
    np.testing.assert_array_equal(fair[[1, 3]], those.scores[[1, 3]])
    known = rule(those.scores[[0, 2]], {"sex": ["Female", "Male"]})
    np.testing.assert_array_equal(fair[[0, 2]], known)
    assert layer.record().unknown == 2
    layer.reset_record()
    assert layer.record().unknown == 0


def test_strangers_stop_a_graph() -> None:
    those, model = people(), None
    for column, value, words in (
        ("sex", 2, "fair: expected people of groups that the rule knows .sex=Female; sex=Male., received"),
        ("sex", 3, "`sex` has missing values"),
        ("sex", -1, "`sex` has codes out of range"),
        ("y", 1.5, "expected predictions y in"),
    ):
        if model is None or not ON_TENSORFLOW:  # on JAX, Keras loses the variables where `predict` fails
            layer = fitted("thresholds").layer(name="fair")
            model = model_of(layer)
        inputs = feed(layer, those)
        inputs[column][3] = value
        if keras.backend.backend() == "torch":  # not in a graph, where errors show what was received
            words = {2: "sex not known .received sex=2", -1: "received codes from -1"}.get(value, words)
            words = words.replace("`", "'").replace("has missing", "has 1 missing").replace("y in", "y.* in")
        with pytest.raises(Exception, match=words):  # noqa: B017, PT011  the backend's own kind of error
            model.predict(inputs, batch_size=SIZE, verbose=0)


def test_strangers_who_are_left_alone_in_a_graph(capfd) -> None:
    those, layer = people(), fitted("thresholds", "exclude").layer(name="fair")
    model, inputs = model_of(layer), feed(fitted("thresholds").layer(), people())
    inputs["sex"][[3, 200]] = 2
    words = "people of a group that the rule doesn't know: scores are left as they are"
    if ON_TENSORFLOW:
        fair = model.predict(inputs, batch_size=SIZE // 2, verbose=0)
        assert capfd.readouterr().err.count(f"keras_fair: fair: {words}") == 1
    else:
        if keras.backend.backend() == "torch":
            words = "1 person of a group that the rule doesn't know .*: scores are left as they are"
        with pytest.warns(UserWarning, match=words):
            fair = model.predict(inputs, batch_size=SIZE // 2, verbose=0)
    np.testing.assert_array_equal(fair[[3, 200], 0], those.scores[[3, 200]])
    assert (fair[:3, 0] != those.scores[:3]).all()
    assert layer.record() == (2, 0)


@tensorflow_only
def test_under_xla_what_cannot_stop_is_no_score_and_is_counted() -> None:
    layer = fitted("thresholds").layer()
    model, inputs = model_of(layer, jit_compile=True), feed(layer, people())
    inputs["sex"][3], inputs["y"][5] = 2, 1.5
    fair = model.predict(inputs, batch_size=SIZE // 2, verbose=0)[:, 0]
    assert np.flatnonzero(np.isnan(fair)).tolist() == [3, 5]
    assert layer.record() == (0, 1)


@pytest.mark.filterwarnings("ignore:Skipping nested container:UserWarning")  # where weights are refused
def test_saved_and_loaded(tmp_path: Path) -> None:
    those, rule = people(), fitted("lots")
    layer = rule.layer(name="fair")
    assert layer.name == "fair"
    assert not layer.trainable_weights
    model = model_of(layer)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").get_layer("fair")
    assert again.get_config() == layer.get_config()
    assert kf.FrozenFairness.from_json(again.document).to_json() == rule.to_json()
    # The weights are what counts: a checkpoint carries the knots.
    model.save_weights(tmp_path / "own.weights.h5")
    values = json.loads(rule.to_json())
    values["knots"]["thresholds"] = np.full_like(rule.learnt.knots.thresholds, 0.9).tolist()
    other = kf.FrozenFairness.from_json(json.dumps(values)).layer(name="fair")
    others = model_of(other)
    expected = rule(those.scores, those.attributes, ids=those.ids)
    assert not (as_numpy(other(those.scores, those.attributes, **lots(layer, those))) == expected).all()
    others.load_weights(tmp_path / "own.weights.h5")
    for loaded in (again, other):
        fair = as_numpy(loaded(those.scores, those.attributes, **lots(layer, those)))
        np.testing.assert_array_equal(fair, expected)
    values["row_of_cell"] = values["row_of_cell"][::-1]
    strange = kf.FrozenFairness.from_json(json.dumps(values)).layer(name="fair")
    with pytest.raises(ValueError, match="expected the weights of a rule of the same groups"):
        model_of(strange).load_weights(tmp_path / "own.weights.h5")


@tensorflow_only
def test_gradients_flow_through_scores() -> None:
    import tensorflow as tf

    those, layer = people(), fitted("thresholds").layer()
    scores = tf.constant(those.scores)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        total = tf.reduce_sum(layer(scores, those.attributes))
    slopes = tape.gradient(total, scores).numpy()
    inside = (those.scores > 0) & (those.scores < 1)
    assert (slopes[inside] > 0).mean() > 0.99


def test_an_unfitted_rule_has_no_layer() -> None:
    with pytest.raises(ValueError, match="expected a rule that was fitted"):
        kf.FrozenFairness("E[y | sex=Female] <= 0.5").layer()
    with pytest.raises(ValueError, match="expected the JSON document of a rule"):
        FrozenRule("{}")


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("lots", {"lots": None}, "expected lots.*received none.*draws lots.*lots_of"),
        ("lots", {"lots": np.full(4, 1.5)}, r"expected lots in \[0, 1\), received lots from 1.5"),
        ("lots", {"lots": np.full((4, 2), 0.5)}, r"expected lots as numbers of shape \(n,\)"),
        ("lots", {"lots": np.full(3, 0.5)}, "y has 4, lots has 3"),
        ("thresholds", {"lots": np.full(4, 0.5)}, "expected no lots, received some.*draws none"),
        ("thresholds", {"attributes": {"sx": ["Female"] * 4}}, "no attribute named 'sex'.*'sx'"),
        ("thresholds", {"attributes": None}, "no attribute named 'sex'.*no attributes were given"),
        ("thresholds", {"attributes": {"sex": ["Female", None, "Male", "Male"]}}, "'sex' has 1 missing"),
        ("thresholds", {"attributes": {"sex": np.array([0, 1, 3, 3])}}, "'sex' has 2 missing"),
        ("thresholds", {"attributes": {"sex": np.array([0, 1, 7, 1])}}, "expected codes of .*sex.* from 0"),
        ("thresholds", {"attributes": {"sex": ["Female"] * 3}}, "has 4.*has 3|has 3.*has 4"),
        ("thresholds", {"attributes": {"sex": np.full((4, 2), 0.5)}}, "gives probabilities of groups"),
        ("thresholds", {"y": np.array([0.5, np.nan, 0.5, 0.5])}, "expected finite predictions"),
        ("thresholds", {"y": np.array([0.5, 1.5, 0.5, 0.5])}, r"expected predictions y in \[0, 1\]"),
        ("thresholds", {"y": np.full((4, 2), 0.5)}, "expected one score a person"),
    ],
)
def test_bad_input(kind, change, words) -> None:
    layer, those = fitted(kind).layer(), people().first(4)
    given = {"y": those.scores, "attributes": those.attributes, **lots(layer, those), **change}
    with pytest.raises(ValueError, match=f"(?s){words}"):
        layer(given["y"], given["attributes"], lots=given.get("lots"))
