"""Watching constraints while a model trains."""

from keras_fair.callbacks.fairness_monitor import FairnessMonitor

__all__ = ["FairnessMonitor"]
