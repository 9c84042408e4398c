"""Audits and rules in MLflow: numbers as metrics of a run, reports as its artifacts, a rule as a model."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow

from keras_fair.audit.result import Audit
from keras_fair.postprocessing.frozen_fairness import FrozenFairness

__all__ = ["log_audit", "log_rule"]

_REQUIREMENT = "keras-fair @ git+https://github.com/keras-fair/keras_fair"

def log_audit(audit: Audit, *, prefix: str = "fairness", step: int | None = None) -> None:
    """Log an audit to the active run, or to a new one.

    Its numbers become metrics, `PREFIX/NAME/gap` and the others of `Audit.metrics`; `PREFIX/audit.html`, the
    report, `PREFIX/card.md`, the section of a model card, and `PREFIX/audit.json` become artifacts; the tag
    `PREFIX.satisfied` is `true` or `false`, to search runs by.

    Args:
        audit: what was found.
        prefix: of names and paths: letters, digits, `_` and `-`.
        step: of the metrics, for audits during training.

    Example:

    >>> import keras_fair as kf
    >>> found = kf.audit("E[y] <= 0.6", [0.4, 0.5, 0.6], confidence=None)
    >>> with mlflow.start_run() as run:  # doctest: +SKIP
    ...     kf.integrations.mlflow.log_audit(found)
    """
    mlflow.log_metrics({f"{prefix}/{name}": value for name, value in audit.metrics().items()}, step=step)
    mlflow.log_text(audit.to_html(), f"{prefix}/audit.html")
    mlflow.log_text(audit.to_markdown(card=True), f"{prefix}/card.md")
    mlflow.log_text(audit.to_json(), f"{prefix}/audit.json")
    mlflow.set_tag(f"{prefix}.satisfied", str(audit.satisfied).lower())


def log_rule(rule: FrozenFairness, name: str = "rule", **options: Any) -> Any:
    """Log a fitted rule as a model of MLflow, `pyfunc`.

    The model takes a table with a column `score`, the columns that the rule compares, and `id` where the rule
    draws lots; it gives the scores after the rule.

    Args:
        rule: a fitted rule.
        name: of the model.
        options: of `mlflow.pyfunc.log_model`, such as `registered_model_name`.

    Returns:
        What `mlflow.pyfunc.log_model` returns.

    Raises:
        ValueError: the rule was not fitted.
    """
    from keras_fair.integrations.mlflow_model import RULE, RuleModel

    with TemporaryDirectory() as folder:
        path = Path(folder) / "rule.json"
        rule.save(path)
        options.setdefault("pip_requirements", [_REQUIREMENT])
        return mlflow.pyfunc.log_model(
            name=name, python_model=RuleModel(), artifacts={RULE: str(path)}, **options
        )
