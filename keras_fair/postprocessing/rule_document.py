"""A fitted rule as a JSON document."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.postprocessing.knots import Knots, ShiftKnots, ThresholdKnots
from keras_fair.postprocessing.makers import Learnt
from keras_fair.postprocessing.promise import Promise

__all__ = ["read_document", "rule_document"]

FORMAT = "keras_fair.rule"
VERSION = 1


def rule_document(config: dict[str, Any], vocabulary: Vocabulary, learnt: Learnt) -> dict[str, Any]:
    """The document, of plain values; infinite thresholds are None."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "config": config,
        "vocabulary": vocabulary.get_config(),
        "knots": learnt.knots.to_dict(),
        "row_of_cell": learnt.row_of_cell.tolist(),
        "promise": None if learnt.promise is None else learnt.promise.to_dict(),
        "measured": learnt.measured,
    }


def read_document(document: str) -> tuple[dict[str, Any], Vocabulary, Learnt]:
    """The configuration, the vocabulary, and what was learnt.

    Raises:
        ValueError: the document is damaged, or something else.
    """
    wrong = "expected the JSON document of a rule, as FrozenFairness.to_json writes it"
    try:
        values = json.loads(document)
    except (TypeError, ValueError) as fault:
        raise ValueError(f"{wrong}, received no JSON: {fault}") from fault
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError(f"{wrong}, received {str(document)[:60]!r}")
    if values.get("version") != VERSION:
        raise ValueError(f"{wrong}, of version {VERSION}, received version={values.get('version')!r}")
    try:
        knots = _read_knots(values["knots"])
        row_of_cell = np.array(values["row_of_cell"])
        fits = row_of_cell.ndim == 1 and row_of_cell.dtype.kind == "i"
        if not fits or row_of_cell.min(initial=-1) < -1 or row_of_cell.max(initial=-1) >= len(knots):
            raise ValueError("groups without knots")
        promise = None if values["promise"] is None else Promise.from_dict(values["promise"])
        measured = {str(name): float(value) for name, value in values["measured"].items()}
        return (
            {**values["config"], "domain": _domain(values["config"]["domain"])},
            Vocabulary.from_config(values["vocabulary"]),
            Learnt(knots, row_of_cell, promise, measured),
        )
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as fault:
        raise ValueError(f"{wrong}, received a damaged one: {fault!r:.200}") from fault


def _read_knots(values: dict[str, Any]) -> Knots:
    kinds: dict[str, Any] = {"thresholds": ThresholdKnots, "shifts": ShiftKnots}
    return kinds[values["kind"]].from_dict(values)


def _domain(domain: Any) -> Any:
    return None if domain is None else tuple(domain)
