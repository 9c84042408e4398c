"""Fairness constraints for Keras, written as text.

This module lists the public names; each is imported from the module that owns it when it is first asked for,
so that `import keras_fair` is quick and whoever only parses text doesn't wait for Keras.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from keras_fair.errors import (
    ConstraintError,
    ConstraintSyntaxError,
    ConstraintTypeError,
)
from keras_fair.provided import provide
from keras_fair.registration import register_classes
from keras_fair.version import __version__

if TYPE_CHECKING:
    from keras_fair import (
        callbacks,
        datasets,
        diagnosis,
        distributed,
        fronts,
        integrations,
        layers,
        metrics,
        models,
        ops,
        plots,
        reductions,
        rows,
        sklearn,
    )
    from keras_fair.audit.audit import audit
    from keras_fair.audit.auditor import Auditor
    from keras_fair.audit.margin_for import margin_for
    from keras_fair.callbacks.fairness_monitor import FairnessMonitor
    from keras_fair.callbacks.streaming_fairness import StreamingFairness
    from keras_fair.constraints import ConstraintSet, parse
    from keras_fair.diagnosis.diagnose import diagnose
    from keras_fair.diagnosis.findings import Diagnosis
    from keras_fair.fronts.front import Front
    from keras_fair.groups.vocabulary import Vocabulary
    from keras_fair.layers.fair_projection import FairProjection
    from keras_fair.models.adversarial_model import AdversarialModel
    from keras_fair.models.fair_model import FairModel
    from keras_fair.ops.outcome import Outcome
    from keras_fair.ops.projection.project import Projection, project
    from keras_fair.postprocessing.decision_rule import Unmet
    from keras_fair.postprocessing.drift_monitor import DriftMonitor
    from keras_fair.postprocessing.frozen_fairness import FrozenFairness
    from keras_fair.postprocessing.promise import Unpromised
    from keras_fair.postprocessing.select_top import select_top
    from keras_fair.postprocessing.serve import serve
    from keras_fair.rows.linear import LinearRows

__all__ = [
    "AdversarialModel",
    "Auditor",
    "ConstraintError",
    "ConstraintSet",
    "ConstraintSyntaxError",
    "ConstraintTypeError",
    "Diagnosis",
    "DriftMonitor",
    "FairModel",
    "FairProjection",
    "FairnessMonitor",
    "Front",
    "FrozenFairness",
    "LinearRows",
    "Outcome",
    "Projection",
    "StreamingFairness",
    "Unmet",
    "Unpromised",
    "Vocabulary",
    "__version__",
    "audit",
    "callbacks",
    "datasets",
    "diagnose",
    "diagnosis",
    "distributed",
    "fronts",
    "integrations",
    "layers",
    "margin_for",
    "metrics",
    "models",
    "ops",
    "parse",
    "plots",
    "project",
    "reductions",
    "rows",
    "select_top",
    "serve",
    "sklearn",
]

_OWNERS = {
    "AdversarialModel": "keras_fair.models.adversarial_model",
    "Auditor": "keras_fair.audit.auditor",
    "ConstraintSet": "keras_fair.constraints",
    "Diagnosis": "keras_fair.diagnosis.findings",
    "DriftMonitor": "keras_fair.postprocessing.drift_monitor",
    "FairModel": "keras_fair.models.fair_model",
    "FairProjection": "keras_fair.layers.fair_projection",
    "FairnessMonitor": "keras_fair.callbacks.fairness_monitor",
    "Front": "keras_fair.fronts.front",
    "FrozenFairness": "keras_fair.postprocessing.frozen_fairness",
    "LinearRows": "keras_fair.rows.linear",
    "Outcome": "keras_fair.ops.outcome",
    "Projection": "keras_fair.ops.projection.project",
    "StreamingFairness": "keras_fair.callbacks.streaming_fairness",
    "Unmet": "keras_fair.postprocessing.decision_rule",
    "Unpromised": "keras_fair.postprocessing.promise",
    "Vocabulary": "keras_fair.groups.vocabulary",
    "audit": "keras_fair.audit",
    "diagnose": "keras_fair.diagnosis.diagnose",
    "margin_for": "keras_fair.audit.margin_for",
    "parse": "keras_fair.constraints",
    "project": "keras_fair.ops.projection.project",
    "select_top": "keras_fair.postprocessing.select_top",
    "serve": "keras_fair.postprocessing.serve",
}

provide(
    {
        "audit": "keras_fair.audit.audit:audit",
        "fitting": "keras_fair.reports.terminal:fitting",
        "front_dataframe": "keras_fair.reports.front_frame:front_dataframe",
        "front_page": "keras_fair.reports.front_page:front_page",
        "plot_front": "keras_fair.plots.front:front",
        "plot_stream": "keras_fair.plots.stream:stream",
        "rows_of": "keras_fair.rows.evaluate:rows_of",
        "to_card": "keras_fair.reports.card:to_card",
        "to_dataframe": "keras_fair.reports.frame:to_dataframe",
        "to_html": "keras_fair.reports.page:to_html",
        "to_markdown": "keras_fair.reports.markdown:to_markdown",
        "to_table": "keras_fair.reports.terminal:to_table",
        "to_metrics": "keras_fair.reports.metrics:to_metrics",
        "to_text": "keras_fair.reports.terminal:to_text",
    }
)
register_classes(
    {
        "AdversarialModel": "keras_fair.models.adversarial_model",
        "Adversary": "keras_fair.layers.adversary",
        "FairModel": "keras_fair.models.fair_model",
        "FairProjection": "keras_fair.layers.fair_projection",
        "FairnessLagrangian": "keras_fair.layers.fairness_lagrangian",
        "FairnessPenalty": "keras_fair.layers.fairness_penalty",
        "FrozenRule": "keras_fair.postprocessing.frozen_rule",
        "GradientReversal": "keras_fair.layers.gradient_reversal",
        "PooledGap": "keras_fair.metrics.pooled_gap",
        "ServedModel": "keras_fair.postprocessing.serve",
        "TwoOptimizers": "keras_fair.models.two_optimizers",
    }
)


def __getattr__(name: str) -> Any:
    if name in _OWNERS:
        found = getattr(importlib.import_module(_OWNERS[name]), name)
    elif name in __all__:  # a package; the other names are there
        found = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
