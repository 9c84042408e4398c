"""A rule that is learnt once on calibration people, and then treats each person alone.

The class holds the text, the settings and the learnt knots. What is learnt, and by which promise, is the
matter of the other modules of this room.
"""

from __future__ import annotations

import json
import math
import os
import textwrap
import warnings
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fair.constraints import Constraints, parse
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import is_tensor, namespace
from keras_fair.inputs.domain import DomainLike, check_domain
from keras_fair.inputs.orders import check_order
from keras_fair.inputs.predictions import check_lengths, check_pairing, read_predictions
from keras_fair.inputs.settings import check_choice, check_confidence, check_seed
from keras_fair.ops.projection.divergences import check_divergence
from keras_fair.postprocessing.calibration import plan_for, vocabulary_of
from keras_fair.postprocessing.knots import Knots, lots_of
from keras_fair.postprocessing.learning import learn
from keras_fair.postprocessing.makers import Learnt, Settings
from keras_fair.postprocessing.meaning import meaning_of
from keras_fair.postprocessing.promise import Promise
from keras_fair.postprocessing.rule_document import read_document, rule_document
from keras_fair.postprocessing.rule_sql import rule_sql, written_as
from keras_fair.postprocessing.service_groups import ServiceGroups, service_groups
from keras_fair.postprocessing.sql_dialects import dialect_of
from keras_fair.postprocessing.unknown_groups import first_values, left_alone, nothing_for
from keras_fair.postprocessing.utility import check_utility
from keras_fair.provided import provided
from keras_fair.rows.plan import RowPlan
from keras_fair.whole_file import write_whole

if TYPE_CHECKING:
    from keras_fair.postprocessing.frozen_rule import FrozenRule

__all__ = ["FrozenFairness"]

_RANDOMISE = ("never", "ties", "allowed")
_METHODS = ("auto", "monotone path", "split and test")


