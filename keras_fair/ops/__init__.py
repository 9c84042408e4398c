"""Pure tensor mathematics: the projection and its derivative."""

from keras_fair.ops.domain import Domain, check_divergence, check_domain
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection import Projection, project, project_rows

__all__ = [
    "Domain",
    "Outcome",
    "Projection",
    "check_divergence",
    "check_domain",
    "project",
    "project_rows",
]
