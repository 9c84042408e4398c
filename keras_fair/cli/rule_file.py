"""A rule in a file, and the people of a table as the rule takes them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fair.cli.input_fault import InputFault, failing
from keras_fair.cli.table_samples import TableSamples
from keras_fair.cli.table_source import Source

if TYPE_CHECKING:
    from keras_fair.postprocessing.frozen_fairness import FrozenFairness

__all__ = ["read_rule", "rule_samples"]


def read_rule(path: str) -> FrozenFairness:
    """The rule that `fit-rule` or `FrozenFairness.save` wrote.

    Raises:
        InputFault: the file can't be read, or holds no rule.
    """
    from keras_fair.postprocessing.frozen_fairness import FrozenFairness

    with failing(f"can't read {path}", ValueError):
        return FrozenFairness.load(path)


def rule_samples(
    source: Source, rule: FrozenFairness, options: argparse.Namespace, **labels: Any
) -> TableSamples:
    """The people of a table. The rule says where scores lie and what a missing value means.

    Args:
        source: the table.
        rule: fitted.
        options: with `prediction`, `label` and `normalize`.
        labels: `with_label` and `needs_label` of `TableSamples`.

    Raises:
        InputFault: not one column of scores is named, or a column is missing or unfit.
    """
    if len(options.prediction or ()) != 1:
        raise InputFault(
            f"say which column holds the scores before the rule: --prediction COLUMN, once\n  {source.listed}"
        )
    ends = rule.domain.bounds
    wanted = argparse.Namespace(
        prediction=options.prediction,
        label=options.label,
        weight=None,
        domain=ends if np.isfinite(ends).all() else None,
        missing="group",
        normalize=options.normalize,
    )
    return TableSamples(source, rule.constraints, wanted, **labels)
