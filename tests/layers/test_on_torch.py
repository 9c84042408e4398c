"""Layers and models on PyTorch: what works there alone, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_fair as kf
from keras_fair.layers import kept_weight

if keras.backend.backend() != "torch":
    pytest.skip("the backend in use is another one", allow_module_level=True)

import torch

PARITY = "E[y | sex=F] == E[y | sex=M] +- 0.02"
WORDS = {"sex": ["F", "M"]}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(128, 3)).astype("float32")
SEX = RNG.choice(["F", "M"], 128)
LABEL = (X[:, 0] + (SEX == "M") > 0).astype("float32")


def network() -> keras.Model:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])


def trained(**arguments) -> kf.FairModel:
    model = kf.FairModel(network(), PARITY, **arguments)
    model.compile("adam", "binary_crossentropy")
    model.fit({"x": X, "sex": SEX}, LABEL, batch_size=32, epochs=1, verbose=0)
    return model


def gap(y) -> float:
    y = np.asarray(y, "float64").reshape(-1)
    return abs(y[SEX == "F"].mean() - y[SEX == "M"].mean())


def test_a_loop_of_the_user_trains_through_the_layer() -> None:
    model = network()
    layer = kf.FairProjection(PARITY)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    losses = []
    for _ in range(5):
        y = layer(model(X), attributes={"sex": SEX})
        loss = torch.nn.functional.mse_loss(y[:, 0], torch.tensor(LABEL))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)
    assert gap(layer(model(X), attributes={"sex": SEX}).detach()) <= 0.02 + 1e-6


@pytest.mark.parametrize(
    "arguments", [{"memory": 200}, {"divergence": "binary_crossentropy"}, {"stiffness": 50.0}]
)
def test_text_is_learnt_and_encoded_by_fit(arguments) -> None:
    model = trained(**arguments)
    assert model.projection.vocabulary == kf.Vocabulary(WORDS)
    if "stiffness" not in arguments:
        assert gap(model.predict({"x": X, "sex": SEX}, batch_size=128, verbose=0)) <= 0.02 + 1e-6


@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning")
def test_batches_of_a_data_loader(recwarn) -> None:
    model = kf.FairModel(network(), PARITY, vocabulary=WORDS)
    model.compile("adam", "binary_crossentropy")
    codes = model.projection.encode({"sex": SEX})["sex"]
    people = [({"x": x, "sex": code}, label) for x, code, label in zip(X, codes, LABEL, strict=True)]
    history = model.fit(torch.utils.data.DataLoader(people, batch_size=32), epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]


def test_what_was_saved_predicts_the_same_on_tensorflow(tmp_path: Path) -> None:
    model = trained()
    predicted = model.predict({"x": X, "sex": SEX}, batch_size=128, verbose=0)
    np.savez(tmp_path / "people.npz", x=X, sex=SEX, y=predicted)
    model.save(tmp_path / "fair.keras")
    code = (
        "import keras, numpy as np, keras_fair\n"
        "there = np.load('people.npz')\n"
        "model = keras.models.load_model('fair.keras')\n"
        "y = model.predict({'x': there['x'], 'sex': there['sex']}, batch_size=128, verbose=0)\n"
        "print(abs(y - there['y']).max())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-6


def test_nothing_is_exported() -> None:
    with pytest.raises(ValueError, match="KERAS_BACKEND=tensorflow and export it there"):
        trained().export("nowhere")
    y, sex = keras.Input((1,)), keras.Input((), dtype="int32")
    model = keras.Model([y, sex], kf.FairProjection(PARITY, vocabulary=WORDS)(y, attributes={"sex": sex}))
    with pytest.raises(Exception, match="KERAS_BACKEND=tensorflow and export it there"):  # noqa: B017, PT011
        model.export("nowhere.pt2", format="torch", verbose=False)


def test_text_has_no_tensors() -> None:
    with pytest.raises(ValueError, match="torch has no tensors: call adapt first"):
        kf.FairModel(network(), PARITY).predict({"x": X, "sex": SEX}, verbose=0)
    layer = kf.FairProjection(PARITY, vocabulary=WORDS)
    with pytest.raises(ValueError, match="torch has no tensors of text: encode"):
        layer(keras.Input((1,)), attributes={"sex": keras.Input((), dtype="string")})


def test_a_device_without_float64_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tensor:
        device = torch.device("mps")

    monkeypatch.setattr(kept_weight.ops, "convert_to_tensor", lambda _: Tensor())
    with pytest.raises(ValueError, match="KERAS_TORCH_DEVICE=cpu"):
        kept_weight.kept_weight(None, "memory", (3,), "float64")
