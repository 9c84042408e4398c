"""What a text asks of decisions, as inequalities that are affine in them, over the people of a fit.

    g_r(d) = sum_T A_rT mean_T(d) <= b_r          d in {0, 1}^n, or in [0, 1]^n for a mixture

`P[y >= t | ...]` is a rate of decisions and so is `E[y | ...]`, since `y` is 0 or 1. Auxiliary scalars of the
rows are eliminated, so a spread over G groups is an inequality for each ordered pair of them. Who is in a
group and what a statement means is `keras_fair.rows`'; here it meets multipliers:

    d/dd_i sum_r lambda_r g_r  =  sum_T m_Ti (A' lambda)_T / N_T
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from keras_fair.constraints import ConstraintSet
from keras_fair.errors import ConstraintTypeError, Place, Reason
from keras_fair.postprocessing.meaning import Meaning, Taker, meaning_of
from keras_fair.postprocessing.promised_rows import OneSided, one_sided
from keras_fair.rows.assemble import unique_names
from keras_fair.rows.evaluate import rows_of
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.modes import check_enforceable, stand_ins, use_of
from keras_fair.rows.nobody import nobody_is_in, vacant_relations

__all__ = ["DecisionRows", "decision_rows", "meaning_for_decisions"]

_REDUCTION = Taker("a reduction", "reduction", "fit one for each", columns=True, only_decides=True)
_DOMAIN = (0.0, 1.0)


def meaning_for_decisions(constraints: ConstraintSet) -> Meaning:
    """What a text asks of decisions.

    Args:
        constraints: parsed.

    Raises:
        ConstraintTypeError: a statement is not affine in decisions, or asks for decisions by a threshold that
            0 and 1 do not lie on two sides of; the message names the modes that take the statement.
    """
    try:
        meaning = meaning_of(constraints, _REDUCTION)
        check_enforceable(meaning.rows, _DOMAIN, stacklevel=2)
    except ConstraintTypeError as refusal:
        raise _with_modes(refusal, constraints) from None
    if meaning.threshold is not None and not 0 < meaning.threshold <= 1:
        raise ConstraintTypeError(
            "a reduction decides 0 or 1, so a decision is y >= t with t above 0 and at most 1, "
            f"found {meaning.threshold:g}",
            text=constraints.text,
            span=constraints.statements[0].relation.span,
            reason=Reason.MEANING,
        )
    return meaning


@dataclass(frozen=True)
class DecisionRows:
    """Inequalities over the decisions of n people: `weights @ means(d) <= bounds`.

    Attributes:
        rows: over the people, of what the text means for decisions.
        inequalities: R of them.
        threshold: what counts as the decision 1 in a text about decisions, else None.
    """

    rows: LinearRows
    inequalities: tuple[OneSided, ...]
    threshold: float | None

    def __len__(self) -> int:
        return len(self.inequalities)

    @cached_property
    def weights(self) -> np.ndarray:
        """`(R, T)`, A."""
        return np.array([each.weights for each in self.inequalities])

    @cached_property
    def bounds(self) -> np.ndarray:
        """`(R,)`, b."""
        return np.array([each.bound for each in self.inequalities])

    @cached_property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Of each inequality the relation that asks for it, and its own text; the pairs are unique."""
        own = unique_names([self._text(each) for each in self.inequalities])
        return tuple((each.name, text) for each, text in zip(self.inequalities, own, strict=True))

    @cached_property
    def opposites(self) -> np.ndarray:
        """`(k, 2)` int, pairs of inequalities that bound one expression from both sides, each in one pair."""
        waiting: dict[tuple[float, ...], int] = {}
        pairs = []
        for place, weights in enumerate(self.weights.round(12) + 0.0):  # no -0.0
            other = waiting.pop(tuple((0.0 - weights).tolist()), None)
            if other is None:
                waiting[tuple(weights.tolist())] = place
            else:
                pairs.append((other, place))
        return np.array(pairs, dtype=int).reshape(-1, 2)

    def values(self, decisions: np.ndarray) -> np.ndarray:
        """`g(d)`, `(R,)`.

        Args:
            decisions: `(n,)` in [0, 1].
        """
        return self.weights @ np.asarray(self.rows.terms.values(np.asarray(decisions, dtype=float)))

    def derivative(self, multipliers: np.ndarray) -> np.ndarray:
        """`d/dd sum_r lambda_r g_r(d)`, `(n,)`.

        Args:
            multipliers: `(R,)`.
        """
        sizes = np.asarray(self.rows.terms.weights)
        prices = np.divide(multipliers @ self.weights, sizes, out=np.zeros(len(sizes)), where=sizes > 0)
        return np.asarray(self.rows.terms.adjoint(prices))

    def projected(self, multipliers: np.ndarray) -> np.ndarray:
        """Multipliers that price every decision alike, and whose Lagrangian is nowhere lower, `(R,)`.

        Of two inequalities `l <= g <= u` of one expression only the difference of the multipliers prices
        decisions, and what they have in common costs `u - l >= 0`, so it is taken from both.
        """
        cleared = np.array(multipliers, dtype=float)
        first, second = self.opposites[:, 0], self.opposites[:, 1]
        paid = self.bounds[first] + self.bounds[second] >= 0
        common = np.where(paid, np.minimum(cleared[first], cleared[second]), 0.0)
        cleared[first] -= common
        cleared[second] -= common
        return cleared

    def violation(self, decisions: np.ndarray) -> float:
        """The largest excess over a bound, >= 0."""
        return float(max(0.0, (self.values(decisions) - self.bounds).max()))

    def _text(self, inequality: OneSided) -> str:
        parts = []
        for term in inequality.terms:
            factor, group = inequality.weights[term], self.rows.groups[term] or "everyone"
            size = "" if abs(factor) == 1 else f"{abs(factor):g} * "
            parts.append(f"{'-' if factor < 0 else '+'} {size}[{group}]")
        return f"{' '.join(parts).removeprefix('+ ')} <= {inequality.bound + 0.0:g}"


