"""The ways in which a projection runs: on NumPy arrays as it is, on tensors, and as graphs compile it.

JAX compiles whatever comes as tensors. TensorFlow compiles what is in a graph, and answers eager tensors in
NumPy.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from unittest import mock

import keras
import numpy as np
import pytest
from keras import ops

from keras_fair.ops import Projection, project
from keras_fair.ops.projection import projector

__all__ = ["both_engines", "project_compiled", "project_tensors"]


def project_tensors(y: Any, *arguments: Any, **options: Any) -> Projection:
    """`project` of a tensor, with its answer as arrays."""
    projection = project(ops.convert_to_tensor(y), *arguments, **options)
    return projection._replace(
        y=ops.convert_to_numpy(projection.y),
        duals=ops.convert_to_numpy(projection.duals),
        violation=np.asarray(ops.convert_to_numpy(projection.violation)),
    )


def project_compiled(y: Any, *arguments: Any, **options: Any) -> Projection:
    """The same, with the program that graphs compile."""
    if keras.backend.backend() != "tensorflow":
        return project_tensors(y, *arguments, **options)
    with mock.patch.object(projector, "_compiled_projector", _in_graph):
        return project_tensors(y, *arguments, **options)


_eager = projector._compiled_projector


@lru_cache(maxsize=64)
def _in_graph(structure: Any) -> Any:
    import tensorflow as tf

    return tf.function(_eager(structure), autograph=False)


# The test takes the one to use as an argument named `project`.
both_engines = pytest.mark.parametrize("project", [project, project_tensors], ids=["numpy", "tensors"])
