"""A rule as a model of MLflow; importing MLflow's models takes seconds, so it has a module of its own."""

from __future__ import annotations

from typing import Any

from mlflow.pyfunc import PythonModel

from keras_fair.postprocessing.frozen_fairness import FrozenFairness

__all__ = ["RULE", "RuleModel"]

RULE = "rule"
_SCORES, _IDS = "score", "id"


class RuleModel(PythonModel):
    """A rule as MLflow runs it."""

    def load_context(self, context: Any) -> None:
        """Read the rule from the artifacts of the model."""
        self.rule = FrozenFairness.load(context.artifacts[RULE])

    # MLflow takes type hints for a schema of the table.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """The scores after the rule, `(n,)`."""
        needed = [_SCORES, *self.rule.attributes, *([_IDS] if self.rule.learnt.knots.draws_lots else [])]
        missing = [name for name in needed if name not in model_input]
        if missing:
            raise ValueError(f"expected the columns {needed}, received a table without {missing[0]!r}")
        ids = model_input[_IDS] if self.rule.learnt.knots.draws_lots else None
        return self.rule(model_input[_SCORES].to_numpy(), model_input, ids=ids)
