"""A step of the primal-dual method: its linear equations, reduced to those of the rows.

With `H = k w + p / (y - low) + q / (high - y)` a prediction gives to a force by `1 / H`, so

    dy = (drawn - A^T dlam) / H,      (A H^-1 A^T + softness) dlam - V dt = A H^-1 drawn + ...

is the bordered system of `keras_fair.ops.projection.interior_point`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.central_point import (
    Aim,
    Central,
    bounded,
    ends_of,
    rows_at,
)
from keras_fair.ops.projection.dual import Dual, curvature_of_rows
from keras_fair.ops.projection.interior_point import InteriorPoint, Newton, ScaledModel
from keras_fair.ops.projection.linear_algebra import (
    diagonal_of,
    over_both_sides,
    plus_diagonal,
    positive_or_one,
    unit_columns,
)

__all__ = ["Equations"]

# Elimination loses digits where weights lie decades apart.
_REFINEMENTS = 4
# How strongly predictions are held where they are, where only the violation counts; relative to its pull.
_HELD = 1e-6


class Equations(NamedTuple):
    """The linear equations of a step, eliminated once for the predictor and the corrector.

    Attributes:
        dual, aim, point: whose they are.
        has_floor, has_ceiling: (N,) 1 where the domain has a low end, and a high one.
        give: (N,) how far a prediction gives to a force.
        slope: (N,) of the objective and the duals.
        root: (m,) the root of the curvature of each row.
        width: (p,) the lengths of the columns of the border.
        newton: those of the rows, scaled by these.
    """

    dual: Dual
    aim: Aim
    point: Central
    has_floor: Any
    has_ceiling: Any
    give: Any
    slope: Any
    root: Any
    width: Any
    newton: Newton

    @classmethod
    def at(cls, dual: Dual, aim: Aim, point: Central) -> Equations:
        """The equations at a point."""
        problem = dual.problem
        # Where nothing holds a prediction it would give without end: it is held where it is, which moves no
        # solution.
        held = _HELD * aim.unit * ops.max(ops.abs(point.lam))
        give = 1.0 / (aim.tension + held + point.p / point.low_gap + point.q / point.high_gap)
        slope = aim.tension * (point.y - problem.r) - point.p + point.q + problem.moments.adjoint(point.lam)
        curvature = give if problem.weights is None else give * problem.weights
        curvature = plus_diagonal(curvature_of_rows(problem, dual.structure, curvature), aim.softness)
        root = ops.sqrt(positive_or_one(diagonal_of(curvature)))
        columns, width = None, ops.ones_like(point.rows.s)
        has_high, has_low, fixed = bounded(aim)
        if problem.border is not None:
            member = ops.maximum(ops.maximum(has_high, has_low), fixed)
            columns, width = unit_columns(problem.border / root[:, None] * member[:, None])
        finite_low, finite_high = (
            ops.where(ops.isfinite(bound), bound, ops.zeros_like(bound)) / root
            for bound in (aim.lower, aim.upper)
        )
        nothing = ops.zeros_like(root)
        model = ScaledModel(
            over_both_sides(curvature, root),
            columns,
            nothing,
            finite_low,
            finite_high,
            has_low,
            has_high,
            fixed,
            refinements=_REFINEMENTS,
        )
        of = point.rows
        scaled = InteriorPoint(
            of.free * root,
            of.p * root,
            of.q * root,
            ops.where(has_high > 0, of.high_gap / root, ops.ones_like(root)),
            ops.where(has_low > 0, of.low_gap / root, ops.ones_like(root)),
            of.s,
        )
        newton = Newton.at(model, scaled, rows_at(dual, aim, point) / root)
        return cls(dual, aim, point, *ends_of(dual, point.y), give, slope, root, width, newton)

    def direction(self, mu: Any, ahead: Central | None, part: Any) -> Central:
        """The direction to where the products are what they aim at and `mu`.

        Args:
            mu: () what all products have besides.
            ahead: the predictor's direction, or None.
            part: () the part of its second order that counts.
        """
        point, model, root = self.point, self.newton.model, self.root
        has_floor, has_ceiling = self.has_floor, self.has_ceiling
        p_aim = has_floor * (self.aim.at_low + mu - point.p * point.low_gap)
        q_aim = has_ceiling * (self.aim.at_high + mu - point.q * point.high_gap)
        of = point.rows
        up_aim, down_aim = mu - of.p * of.high_gap, mu - of.q * of.low_gap
        if ahead is not None:
            p_aim = p_aim - has_floor * part * ahead.p * ahead.y
            q_aim = q_aim + has_ceiling * part * ahead.q * ahead.y
            up_aim = up_aim - part * ahead.rows.p * ahead.rows.high_gap
            down_aim = down_aim - part * ahead.rows.q * ahead.rows.low_gap
        drawn = -self.slope + p_aim / point.low_gap - q_aim / point.high_gap
        moments = self.dual.problem.moments
        shift = moments.rows(self._given(drawn)) / root
        rows = self.newton.shifted(shift).direction(
            model.has_high * up_aim / of.high_gap * root, model.has_low * down_aim / of.low_gap * root
        )
        rows = InteriorPoint(
            rows.free / root,
            rows.p / root,
            rows.q / root,
            rows.high_gap * root,
            rows.low_gap * root,
            rows.s / self.width,
        )
        dy = self._given(drawn - moments.adjoint(rows.free + rows.p - rows.q))
        dp = (p_aim - point.p * dy * has_floor) / point.low_gap
        dq = (q_aim + point.q * dy * has_ceiling) / point.high_gap
        return Central(dy, dy * has_floor, -dy * has_ceiling, dp, dq, rows)

    def _given(self, force: Any) -> Any:
        """(N,) how predictions give to a force."""
        if not self.dual.structure.simplex:
            return self.give * force
        outputs = self.dual.structure.outputs
        give, force = ops.reshape(self.give, (-1, outputs)), ops.reshape(force, (-1, outputs))
        mean = ops.sum(give * force, axis=1, keepdims=True) / ops.sum(give, axis=1, keepdims=True)
        return ops.reshape(give * (force - mean), (-1,))
