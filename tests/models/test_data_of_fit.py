"""What `fit` of a model takes, learns and logs: batches made in Python, DataFrames, outputs, weights."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest

import keras_fair as kf

PARITY = "parity: E[y | sex=Female] == E[y | sex=Male] +- 0.02"
EVERYONE = "for g in sex: E[y | sex=g] <= 0.9"
SIZE, BATCH = 64, 16
RNG = np.random.default_rng(11)
X = RNG.normal(size=(SIZE, 3)).astype("float32")
SEX = RNG.choice(["Female", "Male"], SIZE)
LABEL = (X[:, 0] + (SEX == "Male") > 0.3).astype("float32")
INPUTS = {"x": X, "sex": SEX}
WORDS = {"sex": ["Female", "Male"]}

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="text inside graphs is TensorFlow's"
)


def network(outputs: int = 1) -> keras.Model:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(outputs, activation="sigmoid")])


def model_of(
    constraints: str = PARITY, base: keras.Model | None = None, *, run_eagerly: bool = True, **options
) -> kf.FairModel:
    model = kf.FairModel(network() if base is None else base, constraints, **options)
    model.compile("adam", "binary_crossentropy", run_eagerly=run_eagerly)
    return model


def gap(y) -> float:
    y = np.asarray(y, "float64").reshape(-1)
    return abs(y[SEX == "Female"].mean() - y[SEX == "Male"].mean())


class Batches(keras.utils.PyDataset):
    @property
    def num_batches(self) -> int:
        return SIZE // BATCH

    def __getitem__(self, index: int):
        where = slice(BATCH * index, BATCH * (index + 1))
        return {"x": X[where], "sex": SEX[where]}, LABEL[where]


def generated():
    while True:
        for index in range(SIZE // BATCH):
            yield Batches()[index]


@on_tensorflow
@pytest.mark.parametrize(("kind", "adapted"), [("PyDataset", False), ("generator", True)])
def test_text_in_batches_made_in_python(kind: str, adapted: bool) -> None:
    model = model_of()
    if adapted:
        model.adapt({"sex": SEX})
    data = Batches() if kind == "PyDataset" else generated()
    steps = {} if kind == "PyDataset" else {"steps_per_epoch": SIZE // BATCH, "shuffle": False}
    history = model.fit(data, validation_data=Batches(), verbose=0, **steps).history
    assert history["parity_violation"][0] <= 1e-6
    fair = model.predict(Batches(), verbose=0)
    for index in range(SIZE // BATCH):
        where = slice(BATCH * index, BATCH * (index + 1))
        alone = model.predict({"x": X[where], "sex": SEX[where]}, batch_size=BATCH, verbose=0)
        np.testing.assert_allclose(fair[where], alone, atol=1e-6)


@on_tensorflow
def test_text_of_a_base_model_that_takes_a_dict() -> None:
    inputs = {"a": keras.Input((3,), name="a"), "city": keras.Input((), dtype="string", name="city")}
    city = keras.layers.StringLookup(vocabulary=["u", "v"], output_mode="one_hot")(inputs["city"])
    score = keras.layers.Dense(1, activation="sigmoid")(keras.layers.Concatenate()([inputs["a"], city]))
    model = model_of(base=keras.Model(inputs, score), inputs="x")
    cities = np.random.default_rng(1).choice(["u", "v"], SIZE)
    data = {"x": {"a": X, "city": cities}, "sex": SEX}
    model.fit(data, LABEL, batch_size=SIZE, verbose=0)
    assert gap(model.predict(data, batch_size=SIZE, verbose=0)) <= 0.02 + 1e-6


@pytest.mark.filterwarnings("ignore:.*nobody belonged to the groups of .*sex=Other")
def test_values_are_learnt_and_told(capsys) -> None:
    model = model_of(EVERYONE)
    held = {"x": X[:1], "sex": np.array(["Other"])}
    model.fit(INPUTS, LABEL, batch_size=SIZE, verbose=2, validation_data=(held, LABEL[:1]))
    assert (
        "values of the attributes, taken from the data: sex: Female, Male, Other" in capsys.readouterr().out
    )
    assert model.projection.vocabulary.values == {"sex": ("Female", "Male", "Other")}
    again = model_of(EVERYONE)
    again.fit(INPUTS, LABEL, batch_size=SIZE, verbose=0)
    assert capsys.readouterr().out == ""


@pytest.mark.filterwarnings("ignore:.*nobody belonged to the groups of .*sex=Other")
def test_a_given_vocabulary_is_kept() -> None:
    model = model_of(EVERYONE, vocabulary={"sex": ["Female", "Male", "Other"]})
    model.fit(INPUTS, LABEL, batch_size=SIZE, verbose=0)
    assert model.projection.vocabulary.values == {"sex": ("Female", "Male", "Other")}


def test_validation_data_without_labels_are_learnt_from_too() -> None:
    model = model_of(EVERYONE)
    told = model._reader.learn(INPUTS, LABEL, ({"x": X[:1], "sex": np.array(["Other"])},))
    assert told == "sex: Female, Male, Other"


def test_a_misspelt_group_is_told_before_the_first_epoch() -> None:
    epochs = []
    told = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    model = model_of("E[y | sex=Femal] == E[y | sex=Male] +- 0.02")
    with pytest.raises(kf.ConstraintTypeError, match="no value 'Femal'; did you mean 'Female'"):
        model.fit(INPUTS, LABEL, verbose=0, callbacks=[told])
    assert len(epochs) <= 1
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize("labels", [np.where(LABEL > 0, "yes", "no"), [None, *["yes"] * (SIZE - 1)]])
def test_text_labels_are_refused_with_what_to_do(labels) -> None:
    model = model_of("equal_opportunity(sex) <= 0.1")
    with pytest.raises(ValueError, match="labels y as numbers, received text such as '(yes|no)': encode"):
        model.fit(INPUTS, labels, verbose=0)
    assert model.projection.vocabulary is None  # nothing was learnt from them


def test_arrays_without_attributes_are_refused_with_the_dict_to_pass() -> None:
    with pytest.raises(ValueError, match=r"such as {'x': x, 'sex': sex}, received ndarray"):
        model_of().fit(X, LABEL, verbose=0)


def frame() -> pd.DataFrame:
    return pd.DataFrame(X, columns=["a", "b", "c"]).assign(sex=SEX)


def test_a_frame_as_inputs() -> None:
    model = model_of()
    model.fit(frame(), LABEL, batch_size=SIZE, verbose=0)
    fair = model.predict(frame(), batch_size=SIZE, verbose=0)
    expected = model.projection(model.base_model(X), attributes={"sex": SEX})
    np.testing.assert_allclose(fair, keras.ops.convert_to_numpy(expected), atol=1e-6)


def test_columns_of_a_frame_are_chosen_by_name() -> None:
    wide = frame().assign(d=1.0)
    with pytest.raises(ValueError, match=r"takes 3 columns; beside the attributes there are 4"):
        model_of().predict(wide, verbose=0)
    model = model_of(inputs=["c", "a", "b"], vocabulary=WORDS)
    fair = model.predict(wide, batch_size=SIZE, verbose=0)
    expected = model.projection(model.base_model(X[:, [2, 0, 1]]), attributes={"sex": SEX})
    np.testing.assert_allclose(fair, keras.ops.convert_to_numpy(expected), atol=1e-6)


def two_outputs(as_dict: bool) -> keras.Model:
    x = keras.Input((3,))
    parts = {
        "approve": keras.layers.Dense(1, activation="sigmoid", name="approve")(x),
        "amount": keras.layers.Dense(1, name="amount")(x),
    }
    return keras.Model(x, parts if as_dict else list(parts.values()))


@pytest.mark.parametrize(
    ("output", "constraints"), [("approve", "parity: equal_opportunity(sex) <= 0.02"), (0, PARITY)]
)
def test_one_of_several_outputs(output, constraints: str) -> None:
    model = kf.FairModel(two_outputs(output == "approve"), constraints, output=output)
    model.adapt({"sex": SEX}, LABEL)
    losses = {"approve": "binary_crossentropy", "amount": "mse"}
    labels = {"approve": LABEL, "amount": X[:, 1]}
    if output == 0:
        losses, labels = list(losses.values()), list(labels.values())
    model.compile("adam", losses)
    history = model.fit(INPUTS, labels, batch_size=SIZE, verbose=0).history
    assert history["parity_violation"][0] <= 1e-5
    fair, base = model.predict(INPUTS, batch_size=SIZE, verbose=0), model.base_model.predict(X, verbose=0)
    other = "amount" if output == "approve" else 1
    np.testing.assert_allclose(fair[other], base[other], atol=1e-6)
    assert constraints != PARITY or gap(fair[output]) <= 0.02 + 1e-5
    assert kf.FairModel.from_config(model.get_config()).fair_output == output


def test_several_outputs_need_a_name() -> None:
    with pytest.raises(ValueError, match=r"outputs \['a\w+', 'a\w+'\].*with output='a\w+'"):
        kf.FairModel(two_outputs(True), PARITY, vocabulary=WORDS).predict(INPUTS, verbose=0)
    with pytest.raises(ValueError, match="model of several outputs, of which output='approve' is one"):
        kf.FairModel(network(), PARITY, output="approve", vocabulary=WORDS).predict(INPUTS, verbose=0)


@on_tensorflow
def test_weights_weigh_constraints_and_class_weights_do_not() -> None:
    weight = RNG.uniform(0.2, 2.0, SIZE).astype("float32")
    seen = {}

    class Kept(kf.FairModel):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            seen["y"] = np.asarray(y_pred, "float64").reshape(-1)
            return super().compute_loss(x, y, y_pred, sample_weight, training)

    def trained(**weights) -> np.ndarray:
        model.train_on_batch(INPUTS, LABEL, **weights)
        return seen["y"]

    model = Kept(network(), PARITY)
    model.adapt({"sex": SEX})
    model.compile("sgd", "binary_crossentropy", run_eagerly=True)
    women = SEX == "Female"
    y = trained(sample_weight=weight)
    means = [np.average(y[who], weights=weight[who]) for who in (women, ~women)]
    assert abs(means[0] - means[1]) <= 0.02 + 1e-5
    assert gap(y) > 0.0201
    assert gap(trained(class_weight={0: 1.0, 1: 5.0})) <= 0.02 + 1e-5
    assert gap(trained()) <= 0.02 + 1e-5


@pytest.mark.parametrize("memory", [None, 32])
def test_gaps_are_logged_over_the_whole_epoch(memory) -> None:
    model = model_of(PARITY, memory=memory)
    model.optimizer.learning_rate = 0.0
    half = {name: column[: SIZE // 2] for name, column in INPUTS.items()}
    history = model.fit(
        INPUTS,
        LABEL,
        batch_size=SIZE,
        epochs=2,
        verbose=0,
        validation_data=(half, LABEL[: SIZE // 2]),
        validation_batch_size=8,
    ).history
    fair = model.predict(half, batch_size=8, verbose=0)[:, 0]
    women = SEX[: SIZE // 2] == "Female"
    expected = fair[women].mean() - fair[~women].mean()
    np.testing.assert_allclose(history["val_parity_gap"], expected, atol=1e-5)
    np.testing.assert_allclose(history["val_parity_violation"], max(0.0, abs(expected) - 0.02), atol=1e-5)
    if memory is None:
        np.testing.assert_allclose(
            history["parity_gap"][0],
            kf.audit(PARITY, model.predict(INPUTS, batch_size=SIZE, verbose=0), {"sex": SEX}, confidence=None)
            .relations[0]
            .gap,
            atol=1e-5,
        )
    assert history["parity_gap"][0] == pytest.approx(history["parity_gap"][1], abs=1e-2)


def test_callbacks_can_watch_what_is_logged() -> None:
    stop = keras.callbacks.EarlyStopping("val_parity_violation", mode="min", patience=0, min_delta=1e-4)
    history = model_of().fit(
        INPUTS,
        LABEL,
        batch_size=SIZE,
        epochs=5,
        verbose=0,
        validation_data=(INPUTS, LABEL),
        callbacks=[stop],
        validation_batch_size=SIZE,
    )
    assert stop.best <= 1e-4
    assert len(history.epoch) < 5


class OwnStep(kf.FairModel):
    labels = False

    def test_step(self, *arguments, **keywords):
        return self.own_step(arguments[-1] if arguments else keywords["data"], training=False)

    def train_step(self, *arguments, **keywords):
        return self.own_step(arguments[-1] if arguments else keywords["data"], training=True)

    def own_step(self, data, training: bool):
        x, y = data
        label = {"label": y} if self.labels else {}
        return {"loss": self.compute_loss(x, y, self(x, training=training, **label))}


@on_tensorflow
def test_steps_of_the_users_own_that_pass_no_labels() -> None:
    model = OwnStep(network(), "equal_opportunity(sex) <= 0.02")
    model.compile("adam", "binary_crossentropy")
    with pytest.raises(ValueError, match=r"train_step of your own.*self\(x, label=y, training=True\)"):
        model.fit(INPUTS, LABEL, batch_size=SIZE, verbose=0)
    with pytest.warns(UserWarning, match="test_step of your own"):
        model.evaluate(INPUTS, LABEL, batch_size=SIZE, verbose=0)
    right = OwnStep(network(), "equal_opportunity(sex) <= 0.02")
    right.labels = True
    right.compile("adam", "binary_crossentropy")
    right.fit(INPUTS, LABEL, batch_size=SIZE, verbose=0)
    right.evaluate(INPUTS, LABEL, batch_size=SIZE, verbose=0)


def test_scores_outside_the_domain_are_the_last_thing_told() -> None:
    base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model = model_of(base=base, run_eagerly=False)
    words = r"^expected predictions y in \[0, 1\].*domain=None.*infinite or NaN$"
    if keras.backend.backend() == "torch":  # not in a graph: an error of a call, as Keras tells it
        words = r"expected predictions y in \[0, 1\].*domain=None.*received values from"
    with pytest.raises(ValueError, match=words):
        model.fit(INPUTS, LABEL, batch_size=SIZE, verbose=0)


@pytest.mark.parametrize(("base", "expected"), [("float32", "float32"), (None, "float16")])
def test_mixed_precision_narrows_nothing(base: str | None, expected: str) -> None:
    head = keras.layers.Dense(
        1, dtype=base or "mixed_float16", activation="relu", bias_initializer=keras.initializers.Constant(1e5)
    )
    if base is None:
        head = keras.layers.Dense(1, dtype="mixed_float16", activation="sigmoid")
    model = kf.FairModel(
        keras.Sequential([keras.Input((3,)), head]),
        "E[y | sex=Female] == E[y | sex=Male] +- 0.05",
        domain=None,
        dtype="mixed_float16",
    )
    model.adapt({"sex": SEX})
    fair = model.predict(INPUTS, batch_size=SIZE, verbose=0)
    assert fair.dtype == expected
    assert np.all(np.isfinite(fair))
    assert gap(fair) <= 0.06


def test_a_sequential_model_is_pointed_to_fair_model() -> None:
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid"), kf.FairProjection(PARITY)])
    with pytest.raises(
        kf.ConstraintTypeError, match=r"no attributes were given.*FairModel\(model, constraints\)"
    ):
        model(X)


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
@pytest.mark.parametrize(
    ("rule", "options", "inputs", "words"),
    [
        ("E[y | sxe=Female] <= 0.9", {}, {"x": X, "sex": SEX}, "no attribute named 'sxe'; did you .* 'sex'"),
        ("E[y | sxe=Female] <= 0.9", {}, {"in": X, "sex": SEX}, "no attribute named 'sxe'; did you .* 'sex'"),
        (PARITY, {}, {"x": X, "sex": SEX[:10]}, "input 'x' has 64, input 'sex' has 10"),
        (PARITY, {}, {"x": X, "sex": SEX.tolist()[:10]}, "'sex' has 10"),
        (
            "equal_opportunity(sex) <= 0.1",
            {"label_source": "chances"},
            {"x": X, "sex": SEX, "chance": LABEL},
            "expected the input 'chances', the label_source .*; did you mean 'chance'",
        ),
    ],
)
def test_inputs_that_lack_something_are_refused_before_keras_sees_them(
    method: str, rule: str, options: dict, inputs: dict, words: str
) -> None:
    model = model_of(rule, vocabulary={"sex": ["Female", "Male"], "sxe": ["Female"]}, **options)
    labels = () if method == "predict" else (LABEL,)
    with pytest.raises(ValueError, match=words):
        getattr(model, method)(inputs, *labels, verbose=0)


def test_evaluate_shows_the_gap_over_all_batches_and_returns_what_keras_does(capsys) -> None:
    model = model_of(vocabulary=WORDS, memory=None)
    loss = model.evaluate(INPUTS, LABEL, batch_size=BATCH, verbose=0)
    assert isinstance(loss, float)
    logs = model.evaluate(INPUTS, LABEL, batch_size=BATCH, verbose=2, return_dict=True)
    assert "parity_gap" in capsys.readouterr().out
    assert set(logs) == {"loss", "parity_gap", "parity_violation"}
    assert logs["loss"] == pytest.approx(loss, rel=1e-5)
    fair = model.predict(INPUTS, batch_size=BATCH, verbose=0)
    assert abs(logs["parity_gap"]) == pytest.approx(gap(fair), abs=1e-5)
    again = model.evaluate(INPUTS, LABEL, batch_size=BATCH, verbose=0, return_dict=True)
    assert again["parity_gap"] == pytest.approx(logs["parity_gap"], abs=1e-9)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    assert len(model.evaluate(INPUTS, LABEL, batch_size=BATCH, verbose=0)) == 2


@on_tensorflow
@pytest.mark.parametrize("method", ["predict", "evaluate", "train_on_batch", "predict_on_batch"])
def test_a_misspelt_value_without_a_vocabulary_is_said_wherever_a_model_runs(method: str) -> None:
    model = model_of("E[y | sex=female] == E[y | sex=Male] +- 0.02")
    labels = (LABEL,) if method in ("evaluate", "train_on_batch") else ()
    options = {"verbose": 0} if method in ("predict", "evaluate") else {}
    with pytest.warns(UserWarning, match="nobody belonged to the groups of .*sex=female"):
        getattr(model, method)(INPUTS, *labels, **options)
    getattr(model, method)(INPUTS, *labels, **options)  # said once


@on_tensorflow
def test_values_that_are_misspelt_later_are_said_too() -> None:
    model = model_of(PARITY)
    model.predict(INPUTS, verbose=0)
    with pytest.warns(UserWarning, match="nobody belonged to the groups of 'parity'"):
        model.predict({"x": X, "sex": np.char.lower(SEX)}, verbose=0)


def test_labels_of_a_regression_are_no_codes() -> None:
    base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="softplus")])
    rule = "for g in sex: E[label - y | sex=g] == 0 +- 0.5"
    counts = model_of(rule, base, vocabulary=WORDS, domain=(0.0, 100.0))
    counts.compile("adam", "mse")
    counts.test_on_batch({"x": X, "sex": (SEX == "Male").astype("int32")}, LABEL + 1)


@on_tensorflow
def test_values_that_look_alike_and_labels_of_other_codes_are_said_by_fit(capsys) -> None:
    mixed = np.where(np.arange(SIZE) % 3 == 0, np.char.add(SEX, " "), SEX)
    with pytest.warns(UserWarning, match="Values of sex that look alike"):
        model_of("spread(E[y | sex=*]) <= 0.1").fit({"x": X, "sex": mixed}, LABEL, batch_size=SIZE)
    assert "'Female '" in capsys.readouterr().out
    with pytest.warns(UserWarning, match="Labels lie between 1 and 2, and the constraints ask for label=1"):
        model_of("equal_opportunity(sex) <= 0.1", vocabulary=WORDS).evaluate(
            INPUTS, LABEL + 1, batch_size=SIZE, verbose=0
        )
