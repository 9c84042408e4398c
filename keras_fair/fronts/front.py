"""`keras_fair.Front`: points, three ways to make them, and what is asked of them.

The class holds the questions and the validation people, and routes. What is measured is the matter of
`texts` and `objectives`, corrections are made in `correction`, the choice in `picking`. Pictures, pages and
tables are in later rooms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from keras_fair.constraints import Constraints
from keras_fair.errors import near_names
from keras_fair.fronts.correction import (
    corrections,
    learnt_rules,
    read_tolerances,
    setting_of,
    shown_tolerances,
)
from keras_fair.fronts.dominance import undominated
from keras_fair.fronts.objectives import read_objectives
from keras_fair.fronts.picking import check_prefer, picked, read_statements
from keras_fair.fronts.points import FrontPoint
from keras_fair.fronts.texts import read_texts
from keras_fair.fronts.training import read_grid, trained
from keras_fair.fronts.validation import Validation
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import DomainLike, check_domain
from keras_fair.provided import provided

__all__ = ["Front"]


class Front:
    """Models and corrections of the same people, by their scores and the gaps of texts: which to take?

    Every point is measured on the validation people that the front was made with. A point is undominated if
    no other one is at least as good everywhere and better somewhere. All points stay visible.

    Points come from `correct` (one model, corrected over tolerances, without training), `rules` (rules that
    are learnt over tolerances), `train` (a model for each value of a grid) and `add` (predictions of yours),
    in any order and any mixture, so that corrections and trained models lie on one front.

    Args:
        texts: an expression whose value is a gap, such as `"demographic_parity(sex)"`, or a list of them. It
            is measured by how far its value is from 0. A statement with a bound is taken too, and measured by
            its violation. Where a text makes several relations the largest counts.
        attributes: of the validation people, the columns that the texts name, `(n,)` each; a dict or a
            DataFrame.
        label: `(n,)`, their ground truth; needed by the named objectives, and where a text uses it.
        sample_weight: `(n,)` weights >= 0; default: all 1.
        objectives: what models are scored by; smaller is better. `"balanced_error"` (default), `"error"`,
            `"log_loss"`, `"mean_squared_error"`, or a function `(label, y)` that gives one number, or one
            loss a sample; several in a list, or a dict from names to these.
        threshold: decisions are `y >= threshold`, for the errors.
        vocabulary: the values of the attributes; default: those that occur.
        confidence: of the intervals of scores and gaps, in (0, 1); None for none.
        seed: of the bootstrap, an integer >= 0.

    Raises:
        ConstraintError: a text is malformed.
        TypeError, ValueError: another argument is malformed.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> sex = rng.choice(["Female", "Male"], 1000)
        >>> skill = rng.normal(size=1000) + 0.8 * (sex == "Male")
        >>> label = (skill + rng.normal(size=1000) > 0.4).astype(int)
        >>> front = kf.Front("demographic_parity(sex)", {"sex": sex}, label)
        >>> front.correct(1 / (1 + np.exp(-skill)), np.linspace(0, 0.2, 5))
        Front(5 points, ...)
        >>> front.pick("demographic_parity(sex) <= 0.1", prefer="balanced_error").name
        'corrected, tolerance 0.1'
    """

    def __init__(
        self,
        texts: Any,
        attributes: Any = None,
        label: Any = None,
        sample_weight: Any = None,
        *,
        objectives: Any = "balanced_error",
        threshold: float = 0.5,
        vocabulary: Vocabulary | Mapping[str, Any] | None = None,
        confidence: float | None = 0.95,
        seed: int = 0,
    ) -> None:
        self._people = Validation(
            read_texts(texts),
            read_objectives(objectives),
            attributes,
            label,
            sample_weight,
            vocabulary,
            threshold,
            confidence,
            seed,
        )
        self._points: dict[str, FrontPoint] = {}

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts whose gaps are measured."""
        return tuple(text.name for text in self._people.texts)

    @property
    def objectives(self) -> tuple[str, ...]:
        """The names of the objectives."""
        return tuple(objective.name for objective in self._people.objectives)

    @property
    def confidence(self) -> float | None:
        """Of the intervals; None where there are none."""
        return self._people.confidence

    def statements(self, domain: tuple[float, float] = (0.0, 1.0)) -> tuple[str, ...]:
        """For each text the statement that holds it within a tolerance, with `{}` for that; `""` for a text
        with a bound of its own.

        Args:
            domain: between which values predictions lie.
        """
        return tuple("" if text.bounded else text.held("{}", domain) for text in self._people.texts)

    @property
    def points(self) -> tuple[FrontPoint, ...]:
        """All points, in the order in which they came."""
        given = list(self._points.values())
        kept = undominated([point.numbers for point in given])
        return tuple(replace(point, undominated=bool(on)) for point, on in zip(given, kept, strict=True))

    @property
    def undominated(self) -> tuple[FrontPoint, ...]:
        """The points that no other point dominates, by the first objective."""
        kept = [point for point in self.points if point.undominated]
        return tuple(sorted(kept, key=lambda point: point.numbers))

    def __iter__(self) -> Iterator[FrontPoint]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self._points)

    def __getitem__(self, name: str) -> FrontPoint:
        for point in self.points:
            if point.name == name:
                return point
        raise KeyError(f"no point named {name!r}{near_names(name, list(self._points))}")

    def __repr__(self) -> str:
        return f"Front({len(self)} points, {len(self.undominated)} undominated)"

    def add(self, name: str, predictions: Any, *, setting: Any = None, model: Any = None) -> Front:
        """Add a point: what a model, or anything, predicts for the validation people.

        Args:
            name: of the point, unlike those that are there.
            predictions: `(n,)`, `(n, 1)` or `(n, outputs)`, a NumPy array or a tensor.
            setting: what it was made with, for your own use.
            model: kept beside it, for your own use.

        Returns:
            The front itself.

        Raises:
            ConstraintError: a text has no meaning for these people.
            ValueError: the name is taken, or the predictions are malformed, or of another number of people.
        """
        return self._add(self._new(name), predictions, setting=setting, model=model)

    def correct(
        self,
        y: Any,
        tolerances: Any,
        *,
        name: str = "corrected",
        domain: DomainLike = (0.0, 1.0),
        divergence: str = "euclidean",
    ) -> Front:
        """Add corrections of one model over tolerances, without training.

        Each is `kf.project` of the predictions onto the texts within a tolerance of 0; the solver begins
        from the duals of the tolerance before. The correction is of these people, all in one batch, by their
        own attributes, and labels where a text uses them. So their gaps are held exactly. The intervals
        take the corrected predictions as given, as an audit does: what a correction learnt elsewhere would
        leave as a gap is measured by `rules`.

        Args:
            y: `(n,)`, `(n, 1)` or `(n, outputs)` predictions for the validation people, in the domain.
            tolerances: numbers >= 0, each for all texts; or sequences of one a text, None where a text is
                not to be held.
            name: the points are called `"{name}, tolerance {tolerance}"`.
            domain, divergence: see `kf.project`.

        Returns:
            The front itself.

        Warns:
            UserWarning: what `kf.project` warns of, with the number of tolerances; such as that no
                predictions meet a tolerance. Such points are kept, with what they reach.

        Raises:
            ConstraintError: a text has no meaning for these people, or is not affine in `y`: rates of
                decisions are for `rules` and `train`.
            ValueError: malformed predictions or tolerances; a text has a bound of its own; a name is taken.
        """
        asked = read_tolerances(tolerances, self._people.texts)
        names = [self._new(f"{name}, tolerance {shown_tolerances(each)}") for each in asked]
        made = corrections(
            self._people, asked, self._people.read(y), domain=check_domain(domain), divergence=divergence
        )
        for called, each in zip(names, made, strict=True):
            outcome = each.projection.outcome
            setting = setting_of(each.tolerances)
            self._add(called, each.projection.y, setting=setting, constraints=each.text, outcome=outcome)
        return self

    def rules(
        self,
        scores: Any,
        tolerances: Any,
        *,
        calibration: tuple[Any, ...],
        name: str = "rule",
        **settings: Any,
    ) -> Front:
        """Add rules (`kf.FrozenFairness`) over tolerances, learnt from people of their own.

        Args:
            scores: `(n,)` or `(n, 1)`, of the validation people.
            tolerances: as for `correct`.
            calibration: `(scores, attributes)` or `(scores, attributes, label)` or `(scores, attributes,
                label, sample_weight)` of the people to learn from.
            name: the points are called `"{name}, tolerance {tolerance}"`.
            settings: of `kf.FrozenFairness`; `confidence` is None unless given, so that no promise is asked
                for: with one, tolerances for which there are too few people are errors.

        Returns:
            The front itself; the points' `model` is the rule.

        Raises:
            ConstraintError: a text has no meaning for these people, or as a rule.
            ValueError: as `correct` and `kf.FrozenFairness.fit`; also where no rule meets a tolerance.
        """
        asked = read_tolerances(tolerances, self._people.texts)
        names = [self._new(f"{name}, tolerance {shown_tolerances(each)}") for each in asked]
        settings = {"confidence": None, "vocabulary": self._people.vocabulary, **settings}
        learnt = learnt_rules(self._people.texts, asked, calibration, settings)
        given = [rule(scores, self._people.attributes) for _, rule in learnt]
        for called, each, (text, rule), y in zip(names, asked, learnt, given, strict=True):
            self._add(called, y, setting=setting_of(each), constraints=text, model=rule)
        return self

    def train(
        self,
        build: Callable[[Any], Any],
        values: Iterable[Any],
        inputs: Any,
        *,
        fit: Mapping[str, Any] | Callable[[Any], Any] | None = None,
        name: str = "trained",
        seed: int | None = 0,
        batch_size: int | None = None,
        keep_models: bool = True,
    ) -> Front:
        """Train a model for each value of a grid, such as weights or tolerances, and add what it predicts.

        Args:
            build: makes a compiled model from a value; or the model and a function `fit(model)`.
            values: the grid, each value once.
            inputs: of the validation people, as `model.predict` takes them.
            fit: how a model is fitted: arguments of `model.fit` in a dict, or a function `fit(model)`. None
                where `build` returns one beside each model.
            name: the points are called `"{name} {value}"`.
            seed: given to `keras.utils.set_random_seed` before each model is built, so that models differ by
                the value alone; None leaves the random state as it is.
            batch_size: of `model.predict`; default: all validation people in one batch, over which a
                projection layer then holds its rows.
            keep_models: whether points keep their models; otherwise they are let go.

        Returns:
            The front itself. Where training fails, points of values before it are in the front already.

        Raises:
            ValueError: the grid is empty, has a value twice or a name that is taken; there is no way to fit.
        """
        grid = read_grid(values)
        names = [self._new(f"{name} {shown}") for shown in grid]
        for called, value in zip(names, grid.values(), strict=True):
            model, given = trained(build, value, inputs, fit, seed, batch_size)
            self._add(called, given, setting=value, model=model if keep_models else None)
        return self

    def pick(self, text: Constraints, prefer: str | None = None, *, sure: bool = False) -> FrontPoint:
        """The best point that meets a text on the validation people.

        The text may be any of the language, also one about other groups than the texts of the front. The
        choice itself uses up the validation people: of many points that are alike, the one that looks best
        was lucky too. Audit it on people that took no part.

        Args:
            text: statements with bounds, such as `"demographic_parity(sex) <= 0.03"`.
            prefer: the objective that is to be least; default: the first of the front.
            sure: whether the whole interval of each gap must lie within its bounds (the audit's verdict is
                *satisfied*), rather than the gap alone.

        Returns:
            The point.

        Raises:
            ConstraintError: the text is malformed, or has no meaning for these people.
            NoPointMeets: no point meets it; the message names the nearest.
            ValueError: the text has no bound; there is no objective of this name; `sure` without a
                confidence.
        """
        statements = read_statements(text)
        preferred = check_prefer(prefer, self.objectives)
        people = self._people
        if sure and people.confidence is None:
            raise ValueError("expected a front with intervals with sure=True, received confidence=None")
        confidence = people.confidence if sure else None
        audits = [people.audit(statements, point.predictions, confidence) for point in self._points.values()]
        return picked(self.points, audits, str(text), preferred, sure)

    def plot(self, ax: Any = None, *, text: str | None = None, objective: str | None = None) -> Any:
        """The points in a picture, with intervals; see `kf.plots.front`."""
        return provided("plot_front")(self, ax, text=text, objective=objective)

    def to_html(self, path: str | Path | None = None) -> str:
        """An interactive page, one file that needs no network: hovering names a point, a slider for each
        text chooses a tolerance, and the best point within all of them is shown.

        Args:
            path: where to write it; None: nowhere.

        Returns:
            The page.
        """
        return provided("front_page")(self, path)

    def to_dataframe(self) -> Any:
        """A pandas DataFrame with one row for each point: name, undominated, setting; then of each objective
        and each text its value, and the ends of its interval as `{name}_low` and `{name}_high`.

        Raises:
            ImportError: pandas is not installed.
        """
        return provided("front_dataframe")(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything but predictions and models as plain Python values; NaN and infinity become None."""
        return {
            "texts": list(self.texts),
            "objectives": list(self.objectives),
            "confidence": self.confidence,
            "seed": self._people.seed,
            "points": [point.to_dict() for point in self.points],
        }

    def _new(self, name: str) -> str:
        """A name that is not taken."""
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"expected name as a text that is not empty, received name={name!r}")
        if name in self._points:
            raise ValueError(f"expected a name that no point of the front has, received name={name!r}")
        return name

    def _add(self, name: str, predictions: Any, **rest: Any) -> Front:
        y = self._people.read(predictions)
        scores, gaps = self._people.measured(y)
        self._points[name] = FrontPoint(name, scores, gaps, False, predictions=y, **rest)
        return self