def decision_rows(
    meaning: Meaning,
    columns: Any,
    label: Any,
    sample_weight: Any = None,
    *,
    size: int,
    vocabulary: Any = None,
) -> DecisionRows:
    """The inequalities over given people.

    Args:
        meaning: by `meaning_for_decisions`.
        columns: the columns that the text names, a dict of `(n,)` each.
        label: `(n,)`, 0 or 1.
        sample_weight: `(n,)` >= 0, or None.
        size: n.
        vocabulary: the values of the attributes; None: those that occur.

    Raises:
        ConstraintError: columns do not fit the text.
        ValueError: nobody is in the groups that are compared.

    Warns:
        UserWarning: nobody is in some groups.
    """
    rows = rows_of(
        meaning.rows,
        columns,
        label if meaning.rows.uses_label else None,
        sample_weight=sample_weight,
        vocabulary=vocabulary,
        domain=_DOMAIN,
        size=size,
    )
    vacant = vacant_relations(rows)
    inequalities = one_sided(rows)
    if not inequalities:
        raise ValueError(
            "expected people with a weight in the groups that the constraints compare, found nobody: "
            f"{nobody_is_in(vacant) or 'nothing is compared'}"
        )
    if vacant:
        warnings.warn(nobody_is_in(vacant), stacklevel=3)
    return DecisionRows(rows, tuple(inequalities), meaning.threshold)


def _with_modes(refusal: ConstraintTypeError, constraints: ConstraintSet) -> ConstraintTypeError:
    """The refusal, with the modes that take the statement all the same."""
    if refusal.modes or refusal.span is None:
        return refusal
    place = _statement_at(constraints, refusal.span)
    try:
        modes: Sequence[str] = use_of(constraints, place, stand_ins(constraints)[0], _DOMAIN).modes
    except ConstraintTypeError:
        modes = ()
    return ConstraintTypeError(
        refusal.message, text=refusal.text, span=refusal.span, reason=refusal.reason, modes=modes
    )


def _statement_at(constraints: ConstraintSet, span: Place) -> int:
    """The index of the statement that holds a place."""
    starts = [statement.span.start for statement in constraints.statements]
    return max(0, sum(start <= span.start for start in starts) - 1)
