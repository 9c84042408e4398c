"""PyTorch: gradients are those of TensorFlow, floats stay as wide as they are, and NumPy does the work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_fair as kf
from keras_fair.ops import project_rows

if keras.backend.backend() != "torch":
    pytest.skip("the backend in use is another one", allow_module_level=True)

import torch
from ml_dtypes import bfloat16

from keras_fair.inputs.arrays_torch import TORCH, on_host
from tests.gradient_cases import gradients

PARITY = "E[y | sex=F] == E[y | sex=M] +- 0.02"
SEX = np.array(["F", "M"] * 8)
SCORES = np.linspace(0.1, 0.9, 16) ** np.where(SEX == "M", 0.5, 1.5)


def test_gradients_are_those_of_tensorflow() -> None:
    repository = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.gradient_cases"],
        cwd=repository,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = json.loads(done.stdout)
    for name, gradient in gradients().items():
        assert np.abs(gradient).max() > 0.1, name
        np.testing.assert_allclose(gradient, expected[name], atol=1e-6, err_msg=name)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_project_gives_tensors_back(dtype: str) -> None:
    y = torch.tensor(SCORES, dtype=getattr(torch, dtype))
    given = kf.project(y, PARITY, {"sex": SEX})
    assert given.y.dtype == y.dtype
    assert isinstance(given.duals, torch.Tensor)
    expected = torch.tensor(kf.project(y.to(torch.float64).numpy(), PARITY, {"sex": SEX}).y).to(y.dtype)
    np.testing.assert_array_equal(given.y.to(torch.float64), expected.to(torch.float64))


def test_only_tensors_have_a_gradient() -> None:
    rows = kf.parse(PARITY).rows({"sex": SEX})
    y = torch.tensor(SCORES, requires_grad=True)
    given = project_rows(y, rows, sample_weight=np.linspace(0.5, 2.0, 16))
    assert given.y.requires_grad
    assert not isinstance(given.duals, torch.Tensor)
    with torch.no_grad():
        assert not kf.project(y, PARITY, {"sex": SEX}).y.requires_grad


def test_predictions_that_were_changed_have_no_gradient() -> None:
    rows = kf.parse(PARITY).rows({"sex": SEX})
    y = torch.tensor(SCORES, requires_grad=True) * 1.0
    fair = project_rows(y, rows).y
    y.mul_(0.5)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        fair.sum().backward()


def test_labels_and_weights_of_the_statistics_have_a_gradient() -> None:
    """Also beside arrays, where domain and predictions lie far from zero."""
    plan = kf.FairProjection(
        "E[y - label | sex=F] == E[y - label | sex=M]", vocabulary={"sex": ["F", "M"]}, domain=None
    ).plan()
    weights = torch.linspace(0.5, 2.0, 16, dtype=torch.float64)

    def loss(label: torch.Tensor) -> Any:
        rows = plan.evaluate({"sex": np.arange(16, dtype="int32") % 2}, label, weights)
        return (project_rows(torch.tensor(SCORES + 50.0), rows, domain=None).y * weights).sum()

    label = torch.tensor(SCORES**2, requires_grad=True)
    loss(label).backward()
    for place in (0, 7):
        step = torch.zeros(16, dtype=torch.float64)
        step[place] = 1e-4
        difference = (loss(label.detach() + step) - loss(label.detach() - step)) / 2e-4
        assert float(label.grad[place]) == pytest.approx(float(difference), abs=1e-6)


def test_products_stay_in_float64() -> None:
    x = np.linspace(0.0, 1.0, 9).reshape(3, 3) / 3.0
    tensor, single = torch.tensor(x), x.astype("float32")
    for made, expected in (
        (TORCH.matmul(tensor, x), x @ x),
        (TORCH.tensordot(x, tensor, axes=1), x @ x),
        (TORCH.maximum(tensor, 0.1), np.maximum(x, 0.1)),
        (TORCH.minimum(0.1, tensor), np.minimum(x, 0.1)),
        (TORCH.cumsum(tensor, axis=0), np.cumsum(x, axis=0)),
        (TORCH.take(tensor, np.array([[2, 0]]), axis=-1), np.take(x, [[2, 0]], axis=-1)),
        (TORCH.pad(tensor, ((0, 1), (2, 0)), 5.0), np.pad(x, ((0, 1), (2, 0)), constant_values=5.0)),
        (TORCH.concatenate([tensor, single[::-1]]), np.concatenate([x, single[::-1]])),
    ):
        assert made.dtype == torch.float64
        np.testing.assert_array_equal(made, expected)


def test_tensors_on_the_host_are_arrays() -> None:
    assert on_host(torch.ones(2, dtype=torch.bfloat16)).dtype == bfloat16
    assert on_host(torch.ones(2, dtype=torch.float16)).dtype == "float16"
    assert isinstance(on_host(torch.ones(2, requires_grad=True)), torch.Tensor)
    assert on_host(torch.ones(2, device="meta")).is_meta
    read_only = np.ones(2)
    read_only.flags.writeable = False
    assert TORCH.cast(read_only.astype("uint16"), "int32").tolist() == [1, 1]
    assert TORCH.floats(read_only).tolist() == [1.0, 1.0]
    assert TORCH.floats(np.ones(2, bfloat16)).tolist() == [1.0, 1.0]
