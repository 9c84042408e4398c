"""From calibration people to a rule: by the optimum alone, by the monotone path, or by split and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from keras_fair.errors import quoted, some_of
from keras_fair.inputs.extent import Extent
from keras_fair.inputs.predictions import check_lengths, number_array
from keras_fair.postprocessing.calibration import Calibration, read_calibration
from keras_fair.postprocessing.decision_rule import Unmet
from keras_fair.postprocessing.makers import (
    Decisions,
    Learnt,
    Maker,
    PathOfRules,
    Scores,
    Settings,
)
from keras_fair.postprocessing.monotone_path import (
    applies,
    choose_on_path,
    path_points,
    small_level,
)
from keras_fair.postprocessing.promise import Promise, Unpromised
from keras_fair.postprocessing.row_tests import RowTest, row_tests
from keras_fair.postprocessing.split_and_test import choose_by_tests, split_people
from keras_fair.postprocessing.too_few import (
    equal_scores,
    equality_without_tolerance,
    too_few,
)
from keras_fair.postprocessing.utility import utilities
from keras_fair.rows.doubts import doubts_about
from keras_fair.rows.nobody import in_no_group, nobody_is_in, vacant_relations
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.sample_doubts import doubts_about_labels, label_extent

__all__ = ["learn"]


def learn(
    settings: Settings,
    plan: RowPlan,
    scores: Any,
    attributes: Any,
    label: Any,
    sample_weight: Any,
    utility: Any,
) -> Learnt:
    """Learn a rule; see `FrozenFairness.fit`."""
    meaning = settings.meaning
    people = read_calibration(meaning, plan, scores, attributes, label, sample_weight, settings.domain)
    if not people.inequalities:
        raise ValueError(
            "expected calibration people with a weight in the groups that the constraints compare, found "
            f"nobody: {nobody_is_in(vacant_relations(people.rows)) or 'nothing is compared'}"
        )
    if meaning.threshold is not None:
        people = replace(people, utility=_worth(settings, people, label, utility))
    elif utility is not None:
        raise ValueError("expected no utility for a rule of scores: it moves them as little as possible")
    doubts = _doubts(settings, people, label)
    maker: Maker = Decisions(settings, utility) if meaning.decides else Scores(settings, plan)
    if settings.confidence is None:
        return maker.learnt(people, maker.best(people, None), None, doubts)
    equality_without_tolerance(people.inequalities)
    _without_constants(plan)
    if people.weight is not None and settings.weight_bound is None:
        raise Unpromised(
            "expected weight_bound, the most that a person can weigh, for a promise with sample_weight: "
            "confidence=None learns without a promise"
        )
    if people.weight is not None and people.weight.max() > (settings.weight_bound or 0.0):
        raise ValueError(
            f"expected weights of at most weight_bound={settings.weight_bound:g}, "
            f"received one of {people.weight.max():g}"
        )
    tests = _tests(settings, people)
    way = applies(people, tests)
    may_path = way is not None and maker.has_path
    if settings.method == "monotone path" and not may_path:
        raise ValueError(
            "expected statements that each compare the same two groups, and nobody drawn by lot, for "
            "method='monotone path': method='auto' or 'split and test' takes any"
        )
    if may_path and way is not None and settings.method != "split and test":
        return _on_path(settings, maker, people, tests, way, doubts)
    return _by_split(settings, maker, people, doubts)


def _on_path(
    settings: Settings,
    maker: Maker,
    people: Calibration,
    tests: Sequence[RowTest],
    way: tuple[np.ndarray, np.ndarray],
    doubts: Sequence[str],
) -> Learnt:
    ways, moved = way
    cells, sizes = np.unique(people.cells, return_counts=True)
    path = maker.path(people, tests, path_points(sizes, moved, weighted=people.weight is not None))
    assert settings.confidence is not None
    level = 1 - settings.confidence
    place = choose_on_path(path, tests, ways, level)
    if place is None:
        both = (ways < 0).any() and (ways > 0).any()
        at = level - small_level(tests, level) if both else level
        centre = path.given(_balanced(tests, path))
        reason = too_few(tests, centre, len(people), at, settings.confidence)
        raise Unpromised(reason + equal_scores(people, maker.has_lots))
    promise = _promise(settings, people, tests, len(people), 0, "monotone path")
    gain = float(path.gains(np.array([place]))[0])
    fit = maker.at_point(path.knots(place), cells, gain, people)
    return maker.learnt(people, fit, promise, doubts)


def _by_split(settings: Settings, maker: Maker, people: Calibration, doubts: Sequence[str]) -> Learnt:
    split = split_people(people.cells, settings.seed)
    learnt, tested = people.part(split.learnt), people.part(split.tested)
    assert settings.confidence is not None
    level = 1 - settings.confidence
    _none_is_lost(people, tested)
    tests, own = _tests(settings, tested), _tests(settings, learnt)

    def given(fit: Any, who: Calibration) -> np.ndarray:
        return maker.given(fit.knots, who, np.searchsorted(fit.cells, who.cells))

    chosen = choose_by_tests(
        lambda margins: maker.best(learnt, margins), given, learnt, tested, tests, own, level
    )
    if chosen.fit is None:
        if chosen.best is None:
            raise Unmet("no rule meets the constraints on the people who are learnt from")
        values = given(chosen.best, tested)
        reason = too_few(tests, values, len(people), level, settings.confidence, split=True)
        raise Unpromised(reason + equal_scores(people, maker.has_lots))
    promise = _promise(settings, people, tests, len(tested), len(learnt), "split and test")
    fit = maker.measured_on(chosen.fit, given(chosen.fit, people), people)
    return maker.learnt(people, fit, promise, doubts)


def _tests(settings: Settings, people: Calibration) -> list[RowTest]:
    decides = settings.meaning.decides
    return row_tests(
        people,
        decides=decides,
        ends=(0.0, 1.0) if decides else settings.domain.bounds,
        weight_bound=None if people.weight is None else settings.weight_bound,
    )


def _promise(
    settings: Settings, people: Calibration, tests: Sequence[RowTest], tested: int, learnt: int, method: str
) -> Promise:
    assert settings.confidence is not None
    relations = tuple(str(settings.meaning.constraints).split("\n"))
    return Promise(
        confidence=settings.confidence,
        relations=relations,
        people=tested,
        learnt_from=learnt,
        method=method,
        tests=tuple(dict.fromkeys(test.name for test in tests)),
        refused=tuple(vacant.relation for vacant in vacant_relations(people.rows) if not vacant.measured),
    )


def _without_constants(plan: RowPlan) -> None:
    """Refuse to promise rows whose bounds were measured on the people themselves.

    Raises:
        Unpromised: with the first such number.
    """
    arrays = plan.arrays
    if any(len(array.places) for array in (arrays.weights, arrays.offset, arrays.lower, arrays.upper)):
        measured = ", ".join(plan.constant_keys[:3])
        raise Unpromised(
            "a promise compares what the rule gives with numbers and with other groups, and here a bound is "
            f"itself measured on these people ({measured}): write a number, or take confidence=None"
        )


def _none_is_lost(people: Calibration, tested: Calibration) -> None:
    """Refuse a split that leaves nobody to test some inequality on: it can't be promised untested.

    Raises:
        Unpromised: with the groups that are empty among the tested.
    """
    all_of, of_tested = (
        {(each.relation, tuple(each.weights.tolist())): each.name for each in part.inequalities}
        for part in (people, tested)
    )
    lost = [name for key, name in all_of.items() if key not in of_tested]
    if lost:
        groups = [group for vacant in vacant_relations(tested.rows) for group in vacant.groups]
        who = some_of(list(dict.fromkeys(groups)), 5, "; ") or "a group"
        raise Unpromised(
            f"too few people for a promise of {quoted(lost[0])}: where 30% are learnt from, nobody of {who} "
            "is left to test. confidence=None learns without a promise"
        )


def _balanced(tests: Sequence[RowTest], path: PathOfRules) -> int:
    """The point of a path where the inequality that is nearest to its bound is farthest from it."""
    low, high, best = 0, len(path) - 1, 0
    for _ in range(2):  # first wide apart, then all around the best
        places = np.unique(np.linspace(low, high, 65).astype(int))
        room = [min(test.row.bound - test.value(path.given(place)) for test in tests) for place in places]
        best = int(np.argmax(room))
        low, high = int(places[max(best - 1, 0)]), int(places[min(best + 1, len(places) - 1)])
    return int(places[best])


def _worth(settings: Settings, people: Calibration, label: Any, utility: Any) -> np.ndarray:
    """`w_i u_i` of each person."""
    assert settings.meaning.threshold is not None
    if utility is None:
        return utilities(settings.utility, people.scores, label, people.weight, settings.meaning.threshold)
    values = number_array(utility, "utility")[0]
    if values.dtype.kind not in "fiub" or values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("expected utility as finite numbers of shape (n,), one for each person")
    check_lengths({"scores": len(people), "utility": len(values)})
    return values * (1.0 if people.weight is None else people.weight)


def _doubts(settings: Settings, people: Calibration, label: Any) -> list[str]:
    """What is probably not meant so, and who is in no group."""
    meaning = settings.meaning
    doubts = list(doubts_about(meaning.constraints.statements, settings.domain.bounds))
    if meaning.constraints.uses_label:
        labels, extent = label_extent(label), Extent.of(people.scores)
        doubts += doubts_about_labels(meaning.constraints, labels, settings.domain.bounds, extent)
    few = np.unique(people.scores[:1000])
    if meaning.decides and len(few) <= 2 < len(people):
        shown = " and ".join(f"{score:g}" for score in few)
        doubts.append(
            f"scores take the values {shown} alone: a rule needs scores, and these look like decisions"
        )
    said = [in_no_group(people.rows.unknown), nobody_is_in(vacant_relations(people.rows))]
    return doubts + [sentence for sentence in said if sentence]
