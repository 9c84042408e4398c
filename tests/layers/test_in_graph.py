"""Inside a compiled graph: text, unknown batch sizes, XLA, and faults that may not pass in silence."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import keras_fair as kf

# JAX computes in single precision unless it is told otherwise.
TOLERANCE = 1e-5 if keras.backend.backend() == "jax" else 1e-6

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
SEX = {"sex": ["Female", "Male"]}

tensorflow_only = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="text tensors and assertions in a graph are TensorFlow's"
)


def model_of(layer, dtype="int32", **compile_arguments):
    """Predictions and the attribute in, fair predictions out."""
    inputs = {"y": keras.Input((1,), name="y"), "sex": keras.Input((), dtype=dtype, name="sex")}
    model = keras.Model(inputs, layer(inputs["y"], attributes={"sex": inputs["sex"]}))
    model.compile(loss="mse", **compile_arguments)
    return model


def gap(y, codes) -> float:
    y = np.asarray(y, "float64")[:, 0]
    return abs(y[codes == 0].mean() - y[codes == 1].mean())


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("jit_compile", [False, True])
def test_last_batch_is_partial(batch, jit_compile) -> None:
    layer = kf.FairProjection(PARITY, vocabulary=SEX)
    model = model_of(layer, jit_compile=jit_compile)
    fair = model.predict({"y": batch.y[:, None], "sex": batch.codes}, batch_size=48, verbose=0)
    for part in (slice(0, 48), slice(48, 64)):
        assert gap(fair[part], batch.codes[part]) <= 0.02 + TOLERANCE
    assert layer.record().batches[kf.Outcome.SOLVED] == 2


@tensorflow_only
@pytest.mark.parametrize("vocabulary", [None, SEX])
def test_text_is_read_inside_the_graph(batch, vocabulary) -> None:
    model = model_of(kf.FairProjection(PARITY, vocabulary=vocabulary), dtype="string")
    fair = model.predict({"y": batch.y[:, None], "sex": batch.sex.astype(object)}, batch_size=64, verbose=0)
    assert gap(fair, batch.codes) <= 0.02 + TOLERANCE


@tensorflow_only
def test_columns_of_unknown_rank(batch) -> None:
    import tensorflow as tf

    layer = kf.FairProjection(PARITY, vocabulary=SEX)
    signature = [tf.TensorSpec([None, 1]), tf.TensorSpec(None, "int32"), tf.TensorSpec(None)]
    compiled = tf.function(
        lambda y, sex, weight: layer(y, attributes={"sex": sex}, sample_weight=weight),
        input_signature=signature,
    )
    fair = compiled(batch.y[:, None], batch.codes[:, None], np.ones(64, "float32"))
    assert gap(fair, batch.codes) <= 0.02 + TOLERANCE


@tensorflow_only
def test_text_is_not_compiled_with_xla(batch) -> None:
    layer = kf.FairProjection(PARITY)
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        model = model_of(layer, dtype="string", jit_compile=True)
    assert not model.jit_compile


@tensorflow_only
def test_text_under_xla_is_an_error_that_says_what_to_do(batch) -> None:
    import tensorflow as tf

    layer = kf.FairProjection(PARITY)
    compiled = tf.function(
        lambda y, sex: layer(y, attributes={"sex": sex}), jit_compile=True, autograph=False
    )
    with pytest.raises(ValueError, match="Vocabulary.encode"):
        compiled(tf.constant(batch.y), tf.constant(batch.sex))


@pytest.mark.parametrize(
    ("change", "words", "words_of_torch"),
    [
        (lambda y, codes: y.__setitem__(3, np.nan), "expected predictions y in", "expected finite"),
        (lambda y, codes: y.__setitem__(3, 2.0), "apply a sigmoid", "apply a sigmoid"),
        (
            lambda y, codes: codes.__setitem__(3, 2),
            "`sex` has values outside the vocabulary",
            "'sex' has 1 values outside the vocabulary",
        ),
        (lambda y, codes: codes.__setitem__(3, 3), "`sex` has missing values", "`sex` has missing values"),
        (lambda y, codes: codes.__setitem__(3, 77), "`sex` has codes out of range", "codes from 0 to 77"),
        (lambda y, codes: codes.__setitem__(3, -1), "`sex` has codes out of range", "received codes from -1"),
    ],
)
def test_faults_of_the_data_stop_predict(batch, change, words, words_of_torch) -> None:
    words = words_of_torch if keras.backend.backend() == "torch" else words  # it is not in a graph there
    model = model_of(kf.FairProjection(PARITY, vocabulary=SEX))
    y, codes = batch.y[:, None].copy(), batch.codes.copy()
    change(y, codes)
    with pytest.raises(Exception, match=words):  # noqa: B017, PT011  the backend's own kind of error
        model.predict({"y": y, "sex": codes}, batch_size=64, verbose=0)


@pytest.mark.parametrize("shape", [(), (1,)])
@pytest.mark.parametrize("faulty", [-1.0, np.nan, np.inf])
def test_weights_below_zero_stop_predict(batch, faulty, shape) -> None:
    y, sex, weight = keras.Input((1,)), keras.Input((), dtype="int32"), keras.Input(shape)
    layer = kf.FairProjection(PARITY, vocabulary=SEX)
    model = keras.Model([y, sex, weight], layer(y, attributes={"sex": sex}, sample_weight=weight))
    weights = np.ones((64, *shape))
    fair = model.predict([batch.y[:, None], batch.codes, weights], batch_size=64, verbose=0)
    assert gap(fair, batch.codes) <= 0.02 + TOLERANCE
    weights[7] = faulty
    with pytest.raises(Exception, match="expected sample_weight .*>= 0"):  # noqa: B017, PT011
        model.predict([batch.y[:, None], batch.codes, weights], batch_size=64, verbose=0)


@tensorflow_only
def test_faults_of_the_data_are_counted_under_xla(batch) -> None:
    layer = kf.FairProjection(PARITY, vocabulary=SEX)
    model = model_of(layer, jit_compile=True)
    y, codes = batch.y[:, None].copy(), batch.codes.copy()
    y[3], codes[5] = 1.5, 2
    fair = model.predict({"y": y, "sex": codes}, batch_size=32, verbose=0)
    assert layer.record().faulty == 1
    assert np.all(np.isfinite(fair))
    assert fair.max() <= 1.0


def test_unknown_values_may_be_left_out(batch) -> None:
    layer = kf.FairProjection(PARITY, vocabulary=SEX, unknown="exclude")
    codes = batch.codes.copy()
    codes[:5] = 2
    fair = model_of(layer).predict({"y": batch.y[:, None], "sex": codes}, batch_size=64, verbose=0)
    np.testing.assert_array_equal(fair[:5, 0], batch.y[:5])
    assert gap(fair, codes) <= 0.02 + TOLERANCE


def test_attribute_that_is_lacking_is_told_when_the_model_is_made() -> None:
    layer = kf.FairProjection(PARITY)
    with pytest.raises(kf.ConstraintTypeError, match="no attribute named 'sex'.*'sx'") as fault:
        layer(keras.Input((1,)), attributes={"sx": keras.Input(())})
    assert "^" in str(fault.value)


def test_place_of_a_fault_survives_nested_models(batch) -> None:
    class Outer(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = kf.FairProjection("parity: " + PARITY)

        def build(self, shapes):
            pass

        def call(self, inputs):
            return self.inner(inputs["y"], attributes={"sx": inputs["sex"]})

    with pytest.raises(kf.ConstraintTypeError) as fault:
        Outer()({"y": batch.y, "sex": batch.codes})
    assert str(fault.value).endswith("\n  parity: " + PARITY + "\n                ^")


def test_what_cannot_be_held_is_told_inside_a_graph(batch, capfd, recwarn) -> None:
    layer = kf.FairProjection(
        "E[y | sex=Female] >= 0.9\nE[y | sex=Female] <= 0.1", vocabulary=SEX, name="fair"
    )
    model = model_of(layer)
    if keras.backend.backend() != "tensorflow":
        with pytest.warns(
            UserWarning, match="fair: at least one batch: (no predictions|the iteration limit)"
        ):
            model.predict({"y": batch.y[:, None], "sex": batch.codes}, batch_size=32, verbose=0)
    else:
        model.predict({"y": batch.y[:, None], "sex": batch.codes}, batch_size=32, verbose=0)
        told = capfd.readouterr().err
        assert told.count("keras_fair: fair: at least one batch:") == 1
        assert "no predictions inside the domain meet all rows" in told
    assert layer.record().batches[kf.Outcome.SOLVED] == 0


def test_gradient_flows_through_the_layer(batch) -> None:
    base = keras.Input((1,), name="x")
    sex = keras.Input((), dtype="int32", name="sex")
    hidden = keras.layers.Dense(1, activation="sigmoid")(base)
    model = keras.Model(
        [base, sex], kf.FairProjection(PARITY, vocabulary=SEX)(hidden, attributes={"sex": sex})
    )
    model.compile(keras.optimizers.SGD(0.5), "mse")
    before = [weight.copy() for weight in model.get_weights()[:2]]
    history = model.fit(
        [batch.y[:, None], batch.codes], batch.label, epochs=3, batch_size=64, verbose=0
    ).history
    assert history["loss"][-1] < history["loss"][0]
    assert all(np.any(old != new) for old, new in zip(before, model.get_weights()[:2], strict=True))
