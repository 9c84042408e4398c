"""Whole models that keep constraints.

fair_model    a model around a base model
inputs        which inputs go to the base model and which are attributes; columns as Keras holds them
labels        labels as constraints read them, and what stands in for them in `predict`
steps         the labels of the training step that runs
"""

from keras_fair.models.fair_model import FairModel

__all__ = ["FairModel"]
