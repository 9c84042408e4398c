"""A text as a moment of fairlearn, which its reductions take as `constraints`.

    gamma(h) = A T(h)        bound = b        signed_weights(lambda) = -n d/dh lambda' gamma(h)

fairlearn's sign: a person whose signed weight is positive is better accepted. The inequalities are those of
`keras_fair.reductions.decision_rows`; this module puts them into fairlearn's form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from fairlearn.reductions import ClassificationMoment, ErrorRate

from keras_fair.constraints import Constraints, parse
from keras_fair.inputs.orders import check_order
from keras_fair.inputs.predictions import check_lengths
from keras_fair.reductions.decision_rows import (
    decision_rows,
    meaning_for_decisions,
)
from keras_fair.sklearn.named_columns import named_columns

__all__ = ["Moment"]


class Moment(ClassificationMoment):
    """A text about decisions, for `ExponentiatedGradient` and `GridSearch` of fairlearn.

    Everything that is affine in decisions is taken: rates and their differences, `spread`, `max`, `abs`,
    criteria, ratios and ranges, floors on precision, `cov(y, age)`, several statements at once. `y` is the
    decision, 0 or 1, so `E[y | ...]` is a rate too.

        moment = kf.reductions.Moment("equalized_odds(sex) <= 0.02 at y >= 0.5")
        fair = ExponentiatedGradient(LogisticRegression(), moment)
        fair.fit(x, label, sensitive_features=people[["sex"]])

    The inequalities that are not redundant are found by themselves: a spread over G groups is one for each
    ordered pair. `E[y | sex=*] == E[y] +- 0.01` is fairlearn's `DemographicParity(difference_bound=0.01)`.

    Args:
        constraints: text, or a `ConstraintSet`.
        columns: where in `X` an attribute is, by name or position, if neither `sensitive_features` nor `X`
            has it under its own name.
        vocabulary: the values of the attributes, a `Vocabulary` or what makes one; default: those that occur.

    Raises:
        ConstraintError: the text is malformed, or a statement is not affine in decisions; the message names
            the modes that take it.

    Example:
        >>> import numpy as np, pandas as pd
        >>> from fairlearn.reductions import ExponentiatedGradient
        >>> from sklearn.linear_model import LogisticRegression
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> sex = pd.DataFrame({"sex": rng.choice(["Female", "Male"], 4000)})
        >>> x = rng.normal(size=(4000, 2)) + 0.6 * (sex[["sex"]] == "Male").to_numpy()
        >>> y = (x.sum(axis=1) + rng.normal(size=4000) > 0.8).astype(int)
        >>> moment = kf.reductions.Moment("spread(P[y >= 0.5 | sex=*]) <= 0.02")
        >>> fair = ExponentiatedGradient(LogisticRegression(), moment, max_iter=10)
        >>> _ = fair.fit(x, y, sensitive_features=sex)
        >>> chance = fair._pmf_predict(x)[:, 1]
        >>> bool(kf.audit("spread(E[y | sex=*]) <= 0.04", chance, sex).satisfied)
        True

    Source: Agarwal et al. (2018), sections 2 and 3.
    """

    short_name = "keras_fair"

    def __init__(
        self, constraints: Constraints, *, columns: Mapping[str, Any] | None = None, vocabulary: Any = None
    ) -> None:
        super().__init__()
        self.constraints = parse(constraints)
        self.columns = columns
        self.vocabulary = vocabulary
        self._meaning = meaning_for_decisions(self.constraints)

    def load_data(self, X: Any, y: Any, *, sensitive_features: Any = None) -> None:
        """Meet the people of a fit; fairlearn calls it, on a copy.

        Args:
            X: `(n, features)`.
            y: `(n,)`, 0 or 1, which is also the `label` of the text.
            sensitive_features: the columns that the text names, a DataFrame or a dict; what it lacks is taken
                from `X`.

        Raises:
            ConstraintError: columns do not fit the text.
            ValueError: labels are others, a column is nowhere, rows are in another order, nobody is in the
                groups, or data were loaded before.
        """
        check_order({"X": X, "y": y, "sensitive_features": sensitive_features})
        label = np.asarray(y).reshape(-1)
        check_lengths({"X": X.shape[0] if hasattr(X, "shape") else len(X), "y": len(label)})
        strange = [value for value in np.unique(label).tolist() if value not in (0, 1)]
        if strange:
            raise ValueError(f"expected labels y of 0 and 1, received {strange[0]!r}")
        columns = named_columns(
            self.constraints.attributes, X, _as_table(sensitive_features), self.columns
        )
        rows = decision_rows(
            self._meaning, columns, label.astype(float), size=len(label), vocabulary=self.vocabulary
        )
        super().load_data(X, pd.Series(label))
        self.rows = rows
        self._index = pd.MultiIndex.from_tuples(rows.names, names=["relation", "inequality"])
        self.default_objective_lambda_vec = None

    @property
    def index(self) -> pd.MultiIndex:
        """The inequalities: the relation that asks for each, and its text."""
        return self._index

    def gamma(self, predictor: Callable[[Any], Any]) -> pd.Series:
        """The left sides of the inequalities for a predictor, `(R,)`.

        Args:
            predictor: from `X` to `(n,)` decisions, or probabilities of being accepted; a text about
                decisions `y >= t` counts those that reach t.

        Raises:
            ValueError: a prediction is outside [0, 1].
        """
        given = np.asarray(predictor(self.X), dtype=float).reshape(-1)
        check_lengths({"X": self.total_samples, "predictions": len(given)})
        if not ((given >= 0) & (given <= 1)).all():
            raise ValueError("expected decisions, or probabilities of one, in [0, 1], received others")
        threshold = self.rows.threshold
        if threshold is not None:
            given = np.asarray(given >= threshold, dtype=float)
        values = pd.Series(self.rows.values(given), index=self.index)
        self._gamma_descr = str(values)
        return values

    def bound(self) -> pd.Series:
        """The right sides of the inequalities, `(R,)`."""
        return pd.Series(self.rows.bounds, index=self.index)

    def project_lambda(self, lambda_vec: pd.Series) -> pd.Series:
        """Multipliers whose Lagrangian is as high or higher for each classifier, `(R,)`."""
        return pd.Series(self.rows.projected(self._in_order(lambda_vec)), index=self.index)

    def signed_weights(self, lambda_vec: pd.Series) -> pd.Series:
        """Minus n times the derivative of `lambda' gamma` by each decision, `(n,)`."""
        slope = self.rows.derivative(self._in_order(lambda_vec))
        return pd.Series(-self.total_samples * slope, index=self.tags.index)

    def default_objective(self) -> ErrorRate:
        """The share of people whose decision is not their label."""
        return _ErrorRate()

    def _in_order(self, lambda_vec: pd.Series) -> np.ndarray:
        if lambda_vec.index is not self.index and not lambda_vec.index.equals(self.index):
            lambda_vec = lambda_vec.reindex(self.index)
        return lambda_vec.to_numpy(dtype=float)

    @cached_property
    def _directions(self) -> list[tuple[int, int | None]]:
        """The directions of a grid, as an inequality and its opposite: the pairs as far as they are
        independent over the people, and each inequality without an opposite."""
        pairs, rows = self.rows.opposites.tolist(), self.rows
        rng = np.random.default_rng(0)
        # Expressions that depend on each other do so at random decisions too.
        drawn = [rows.values(rng.random((self.total_samples,))) for _ in range(rows.weights.shape[1] + 1)]
        at_random = np.array(drawn[1:]) - drawn[0]
        held = np.zeros((len(at_random), 0))
        chosen: list[tuple[int, int | None]] = []
        for first, second in pairs:
            own = at_random[:, first]
            rest = own - held @ (held.T @ own)
            rest -= held @ (held.T @ rest)
            if np.linalg.norm(rest) > 1e-9 * np.linalg.norm(own):
                held = np.column_stack([held, rest / np.linalg.norm(rest)])
                chosen.append((first, second))
        paired = {place for pair in pairs for place in pair}
        return chosen + [(place, None) for place in range(len(rows)) if place not in paired]

    @property
    def pos_basis(self) -> pd.DataFrame:
        """The multipliers that a positive coordinate of a grid stands for, `(R, directions)`."""
        return self._basis([first for first, _ in self._directions])

    @property
    def neg_basis(self) -> pd.DataFrame:
        """The multipliers that a negative coordinate of a grid stands for, `(R, directions)`."""
        return self._basis([second for _, second in self._directions])

    @property
    def neg_basis_present(self) -> pd.Series:
        """Which coordinates of a grid may be negative, `(directions,)` bool."""
        return pd.Series([second is not None for _, second in self._directions])

    def _basis(self, places: Sequence[int | None]) -> pd.DataFrame:
        basis = np.zeros((len(self.rows), len(places)))
        for number, place in enumerate(places):
            if place is not None:
                basis[place, number] = 1.0
        return pd.DataFrame(basis, index=self.index)


class _ErrorRate(ErrorRate):
    """fairlearn's error rate, which looks at no column of the sensitive features."""

    def load_data(self, X: Any, y: Any, **others: Any) -> None:
        super().load_data(X, y, sensitive_features=np.zeros(len(y), dtype=int))


def _as_table(sensitive_features: Any) -> Any:
    """A Series as a table of one column."""
    return sensitive_features.to_frame() if isinstance(sensitive_features, pd.Series) else sensitive_features
