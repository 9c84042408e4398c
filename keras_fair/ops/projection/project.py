"""The projection as a function: predictions in, fair predictions out, and how it went.

`project` is for people and checks its arguments. `project_rows` is the same inside a graph, where values
cannot be looked at; the Keras layer builds on it.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from keras_fair.constraints import Constraints, is_constraints, parse
from keras_fair.inputs.arrays import dtype_of, given_back, is_tensor, on_host
from keras_fair.inputs.domain import Domain, DomainLike, check_domain
from keras_fair.inputs.extent import Extent
from keras_fair.inputs.predictions import check_pairing, read_predictions
from keras_fair.ops.dispatch import all_numpy, ops
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.divergences import check_divergence
from keras_fair.ops.projection.problem_from_rows import (
    centre_of,
    make_problem,
    structure_of,
)
from keras_fair.ops.projection.project_arguments import (
    check_predictions,
    check_stiffness,
    check_weights,
    checked_start,
    float_array,
)
from keras_fair.ops.projection.projector import projector
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.doubts import doubts_about
from keras_fair.rows.evaluate import rows_of
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.margins import Margin, with_margin
from keras_fair.rows.nobody import (
    can_be_measured,
    in_no_group,
    nobody_is_in,
    vacant_relations,
)
from keras_fair.rows.sample_doubts import doubts_about_labels, label_extent

__all__ = ["Projection", "project", "project_rows"]


class Projection(NamedTuple):
    """Fair predictions, and how they came about.

    Attributes:
        y: the projected predictions, of the shape and dtype of those that came in.
        duals: (m,) multipliers of the rows, positive where a row is held at its upper bound, negative at its
            lower one.
        violation: (m,) how far each row is outside its bounds as the text has them, >= 0, in the row's units.
            `project` gives NaN for rows of a relation that can't be measured, since nobody is in a group.
        iterations: passes over the predictions.
        outcome: an `Outcome`, of the rows with their margin; inside a graph its number.
        residual: where solved, the largest error of the optimality conditions, relative to how far each row
            can move; where relaxed, how far the violation may be above the least, relative to itself; at the
            iteration limit, the largest violation, relative to how far each row can move; where not the
            closest, the largest error of the conditions of the closest.
    """

    y: Any
    duals: Any
    violation: Any
    iterations: Any
    outcome: Any
    residual: Any


def project(
    y: Any,
    constraints: LinearRows | Constraints,
    attributes: Any = None,
    label: Any = None,
    sample_weight: Any = None,
    *,
    domain: DomainLike = (0.0, 1.0),
    divergence: str = "euclidean",
    stiffness: Any = float("inf"),
    vocabulary: Any = None,
    margin: Margin = 0.0,
    start: Any = None,
) -> Projection:
    r"""Move predictions as little as possible so that all constraints hold.

        minimise sum_i w_i D(y_i, r_i)   subject to   lower <= A y + V t + c <= upper,   y in the domain

    Where no predictions in the domain meet all rows, those that violate them least are returned with
    `outcome` `RELAXED`: least in the sum of squares over rows, in the rows' own units, proven up to the part
    `residual` of its root; see `Outcome`. Where neither is reached nor proven the outcome is
    `ITERATION_LIMIT`; where all rows hold, but closer predictions may meet them too, `NOT_CLOSEST`. A finite
    stiffness `rho` prices the violation of a row at `rho violation^2 / 2` instead.

    Args:
        y: (n,), (n, 1) or (n, outputs) predictions `r`, a NumPy array or a tensor.
        constraints: what must hold: text or a `ConstraintSet`, with the attributes that it names; or rows
            that `ConstraintSet.rows` made for the same n samples. Constraints and y may also stand the other
            way round, in the order of all functions: constraints, y, attributes, label, sample_weight.
        attributes: with text: a dict of columns `(n,)` or a DataFrame; see `ConstraintSet.rows`.
        label: with text: (n,), where the constraints need it.
        sample_weight: (n,) weights, > 0; default: all 1. They weigh the objective, and with text the
            statistics too. The weights of the statistics of rows belong to the rows.
        domain: `(low, high)`, None for all reals, or `"simplex"` for outputs of a softmax.
        divergence: `"euclidean"`, or `"binary_crossentropy"` for probabilities (`"categorical_crossentropy"`
            on the simplex).
        stiffness: a number or (m,), > 0; infinite by default.
        vocabulary: with text: the values of the attributes; default: those that occur.
        margin: how far inside its bounds the gap of each statement is held, in units of the gap: a number
            >= 0 for all statements, or a dict from their names to numbers. A later audit with intervals can
            then find them satisfied; `keras_fair.margin_for` says which margin that takes.
        start: (m,) duals to begin from, such as those of the same predictions under a tolerance near this
            one. The answer is the same, to the solver's tolerance, in fewer passes over the predictions.

    Returns:
        A `Projection`, of NumPy arrays where `y` is one, else of tensors.

    Warns:
        UserWarning: the outcome is not `SOLVED`; nobody is in a group of a relation (where it can't be
            measured without them, it is neither held nor violated); a value is outside the vocabulary; the
            text or the samples are probably not meant so, see `keras_fair.rows.doubts` and `sample_doubts`.

    Raises:
        ConstraintError: the text is malformed, or has no meaning for these samples.
        ValueError: arguments that do not fit, predictions that are not finite or outside the domain, a margin
            that leaves nothing between two bounds.
        TypeError: the constraints are neither text nor rows.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> sex = np.array(["Female", "Female", "Male", "Male"])
        >>> rule = "E[y | sex=Female] == E[y | sex=Male] +- 0.1"
        >>> projection = kf.project(np.array([0.2, 0.4, 0.6, 0.8]), rule, {"sex": sex})
        >>> projection.y.round(2).tolist()
        [0.35, 0.55, 0.45, 0.65]
        >>> projection.outcome.name
        'SOLVED'
    """
    where = check_domain(domain)
    check_divergence(divergence, where)
    if _holds(y) and not _holds(constraints):
        y, constraints = constraints, y
    if isinstance(constraints, LinearRows):
        rows = constraints
        if attributes is not None or label is not None or vocabulary is not None:
            raise ValueError(
                "expected rows alone or text with attributes, received rows with attributes, label or "
                "vocabulary beside them: rows hold these already"
            )
    else:
        check_pairing(y, attributes, label, sample_weight)
        predictions = read_predictions(y)
        parsed = parse(constraints)
        rows = rows_of(
            parsed,
            attributes,
            label,
            outputs=predictions.outputs,
            sample_weight=sample_weight,
            vocabulary=vocabulary,
            domain=domain,
            size=len(predictions),
        )
        doubts = doubts_about(parsed.statements, where.bounds)
        if parsed.uses_label:
            labels, extent = label_extent(label), Extent.of(predictions.values)
            doubts = (*doubts, *doubts_about_labels(parsed, labels, where.bounds, extent))
        for doubt in doubts:
            warnings.warn(doubt, stacklevel=2)
    r = on_host(float_array("y", y))
    check_predictions(r, rows, where)
    if sample_weight is not None:
        sample_weight = on_host(float_array("sample_weight", sample_weight))
        check_weights(sample_weight, int(r.shape[0]))
    check_stiffness(stiffness, len(rows), working_dtype(r))
    rows = with_margin(rows, margin)
    projection = project_rows(
        r,
        rows,
        domain=where,
        divergence=divergence,
        sample_weight=sample_weight,
        stiffness=stiffness,
        start=None if start is None else checked_start(start, len(rows), working_dtype(r)),
    )
    unknown = in_no_group(rows.unknown)
    if unknown:
        warnings.warn(unknown, stacklevel=2)
    vacant = vacant_relations(rows) if r.shape[0] else []
    if vacant:
        warnings.warn(nobody_is_in(vacant), stacklevel=2)
        not_known = np.where(can_be_measured(rows), 0.0, np.nan).astype(dtype_of(projection.violation))
        projection = projection._replace(violation=projection.violation + not_known)
    if is_tensor(y):
        projection = Projection(*(given_back(part, y) for part in projection))
    else:
        projection = Projection(*map(_as_numpy, projection))
        dtype = np.asarray(y).dtype
        if dtype.kind == "f":
            projection = projection._replace(y=projection.y.astype(dtype))
    outcome = Outcome(int(projection.outcome))
    if outcome is not Outcome.SOLVED:
        warnings.warn(f"{outcome}: {outcome.message}", stacklevel=2)
    return projection._replace(
        iterations=int(projection.iterations),
        outcome=outcome,
        residual=float(projection.residual),
    )


def _as_numpy(part: Any) -> np.ndarray:
    return np.asarray(part) if all_numpy(part) else np.asarray(ops.convert_to_numpy(part))


def _holds(value: Any) -> bool:
    """Whether this says what must hold."""
    return isinstance(value, LinearRows) or is_constraints(value)


def project_rows(
    r: Any,
    rows: LinearRows,
    *,
    domain: DomainLike = (0.0, 1.0),
    divergence: str = "euclidean",
    sample_weight: Any = None,
    stiffness: Any = float("inf"),
    start: Any = None,
) -> Projection:
    """`project` without looking at values: for tensors, eager or inside a graph, and for NumPy arrays.

    Args:
        r: (n,), (n, 1) or (n, outputs) floats; in a graph n may be unknown.
        rows: the rows over these samples.
        domain, divergence, sample_weight, stiffness: as for `project`.
        start: (m,) duals to begin from, default none.

    Returns:
        A `Projection` of tensors, or of arrays where all that comes in is NumPy's; on PyTorch its predictions
        alone are a tensor. Gradients flow from `y` to `r`, and to memberships and weights in the rows.
    """
    where = check_domain(domain)
    check_divergence(divergence, where)
    centre = centre_of(r, where, divergence)
    problem = make_problem(r, rows, where, sample_weight, stiffness, centre)
    structure = structure_of(rows, where, divergence, (r, sample_weight), stiffness)
    projected = projector(structure)(problem, start)
    size = int(np.prod(r.shape)) if None not in tuple(r.shape) else ops.size(r)
    shape = tuple(-1 if side is None else side for side in r.shape)
    y = ops.reshape(projected.y[:size], shape)
    if centre is not None:
        y = _moved_back(y, centre, ops.cast(r, y.dtype), where, projected.lam)
    if int(rows.aux.shape[1]):
        flat = y if len(shape) == 1 or rows.terms.outputs > 1 else y[:, 0]
        violation = rows.violation(ops.stop_gradient(flat))
    else:
        bounds = (ops.cast(bound, problem.lower.dtype) for bound in (rows.lower, rows.upper))
        lower, upper = map(ops.stop_gradient, bounds)
        outside = ops.maximum(lower - projected.rows, projected.rows - upper)
        violation = ops.maximum(outside, ops.zeros_like(outside))
    return Projection(
        y=ops.cast(y, r.dtype),
        duals=ops.stop_gradient(projected.lam),
        violation=ops.stop_gradient(violation),
        iterations=projected.iterations,
        outcome=projected.outcome,
        residual=ops.stop_gradient(projected.residual),
    )


def _moved_back(y: Any, centre: Any, r: Any, domain: Domain, duals: Any) -> Any:
    """Predictions counted from zero again; bit for bit those that came in where every row held already."""
    low, high = domain.bounds
    moved = ops.minimum(ops.maximum(ops.add(y, centre), low), high)
    return ops.where(ops.all(ops.equal(duals, 0.0)), ops.minimum(ops.maximum(r, low), high), moved)
