"""Statements in a model: the projection, which moves predictions, and layers that add to the loss.

fair_projection    the projection
training_layer, soft_layer, fairness_penalty, fairness_lagrangian    what trains the weights
gradient_reversal  turns the gradient of what stands before it round
adversary, and modules of such names    networks that guess attributes
schedules, sample_loss    numbers that change while a layer trains; the loss of each sample
constraint_layer   what all of them share
call_arguments     what a call hands in, encoded by the vocabulary
batch, memory, streamed    one batch through rows and projection: alone, with past batches, in a stream
checks, guard      what is wrong with a batch, and how that stops a graph
record, reports    what happened to batches, and what is said of it
epoch_sums         what is pooled over the batches of an epoch
"""

from keras_fair.layers.fair_projection import FairProjection
from keras_fair.layers.fairness_lagrangian import FairnessLagrangian
from keras_fair.layers.fairness_penalty import FairnessPenalty
from keras_fair.layers.gradient_reversal import GradientReversal

__all__ = ["FairProjection", "FairnessLagrangian", "FairnessPenalty", "GradientReversal"]
