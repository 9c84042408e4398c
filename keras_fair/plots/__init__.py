"""Pictures for notebooks and papers: gaps of an audit, score distributions, training, streams, rules.

Matplotlib is imported when a picture is drawn (`pip install 'keras-fair[plot]'`). As there, a function
returns the `Axes` or the `Figure` that it drew into, and shows and saves nothing.
"""

from keras_fair.plots.distributions import distributions
from keras_fair.plots.front import front
from keras_fair.plots.frontier import frontier
from keras_fair.plots.gaps import gaps
from keras_fair.plots.group_scores import group_scores
from keras_fair.plots.stream import stream
from keras_fair.plots.thresholds import thresholds
from keras_fair.plots.training import training

__all__ = ["distributions", "front", "frontier", "gaps", "group_scores", "stream", "thresholds", "training"]
