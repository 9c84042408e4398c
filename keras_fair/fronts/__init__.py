"""Fronts: many models or corrections of the same people, by what they score and how large their gaps are.

`Front` holds the points and fills itself in three ways: by correcting one model over tolerances, by training
over a grid, or from points that are handed in. `dominance` says which points no other one beats, `objectives`
and `texts` measure them, and `picking` chooses one.
"""

from keras_fair.fronts.front import Front
from keras_fair.fronts.measured import Measured
from keras_fair.fronts.picking import NoPointMeets
from keras_fair.fronts.points import FrontPoint

__all__ = ["Front", "FrontPoint", "Measured", "NoPointMeets"]
