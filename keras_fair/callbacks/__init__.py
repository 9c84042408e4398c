"""Watching constraints while a model trains, and holding them over a stream once it serves."""

from keras_fair.callbacks.drift_watch import DriftWatch
from keras_fair.callbacks.fairness_monitor import FairnessMonitor
from keras_fair.callbacks.streaming_fairness import StreamingFairness

__all__ = ["DriftWatch", "FairnessMonitor", "StreamingFairness"]
