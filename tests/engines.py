"""The two ways in which a projection runs: on NumPy arrays as it is, and on tensors, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

from keras_fair.ops import Projection, project

__all__ = ["both_engines", "project_tensors"]


def project_tensors(y: Any, *arguments: Any, **options: Any) -> Projection:
    """`project` of a tensor, with its answer as arrays."""
    projection = project(ops.convert_to_tensor(y), *arguments, **options)
    return projection._replace(
        y=ops.convert_to_numpy(projection.y),
        duals=ops.convert_to_numpy(projection.duals),
        violation=np.asarray(ops.convert_to_numpy(projection.violation)),
    )


# The test takes the one to use as an argument named `project`.
both_engines = pytest.mark.parametrize("project", [project, project_tensors], ids=["numpy", "tensors"])
