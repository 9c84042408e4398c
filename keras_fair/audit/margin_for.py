"""`keras_fair.margin_for`: which margin makes a later audit say *satisfied*.

An audit of `n` people says it where the interval of the gap lies inside the bounds. Let the gap of the people
that they are drawn from lie `m` inside a bound. Then the interval reaches past it with probability

    Phi(-(m - reach) / s),     so that     m = reach + z(probability) s = (z(interval) + z(probability)) s

is needed, with `reach` how far the interval goes beyond the estimate towards the bound, and `s` the standard
error of the estimate. Where there is a bound on the other side too, at a distance `w`, its share
`Phi(-(w - m - reach') / s')` is added. Both are the audit's own: the sums over the sample are counted `n / N`
times, and the intervals are made of these. `s` is what the interval of 90% reaches, divided by z(0.95).

A statement of several relations divides what may go wrong by their number (Bonferroni). So does the chance
that a group comes out with fewer than ten people, which an audit never calls satisfied. Where relations are
like one another, or few of them end on their bound, an audit is satisfied more often than was asked for.

Source: sample sizes for equivalence, Chow, Shao, Wang and Lokhnygina, Sample Size Calculations in Clinical
Research (2017), chapters 3 and 4; the same normal approximation, with an interval where these have a test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import binom, norm

from keras_fair.audit.auditor import Auditor
from keras_fair.audit.expressions import RelationValue
from keras_fair.audit.measure import Examination, Examined
from keras_fair.audit.planned import AuditMargins, StatementMargin
from keras_fair.audit.result import SMALL, Verdict
from keras_fair.audit.sources import chunks_of
from keras_fair.audit.verdicts import decide
from keras_fair.constraints import Constraints
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import check_domain
from keras_fair.rows.ground import GroundRelation
from keras_fair.rows.rooms import Room, rooms_of

__all__ = ["margin_for"]

_ALPHA = 0.1  # of the interval that standard errors are read off
_MOST_PEOPLE = 10**12


def margin_for(
    constraints: Constraints,
    y: Any,
    attributes: Any = None,
    label: Any = None,
    sample_weight: Any = None,
    *,
    people: int,
    probability: float = 0.95,
    confidence: float = 0.95,
    simultaneous: bool = False,
    domain: Any = (0.0, 1.0),
    vocabulary: Vocabulary | None = None,
    outputs: Sequence[str] | None = None,
    seed: int = 0,
) -> AuditMargins:
    """The margins with which a later audit of some people, drawn like this sample, finds each statement
    satisfied.

    Give them to `FairModel`, `FairProjection` or `kf.project` as `margin`. The sample should be like what the
    audit will see: best the fair predictions of people that the model was not trained on. It need not be as
    large as the audit, but it must show how scores vary: of a group of fewer than ten people it says too
    little, and hundreds are better. The margin is for the gap among all people that samples are drawn from.
    How much the gap of a trained model differs between training and use is not part of it.

    Args:
        constraints: text, or a parsed `ConstraintSet`.
        y, attributes, label, sample_weight: the sample, as for `kf.audit`.
        people: how many people the later audit will be of.
        probability: with which it is to find a statement satisfied, in (0.5, 1).
        confidence, simultaneous, vocabulary, outputs, seed: of the later audit, see `kf.audit`.
        domain: where predictions lie, as for `FairModel`; it says how far inside a bound they can be held.

    Returns:
        `AuditMargins`: for each statement its margin, or that there is none for so few people and how many it
        takes. `margins` is the dict for `margin=`; `print` shows all.

    Raises:
        ConstraintError: the constraints are malformed, or the data give them no meaning.
        ValueError: another argument is malformed.

    Example:

    >>> import numpy as np
    >>> import keras_fair as kf
    >>> rng = np.random.default_rng(0)
    >>> y, sex = rng.beta(4, 4, 2000), rng.choice(["Female", "Male"], 2000)
    >>> rule = "parity: E[y | sex=Female] == E[y | sex=Male] +- 0.05"
    >>> found = kf.margin_for(rule, y, {"sex": sex}, people=4000)
    >>> {name: round(margin, 3) for name, margin in found.margins.items()}
    {'parity': 0.019}
    >>> print(kf.margin_for(rule, y, {"sex": sex}, people=200))
    parity: no margin for 200 people; it takes ...
    """
    if isinstance(people, bool) or not isinstance(people, (int, np.integer)) or people < 1:
        raise ValueError(f"expected people to be a whole number >= 1, received people={people!r}")
    if isinstance(probability, bool) or not isinstance(probability, float) or not 0.5 < probability < 1:
        raise ValueError(f"expected probability in (0.5, 1), received probability={probability!r}")
    if confidence is None:
        raise ValueError("expected the confidence of the audit's intervals in (0, 1), received None")
    auditor = Auditor(
        constraints,
        vocabulary=vocabulary,
        outputs=outputs,
        confidence=confidence,
        simultaneous=simultaneous,
        seed=seed,
    )
    for chunk in chunks_of(y, attributes, label, sample_weight):
        auditor.update(*chunk)
    planner = _Planner(auditor, probability)
    rooms = rooms_of(auditor.constraints.statements, check_domain(domain).bounds)
    planned = tuple(planner.statement(index, room, int(people)) for index, room in enumerate(rooms))
    return AuditMargins(planned, int(people), probability, confidence)


class _Planner:
    """Margins of statements for audits of any number of people."""

    def __init__(self, auditor: Auditor, probability: float) -> None:
        self._parts, self._samples = auditor.so_far(), auditor.samples
        self._may_fail = 1.0 - probability
        self._examinations: dict[int, Examination] = {}

    def statement(self, index: int, room: Room, people: int) -> StatementMargin:
        """The margin of one statement, or how many people it takes."""
        _, notes = self._found(index, self._samples)
        if notes:
            return StatementMargin(room.name, math.nan, None, f"the sample says too little: {notes[0]}")
        margin, note = self._margin(index, room, people)
        if not math.isnan(margin):
            return StatementMargin(room.name, margin, people)
        least = self._least(index, room, people)
        if least is None:
            why = "its bounds leave nothing" if room.largest == 0 else note
            note = f"no number of people is enough: {why}"
        return StatementMargin(room.name, math.nan, least, note)

    def _least(self, index: int, room: Room, people: int) -> int | None:
        """The least number of people for which there is a margin, to a hundredth, or None."""
        too_few, enough = people, 2 * people
        while math.isnan(self._margin(index, room, enough)[0]):
            too_few, enough = enough, 4 * enough
            if enough > _MOST_PEOPLE or room.largest == 0:
                return None
        while enough - too_few > max(1, enough // 100):
            middle = (too_few + enough) // 2
            if math.isnan(self._margin(index, room, middle)[0]):
                too_few = middle
            else:
                enough = middle
        rounded_to = 10 ** max(len(str(enough)) - 3, 0)
        return math.ceil(enough / rounded_to) * rounded_to

    def _margin(self, index: int, room: Room, people: int) -> tuple[float, str]:
        """The margin, NaN where there is none, and then why."""
        found, notes = self._found(index, people)
        if notes:
            return math.nan, notes[0]
        examination = self._examination(people)
        may_fail = (self._may_fail - _chance_of_small(found, people)) / max(len(found), 1)
        if may_fail <= 0:
            return math.nan, f"a group may come out with fewer than {SMALL} people"
        margin = max(
            (_needed(one, examination.of(relation, _ALPHA), may_fail) for relation, one in found),
            default=0.0,
        )
        if not margin <= room.largest or math.isinf(margin):
            return math.nan, "its bounds leave less than it takes"
        return margin, ""

    def _found(self, index: int, people: int) -> tuple[list[tuple[GroundRelation, Examined]], list[str]]:
        """The relations of a statement among so many people, and why their audit would be undecided."""
        examination = self._examination(people)
        relations = [each for each in examination.relations if each.statement == index]
        found = [(relation, examination.of(relation)) for relation in relations]
        return found, [note for _, one in found if (note := _obstacle(one))]

    def _examination(self, people: int) -> Examination:
        if people not in self._examinations:
            self._examinations[people] = Examination(*self._parts, times=people / self._samples)
        return self._examinations[people]


def _obstacle(found: Examined) -> str:
    """Why an audit would be undecided wherever the gap lies; `""` where it would not."""
    value = found.value
    nowhere = RelationValue(value.left, value.right, value.gap, -math.inf, math.inf)
    verdict, note = decide(**{**vars(found), "value": nowhere}, slack=0.0)
    margins = found.margins
    if verdict is Verdict.SATISFIED and margins is not None:
        sides = ((margins.above_lower, value.lower), (margins.below_upper, value.upper))
        if any(ends is None and not math.isinf(bound) for ends, bound in sides):
            return "too few samples for an interval"
    return "" if verdict is Verdict.SATISFIED else note


def _chance_of_small(found: Sequence[tuple[GroundRelation, Examined]], people: int) -> float:
    """The chance that some group of an audit comes out smaller than it may be, at most."""
    sizes = {
        statistic.condition: measured.size
        for _, one in found
        for statistic, measured in zip(one.statistics, one.measured, strict=True)
    }
    shares = np.minimum(np.array(list(sizes.values()), dtype=float) / people, 1.0)
    return float(binom.cdf(SMALL - 1, people, shares).sum())


def _needed(found: Examined, at_alpha: Examined, may_fail: float) -> float:
    """The margin that one relation needs; infinite where there is none between its bounds."""
    value = found.value
    sides = []
    for bound, name, distance in (
        (value.lower, "above_lower", value.gap - value.lower),
        (value.upper, "below_upper", value.upper - value.gap),
    ):
        if not math.isinf(bound):
            reach, error = (distance - getattr(one.margins, name)[0] for one in (found, at_alpha))
            sides.append((reach, error / float(norm.isf(_ALPHA / 2))))
    if len(sides) == 1:
        ((reach, error),) = sides
        return reach + float(norm.isf(may_fail)) * error
    width = value.upper - value.lower
    return max(_between(near, far, width, may_fail) for near, far in (sides, sides[::-1]))


def _between(near: tuple[float, float], far: tuple[float, float], width: float, may_fail: float) -> float:
    """The margin from the near of two bounds, so that an interval rarely crosses either."""

    def fails(margin: float) -> float:
        places = ((margin, near), (width - margin, far))
        return sum(float(norm.sf((place - reach) / max(error, 1e-300))) for place, (reach, error) in places)

    if fails(width / 2) > may_fail:
        return math.inf
    return _first(lambda margin: fails(margin) <= may_fail, min(near[0], width / 2), width / 2)


def _first(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The least number between two at which something holds that holds at the higher one, to 1e-6 of it."""
    if holds(low):
        return low
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
