"""The rows seen from the predictions, where they are many."""

from __future__ import annotations

import tracemalloc

import numpy as np
from keras import ops

import keras_fair as kf
from keras_fair.ops.projection import moments as module
from keras_fair.ops.projection.moments import CellPart, DensePart, Moments


def test_many_rows_one_by_one_reach_as_far_as_all_at_once(monkeypatch, rng: np.random.Generator) -> None:
    m, n = 20, 50
    scaled = (rng.normal(size=(m, 6)), rng.integers(0, 7, n).astype("int32"), rng.normal(size=n))
    plain = (rng.normal(size=(m, 4)), rng.integers(0, 5, n).astype("int32"))
    dense = (rng.normal(size=(m, 2)), rng.normal(size=(2, n)))
    reaches = []
    for few in (16, 100):
        monkeypatch.setattr(module, "_FEW_ROWS", few)
        for made in (lambda x: x, ops.convert_to_tensor):
            cells = (CellPart(*map(made, scaled)), CellPart(*map(made, plain), None))
            reaches.append(np.asarray(Moments(cells, (DensePart(*map(made, dense)),)).net_reach()))
    for reach in reaches[1:]:
        np.testing.assert_allclose(reach, reaches[0], rtol=1e-5)


def test_covariances_of_many_groups_take_memory_as_the_predictions_do(rng: np.random.Generator) -> None:
    n, groups = 20_000, 200
    v = rng.normal(50.0, 10.0, n)
    y = np.clip(rng.random(n) + 0.002 * (v - 50.0), 0.0, 1.0)
    rows = kf.parse("cov(y, v | g=*) == 0 +- 0.05").rows({"g": np.arange(n) % groups, "v": v})
    tracemalloc.start()
    projection = kf.project(y, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert projection.outcome is kf.Outcome.SOLVED
    assert peak < 0.5 * groups * n * 8  # half of one matrix of all coefficients
