"""Confidence intervals of expressions.

    expression                                              `Interval.method`
    a rate: a share, or a mean of 0/1 values                "clopper-pearson"
    a sum of multiples of rates of groups that share no     "clopper-pearson, squares added"
      sample, such as a difference
    these, of samples of unequal weight                     "clopper-pearson, effective size",
                                                            "clopper-pearson, effective size, squares added"
    a mean of other values                                  "student t"
    a sum of multiples of such means                        "welch"
    one of rates and other means                            "squares added"
    a correlation                                           "fisher z"
    a distance of distributions, in full                    "band of the distributions"
    mutual information                                      "noncentral chi-squared"
    an expression of several statistics, some of them       "..., bonferroni"
      of these three kinds
    all else: ratios, products, covariances, overlapping    "bootstrap"
      groups, other means of unequal weights, groups known
      as probabilities
    abs, max, min, spread of such                           "bootstrap, simultaneous"

*Effective size*: the number of samples of equal weight that would say as much, after Kish, or that has
the error of this rate, whichever is smaller.

*Squares added*: with estimates `e_i`, their limits `[l_i, u_i]` and multiples `c_i`, the lower end lies
`sqrt(sum_i (distance of c_i e_i to its lower limit)^2)` below the estimate, the upper end likewise above
it. It keeps the skewness of each estimate. So rates near 0 and groups of 20 are covered; by a normal
interval they are not.

*Student t*: `m -+ t(n - 1) (1 + 1/n) s / sqrt(n)`. The factor is not Student's. Scores are skewed: where
95% is asked for, means of 20 scores of a Beta(1, 9) are covered 93.9% of the time, and 92.9% without it.
For a Beta(8, 2) it is 95.2%; for a Beta(0.5, 4.5), most of whose scores lie near 0, 92.4%.

*Welch*: the errors `c_i^2 s_i^2 / n_i` added, and the degrees of freedom of Welch and Satterthwaite.
Means over the same group are taken as one mean of their sum.

*Fisher z*, *band of the distributions*, *noncentral chi-squared*: see `keras_fair.audit.correlation`,
`keras_fair.audit.distances` and `keras_fair.audit.information`. Of an expression that holds such
statistics, each statistic gets an interval for `1 - alpha / k`, k of them, and that of the expression
spans what these allow (*Bonferroni*).

*Bootstrap*: quantiles of draws, see `keras_fair.audit.draws`. A covariance with an attribute that has
rare values far out is covered too seldom: lognormal, where 95% is asked for, 65% at 60 samples and 86% at
3000.

*Simultaneous*: the largest or smallest of several close estimates is biased, and so are its quantiles. So
the parts get intervals that hold together: they span the draws that lie deep enough within the ranks of
all parts, as the confidence asks. The interval of the expression then spans all values that they allow.
For `spread` the parts are the differences of all pairs, up to 32 arguments. It covers the truth at least
as often as it claims.

Sources: Korn and Graubard, Survey Methodology 24 (1998); Newcombe, Statistics in Medicine 17 (1998),
method 10; Zou and Donner, Statistics in Medicine 27 (2008); Welch, Biometrika 34 (1947); Besag, Green,
Higdon and Mengersen, Statistical Science 10 (1995).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeGuard

import numpy as np

from keras_fair.audit.atoms import Atoms, atoms_of
from keras_fair.audit.correlation import correlation_ends
from keras_fair.audit.distributions import Distributions
from keras_fair.audit.draws import draws_of
from keras_fair.audit.estimates import Groups
from keras_fair.audit.expressions import (
    affine_form,
    is_number,
    is_smooth,
    statistics_of,
    value_of,
)
from keras_fair.audit.pieces import Piece, added
from keras_fair.audit.quantiles import rate_limits, t_quantile
from keras_fair.audit.result import Interval
from keras_fair.audit.simultaneous import image, leaves, together
from keras_fair.groups.enumeration import Domains
from keras_fair.language.nodes import (
    Arithmetic,
    Correlation,
    Covariance,
    Dependence,
    Expression,
    Mean,
    Share,
    Statistic,
)
from keras_fair.language.tree import walk

__all__ = ["Intervals"]

_APART = (Correlation, Dependence)  # what has a way of its own


class Intervals:
    """Intervals of the expressions of one relation.

    Args:
        statistics: all statistics of the relation. Those that cannot be estimated are left out.
        groups: of the table of its statement.
        distributions: of its statement.
        domains: what stars run over.
        seed: of the bootstrap.
    """

    def __init__(
        self,
        statistics: Sequence[Statistic],
        groups: Groups,
        distributions: Distributions,
        domains: Domains,
        seed: int,
    ) -> None:
        self._groups, self._domains, self._seed = groups, domains, seed
        self._distributions = distributions
        self._statistics: list[Statistic] = [
            each for each in statistics if not isinstance(each, _APART) and not math.isnan(self._value(each))
        ]
        self._selected = [groups.select(statistic) for statistic in self._statistics]
        self._drawn: dict[Statistic, np.ndarray] | None = None

    @cached_property
    def _atoms(self) -> Atoms | None:
        """The samples behind the statistics; None where some belong to a group only in part."""
        return atoms_of(self._selected, self._groups) if self._selected else None

    def of(self, expression: Expression, alpha: float, confidence: float) -> Interval | None:
        """The interval of an expression; None where a group is too small to say how it varies.

        Args:
            expression: without variables, and with stars only inside `max`, `min` and `spread`.
            alpha: one minus the confidence that this interval is made for.
            confidence: the confidence that the interval states.
        """
        if self._too_few(expression):
            return None
        if any(isinstance(part, _APART) for part in walk(expression)):
            return self._of_parts(expression, alpha, confidence)
        exact = self._closed(expression, alpha)
        if exact is not None:
            low, high, method = exact
        else:
            ends = self._by_draws(expression, alpha)
            if ends is None:
                return None
            low, high = ends
            method = "bootstrap" if is_smooth(expression) else "bootstrap, simultaneous"
        if math.isnan(low) or math.isnan(high):
            return None
        value = self.value(expression)
        return Interval(min(low, value), max(high, value), confidence, method)

    def doubtful_divisors(self, expression: Expression, alpha: float, confidence: float) -> list[Expression]:
        """The divisors of an expression that may be 0: their interval contains 0, or there is none."""
        if not any(map(_is_ratio, walk(expression))):
            return []
        divisors: dict[Any, None] = {}
        for leaf in leaves(expression, self._domains, self._value):
            divisors |= {part.right: None for part in walk(leaf) if _is_ratio(part)}
        return [
            divisor
            for divisor in divisors
            if not is_number(divisor) and self.may_be_0(divisor, alpha, confidence)
        ]

    def may_be_0(self, expression: Expression, alpha: float, confidence: float) -> bool:
        """Whether the interval of an expression contains 0, or there is none."""
        interval = self.of(expression, alpha, confidence)
        return interval is None or interval.low <= 0 <= interval.high

    def value(self, expression: Expression) -> float:
        """The value of an expression, NaN where it has none."""
        return float(value_of(expression, self._value, self._domains))

    def _of_parts(self, expression: Expression, alpha: float, confidence: float) -> Interval | None:
        """The interval of an expression with correlations or distances, from those of its statistics."""
        every = statistics_of(expression, self._domains)
        parts = [each for each in every if not math.isnan(self._value(each))]
        ends: dict[Expression, tuple[float, float]] = {}
        methods: dict[str, None] = {}
        for part in parts:
            found = self._apart(part, alpha / len(parts), confidence)
            if found is None:
                return None
            ends[part] = (found.low, found.high)
            if isinstance(part, _APART):
                methods[found.method] = None
        if not ends:
            return None
        low, high = image(expression, ends, self._domains, self._value)
        if math.isnan(low) or math.isnan(high):
            return None
        value = self.value(expression)
        method = ", ".join((*methods, *(["bonferroni"] if len(parts) > 1 else [])))
        return Interval(min(low, value), max(high, value), confidence, method)

    def _apart(self, statistic: Statistic, alpha: float, confidence: float) -> Interval | None:
        """The interval of one statistic."""
        if isinstance(statistic, Correlation):
            ends = correlation_ends(statistic, self._groups, alpha)
            return None if ends is None else Interval(*ends, confidence, "fisher z")
        if isinstance(statistic, Dependence):
            found = self._distributions.interval(statistic, alpha)
            return None if found is None else Interval(found[0], found[1], confidence, found[2])
        return self.of(statistic, alpha, confidence)

    def _value(self, statistic: Statistic) -> float:
        if isinstance(statistic, Dependence):
            return self._distributions.estimate(statistic).value
        return self._groups.estimate(statistic).value

    def _closed(self, expression: Expression, alpha: float) -> tuple[float, float, str] | None:
        """The interval of a sum of multiples of means and rates over groups that share no sample."""
        form = affine_form(expression)
        if form is None:  # the atoms of thousands of statistics are made only where they are needed
            return None
        atoms = self._atoms
        if atoms is None:
            return None
        multiples = {statistic: weight for statistic, weight in form[0].items() if weight != 0}
        if not multiples or any(
            isinstance(statistic, Covariance) or statistic not in self._statistics for statistic in multiples
        ):
            return None
        by_group: dict[bytes, dict[int, float]] = {}
        for statistic, weight in multiples.items():
            row = self._statistics.index(statistic)
            by_group.setdefault(atoms.members[row].tobytes(), {})[row] = weight
        taken = np.sum([np.frombuffer(key, dtype=bool) for key in by_group], axis=0)
        if (taken > 1).any():
            return None
        pieces = [self._piece(atoms, weights, alpha) for weights in by_group.values()]
        if any(piece is None for piece in pieces):
            return None
        low, high, method = added([piece for piece in pieces if piece is not None], form[1], alpha)
        return (
            low,
            high,
            method if self._groups.equal else method.replace("pearson", "pearson, effective size"),
        )

    def _piece(self, atoms: Atoms, weights: dict[int, float], alpha: float) -> Piece | None:
        """The sum of multiples of statistics of one group, by row; None where it has no closed form."""
        row, *others = weights
        if self._selected[row].rate and not others:
            return self._rate(atoms, row, weights[row], alpha)
        return self._mean(atoms, weights, alpha) if self._groups.equal else None

    def _rate(self, atoms: Atoms, row: int, multiple: float, alpha: float) -> Piece:
        """A multiple of one rate."""
        members = atoms.members[row]
        first, second = atoms.first[members].sum(axis=0), atoms.second[members].sum(axis=0)
        if isinstance(self._statistics[row], Share):
            chosen = members & atoms.event[row]
            ones, squares = atoms.first[chosen, 0].sum(), atoms.second[chosen, 0, 0].sum()
        else:
            place = 1 + self._selected[row].quantities[0]
            ones, squares = first[place], second[0, place]
        rate = min(max(float(ones / first[0]), 0.0), 1.0)
        if self._groups.equal:
            limits = rate_limits(float(round(ones)), float(round(first[0])), alpha)
        else:
            size = float(first[0] ** 2 / second[0, 0])
            # sum w^2 (q - p)^2 / (sum w)^2, with q^2 = q
            error = float((squares * (1 - 2 * rate) + second[0, 0] * rate**2) / first[0] ** 2)
            if 0 < rate < 1 and error > 0:
                size = min(size, rate * (1 - rate) / error)
            limits = rate_limits(rate * size, size, alpha)
        low, high = sorted(multiple * limit for limit in limits)
        return Piece(multiple * rate, low, high, math.nan, math.nan, True)

    def _mean(self, atoms: Atoms, weights: dict[int, float], alpha: float) -> Piece | None:
        """The sum of multiples of means over one group, of samples of equal weight."""
        if any(isinstance(self._statistics[row], Share) for row in weights):
            return None
        members = atoms.members[next(iter(weights))]
        size = float(atoms.first[members, 0].sum())
        direction = np.zeros(atoms.first.shape[1])
        for row, multiple in weights.items():
            direction[1 + self._selected[row].quantities[0]] += multiple
        value = float(atoms.first[members].sum(axis=0) @ direction) / size
        if size < 2:
            return Piece(value, math.nan, math.nan, math.nan, math.nan, False)
        square = float(direction @ atoms.second[members].sum(axis=0) @ direction)
        error = max(square - size * value**2, 0.0) / (size - 1) / size * (1 + 1 / size) ** 2
        reach = t_quantile(size - 1, alpha) * math.sqrt(error)
        return Piece(value, value - reach, value + reach, error, size - 1, False)

    def _by_draws(self, expression: Expression, alpha: float) -> tuple[float, float] | None:
        if not self._selected:
            return None
        parts = leaves(expression, self._domains, self._value)
        if any(self._too_few(each) for part in parts for each in statistics_of(part, self._domains)):
            return None
        if self._drawn is None:
            with np.errstate(divide="ignore", invalid="ignore"):
                self._drawn = draws_of(self._selected, self._groups, self._seed)
        drawn = self._drawn

        def lookup(statistic: Statistic) -> Any:
            return drawn.get(statistic, math.nan)

        draws = {part: np.asarray(value_of(part, lookup, self._domains)) for part in parts}
        if any(np.isnan(values).any() for values in draws.values()):
            return None
        ends = together(draws, alpha)
        return image(expression, ends, self._domains, self._value)

    def _too_few(self, node: Any) -> bool:
        """Whether a statistic is over fewer than two samples, which say nothing about how they vary."""
        if not isinstance(node, (Mean, Covariance)) or not self._groups.certain:
            return False
        return self._groups.estimate(node).size < 2 and not self._groups.select(node).rate



def _is_ratio(node: Any) -> TypeGuard[Arithmetic]:
    return isinstance(node, Arithmetic) and node.operator == "/"
