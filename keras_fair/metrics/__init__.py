"""Gaps and violations as Keras metrics."""

from keras_fair.metrics.pooled_gap import PooledGap

__all__ = ["PooledGap"]
