"""Numbers as Prometheus reads them: its text format 0.0.4.

It is a dozen lines, so no client library is needed for it; the tests read them with Prometheus' own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from keras_fair.serving.counts import BUCKETS, Counts

__all__ = ["CONTENT_TYPE", "counts_text", "family", "gaps_text"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "keras_fair"

Sample = tuple[str, Mapping[str, object], float]
"""What follows the name, the labels, and the value."""


def family(name: str, kind: str, meaning: str, samples: Iterable[Sample]) -> str:
    """One metric, as text; nothing where there are no samples.

    Args:
        name: without the prefix.
        kind: `"counter"`, `"gauge"` or `"histogram"`.
        meaning: in a sentence.
        samples: see `Sample`.
    """
    lines = [
        f"{PREFIX}_{name}{suffix}{_labels(labels)} {_number(value)}" for suffix, labels, value in samples
    ]
    if not lines:
        return ""
    return "\n".join([f"# HELP {PREFIX}_{name} {meaning}", f"# TYPE {PREFIX}_{name} {kind}", *lines, ""])


def counts_text(counts: Counts) -> str:
    """What workers have counted."""
    under, buckets = 0, []
    for end, count in zip((*BUCKETS, math.inf), counts.buckets, strict=True):
        under += count
        buckets.append(("_bucket", {"le": _number(end)}, float(under)))
    return "".join(
        [
            family(
                "requests_total",
                "counter",
                "Requests for predictions or labels, by status.",
                [("", {"status": status}, count) for status, count in sorted(counts.requests.items())],
            ),
            family("people_total", "counter", "People who were answered.", [("", {}, counts.people)]),
            family(
                "unknown_people_total",
                "counter",
                "People of a group that the rule does not know: their scores are as they were.",
                [("", {}, counts.unknown)],
            ),
            family(
                "warnings_total",
                "counter",
                "Warnings of Python, whose texts are withheld, as they may hold data.",
                [("", {}, counts.warnings)],
            ),
            family(
                "request_seconds",
                "histogram",
                "From a request's body to its answer.",
                [*buckets, ("_sum", {}, counts.seconds), ("_count", {}, float(under))],
            ),
        ]
    )


def gaps_text(gaps: list[tuple[str, float, float, float, float]]) -> str:
    """Pooled gaps as Prometheus reads them.

    Args:
        gaps: name, gap, lower and upper bound, violation.
    """
    return "".join(
        [
            family(
                "pooled_gap",
                "gauge",
                "The constrained value over all people who were answered; NaN: nobody is in a group.",
                [("", {"relation": name}, gap) for name, gap, *_ in gaps],
            ),
            family(
                "pooled_violation",
                "gauge",
                "How far the pooled gap is outside its bounds.",
                [("", {"relation": name}, violation) for name, *_, violation in gaps],
            ),
            family(
                "gap_bound",
                "gauge",
                "The bounds of the pooled gap.",
                [
                    ("", {"relation": name, "side": side}, bound)
                    for name, _, lower, upper, _ in gaps
                    for side, bound in (("lower", lower), ("upper", upper))
                ],
            ),
        ]
    )


def _labels(labels: Mapping[str, object]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(str(value))}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value)) if value != int(value) else str(int(value))
