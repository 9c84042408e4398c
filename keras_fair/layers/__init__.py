"""The projection as a Keras layer."""

from keras_fair.layers.fair_projection import FairProjection

__all__ = ["FairProjection"]
