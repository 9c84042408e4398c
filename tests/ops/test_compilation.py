"""How many programs are compiled: few sizes serve all batches."""

from __future__ import annotations

import pytest
from keras import backend

from keras_fair.ops.compilation import padded_size


@pytest.mark.skipif(backend.backend() != "tensorflow", reason="only TensorFlow pads")
def test_sizes_are_rounded_alike_eagerly_and_in_graphs() -> None:
    import tensorflow as tf

    in_graph = tf.function(padded_size, autograph=False)
    sizes = {0: 64, 1: 64, 64: 64, 65: 128, 160: 256, 256: 256, 257: 512, 2000: 2048, 4096: 4096, 4097: 5120,
             8193: 10_240, 1_000_000: 1_048_576}  # fmt: skip
    for size, padded in sizes.items():
        assert padded_size(size) == padded
        assert int(in_graph(tf.constant(size, "int32"))) == padded
    assert len({padded_size(size) for size in range(1, 5000)}) == 8
