"""Two models of the same people, one free and one held to constraints: the main job of the command line.

`compare` builds and trains them, `scores` says how well they predict, `picture` draws whom they treat how.
Constraints are measured by `keras_fair.audit`.
"""

from keras_fair.comparison.compare import (
    ModelComparison,
    Side,
    checked_vocabulary,
    compare,
)
from keras_fair.comparison.scores import Scores, scores_of

__all__ = ["ModelComparison", "Scores", "Side", "checked_vocabulary", "compare", "scores_of"]