class FrozenFairness:
    """A rule of scores or of decisions, learnt once, with a promise for people not seen yet.

    A text about scores, `E[y | ...]`, makes a rule that moves scores; one about decisions, `P[y >= t |
    ...]`, a rule that decides. Within a group it is monotone in the score: nobody is harmed by a higher
    one. Its output is a score again, with `y' >= t` exactly where a person is accepted, so the same text
    audits it. In service it needs the score and the attributes of one person, and neither a label nor a
    state.

    Args:
        constraints: text of the constraint language, or a `ConstraintSet`, of one output. For decisions:
            rates, ratios and budgets, `P[y >= 0.5 | ...]`, criteria `at y >= 0.5`, and floors on precision,
            `P[label=1 | y >= 0.5, ...] >= 0.6`.
        confidence: of the promise, in (0, 1); `with confidence p` in the text has precedence. None: the best
            rule on the calibration people, and no promise.
        utility: what rules for decisions maximise, see `keras_fair.postprocessing.utility`: `"implied"`
            (default: by the costs under which `y >= t` is the best decision; accuracy at t = 0.5),
            `"accuracy"`, `"balanced_accuracy"`, or a 2 x 2 cost matrix by label and decision. Rules of scores
            move them as little as possible.
        randomise: for decisions: `"never"` (default) one threshold for each group; `"ties"` lots among people
            of one score; `"allowed"` the optimum, which mixes thresholds. Without lots the best thresholds
            are searched for, finely enough that `print(rule)` shows little between them and the best
            possible; with two groups nearly all pairs are looked at.
        method: of the promise: `"auto"` (default), `"monotone path"` (two groups, all people tested), or
            `"split and test"` (any constraints; 30% are learnt from).
        domain: `(low, high)` of scores, None for all reals (rules of scores without a promise only).
        divergence: for scores: `"euclidean"` or `"binary_crossentropy"`.
        vocabulary: the values of the attributes; default: those that occur among the calibration people.
        unknown: what a person of a group that the rule doesn't know means, in service: `"error"` (default)
            refuses, `"exclude"` leaves the score as it is, with a warning.
        weight_bound: the most that a person can weigh; needed for a promise with sample weights.
        seed: of the split, and of lots.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> sex = np.where(rng.random(4000) < 0.4, "Female", "Male")
        >>> scores = np.clip(rng.normal(np.where(sex == "Female", 0.4, 0.55), 0.2), 0, 1)
        >>> rule = kf.FrozenFairness("P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05")
        >>> _ = rule.fit(scores, {"sex": sex})
        >>> rule.promise.confidence, rule.promise.method
        (0.95, 'monotone path')
        >>> bool(rule.decide([0.49], {"sex": ["Female"]})[0])
        True
    """

    def __init__(
        self,
        constraints: Constraints,
        *,
        confidence: float | None = 0.95,
        utility: Any = "implied",
        randomise: str = "never",
        method: str = "auto",
        domain: DomainLike = (0.0, 1.0),
        divergence: str = "euclidean",
        vocabulary: Vocabulary | Mapping[str, Any] | None = None,
        unknown: str = "error",
        weight_bound: float | None = None,
        seed: int = 0,
    ) -> None:
        self.constraints = parse(constraints)
        self.meaning = meaning_of(self.constraints)
        self.domain = check_domain(domain)
        if self.domain.simplex:
            raise ValueError(
                "expected domain=(low, high), received domain='simplex': a rule is about one output"
            )
        self.divergence = check_divergence(divergence, self.domain)
        self.randomise = check_choice("randomise", randomise, _RANDOMISE)
        self.method = check_choice("method", method, _METHODS)
        self.unknown = check_choice("unknown", unknown, ("error", "exclude"))
        self.confidence, self.seed = check_confidence(confidence), check_seed(seed)
        if weight_bound is not None and not (math.isfinite(weight_bound) and weight_bound > 0):
            raise ValueError(f"expected weight_bound > 0 or None, received weight_bound={weight_bound!r}")
        if self.meaning.threshold is not None:
            low, high = self.domain.bounds
            if not (math.isfinite(low) and math.isfinite(high)):
                raise ValueError("expected domain=(low, high) with finite ends for decisions, received none")
            if not low < self.meaning.threshold < high:
                raise ValueError(
                    f"expected a threshold inside the domain [{low:g}, {high:g}], received y >= "
                    f"{self.meaning.threshold:g}: give domain=(low, high) of the scores"
                )
        self.utility = check_utility(utility)
        self.weight_bound = weight_bound
        if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(vocabulary)
        self.vocabulary = vocabulary
        self._learnt: Learnt | None = None
        self._plan: RowPlan | None = None
        self._groups: ServiceGroups | None = None

    def fit(
        self,
        scores: Any,
        attributes: Any = None,
        label: Any = None,
        sample_weight: Any = None,
        *,
        utility: Any = None,
    ) -> FrozenFairness:
        """Learn the rule from calibration people.

        They must not be those that the scores' model was trained on: its scores are too good for these.

        Args:
            scores: `(n,)` or `(n, 1)` in the domain.
            attributes: the columns that the constraints name, `(n,)` each; a dict or a DataFrame.
            label: `(n,)`, 0 and 1; needed where the constraints use it, and by the utility of decisions.
                Without it the scores are taken for the probability of 1.
            sample_weight: `(n,)` >= 0.
            utility: `(n,)`, what accepting each person is worth, in place of the rule's utility.

        Returns:
            The rule itself.

        Warns:
            UserWarning: nobody is in a group of a relation; the rule accepts nobody, or everybody; the text
                is probably not meant so.

        Raises:
            ConstraintError: the data give the constraints no meaning.
            Unpromised: too few people for the promise. The message says how many are needed, or which
                tolerance these could promise.
            Unmet: no rule of the asked kind meets the constraints on these people.
            ValueError: arguments are malformed, or nobody is in any group that the constraints compare. Then
                nothing of the rule has changed.
        """
        vocabulary, plan = self._plan_of(attributes, label)
        settings = Settings(
            meaning=self.meaning,
            domain=self.domain,
            divergence=self.divergence,
            utility=self.utility,
            randomise=self.randomise,
            method=self.method,
            confidence=self._confidence(),
            weight_bound=self.weight_bound,
            seed=self.seed,
        )
        learnt = learn(settings, plan, scores, attributes, label, sample_weight, utility)
        for doubt in learnt.doubts:
            warnings.warn(doubt, stacklevel=2)
        self._take(learnt, plan, vocabulary)
        return self

    def __call__(self, scores: Any, attributes: Any = None, *, ids: Any = None) -> Any:
        """The scores after the rule, each person for herself.

        Args:
            scores: `(n,)` or `(n, 1)` in the domain.
            attributes: the columns that the constraints name, `(n,)` each.
            ids: `(n,)`, a name or number of each person; needed where the rule draws lots. The same person
                has the same lot each time.

        Returns:
            An array of the shape and dtype of the scores, or a tensor where they are one.

        Raises:
            ValueError: the rule was not fitted; arguments are malformed; a person's group is not known to the
                rule, with `unknown="error"`.
        """
        learnt, _, groups = self._fitted()
        check_pairing(scores, attributes, None, None)
        check_order({"scores": scores, "ids": ids})
        predictions = read_predictions(scores, outputs=1, domain=self.domain)
        n = len(predictions)
        cells = self._cells(attributes, n)
        rows = learnt.row_of_cell[cells]
        known = rows >= 0
        if not known.all():
            received = first_values(attributes, groups.needs.attributes, int(np.argmin(known)))
            if self.unknown == "error":
                raise ValueError(nothing_for(cells[~known], groups.names, received))
            warnings.warn(left_alone(cells[~known], groups.names, received), stacklevel=2)
        lots = self._lots(ids, n, learnt.knots)
        if is_tensor(scores):  # in its own type: rounding afterwards could turn a decision over
            xp = namespace(scores)
            flat = xp.reshape(scores, (n,))
            given = learnt.knots.apply(flat, np.where(known, rows, 0), lots)
            return xp.reshape(xp.where(known, given, flat), tuple(scores.shape))
        values = predictions.flat.astype(predictions.dtype)
        given = learnt.knots.apply(values, np.where(known, rows, 0), lots)
        return predictions.shaped(np.where(known, given, values))

    def decide(self, scores: Any, attributes: Any = None, *, ids: Any = None) -> np.ndarray:
        """Who is accepted, `(n,)` bool; arguments as of a call.

        Raises:
            ValueError: the rule is about scores.
        """
        if self.meaning.threshold is None:
            raise ValueError(
                "expected a rule for decisions, received one for scores: its text names no decision"
            )
        given = np.asarray(self(scores, attributes, ids=ids))
        return given.reshape(-1) >= np.asarray(self.meaning.threshold, given.dtype)

    def audit(
        self,
        scores: Any,
        attributes: Any = None,
        label: Any = None,
        sample_weight: Any = None,
        *,
        ids: Any = None,
        **options: Any,
    ) -> Any:
        """What the rule does to these people, measured by its own text, with the promise beside it.

        Args:
            scores: as of a call, before the rule.
            attributes: as of a call.
            label: `(n,)`, where the constraints use it.
            sample_weight: `(n,)`.
            ids: as of a call.
            options: of `keras_fair.audit`, such as `confidence`.

        Returns:
            An `Audit` of the scores after the rule. The promise and its assumption are among its notes, and
            so in every report.

        Example:
            >>> import keras_fair as kf
            >>> rule = kf.FrozenFairness("E[y | sex=F] == E[y | sex=M] +- 0.1", confidence=None)
            >>> _ = rule.fit([0.2, 0.4, 0.7, 0.9], {"sex": ["F", "F", "M", "M"]})
            >>> rule.audit([0.3, 0.8], {"sex": ["F", "M"]}, confidence=None).notes[-1]
            'The rule promises nothing: it was fitted with confidence=None.'
        """
        audited = provided("audit")(
            self.constraints, self(scores, attributes, ids=ids), attributes, label, sample_weight, **options
        )
        promise = self.promise
        note = "The rule promises nothing: it was fitted with confidence=None."
        if promise is not None:
            note = f"Promised by the rule. {promise}"
        return replace(audited, notes=(*audited.notes, note))

    @property
    def promise(self) -> Promise | None:
        """What the rule promises; None with `confidence=None`."""
        return self._fitted()[0].promise

    @property
    def learnt(self) -> Learnt:
        """What was learnt: the knots, and what they cost on the calibration people."""
        return self._fitted()[0]

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns that tell the groups of the rule apart: what is asked for in service."""
        return tuple(self._fitted()[2].needs.attributes)

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """The knots of each group, by its name."""
        learnt, _, groups = self._fitted()
        found: dict[str, dict[str, Any]] = {}
        for cell in np.flatnonzero(learnt.row_of_cell >= 0):
            row = learnt.row_of_cell[cell]
            found[groups.names[cell]] = learnt.knots.describe(int(row))
        return found

    def groups_of(self, scores: Any, attributes: Any = None) -> np.ndarray:
        """The group of each person by its name in `groups`, `(n,)` text; arguments as of a call.

        A group that nobody was of at calibration has a name too, which `groups` lacks.
        """
        _, _, groups = self._fitted()
        n = len(read_predictions(scores, outputs=1, domain=self.domain))
        return np.array(groups.names)[self._cells(attributes, n)]

    def rows_of(self, attributes: Any, n: int) -> np.ndarray:
        """The row of `learnt.knots` that each person has, `(n,)` int; -1 where the rule has none.

        Args:
            attributes: the columns that tell the groups apart, `(n,)` each.
            n: how many people there are.
        """
        return np.asarray(self.learnt.row_of_cell[self._cells(attributes, n)])

    def __str__(self) -> str:
        if self._learnt is None:
            return f"A rule for {self.constraints}, not fitted yet."
        lines = [f"A rule for {self.constraints}"]
        lines += [f"  {name}: {_sentence(knots)}" for name, knots in self.groups.items()]
        lines += [f"  {line}" for line in self._learnt.summary()]
        promise = str(self.promise or "No promise was asked for (confidence=None).")
        lines += textwrap.wrap(promise, 98, initial_indent="  ", subsequent_indent="  ")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def to_json(self) -> str:
        """The fitted rule as a JSON document, which `from_json` reads."""
        learnt, _, _ = self._fitted()
        return json.dumps(rule_document(self.get_config(), self._vocabulary, learnt), indent=1)

    @classmethod
    def from_json(cls, document: str) -> FrozenFairness:
        """The rule that `to_json` wrote.

        Raises:
            ValueError: the document is damaged, or something else.
        """
        config, vocabulary, learnt = read_document(document)
        rule = cls(**config)
        rule._take(learnt, plan_for(rule.meaning, vocabulary, rule.domain), vocabulary)
        return rule

    def to_sql(
        self,
        dialect: str = "duckdb",
        *,
        scores: str = "score",
        columns: Mapping[str, str] | None = None,
        output: str | None = None,
        lots: str | None = None,
        float32: Collection[str] = (),
        refused: str = "null",
    ) -> str:
        """The fitted rule as an expression of SQL: a CASE with a branch for each group.

        What it gives is what the rule gives, to the bit: `SELECT *, (CASE ...) AS accepted FROM people`. A
        person whom the rule refuses gets NULL, or an error, and never the rule of another group: a score that
        is NULL, NaN or outside the domain; a value that is missing where the vocabulary refuses that;
        infinite numbers; and, with `unknown="error"`, a group that nobody was of at calibration. With
        `unknown="exclude"` such a person's score is left as it is.

        Args:
            dialect: `"duckdb"`, `"sqlite"` or `"spark"`, on which the tests run it. Rules of scores by
                cross-entropy ask for `sqrt`, which not every SQLite has.
            scores: the column of scores.
            columns: the column of each attribute, where it has another name. Columns hold what calibration
                had: text, numbers or booleans (whole numbers up to 2^53), and for dates DATE or TIMESTAMP, to
                the microsecond; in SQLite text such as `2024-06-01` or `2024-06-01 12:30:00`, in UTC. NULL,
                NaN and empty text are missing.
            output: `"decision"`, the default of a rule for decisions, or `"score"`.
            lots: the column of lots in [0, 1), where the rule draws lots; `rule.layer().lots_of(ids)` makes
                them.
            float32: the columns, that of scores among them, that hold float32. Their thresholds are then the
                float32 that the rule compares with.
            refused: `"null"` (default) or `"error"`; SQLite has no errors.

        Raises:
            ValueError: the rule was not fitted; the rule draws lots and no column of them is given; an
                argument, or a value of a group, is nothing that SQL can write.

        Example:
            >>> import keras_fair as kf
            >>> rule = kf.FrozenFairness("spread(P[y >= 0.5 | sex=*]) <= 0.5", confidence=None)
            >>> _ = rule.fit([0.2, 0.7, 0.3, 0.8], {"sex": ["F", "F", "M", "M"]})
            >>> print(rule.to_sql("spark"))
            CASE WHEN ... THEN
              CASE
                WHEN `sex` = 'F' THEN `score` >= 0.44999998807907104e0
                WHEN `sex` = 'M' THEN `score` >= 0.550000011920929e0
              END
            END
        """
        learnt, _, groups = self._fitted()
        written = written_as(
            dialect_of(dialect),
            scores=scores,
            attributes=groups.needs.attributes,
            columns=columns,
            decides=self.meaning.gives_decisions(output),
            lots=lots,
            draws_lots=learnt.knots.draws_lots,
            float32=float32,
            refused=refused,
        )
        return rule_sql(
            written,
            groups,
            self._vocabulary,
            learnt.knots,
            learnt.row_of_cell,
            domain=self.domain,
            decision=self.meaning.threshold,
            leaves_strangers=self.unknown == "exclude",
        )

    def layer(self, name: str | None = None) -> FrozenRule:
        """The fitted rule as a Keras layer, `layer(y, attributes)`; see `FrozenRule`.

        Args:
            name: of the layer.
        """
        from keras_fair.postprocessing.frozen_rule import FrozenRule

        return FrozenRule(self.to_json(), name=name)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the rule to a file; an existing one is replaced as a whole or not at all."""
        write_whole(path, self.to_json().encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FrozenFairness:
        """The rule that `save` wrote."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise ValueError(f"expected the JSON document of a rule in {path}, received bytes") from None

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, JSON-able; the vocabulary is that which was learnt."""
        utility = self.utility if isinstance(self.utility, str) else self.utility.tolist()
        return {
            "constraints": str(self.constraints),
            "confidence": self.confidence,
            "utility": utility,
            "randomise": self.randomise,
            "method": self.method,
            "domain": [end if math.isfinite(end) else None for end in self.domain.bounds],
            "divergence": self.divergence,
            "unknown": self.unknown,
            "weight_bound": self.weight_bound,
            "seed": self.seed,
        }

    def check_columns(self, attributes: Any, label: Any = None) -> None:
        """Refuse columns that `fit` would refuse, such as those with missing values; nothing is learnt.

        Args:
            attributes, label: as of `fit`.

        Raises:
            ConstraintError, ValueError: as of `fit`.
        """
        self._plan_of(attributes, label)[1].encode(attributes)

    def _plan_of(self, attributes: Any, label: Any) -> tuple[Vocabulary, RowPlan]:
        """The values of the attributes, given or those that occur, and the constraints lowered for them."""
        vocabulary = self.vocabulary
        if vocabulary is None or vocabulary.is_empty:
            missing = "error" if vocabulary is None else vocabulary.missing
            vocabulary = vocabulary_of(self.meaning, attributes, label, missing)
        return vocabulary, plan_for(self.meaning, vocabulary, self.domain)

    def _take(self, learnt: Learnt, plan: RowPlan, vocabulary: Vocabulary) -> None:
        """Become the rule that was learnt."""
        groups = service_groups(plan)
        if len(groups) != len(learnt.row_of_cell):
            raise ValueError("expected the document of a rule, received one whose groups do not fit its text")
        self._learnt, self._plan, self._groups, self._vocabulary = learnt, plan, groups, vocabulary

    def _cells(self, attributes: Any, n: int) -> np.ndarray:
        """The group of each person, `(n,)` int; in service no column is asked for that says nothing of it."""
        _, plan, groups = self._fitted()
        columns, _ = replace(plan, needs=groups.needs).encode(attributes)
        return np.asarray(groups.cells(columns, n)).astype(int)

    def _confidence(self) -> float | None:
        if self.confidence is None:
            return None
        return max(statement.confidence or self.confidence for statement in self.constraints)

    def _fitted(self) -> tuple[Learnt, RowPlan, ServiceGroups]:
        if self._learnt is None or self._plan is None or self._groups is None:
            raise ValueError("expected a rule that was fitted: call fit(scores, attributes, label) first")
        return self._learnt, self._plan, self._groups

    def _lots(self, ids: Any, n: int, knots: Knots) -> np.ndarray | None:
        if not knots.draws_lots:
            return None
        if ids is None:
            raise ValueError(
                "expected ids, a name or number of each person: this rule draws lots, and the same person "
                "has to get the same one each time"
            )
        lots = lots_of(np.asarray(ids).reshape(-1).tolist(), self.seed)
        check_lengths({"scores": n, "ids": len(lots)})
        return lots


def _sentence(knots: dict[str, Any]) -> str:
    """The knots of a group in words."""
    if "shift" in knots:
        slope = f", {_signed(knots['slope'])} of it" if knots["slope"] else ""
        return f"score {_signed(knots['shift'])}{slope}"
    parts = []
    for threshold, share in zip(knots["thresholds"], knots["shares"], strict=True):
        who = "nobody" if math.isinf(threshold) else f"scores from {threshold:.4g}"
        parts.append(f"accepts {who}" + (f" for {share:.1%}" if len(knots["shares"]) > 1 else ""))
    return "; ".join(parts)


def _signed(taken: float) -> str:
    """What is taken away, or added where it is negative."""
    return f"{'plus' if taken < 0 else 'less'} {abs(taken):.4g}"
