"""Pure tensor mathematics: the projection and its derivative."""

from keras_fair.inputs.domain import Domain, check_domain
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.divergences import check_divergence
from keras_fair.ops.projection.project import Projection, project, project_rows

__all__ = [
    "Domain",
    "Outcome",
    "Projection",
    "check_divergence",
    "check_domain",
    "project",
    "project_rows",
]
