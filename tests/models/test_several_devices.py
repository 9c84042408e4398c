"""Several devices hold what one device holds: the constraints on the batch of all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_fair

PEOPLE = """
import json, sys
import keras, numpy as np
import keras_fair as kf

rng = np.random.default_rng(0)
sex = np.where(rng.random(104) < 0.4, "Female", "Male")
x = (rng.normal(size=(104, 3)) + 0.7 * (sex == "Male")[:, None]).astype("float32")
label = (rng.random(104) < 1 / (1 + np.exp(-x[:, 0]))).astype("float32")
weight = rng.uniform(0.5, 2.0, 104).astype("float32")
TEXTS = {"parity": "E[y | sex=Female] == E[y | sex=Male] +- 0.02", "label": "equal_opportunity(sex) <= 0.02"}

def life(text, columns=sex, eager=True, vocabulary=None, class_weight=None, **options):
    "What a model that was trained gives and keeps; 104 people in batches of 40, so the last one is short."
    keras.utils.set_random_seed(1)
    base = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
    model = kf.FairModel(base, TEXTS[text], vocabulary=vocabulary, **options)
    model.compile(keras.optimizers.SGD(0.05), "binary_crossentropy", run_eagerly=eager)
    inputs = {"x": x, "sex": columns}
    weights = {"class_weight": class_weight} if class_weight else {"sample_weight": weight}
    history = model.fit(inputs, label, batch_size=40, shuffle=False, verbose=0, **weights).history
    scores = model.evaluate(inputs, label, batch_size=104, verbose=0, return_dict=True) if eager else {}
    fair = model.predict(inputs, batch_size=104, verbose=0)[:, 0]
    gap = fair[sex == "Female"].mean() - fair[sex == "Male"].mean()
    weights = np.concatenate([np.ravel(weight) for weight in base.get_weights()])
    found = {**{f"fit {name}": value for name, value in history.items()}, **scores}
    found |= {"y": fair, "weights": weights}
    return {name: np.ravel(value).tolist() for name, value in found.items()}, float(gap)
"""
REPLICAS = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert two.num_replicas_in_sync == 2
found = {}
for case in ("parity", "label"):
    alone = life(case)
    with two.scope():
        found[case] = [*alone, *life(case)]
with two.scope():
    together = life("parity", eager=False)
alone, gap, *_ = found["parity"]  # what runs eagerly is what a graph gives
found["parity in a graph"] = [{name: alone[name] for name in together[0]}, gap, *together]
weighted = life("parity", class_weight={0: 1.0, 1: 5.0})  # for the loss only
with two.scope():
    found["class weights"] = [*weighted, *life("parity", class_weight={0: 1.0, 1: 5.0})]
    _, gap = life("parity", global_batch=False)
    model = kf.FairModel(keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)]), TEXTS["parity"])
    try:
        model.predict({"x": x, "sex": sex}, verbose=0, callbacks=[kf.StreamingFairness()])
    except ValueError as fault:
        refused = str(fault)
print(json.dumps({"found": found, "each by itself": gap, "refused": refused}))
"""
SHARDED = """
import jax
assert len(jax.devices()) == 4
codes = (sex == "Male").astype("int32")
known = {"columns": codes, "eager": False, "vocabulary": {"sex": ["Female", "Male"]}}
alone = life("parity", **known)
keras.distribution.set_distribution(keras.distribution.DataParallel(devices=keras.distribution.list_devices()))
print(json.dumps({"found": {"parity": [*alone, *life("parity", **known)]}}))
"""


def run(code: str, tmp_path: Path, **environment: str) -> dict:
    """What a process of its own prints: devices are made before a backend starts."""
    (tmp_path / "run.py").write_text(PEOPLE + code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-W", "error:expected a label:UserWarning", "run.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(keras_fair.__file__).parents[1]), **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def check_alike(cases: dict) -> None:
    for alone, gap, together, gap_together in cases.values():
        assert list(alone) == list(together)
        for name, numbers in alone.items():
            np.testing.assert_allclose(together[name], numbers, rtol=0, atol=1e-6, err_msg=name)
        assert gap_together == pytest.approx(gap, abs=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's")
def test_two_replicas_are_one_device(tmp_path: Path) -> None:
    printed = run(REPLICAS, tmp_path)
    check_alike(printed["found"])
    assert abs(printed["found"]["parity"][3]) <= 0.02 + 1e-6
    assert "one device, received 2 replicas" in printed["refused"]
    assert abs(printed["each by itself"] - printed["found"]["parity"][3]) > 1e-3


def test_four_devices_of_jax_are_one(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    flags = "--xla_force_host_platform_device_count=4"
    printed = run(SHARDED, tmp_path, KERAS_BACKEND="jax", XLA_FLAGS=flags, JAX_ENABLE_X64="1")
    check_alike(printed["found"])
    assert abs(printed["found"]["parity"][3]) <= 0.02 + 1e-6
