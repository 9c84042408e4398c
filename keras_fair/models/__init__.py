"""Whole models that keep constraints.

fair_model    a model around a base model
adversarial_model    a model that is trained against an adversary, with its optimizers
probe         what a fresh classifier still reads from predictions
reader        what is read of the data of `fit`, `evaluate` and `predict` before Keras sees them
inputs        which inputs go to the base model and which are attributes; columns as Keras holds them
batches       batches that Python makes one at a time
labels        labels as constraints read them, and what stands in for them in `predict`
steps         the labels of the training step that runs
epoch_logs    gaps and violations in the logs of `fit`
served        what an exported model takes
"""

from keras_fair.models.adversarial_model import AdversarialModel
from keras_fair.models.fair_model import FairModel
from keras_fair.models.probe import Probe

__all__ = ["AdversarialModel", "FairModel", "Probe"]
