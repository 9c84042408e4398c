"""What is compiled: few sizes serve all batches of a graph, and eager calls need no program."""

from __future__ import annotations

import numpy as np
import pytest
from keras import backend

from keras_fair.ops import project_rows
from keras_fair.ops.compilation import padded_size
from keras_fair.ops.projection import projector
from tests.problems import make_case

in_tensorflow = pytest.mark.skipif(backend.backend() != "tensorflow", reason="of TensorFlow alone")


@in_tensorflow
def test_sizes_that_are_known_when_a_graph_runs_are_rounded() -> None:
    import tensorflow as tf

    in_graph = tf.function(padded_size, autograph=False)
    sizes = {0: 64, 1: 64, 64: 64, 65: 128, 160: 256, 256: 256, 257: 512, 2000: 2048, 4096: 4096, 4097: 5120,
             8193: 10_240, 1_000_000: 1_048_576}  # fmt: skip
    assert {size: int(in_graph(tf.constant(size, "int32"))) for size in sizes} == sizes
    assert [padded_size(size) for size in (0, 1, 1000)] == [64, None, None]


@in_tensorflow
def test_eager_tensors_compile_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their answers and gradients are those of arrays, to the bit."""
    import tensorflow as tf

    case = make_case(7, "all pairs")
    r, upstream = np.full(case.r.size, 0.25) + 0.5 * case.r, np.arange(case.r.size, dtype=float)
    expected = project_rows(r, case.rows)

    def program(*_: object) -> None:
        raise AssertionError("compiled")

    monkeypatch.setattr(tf, "function", lambda *_, **__: program)
    monkeypatch.setattr(projector, "_compiled_projector", projector._compiled_projector.__wrapped__)
    x = tf.constant(r)
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = project_rows(x, case.rows)
    gradient = tape.gradient(found.y, x, upstream)
    np.testing.assert_array_equal(found.y, expected.y)
    np.testing.assert_array_equal(found.duals, expected.duals)
    assert found.y.dtype == found.duals.dtype == gradient.dtype == tf.float64
    assert found.outcome.dtype == found.iterations.dtype == tf.int32
    assert np.abs(gradient).max() > 0.0
