"""Streams without a model: the state, its file, the arrivals, and what is reported of them.

    arrivals --stream--> predictions        state <--> file        state --report--> people

`keras_fair.callbacks.StreamingFairness` is the face of all this, for models and for servers; the mathematics
of a step is in `keras_fair.ops.stream.step`.
"""

from keras_fair.streaming.report import StreamReport
from keras_fair.streaming.state import StreamState
from keras_fair.streaming.state_document import StateError

__all__ = ["StateError", "StreamReport", "StreamState"]
