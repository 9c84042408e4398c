"""Whole models that keep constraints."""

from keras_fair.models.fair_model import FairModel

__all__ = ["FairModel"]
