"""A scikit-learn classifier that is held to a text by reweighing the people of a fit.

    people, label, attributes ──▶ multipliers ⇄ estimator.fit(x, relabelled, sample_weight)   ──▶ a mixture
    new people ──▶ the mixture ──▶ decision                              no attributes asked for

The game is `exponentiated_gradient`'s, the inequalities are `decision_rows`'; here is what scikit-learn asks
of an estimator, and how a mixture becomes a decision.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted, column_or_1d, indexable, validate_data

from keras_fair.constraints import Constraints, parse
from keras_fair.inputs.orders import check_order
from keras_fair.inputs.predictions import check_lengths, read_weight
from keras_fair.inputs.settings import check_choice, check_count, check_positive
from keras_fair.postprocessing.knots import lots_of
from keras_fair.reductions.averages import best_average, price_of
from keras_fair.reductions.decision_rows import decision_rows, meaning_for_decisions
from keras_fair.reductions.exponentiated_gradient import Settings, exponentiated_gradient
from keras_fair.reductions.game import Game, decisions_of, probabilities_of
from keras_fair.sklearn.named_columns import named_columns
from keras_fair.sklearn.two_classes import routes, seen_before, two_classes, weighted, with_shape

__all__ = ["FairClassifier"]

_DECIDE = ("average", "one", "lots")
_ALONE = 5  # fits without a share that are tried alone
_STATISTICAL = 0.5  # of the standard error of the error rate, as fairlearn has it


class FairClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A mixture of classifiers of one kind that meets a text on the people of `fit`.

    The estimator is fitted again and again, to other labels and weights; what is found is a share of each
    fit. Attributes are asked for in `fit` and not at prediction. Nothing is promised for new people:
    `kf.audit` measures, `kf.FrozenFairness` promises.

    A mixture meets the text as lots do: each person is accepted with a chance. `decide` says what `predict`
    makes of it:

    - `"average"` (default): accepted where an average of few fits' probabilities is at least 0.5; of their
      decisions where the estimator has no `predict_proba`. The weights are not the mixture's shares: they are
      searched for the lowest error and violation. Deterministic.
    - `"one"`: one fit alone, of all that were found, chosen in the same way. Deterministic.
    - `"lots"`: the mixture itself. A lot is drawn by each person's id, so the same person always gets the
      same one, and `predict` asks for `ids`.

    Deterministic decisions may exceed the text on the people of `fit`; `violation_` says by how much.

    Args:
        estimator: a classifier of two classes whose `fit` takes `sample_weight`; of a `Pipeline` its last
            step does.
        constraints: text about decisions, such as `"equalized_odds(sex) <= 0.02 at y >= 0.5"`. `y` is the
            decision, 1 for `classes_[1]`, so `E[y | ...]` is a rate too; `label=1` is `classes_[1]`.
        columns: where in `X` an attribute is, by name or position, if not under its own name.
        decide: `"average"`, `"one"` or `"lots"`, see above.
        max_iter: steps at most, >= 1; a step is two fits.
        gap: the duality gap that ends the steps, > 0; None: half the standard error of the first fit's error
            rate.
        multiplier_bound: > 0, what the multipliers sum to at most: a unit of violation is never worth more
            than so much error.
        learning_rate: > 0, of the exponentiated gradient.
        vocabulary: the values of the attributes, a `Vocabulary` or what makes one; None: those that occur.
        random_state: an integer, the seed of the lots. The estimator's own is its own.

    Metadata:
        attributes: of `fit`: the columns that the text names, where `X` does not hold them: a DataFrame, or a
            dict of columns (which scikit-learn does not cut into folds).
        ids: of `predict` with `decide="lots"`: `(n,)`, a name or number of each person.

    Attributes:
        classes_: `(2,)`.
        estimators_: the fits that have a share, to the labels 0 and 1. A `DummyClassifier` accepts nobody, or
            everybody.
        weights_: their shares, or weights in the average, `(k,)`, with sum 1.
        n_iter_: the steps taken.
        n_fits_: how often the estimator was fitted.
        gap_: the duality gap of the mixture; gap_bound_: that which ends the steps.
        multipliers_: of each inequality that has one, by its text.
        error_, violation_: of what `predict` decides by, on the people of `fit`: the weighted error rate, and
            the largest excess over a bound. With `"lots"` those of the mixture.
        mixture_error_, mixture_violation_: of the mixture.

    Raises:
        ConstraintError: a statement is not affine in decisions; the message names the modes that take it.
        ValueError: arguments are malformed, an attribute is nowhere, labels are not of two classes.

    Warns:
        sklearn.exceptions.ConvergenceWarning: the gap was not reached, or what `predict` decides by exceeds
            the text on the people of `fit` by more than `gap_bound_`.

    Example:
        >>> import numpy as np, pandas as pd
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> sex = pd.DataFrame({"sex": rng.choice(["Female", "Male"], 4000)})
        >>> x = rng.normal(size=(4000, 2)) + 0.6 * (sex[["sex"]] == "Male").to_numpy()
        >>> y = (x.sum(axis=1) + rng.normal(size=4000) > 0.8).astype(int)
        >>> fair = kf.reductions.FairClassifier(
        ...     DecisionTreeClassifier(max_depth=4), "spread(P[y >= 0.5 | sex=*]) <= 0.05"
        ... )
        >>> accepted = fair.fit(x, y, attributes=sex).predict(x)
        >>> rates = [accepted[sex["sex"] == value].mean() for value in ("Female", "Male")]
        >>> bool(abs(rates[0] - rates[1]) <= 0.05)
        True

    Source: Agarwal et al. (2018).
    """

    # The columns are asked for by name, so metadata routing need not be told that they are wanted.
    __metadata_request__fit = {"attributes": True}
    __metadata_request__predict = {"ids": True}

    def __init__(
        self,
        estimator: Any,
        constraints: Constraints,
        *,
        columns: Mapping[str, Any] | None = None,
        decide: str = "average",
        max_iter: int = 50,
        gap: float | None = None,
        multiplier_bound: float = 100.0,
        learning_rate: float = 2.0,
        vocabulary: Any = None,
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.constraints = constraints
        self.columns = columns
        self.decide = decide
        self.max_iter = max_iter
        self.gap = gap
        self.multiplier_bound = multiplier_bound
        self.learning_rate = learning_rate
        self.vocabulary = vocabulary
        self.random_state = random_state

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, attributes: Any = None, **fit_params: Any
    ) -> FairClassifier:
        """Find the mixture.

        Args:
            X: `(n, features)`.
            y: `(n,)`, of two classes.
            sample_weight: `(n,)` >= 0, of the error and of the rates.
            attributes: see the class.
            fit_params: of the estimator's `fit`, handed on as they are.
        """
        self._check_settings()
        meaning = meaning_for_decisions(parse(self.constraints))
        check_order({"X": X, "y": y, "sample_weight": sample_weight})
        X, y, sample_weight = indexable(X, y, sample_weight)
        X = with_shape(X)
        validate_data(self, X=X, y=y, skip_check_array=True)
        weight = np.ones(len(y)) if sample_weight is None else read_weight(sample_weight)
        check_lengths({"y": len(y), "sample_weight": len(weight)})
        y = column_or_1d(y, warn=True)
        classes = two_classes(weighted(y, weight))
        label = (y == classes[1]).astype(int)
        named = named_columns(meaning.constraints.attributes, X, attributes, self.columns)
        rows = decision_rows(
            meaning,
            named,
            label.astype(float),
            None if sample_weight is None else weight,
            size=len(label),
            vocabulary=self.vocabulary,
        )
        params = self._fit_params(sample_weight, fit_params)
        game = Game(self.estimator, X, label, weight, rows, params)
        settings = Settings(
            float(self.multiplier_bound), float(self.learning_rate), self._gap(game), int(self.max_iter)
        )
        solution = exponentiated_gradient(
            game.answers(), rows.bounds, game.answer, settings, keep=game.keep
        )
        self.classes_ = classes
        self.n_iter_, self.n_fits_, self.gap_ = solution.steps, game.fits, solution.gap
        self.gap_bound_ = settings.gap
        self.multipliers_ = {
            f"{relation}: {text}": float(value)
            for (relation, text), value in zip(rows.names, solution.multipliers, strict=True)
            if value > 0
        }
        self._choose(game, solution.shares, price_of(solution.multipliers, settings.multiplier_bound))
        self._tell(solution.gap, settings)
        return self

    def predict(self, X: Any, *, ids: Any = None) -> np.ndarray:
        """The class of each person, `(n,)`.

        Args:
            X: `(n, features)`.
            ids: `(n,)`, with `decide="lots"`.
        """
        chance = self._chance(X)
        if self.decide != "lots":
            return self.classes_[(chance >= 0.5).astype(int)]
        if ids is None:
            raise ValueError(
                "expected ids, a name or number of each person: decide='lots' draws by it, and the same "
                "person has to get the same lot each time"
            )
        lots = lots_of(np.asarray(ids).reshape(-1).tolist(), self.random_state)
        check_lengths({"X": len(chance), "ids": len(lots)})
        return self.classes_[(lots < chance).astype(int)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, `(n, 2)`: what `predict` compares with 0.5. With `decide="lots"` the
        chance to be accepted, which meets the text read as scores, `E[y | ...]`, as lots do on average."""
        chance = self._chance(X)
        return np.column_stack([1 - chance, chance])

    def get_metadata_routing(self) -> MetadataRouter:
        """What `fit` and `predict` take for themselves, and hand on to the estimator."""
        router = MetadataRouter(owner=self)
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return router.add_self_request(self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimators_")

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.classifier_tags.multi_class = False
        tags.input_tags, tags.array_api_support = inner.input_tags, False
        return tags

    def _check_settings(self) -> None:
        if not hasattr(self.estimator, "fit"):
            raise TypeError(
                "expected FairClassifier(estimator, constraints), received an estimator without fit: "
                f"{self.estimator!r}"
            )
        check_choice("decide", self.decide, _DECIDE)
        check_count("max_iter", self.max_iter)
        for name in ("gap", "multiplier_bound", "learning_rate"):
            value = getattr(self, name)
            if name != "gap" or value is not None:
                check_positive(name, value)

    def _fit_params(self, sample_weight: Any, fit_params: Mapping[str, Any]) -> dict[str, Any]:
        """What the estimator's `fit` is given beside `X`, labels and weights."""
        if not routes():
            return dict(fit_params)
        routed = dict(process_routing(self, "fit", sample_weight=sample_weight, **fit_params).estimator.fit)
        routed.pop("sample_weight", None)  # the weights of each fit take its place
        return routed

    def _gap(self, game: Game) -> float:
        if self.gap is not None:
            return float(self.gap)
        error = game.answer(np.zeros(len(game.rows))).error  # of the plain estimator
        game.keep_first()
        people = 1 / np.square(game.weight).sum()  # Kish's effective number
        return max(1e-6, _STATISTICAL * float(np.sqrt(error * (1 - error) / people)))

    def _choose(self, game: Game, shares: np.ndarray, price: float) -> None:
        """The fits that `predict` needs, and what they cost on the people of `fit`."""
        self.mixture_error_, self.mixture_violation_ = game.cost(shares @ game.decisions)
        if self.decide != "lots":
            cheapest = np.argsort(game.prices(price), kind="stable")
            used = np.flatnonzero(shares)
            tried = cheapest[:1] if self.decide == "one" else np.union1d(used, cheapest[:_ALONE])
            answers = self._answers([game.estimators[place] for place in tried], game.X)
            own = shares[tried] if shares[tried].any() else np.ones(len(tried))
            weights = best_average(answers, own / own.sum(), lambda decisions: game.price(decisions, price))
            shares = np.zeros(len(shares))
            shares[tried] = weights
        used = np.flatnonzero(shares)
        self.estimators_ = [game.estimators[place] for place in used]
        self.weights_ = shares[used]
        chance = self._average(game.X)
        self.error_, self.violation_ = game.cost(chance if self.decide == "lots" else chance >= 0.5)

    def _tell(self, gap: float, settings: Settings) -> None:
        """Warn where the game did not end, or the text is not met."""
        if gap > settings.gap:
            warnings.warn(
                f"the duality gap is {gap:.2g} after {self.n_iter_} steps, above {settings.gap:.2g}: a "
                "larger max_iter goes on, a larger gap ends earlier",
                ConvergenceWarning,
                stacklevel=3,
            )
        if self.violation_ > settings.gap:
            other = "" if self.decide == "lots" else (
                f"; the mixture, decide='lots', by {self.mixture_violation_:.2g}"
            )
            warnings.warn(
                f"decide={self.decide!r} exceeds the constraints by {self.violation_:.2g} on the people of "
                f"fit{other}",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _chance(self, X: Any) -> np.ndarray:
        """What `predict` compares, of each person, `(n,)`."""
        check_is_fitted(self)
        return self._average(seen_before(self, X))

    def _average(self, X: Any) -> np.ndarray:
        return np.clip(self.weights_ @ self._answers(self.estimators_, X), 0.0, 1.0)

    def _answers(self, estimators: Sequence[Any], X: Any) -> np.ndarray:
        """What is averaged, `(k, n)`."""
        soft = self.decide != "lots" and all(hasattr(each, "predict_proba") for each in estimators)
        answer = probabilities_of if soft else decisions_of
        return np.array([answer(estimator, X) for estimator in estimators])
