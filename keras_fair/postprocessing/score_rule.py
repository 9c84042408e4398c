r"""Learning a rule for scores: the shift of each group's score that meets the rows at the least distance.

Without labels the projection's own answer is of this form. With its duals `lam`, the price of a person is
that of the group, `q_g`, and

    y = clip(r - q_g)                                (or the answer of the cross-entropy to the price q_g)

so what a rule gives the calibration people is what `kf.project` gives them.

Rows that are about labels price a person of label l at `q_gl`, and in service nobody's label is known. The
best a rule can do is the mean price given the score. On calibrated scores `P(label=1 | r) = r`, so it is
linear in r:

    y = clip(r - alpha_g - beta_g r),    alpha_g = q_g0,    beta_g = q_g1 - q_g0

`alpha` and `beta` are then chosen so that the rows hold for the true labels:

    minimise sum_i w_i (y_i - r_i)^2 / 2    over alpha, beta <= 1,    subject to the rows

by Newton's steps: at fixed people inside the domain, `y` is linear in (alpha, beta), and the rest is a
quadratic program of two numbers a group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_fair.inputs.domain import Domain
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.project import project_rows
from keras_fair.postprocessing.calibration import Calibration
from keras_fair.postprocessing.decision_rule import Unmet
from keras_fair.postprocessing.knots import ShiftKnots
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.margins import held_rows

__all__ = ["ScoreFit", "fit_scores"]

_MOST_STEPS = 60
_MET = 1e-9
_AT_END = 1e-7  # by so little the last step moved


@dataclass(frozen=True)
class ScoreFit:
    """A rule of scores and what it costs on the people that it was learnt from.

    Attributes:
        knots: one row for each group in `cells`.
        cells: `(g,)` int, the groups.
        loss: the weighted mean of `(y - r)^2`.
        closest: whether it is seen to be the best, not only one that meets the rows.
    """

    knots: ShiftKnots
    cells: np.ndarray
    loss: float
    closest: bool


def fit_scores(
    calibration: Calibration, *, domain: Domain, divergence: str, margins: np.ndarray | None = None
) -> ScoreFit:
    """The rule that moves scores least among those that meet the rows on these people.

    Args:
        calibration: the people.
        domain: of scores.
        divergence: `"euclidean"` or `"binary_crossentropy"`.
        margins: `(R,)`, how far inside its bounds each relation is held; default: not at all.

    Raises:
        Unmet: the rows can't be met by such a rule.
    """
    rows = calibration.rows if margins is None else calibration.held(margins)
    cells, place = np.unique(calibration.cells, return_inverse=True)
    if calibration.plan.uses_label:
        if divergence != "euclidean":
            raise ValueError(
                "expected divergence='euclidean' with constraints that use the label, received "
                f"divergence={divergence!r}: in service the price of a label is not known"
            )
        shift, slope, closest = _Shifts(calibration, rows, place, len(cells), domain).solved()
    else:
        shift = _prices(calibration, rows, place, len(cells), domain, divergence)
        slope, closest = np.zeros(len(cells)), True
    knots = ShiftKnots(shift, slope, divergence, domain.bounds)
    fair = knots.apply(calibration.scores, place, None)
    loss = float(np.average((fair - calibration.scores) ** 2, weights=calibration.weight))
    return ScoreFit(knots, cells, loss, closest)


def _prices(
    calibration: Calibration, rows: LinearRows, place: np.ndarray, count: int, domain: Domain, divergence: str
) -> np.ndarray:
    """The price of each group under the duals of the projection, `(count,)`."""
    weight = calibration.weight
    positive = None if weight is None else np.maximum(weight, weight[weight > 0].min(initial=1.0) * 1e-9)
    found = project_rows(
        calibration.scores, rows, domain=domain, divergence=divergence, sample_weight=positive
    )
    outcome = Outcome(int(found.outcome))
    if outcome is not Outcome.SOLVED:
        what = f"no scores in {domain} meet all constraints on these people"
        if outcome is not Outcome.RELAXED:
            what = "the closest scores that meet all constraints were not found on these people"
        raise Unmet(f"{what} ({outcome}: {outcome.message})")
    terms = rows.terms
    sizes = np.maximum(np.asarray(terms.weights), 1e-300)
    price = np.asarray(terms.adjoint((found.duals @ np.asarray(rows.weights)) / sizes)) + np.zeros(
        len(calibration)
    )
    _, first = np.unique(place, return_index=True)
    if positive is None:
        return price[first]
    heaviest = np.lexsort((-positive, place))
    first = heaviest[np.r_[True, np.diff(place[heaviest]) > 0]]
    return price[first] / positive[first]


class _Shifts:
    """The shift and the slope of each group, where rows are about labels."""

    def __init__(
        self, calibration: Calibration, rows: LinearRows, place: np.ndarray, count: int, domain: Domain
    ) -> None:
        self.scores, self.rows, self.place, self.count, self.domain = (
            calibration.scores, rows, place, count, domain,
        )  # fmt: skip
        self.weight = np.ones(len(place)) if calibration.weight is None else calibration.weight
        self.groups = [place == group for group in range(count)]

    def solved(self) -> tuple[np.ndarray, np.ndarray, bool]:
        """Shifts and slopes, `(count,)` each, and whether the search came to its end.

        Raises:
            Unmet: none meet the rows.
        """
        theta = np.zeros((2, self.count))
        best, least = theta, np.inf
        for step in range(_MOST_STEPS):
            aim = self._aim(theta)
            damping = 1.0 if step < 20 else 0.5
            change = np.abs(aim - theta).max()
            theta = theta + damping * (aim - theta)
            excess = self._excess(theta)
            if excess <= max(least, _MET):
                best, least = theta, excess
            if excess <= _MET and change <= _AT_END:
                return best[0], best[1], True
        if least <= _MET:
            return best[0], best[1], False
        raise Unmet(
            "no shift of scores by group that keeps their order was found that meets all constraints on "
            f"these people: the nearest leaves {least:.3g}"
        )

    def fair(self, theta: np.ndarray) -> np.ndarray:
        """The scores after the rule."""
        low, high = self.domain.bounds
        shift, slope = theta[:, self.place]
        return np.clip(self.scores - shift - slope * self.scores, low, high)

    def _excess(self, theta: np.ndarray) -> float:
        """By how much the worst row is violated."""
        held = held_rows(self.rows)
        violation = np.asarray(held.violation(self.fair(theta)))
        return float(violation.max(initial=0.0))

    def _aim(self, theta: np.ndarray) -> np.ndarray:
        """The best shifts and slopes while the same people are inside the domain."""
        import cvxpy as cp

        low, high = self.domain.bounds
        shift, slope = theta[:, self.place]
        moved = self.scores - shift - slope * self.scores
        free = (moved > low) & (moved < high)
        held, terms = held_rows(self.rows), self.rows.terms
        sizes = np.maximum(np.asarray(terms.weights), 1e-300)

        def means(values: np.ndarray) -> np.ndarray:
            return np.asarray(terms.sums(values)) / sizes

        constant = means(np.where(free, self.scores, np.clip(moved, low, high)))
        constant = constant + np.asarray(terms.constants) / sizes
        by_shift = np.stack([means(-np.where(free & group, 1.0, 0.0)) for group in self.groups], axis=1)
        by_slope = np.stack(
            [means(-np.where(free & group, self.scores, 0.0)) for group in self.groups], axis=1
        )
        weights = np.asarray(held.weights)
        alpha, beta, aux = (
            cp.Variable(self.count),
            cp.Variable(self.count),
            cp.Variable(held.aux.shape[1] or 1),
        )
        value = weights @ (constant + by_shift @ alpha + by_slope @ beta) + np.asarray(held.offset)
        if held.aux.shape[1]:
            value = value + np.asarray(held.aux) @ aux
        cost = 0
        for group, members in enumerate(self.groups):
            inside = members & free
            w, r = self.weight[inside], self.scores[inside]
            moments = np.array([[w.sum(), w @ r], [w @ r, w @ (r * r)]]) / max(self.weight.sum(), 1e-300)
            root = np.linalg.cholesky(moments + 1e-12 * np.eye(2)).T
            cost = cost + cp.sum_squares(root @ cp.hstack([alpha[group], beta[group]]))
        lower, upper = np.asarray(held.lower), np.asarray(held.upper)
        above, below = np.isfinite(upper), np.isfinite(lower)
        limits = [beta <= 1]
        limits += [value[above] <= upper[above]] if above.any() else []
        limits += [value[below] >= lower[below]] if below.any() else []
        program = cp.Problem(cp.Minimize(cost), limits)
        program.solve(solver="CLARABEL", tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
        if alpha.value is None:
            raise Unmet(
                "no shift of scores by group that keeps their order meets all constraints on these people"
            )
        return np.stack([np.asarray(alpha.value), np.asarray(beta.value)])
