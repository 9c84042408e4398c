"""Models on a stream: what is streamed, what never is, and what a run that fails leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_fair as kf

TENSORFLOW = keras.backend.backend() == "tensorflow"
# JAX computes in single precision by default; Keras hands out float32 anyway.
EXACT = 1e-6 if TENSORFLOW else 1e-4

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
SEX = {"sex": ["Female", "Male"]}
N, BATCH = 40, 16

tensorflow_only = pytest.mark.skipif(not TENSORFLOW, reason="of TensorFlow only")


def inputs(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, N).astype("int32")
    y = np.clip(0.3 + 0.3 * codes + 0.1 * rng.normal(size=N), 0.0, 1.0).astype("float32")
    return {"y": y[:, None], "sex": codes}


X = inputs()
LABEL = np.zeros((N, 1), "float32")


def model_of(layer=None, **compile_arguments) -> keras.Model:
    layer = layer or kf.FairProjection(PARITY, vocabulary=SEX, name="projection")
    columns = {"y": keras.Input((1,), name="y"), "sex": keras.Input((), dtype="int32", name="sex")}
    model = keras.Model(columns, layer(columns["y"], attributes={"sex": columns["sex"]}))
    model.compile(loss="mse", **compile_arguments)
    return model


def run(model, *callbacks, x=None, **arguments) -> np.ndarray:
    arguments = {"batch_size": BATCH, "verbose": 0, **arguments}
    return model.predict(X if x is None else x, callbacks=list(callbacks), **arguments)


def audited(*answers: np.ndarray) -> float:
    """The gap of all predictions together."""
    words = np.tile(np.array(SEX["sex"])[X["sex"]], len(answers))
    y = np.concatenate(answers).astype("float64")[:, 0]
    return kf.audit(PARITY, y, {"sex": words}, confidence=None).relations[0].gap


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return model_of()


@pytest.fixture(scope="module")
def plain(model) -> np.ndarray:
    """What the model predicts without a stream."""
    return run(model)


@pytest.fixture(scope="module")
def stream(model, plain) -> kf.StreamingFairness:
    """One stream for all tests of this model, for compiling it takes seconds."""
    return kf.StreamingFairness()


def left_as_it_was(model, plain) -> None:
    np.testing.assert_array_equal(run(model), plain)
    assert "make_predict_function" not in vars(model)
    assert "make_test_function" not in vars(model)


def test_pooled_gap_is_that_of_all_predictions(model, plain, stream) -> None:
    first = run(model, stream)
    assert stream.report().arrivals == N
    assert stream.report().relations[0].gap == pytest.approx(audited(first), abs=EXACT)
    left_as_it_was(model, plain)
    second = run(model, stream)
    assert stream.report().arrivals == 2 * N
    assert stream.report().relations[0].gap == pytest.approx(audited(first, second), abs=EXACT)
    assert np.abs(first - plain).max() > 1e-3
    assert stream.history["arrivals"].tolist() == [16, 32, 40, 56, 72, 80]
    left_as_it_was(model, plain)


def test_evaluate_is_streamed(model, plain, stream) -> None:
    before = stream.report().arrivals
    own = model.evaluate(X, LABEL, batch_size=BATCH, verbose=0)
    model.evaluate(X, LABEL, batch_size=BATCH, verbose=0, callbacks=[stream])
    assert stream.report().arrivals == before + N
    assert model.evaluate(X, LABEL, batch_size=BATCH, verbose=0) == own
    left_as_it_was(model, plain)


def test_attached_streams_all_runs_inside(model, plain, stream) -> None:
    before = stream.report().arrivals
    with stream.attached(model) as same:
        assert same is stream
        run(model)
        run(model, stream)
        run(model)
        model.predict_on_batch({name: column[:BATCH] for name, column in X.items()})
        assert stream.report().arrivals == before + 3 * N + BATCH
        worker = threading.Thread(target=run, args=(model,))
        worker.start()
        worker.join()
        assert stream.report().arrivals == before + 4 * N + BATCH
    left_as_it_was(model, plain)
    assert stream.report().arrivals == before + 4 * N + BATCH
    with pytest.raises(ZeroDivisionError), stream.attached(model):
        raise ZeroDivisionError
    left_as_it_was(model, plain)


def test_model_compiled_again(model, plain, stream) -> None:
    before = stream.report().arrivals
    with stream.attached(model):
        model.compile(loss="mse")
        run(model)
        assert stream.report().arrivals == before + N
    left_as_it_was(model, plain)
    model.compile(loss="mse")
    run(model, stream)
    assert stream.report().arrivals == before + 2 * N
    left_as_it_was(model, plain)


class Raising(keras.callbacks.Callback):
    """Raises after the first batch."""

    def __init__(self, fault: BaseException) -> None:
        super().__init__()
        self.fault = fault

    def on_predict_batch_end(self, batch, logs=None) -> None:
        raise self.fault


@pytest.mark.parametrize("fault", [RuntimeError("callback"), KeyboardInterrupt()])
@pytest.mark.filterwarnings("ignore:.*:pytest.PytestUnhandledThreadExceptionWarning")
def test_a_run_that_failed_in_a_callback(model, plain, stream, fault) -> None:
    before = stream.report().arrivals
    with pytest.raises(type(fault)):
        run(model, stream, Raising(fault))
    assert stream.report().arrivals == before + BATCH  # its first batch was predicted
    left_as_it_was(model, plain)
    run(model, stream)
    assert stream.report().arrivals == before + BATCH + N


def test_a_run_that_failed_in_the_data(model, plain, stream) -> None:
    before = stream.report().arrivals

    def batches():
        yield ({name: column[:BATCH] for name, column in X.items()},)
        raise OSError("the data are gone")

    with pytest.raises(Exception, match="the data are gone"):
        model.predict(batches(), verbose=0, callbacks=[stream], steps=2)
    assert stream.report().arrivals in (before, before + BATCH)  # Keras reads ahead
    left_as_it_was(model, plain)


@tensorflow_only  # on JAX a first batch that fails takes the weights with it, streamed or not
def test_a_run_that_failed_in_the_model(model, plain, stream) -> None:
    before = stream.report()
    wrong = {**X, "y": np.full_like(X["y"], 2.0)}
    with pytest.raises(Exception, match="expected predictions y in"):
        run(model, stream, x=wrong)
    left_as_it_was(model, plain)
    assert stream.report() == before
    run(model, stream)
    assert stream.report().arrivals == before.arrivals + N


class Nested(keras.callbacks.Callback):
    """Predicts in the midst of a run."""

    def __init__(self, when: str) -> None:
        super().__init__()
        self.answers: list[np.ndarray] = []
        setattr(self, f"on_predict_batch_{when}", self.predict)

    def predict(self, batch, logs=None) -> None:
        self.answers.append(run(self.model))


def test_a_run_inside_a_run_is_its_own(model, plain, stream) -> None:
    before = stream.report().arrivals
    nested = Nested("end")
    run(model, stream, nested)
    assert stream.report().arrivals == before + N
    for answer in nested.answers:
        np.testing.assert_array_equal(answer, plain)
    nested = Nested("begin")
    with pytest.raises(RuntimeError, match="put StreamingFairness after it"):
        run(model, stream, nested)
    run(model, nested, stream)
    assert stream.report().arrivals == before + 2 * N
    left_as_it_was(model, plain)


def test_another_thread_is_not_streamed(model, plain, stream) -> None:
    before = stream.report().arrivals
    answers: list[np.ndarray] = []

    class Beside(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None) -> None:
            worker = threading.Thread(target=lambda: answers.append(run(model)))
            worker.start()
            worker.join()

    run(model, stream, Beside())
    assert stream.report().arrivals == before + N
    assert len(answers) == 3
    for other in answers:
        np.testing.assert_array_equal(other, plain)
    worker = threading.Thread(target=run, args=(model, stream))
    worker.start()
    worker.join()
    assert stream.report().arrivals == before + 2 * N
    left_as_it_was(model, plain)


def test_refusals(model, plain, stream) -> None:
    with pytest.raises(ValueError, match="received it in fit"):
        model.fit(X, LABEL, verbose=0, callbacks=[stream])
    with pytest.raises(ValueError, match="received two"):
        run(model, stream, kf.StreamingFairness())
    left_as_it_was(model, plain)
    bare = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="with a FairProjection layer"):
        bare.predict(X["y"], verbose=0, callbacks=[stream])
    with pytest.raises(ValueError, match="expected the constraints of layer 'projection'"):
        run(model, kf.StreamingFairness("E[y | sex=Male] <= 0.5"))
    left_as_it_was(model, plain)


def test_requests_go_on_where_a_model_stopped(model, stream) -> None:
    before = stream.report().arrivals
    stream.project([0.5], {"sex": ["Male"]})
    run(model, stream)
    assert stream.report().arrivals == before + 1 + N


@tensorflow_only
def test_several_steps_in_one_execution(plain) -> None:
    import tensorflow as tf

    model, stream = model_of(steps_per_execution=2), kf.StreamingFairness()
    fair = run(model, stream)
    model.evaluate(X, LABEL, batch_size=BATCH, verbose=0, callbacks=[stream])
    assert stream.report().arrivals == 2 * N
    dataset = tf.data.Dataset.from_tensor_slices((X, LABEL)).batch(BATCH)
    model.predict(dataset, verbose=0, callbacks=[stream])
    assert stream.report().arrivals == 3 * N
    one = kf.StreamingFairness()
    model.compile(loss="mse", steps_per_execution=1)
    np.testing.assert_allclose(run(model, one), fair, atol=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_compiled_with_xla(policy) -> None:
    layer = kf.FairProjection(PARITY, vocabulary=SEX, dtype=policy)
    model, stream = model_of(layer, jit_compile=True), kf.StreamingFairness()
    x = {name: column[:32] for name, column in X.items()}
    own = run(model, x=x)
    fair = run(model, stream, x=x)
    assert fair.dtype == own.dtype == "float32"  # the model's own layers give no less
    report = stream.report()
    y, words = fair.astype("float64")[:, 0], np.array(SEX["sex"])[x["sex"]]
    gap = kf.audit(PARITY, y, {"sex": words}, confidence=None).relations[0].gap
    assert report.relations[0].gap == pytest.approx(gap, abs=EXACT)
    np.testing.assert_array_equal(run(model, x=x), own)
    with pytest.raises(Exception, match="finite"):
        run(model, stream, x={**x, "y": np.full_like(x["y"], np.nan)})
    assert stream.report() == report  # nothing that is no number gets into a state


def test_model_that_runs_eagerly() -> None:
    model, stream = model_of(run_eagerly=True), kf.StreamingFairness()
    x = {name: column[:12] for name, column in X.items()}
    run(model, stream, x=x, batch_size=6)
    assert stream.report().arrivals == 12


def test_several_projections_have_a_stream_each(tmp_path) -> None:
    columns = {"y": keras.Input((1,), name="y"), "sex": keras.Input((), dtype="int32", name="sex")}
    one = kf.FairProjection(PARITY, vocabulary=SEX, name="one")
    two = kf.FairProjection("E[y | sex=Male] <= 0.4", vocabulary=SEX, name="two")
    middle = one(columns["y"], attributes={"sex": columns["sex"]})
    model = keras.Model(columns, two(middle, attributes={"sex": columns["sex"]}))
    stream = kf.StreamingFairness(state=tmp_path / "state.json")
    x = {name: column[:32] for name, column in X.items()}
    run(model, stream, x=x)
    reports = stream.report()
    assert {name: report.arrivals for name, report in reports.items()} == {"one": 32, "two": 32}
    assert set(stream.history) == {"one", "two"}
    with pytest.raises(ValueError, match="can't be told"):
        stream.project([0.5], {"sex": ["Male"]})
    again = kf.StreamingFairness.load(tmp_path / "state.json")
    run(model, again, x=x)
    assert {name: report.arrivals for name, report in again.report().items()} == {"one": 64, "two": 64}
    with pytest.raises(ValueError, match="other constraints"):
        kf.StreamingFairness(PARITY, state=tmp_path / "state.json")


def base_model() -> keras.Model:
    base = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
    base.layers[0].set_weights([np.array([[2.0]], "float32"), np.array([-0.8], "float32")])
    return base


def test_fair_model_with_labels() -> None:
    text = "E[y | sex=Female, label=1] == E[y | sex=Male, label=1] +- 0.02"
    words = np.array(SEX["sex"])[X["sex"]]
    model = kf.FairModel(base_model(), text, vocabulary=SEX)
    model.compile(loss="mse")
    x = {"x": X["y"][:32], "sex": words[:32]}
    label = (X["y"][:32] > 0.45).astype("float32")
    own, stream = run(model, x=x), kf.StreamingFairness()
    run(model, stream, x=x)
    weights = stream.report().relations[0].smallest_weight
    assert 0 < weights < 16  # of fractional labels: the prediction stands in
    model.evaluate(x, label, batch_size=BATCH, verbose=0, callbacks=[stream])
    assert stream.report().arrivals == 64
    positives = min(np.sum(label[words[:32] == group]) for group in SEX["sex"])
    assert stream.report().relations[0].smallest_weight <= weights + 16
    assert positives > 0
    np.testing.assert_array_equal(run(model, x=x), own)


CONTINUE = """
import sys
import keras, numpy as np
import keras_fair as kf

model = keras.models.load_model(sys.argv[1])
x = dict(np.load(sys.argv[3]))
stream = kf.StreamingFairness.load(sys.argv[2])
np.save(sys.argv[4], model.predict(x, batch_size=16, verbose=0, callbacks=[stream]))
print(stream.report().arrivals)
"""


def test_a_saved_model_goes_on_in_a_new_process(model, plain, tmp_path: Path) -> None:
    first = {name: column[:16] for name, column in X.items()}
    then = {name: column[16:32] for name, column in X.items()}
    unbroken = kf.StreamingFairness(state=tmp_path / "state.json")
    run(model, unbroken, x=first)
    (tmp_path / "kept.json").write_bytes((tmp_path / "state.json").read_bytes())
    expected = run(model, unbroken, x=then)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "then.npz", **then)
    names = ("model.keras", "kept.json", "then.npz", "found.npy")
    done = subprocess.run(
        [sys.executable, "-c", CONTINUE, *(str(tmp_path / name) for name in names)],
        env={**os.environ, "PYTHONPATH": str(Path(kf.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "32"
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), expected, atol=1e-9 if TENSORFLOW else 1e-5)
