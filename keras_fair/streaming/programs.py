"""Constraints lowered, with their compiled step, shared by all streams of a process that hold the same.

Compiling takes seconds, and a server may hold one stream for each of its clients. Plans and steps keep
nothing of a stream, so they can be shared.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache

from keras_fair.constraints import ConstraintSet
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.ops.stream.state_vector import StreamRule
from keras_fair.rows.lower import lower
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.compiled_step import CompiledStep

__all__ = ["lowered"]

_MOST = 64  # kept at once, those used last


def lowered(
    constraints: ConstraintSet, vocabulary: Vocabulary, outputs: int, rule: StreamRule
) -> tuple[RowPlan, CompiledStep]:
    """The constraints for these values, and their step.

    Args:
        constraints: parsed.
        vocabulary: the values known by now; empty where the constraints alone tell them.
        outputs: number of outputs.
        rule: how they are held.

    Raises:
        ConstraintTypeError: see `keras_fair.rows.lower`.
    """
    config = vocabulary.get_config()
    opened = [name for name in config["values"] if vocabulary.is_open(name)]
    key = json.dumps([config, opened], ensure_ascii=False)
    return _lowered(_Wanted(constraints, constraints.text, key, outputs, rule, vocabulary))


@dataclass(frozen=True)
class _Wanted:
    """What is lowered; `key` stands for the vocabulary, which has no hash."""

    constraints: ConstraintSet
    text: str
    key: str
    outputs: int
    rule: StreamRule
    vocabulary: Vocabulary = field(compare=False)


@lru_cache(maxsize=_MOST)
def _lowered(wanted: _Wanted) -> tuple[RowPlan, CompiledStep]:
    vocabulary, domain = wanted.vocabulary, wanted.rule.domain
    plan = lower(
        wanted.constraints.statements,
        wanted.text,
        vocabulary if vocabulary.values or vocabulary.label is not None else None,
        wanted.outputs,
        domain="simplex" if domain.simplex else domain.bounds,
    )
    return plan, CompiledStep(plan, wanted.rule)
