"""A fitted rule as a layer: scores and attributes in, the scores after the rule out, each person alone.

    group of a person -> her row of the knots -> y'

`service_groups` says who has which row, `knots` what a row does to a score; `keras_fair.layers` reads the
arguments and guards graphs, as for projections. The class holds the rule's document and its knots as weights.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import backend, ops

from keras_fair.constraints import ConstraintSet, parse
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import concrete, dtype_of, flat, static_size, widest_float
from keras_fair.inputs.domain import check_domain
from keras_fair.inputs.orders import check_order
from keras_fair.inputs.predictions import check_lengths, number_array
from keras_fair.inputs.refusals import InText
from keras_fair.layers.arguments import is_symbolic_text, only
from keras_fair.layers.call_arguments import (
    CallArguments,
    check_names,
    clipped_codes,
    encode,
    encode_known,
    ranked,
    unpacked,
)
from keras_fair.layers.checks import all_fine
from keras_fair.layers.guard import (
    compiles_with_xla,
    exported_as,
    guard,
    refuse_text_under_xla,
    say_once,
)
from keras_fair.layers.kept_weight import kept_weight
from keras_fair.layers.place import place_kept
from keras_fair.ops import Outcome
from keras_fair.postprocessing.calibration import plan_for
from keras_fair.postprocessing.knots import lots_of
from keras_fair.postprocessing.meaning import meaning_of
from keras_fair.postprocessing.rule_document import read_document
from keras_fair.postprocessing.service_checks import (
    check_one_score,
    is_symbolic,
    known_check,
    read_lots,
    refuse_missing_codes,
    service_checks,
)
from keras_fair.postprocessing.service_groups import service_groups
from keras_fair.postprocessing.unknown_groups import first_values, left_alone, nothing_for
from keras_fair.rows.plan import RowPlan

__all__ = ["FrozenRule", "RuleRecord"]

_LOTS = "lots"
_LARGEST = float(np.finfo("float32").max)


class RuleRecord(NamedTuple):
    """What a rule in service met since its layer was made, loaded or reset.

    Attributes:
        unknown: how many people were of a group that the rule doesn't know, and kept their score; counted
            with `unknown="exclude"` only.
        faulty: how many batches had scores outside the domain, or people that the rule has nothing for;
            counted only where that can't be an error: under `jit_compile=True` on TensorFlow.
    """

    unknown: int
    faulty: int


@keras.saving.register_keras_serializable(package="keras_fair")
class FrozenRule(keras.layers.Layer):
    """Moves each score as a fitted rule does; `kf.FrozenFairness.layer` makes it.

    It treats each person alone: one person or a million are given the same answer, to the bit. It has nothing
    to train. Its knots are weights, so checkpoints carry them; its configuration holds the rule's document.

    Args:
        rule: the document of a fitted rule, `rule.to_json()`.

    Call arguments:
        y: `(n,)` or `(n, 1)` scores in the domain of the rule. Or one dict that holds all inputs:
            `{"y": scores, attribute: column, ...}`, with `"lots"` where the rule draws lots.
        attributes: dict of the columns that the constraints compare, `(n,)` or `(n, 1)`, or a DataFrame: text
            (inside a graph on TensorFlow only, and not with `jit_compile=True`), codes as `encode` makes
            them, or numbers.
        lots: `(n,)` in [0, 1), where the rule draws lots: `lots_of(ids)` gives each person the same one each
            time.

    Returns:
        Scores of the shape and dtype of `y`.

    Raises:
        ConstraintTypeError: an attribute is not given, or does not fit; the caret is at the place that needs
            it.
        ValueError: scores that are NaN or outside the domain; a person of a group that the rule does not
            know, with `unknown="error"`; lots that are missing, or given to a rule that draws none. Inside
            `predict` such faults of the data stop TensorFlow and JAX with an error of their own. Under
            `jit_compile=True` TensorFlow can't stop: there the scores of such people are NaN, and `record()`
            counts the batch.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> sex = np.array(["Female", "Male"] * 500)
        >>> scores = np.tile([0.4, 0.6], 500) + np.linspace(-0.3, 0.3, 1000)
        >>> rule = kf.FrozenFairness("spread(P[y >= 0.5 | sex=*]) <= 0.02", confidence=None)
        >>> layer = rule.fit(scores, {"sex": sex}).layer()
        >>> bool((np.asarray(layer(scores, {"sex": sex})) == rule(scores, {"sex": sex})).all())
        True
    """

    def __init__(self, rule: str, **kwargs: Any) -> None:
        kwargs.setdefault("autocast", False)  # scores keep their type, and numbers their precision
        super().__init__(**kwargs)
        config, vocabulary, learnt = read_document(rule)
        meaning = meaning_of(parse(config["constraints"]))
        self.document, self._text = rule, str(config["constraints"])
        self.domain = check_domain(config["domain"])
        self.vocabulary: Vocabulary = vocabulary
        self.constraints: ConstraintSet = meaning.rows
        self.unknown, self.seed = str(config["unknown"]), int(config["seed"])
        plan = plan_for(meaning, vocabulary, self.domain)
        self._groups = service_groups(plan)
        if len(self._groups) != len(learnt.row_of_cell):
            raise ValueError("expected the document of a rule, received one whose groups do not fit its text")
        self._plan = replace(plan, needs=self._groups.needs)  # not what only calibration needs
        self._shape = learnt.knots
        self._row_of_cell = learnt.row_of_cell.astype("int32")
        self._knots = {
            name: kept_weight(self.add_weight, name, array.shape, widest_float(), _constant(array))
            for name, array in learnt.knots.arrays.items()
        }
        self._record = kept_weight(self.add_weight, "record", (len(RuleRecord._fields),), widest_float())

    @property
    def plan(self) -> RowPlan:
        """The constraints, with the columns that tell groups apart as their only needs."""
        return self._plan

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns that tell the groups of the rule apart."""
        return tuple(self._plan.needs.attributes)

    @property
    def draws_lots(self) -> bool:
        """Whether some people's decision depends on their lot."""
        return self._shape.draws_lots

    def lots_of(self, ids: Any) -> np.ndarray:
        """The lot of each person, `(n,)` in [0, 1): always the same, and that of the rule called with `ids`.

        Args:
            ids: `(n,)` texts or numbers that name people.
        """
        return lots_of(np.asarray(ids).reshape(-1).tolist(), self.seed)

    def encode(self, attributes: Any) -> dict[str, Any]:
        """Columns of text and of dates as codes: for pipelines, for JAX, and for `jit_compile=True`.

        Args:
            attributes: dict of columns or a DataFrame; columns that the rule does not compare are ignored.
        """
        encoded: dict[str, Any] = {}
        for name, column in only(attributes, set(self.attributes)).items():
            with InText(self._plan.text, self._plan.needs.attributes[name]):
                encoded |= encode_known(self._plan.vocabulary, {name: column}, refuse_unknown=False)
        return encoded

    def record(self) -> RuleRecord:
        """What the rule met since the layer was made, loaded or reset."""
        return RuleRecord(*np.asarray(self._record.numpy()).astype(int).tolist())

    def reset_record(self) -> None:
        """Forget what the rule met."""
        self._record.assign(np.zeros(self._record.shape))

    def build(self, y_shape: Any) -> None:
        check_one_score(tuple(y_shape), self.domain)

    def __call__(self, y: Any, attributes: Any = None, lots: Any = None, **kwargs: Any) -> Any:
        if isinstance(y, Mapping) and lots is None and self.draws_lots and _LOTS not in self.attributes:
            y = dict(y)
            lots = y.pop(_LOTS, None)
        with place_kept():
            call = unpacked(y, attributes, None, None)
            check_names(self._plan, call)
            call = call._replace(attributes={name: call.attributes[name] for name in self.attributes})
            self._check_lots(lots)
            if not backend.is_keras_tensor(call.y):
                check_order({"predictions y": y, "lots": lots})
                given = call.attributes
                call, lots = self._read(call), read_lots(lots)
                self._look_at_people(call, given)
        return super().__call__(call.y, attributes=call.attributes or None, lots=lots, **kwargs)

    def call(self, y: Any, attributes: Any = None, lots: Any = None) -> Any:
        if y.shape[0] == 0:
            return y
        columns, scores, size = dict(attributes or {}), flat(y), static_size(y)
        lots = None if lots is None else flat(ranked(lots))
        check_lengths({"y": size, _LOTS: None if lots is None else static_size(lots)})
        in_graph = any(is_symbolic(part) for part in (y, lots, *columns.values()))
        with place_kept():
            rows = self._rows(columns, ops.shape(y)[0] if size is None else size)
        if in_graph and exported_as() is not None:
            return ops.reshape(self._given_alone(scores, rows, columns, lots), ops.shape(y))
        known = ops.greater_equal(rows, 0)
        knots = {name: ops.convert_to_tensor(weight) for name, weight in self._knots.items()}
        given = self._shape.apply(scores, ops.maximum(rows, 0), lots, knots)
        fair = ops.where(known, given, scores)
        if in_graph:
            fair = self._guarded(fair, y, columns, lots, known)
        return ops.reshape(fair, ops.shape(y))

    def compute_output_shape(self, y_shape: Any, **_: Any) -> Any:
        return tuple(y_shape)

    def compute_output_spec(self, y: Any, attributes: Any = None, lots: Any = None, **_: Any) -> Any:
        self._note_text(attributes or {})
        return keras.KerasTensor(y.shape, dtype=y.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rule": self.document}

    def save_own_variables(self, store: Any) -> None:
        """The knots by name, and which group has which. The record is no part of the rule."""
        store["row_of_cell"] = self._row_of_cell
        for name, weight in self._knots.items():
            store[name] = weight.numpy()

    def load_own_variables(self, store: Any) -> None:
        """See `save_own_variables`; raises ValueError for the knots of a rule of other groups."""
        if not np.array_equal(np.asarray(store["row_of_cell"]), self._row_of_cell):
            raise ValueError(
                f"{self.name}: expected the weights of a rule of the same groups, received others"
            )
        for name, weight in self._knots.items():
            weight.assign(np.asarray(store[name]))

    def _read(self, call: CallArguments) -> CallArguments:
        """The call with scores as a tensor of floats and the columns encoded."""
        y = call.y
        if not ops.is_tensor(y):
            y = ops.convert_to_tensor(number_array(y, "predictions y")[0])
        check_one_score(tuple(y.shape), self.domain)
        if "float" not in dtype_of(y):
            y = ops.cast(y, backend.floatx())
        self._note_text(call.attributes)
        listed = self.vocabulary.values
        return encode(self._plan, call._replace(y=y), listed, self.domain, refuse_unknown=False)

    def _check_lots(self, lots: Any) -> None:
        if self.draws_lots and lots is None:
            raise ValueError(
                f"expected lots, (n,) in [0, 1), received none: the rule of layer={self.name!r} draws lots, "
                "and the same person has to get the same one each time; lots_of(ids) gives them"
            )
        if lots is not None and not self.draws_lots:
            raise ValueError(
                f"expected no lots, received some: the rule of layer={self.name!r} draws none, a person's "
                "group and score alone say what she is given"
            )

    def _cells(self, columns: Mapping[str, Any], size: Any) -> Any:
        """The group of each person, `(n,)` int: in NumPy where all columns have values."""
        values = {name: concrete(column) for name, column in columns.items()}
        in_graph = any(value is None for value in values.values())
        return self._groups.cells(clipped_codes(self._plan, columns) if in_graph else values, size)

    def _rows(self, columns: Mapping[str, Any], size: Any) -> Any:
        """The row of the knots of each person, `(n,)` int32, -1 where the rule has none."""
        cells = self._cells(columns, size)
        return ops.take(self._row_of_cell, ops.cast(cells, "int32"), axis=0)

    def check_people(self, columns: Mapping[str, Any], given: Any, lots: Any = None) -> tuple[int, str]:
        """Refuse people that the rule has nothing for, outside a graph.

        Args:
            columns: encoded columns, those of `attributes` among them.
            given: the columns as they were given, for messages.
            lots: of these people, or None.

        Returns:
            How many people the rule doesn't know, where they are allowed, and what has to be said of them; 0
            inside a graph.

        Raises:
            ValueError: there are such people, with `unknown="error"`; lots are no numbers in [0, 1).
        """
        needed = {name: columns[name] for name in self.attributes}
        read_lots(lots)
        sizes = {name: static_size(column) for name, column in needed.items()}
        check_lengths(sizes)
        if any(is_symbolic(column) for column in needed.values()):
            return 0, ""
        refuse_missing_codes(self._plan, needed)
        cells = np.asarray(self._cells(needed, next(iter(sizes.values()), 0))).astype(np.intp)
        unknown = cells[self._row_of_cell[cells] < 0]
        if not len(unknown):
            return 0, ""
        place = int(np.argmax(self._row_of_cell[cells] < 0))
        received = first_values(given, self.attributes, place)
        if self.unknown == "error":
            raise ValueError(nothing_for(unknown, self._groups.names, received))
        return len(unknown), left_alone(unknown, self._groups.names, received)

    def _look_at_people(self, call: CallArguments, given: Mapping[str, Any]) -> None:
        """Outside a graph: refuse whom the rule has nothing for, or say who is left alone."""
        if is_symbolic(call.y):
            return
        unknown, message = self.check_people(call.attributes, given)
        if unknown:
            warnings.warn(message, stacklevel=3)
            self._count(unknown, 0)

    def _given_alone(self, scores: Any, rows: Any, columns: Mapping[str, Any], lots: Any) -> Any:
        """The scores for formats that can't stop, count or say anything, and have no float64: NaN stands for
        what would be an error."""
        knots = {name: np.asarray(array, "float32") for name, array in self._shape.arrays.items()}
        known = ops.greater_equal(rows, 0)
        given = self._shape.apply(scores, ops.maximum(rows, 0), lots, knots)
        low, high = (float(np.clip(end, -_LARGEST, _LARGEST)) for end in self.domain.bounds)
        fine = ops.logical_and(ops.greater_equal(scores, low), ops.less_equal(scores, high))
        if lots is not None:
            fine = ops.logical_and(fine, ops.logical_and(ops.greater_equal(lots, 0), ops.less_equal(lots, 1)))
        if self.unknown == "error":
            fine = ops.logical_and(fine, known)
        for column in columns.values() if self.vocabulary.missing == "error" else ():
            if "float" in dtype_of(column):
                fine = ops.logical_and(fine, ops.equal(flat(column), flat(column)))  # NaN is no number
        # A converter may write `where` as a sum of products, in which NaN would spread to everybody: so it is
        # made of a root, which is 1 where all is well and that of -1 elsewhere.
        spoilt = ops.sqrt(2 * ops.cast(fine, dtype_of(scores)) - 1) - 1
        return ops.where(known, given, scores) + spoilt

    def _guarded(self, fair: Any, y: Any, columns: Mapping[str, Any], lots: Any, known: Any) -> Any:
        """Inside a graph: the scores, once all checks hold."""
        checks = service_checks(y, self.domain, self._plan, columns, lots)
        if self.unknown == "error":
            checks.append(known_check(known, self._groups.names, self._row_of_cell))
        # Formats and compilers that drop assertions shall not pass off a score for that of the rule.
        for check in checks:
            if len(check.fine.shape):
                fair = ops.where(flat(check.fine), fair, ops.full_like(fair, np.nan))
        strangers = ops.sum(ops.cast(ops.logical_not(known), "int32"))
        if compiles_with_xla():
            fine = all_fine(checks)
            self._count(strangers if self.unknown == "exclude" else 0, ops.logical_not(fine))
            return fair
        solved = ops.convert_to_tensor(int(Outcome.SOLVED), dtype="int32")
        guard(self.name, checks, solved, ops.convert_to_tensor(True))
        if self.unknown == "exclude":
            before = ops.convert_to_tensor(self._record)[0]
            met = ops.logical_and(ops.greater(strangers, 0), ops.equal(before, 0))
            message = "people of a group that the rule doesn't know: scores are left as they are"
            say_once(self.name, message, met)
            self._count(strangers, 0)
        return fair

    def _count(self, unknown: Any, faulty: Any) -> None:
        dtype = dtype_of(self._record)
        counts = ops.stack([ops.cast(unknown, dtype), ops.cast(faulty, dtype)])
        self._record.assign(ops.convert_to_tensor(self._record) + counts)

    def _note_text(self, attributes: Mapping[str, Any]) -> None:
        """XLA has no text: `jit_compile="auto"` does not compile a model that reads text in the graph."""
        if any(is_symbolic_text(column) for column in attributes.values()):
            kind = exported_as()
            if kind is not None:
                raise ValueError(
                    f"{self.name}: format={kind!r} has no text: expected codes of the attributes of "
                    f"{self._text!r}, such as encode makes them, received text"
                )
            self.supports_jit = False
            refuse_text_under_xla(self.name)


def _constant(array: np.ndarray) -> Any:
    return lambda shape, dtype=None: ops.convert_to_tensor(np.asarray(array), dtype=dtype)
