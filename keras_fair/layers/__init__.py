"""The projection as a Keras layer.

fair_projection    the layer
call_arguments     what a call hands in, encoded by the vocabulary
batch, memory, streamed    one batch through rows and projection: alone, with past batches, in a stream
checks, guard      what is wrong with a batch, and how that stops a graph
record, reports    what happened to batches, and what is said of it
epoch_sums         what is pooled over the batches of an epoch
"""

from keras_fair.layers.fair_projection import FairProjection

__all__ = ["FairProjection"]
