"""Corrections of one model over tolerances, without training: by projections, or by rules.

Every tolerance is a projection of the same predictions (`keras_fair.ops.projection`). Their rows differ in
nothing but bounds, so rows are made once. The duals of one tolerance are near those of the next, and each
projection begins from those before it: from the loosest tolerances, where duals are small, to the tightest.
Where a projection begins does not change its answer, only how many passes it takes.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.constraints import parse
from keras_fair.fronts.texts import FrontText
from keras_fair.fronts.validation import Validation
from keras_fair.inputs.domain import Domain, check_domain
from keras_fair.ops.projection.project import Projection, project
from keras_fair.postprocessing.frozen_fairness import FrozenFairness
from keras_fair.rows.margins import with_tolerances

__all__ = [
    "Correction",
    "Tolerances",
    "corrections",
    "learnt_rules",
    "read_tolerances",
    "setting_of",
    "shown_tolerances",
]

Tolerances = tuple[float, ...]


@dataclass(frozen=True)
class Correction:
    """The predictions under tolerances, one a text, and the text that says so."""

    tolerances: Tolerances
    text: str
    projection: Projection


def read_tolerances(tolerances: Any, texts: Sequence[FrontText]) -> list[Tolerances]:
    """Tolerances, one a text each.

    Args:
        tolerances: numbers >= 0, each for all texts; or sequences of one a text, None where a text is not to
            be held.
        texts: of the front.

    Raises:
        ValueError: there is none, one is negative or no number, one twice, or they are not one a text; a text
            has a bound of its own.
    """
    for text in texts:
        if text.bounded:
            raise ValueError(
                "expected texts without a bound to correct over tolerances, such as "
                f"'demographic_parity(sex)', received {text.name!r}, which has one"
            )
    given = list(tolerances) if np.iterable(tolerances) else [tolerances]
    if not given:
        raise ValueError("expected at least one tolerance, received none")
    read = [_read(each, texts) for each in given]
    for each, count in Counter(read).items():
        if count > 1:
            raise ValueError(f"expected each tolerance once, received {shown_tolerances(each)} {count} times")
    return read


def _read(given: Any, texts: Sequence[FrontText]) -> Tolerances:
    each = list(given) if np.iterable(given) and not isinstance(given, str) else [given] * len(texts)
    if len(each) != len(texts):
        raise ValueError(f"expected a tolerance or {len(texts)} of them, one a text, received {given!r}")
    read = tuple(map(_number, each))
    if all(map(math.isinf, read)):
        raise ValueError(f"expected a tolerance for at least one text, received {given!r}")
    return read


def _number(tolerance: Any) -> float:
    if tolerance is None:
        return math.inf
    is_number = isinstance(tolerance, (int, float, np.integer, np.floating))
    if not is_number or isinstance(tolerance, bool) or not 0 <= float(tolerance) < math.inf:
        raise ValueError(f"expected tolerances >= 0 and finite, or None, received {tolerance!r}")
    return float(tolerance)


def shown_tolerances(tolerances: Tolerances) -> str:
    """Tolerances as a name shows them: one number where all are the same."""
    shown = ["none" if math.isinf(each) else f"{each:.6g}" for each in tolerances]
    return shown[0] if len(set(shown)) == 1 else ", ".join(shown)


def setting_of(tolerances: Tolerances) -> float | Tolerances:
    """Tolerances as a point's setting: a number where there is one text."""
    return tolerances[0] if len(tolerances) == 1 else tolerances


def held_text(texts: Sequence[FrontText], tolerances: Tolerances, domain: Domain) -> str:
    """The statements that hold texts within tolerances; those without one are left out."""
    pairs = zip(texts, tolerances, strict=True)
    return "; ".join(text.held(repr(each), domain.bounds) for text, each in pairs if not math.isinf(each))


def learnt_rules(
    texts: Sequence[FrontText],
    tolerances: Sequence[Tolerances],
    calibration: Any,
    settings: Mapping[str, Any],
) -> list[tuple[str, FrozenFairness]]:
    """The text of each tolerance, and the rule learnt from it; see `keras_fair.Front.rules`.

    Raises:
        ValueError: calibration people are malformed, or no rule meets a tolerance.
    """
    if not isinstance(calibration, tuple) or not 2 <= len(calibration) <= 4:
        raise ValueError(
            "expected calibration=(scores, attributes), with label and sample_weight after them where "
            f"needed, received {type(calibration).__name__}"
        )
    domain = check_domain(settings.get("domain", (0.0, 1.0)))
    held = [held_text(texts, each, domain) for each in tolerances]
    return [(text, FrozenFairness(text, **settings).fit(*calibration)) for text in held]


def corrections(
    people: Validation, tolerances: Sequence[Tolerances], y: np.ndarray, *, domain: Domain, divergence: str
) -> list[Correction]:
    """The projections of the same predictions under each of several tolerances, in their order.

    Args:
        people: whom the predictions are of, and the texts, without bounds.
        tolerances: of each correction, one a text.
        y: `(n,)` or `(n, outputs)` float64 predictions.
        domain, divergence: see `keras_fair.project`.

    Warns:
        UserWarning: what `keras_fair.project` warns of, each once, with the number of tolerances.

    Raises:
        ConstraintError: a text has no meaning for these people, or is not affine in `y`.
        ValueError: malformed predictions.
    """
    rows = parse([text.held("0", domain.bounds) for text in people.texts]).rows(
        people.attributes,
        people.label,
        outputs=1 if y.ndim == 1 else y.shape[1],
        sample_weight=people.sample_weight,
        vocabulary=people.vocabulary,
        domain=domain,
    )
    found: dict[Tolerances, Projection] = {}
    said: Counter[str] = Counter()
    duals = None
    for each in sorted(tolerances, reverse=True):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found[each] = project(
                y,
                with_tolerances(rows, each),
                sample_weight=people.sample_weight,
                domain=domain,
                divergence=divergence,
                start=duals,
            )
        said.update(str(warning.message) for warning in caught)
        duals = found[each].duals
    for message, count in said.items():
        warnings.warn(f"at {count} of {len(tolerances)} tolerances: {message}", stacklevel=3)
    return [Correction(each, held_text(people.texts, each, domain), found[each]) for each in tolerances]
