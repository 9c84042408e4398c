"""The functions and the statistics of the language, one entry each.

Every pass over a tree reads what it needs from here: the parser the names, the checks the signs and the
curvature, the rows the maxima, audits the value, prose the words. A new function of expressions is one entry
of `FUNCTIONS`.

A function of expressions is a sum of maxima, or the negative of one:

    f(a) = sum over parts of  max over arguments a_i and signs s of the part  of  s * a_i

    abs(a)          max(a, -a)
    max(a, ...)     max(a, ...)
    min(a, ...)     -max(-a, ...)
    spread(a, ...)  max(a, ...) + max(-a, ...)

Its curvature, its range, its value and its rows all follow from these parts. A sum of maxima is convex
(`abs`, `max`, `spread`), so it stands on the small side of a relation only; the negative of one is concave
(`min`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from keras_fair.language.nodes import Correlation, Covariance, Dependence, Mean, Node, Share, Statistic

__all__ = [
    "CALLED",
    "CALLED_STATISTICS",
    "DEPENDENCES",
    "EVERYTHING",
    "FUNCTIONS",
    "STATISTIC_RULES",
    "Ends",
    "FunctionRule",
    "StatisticRule",
    "rule_of",
]

Ends = tuple[float, float]
"""The least and the largest value that something can take."""

EVERYTHING: Ends = (-math.inf, math.inf)


@dataclass(frozen=True)
class FunctionRule:
    """What a function of expressions means.

    Attributes:
        maxima: the signs that each part takes its arguments with, see above.
        concave: whether the function is the negative of the sum of its parts; it is convex otherwise.
        least: how many arguments have to be estimable.
        most: how many operands it takes; None for any number.
        among_groups: its words for one statistic over groups; `{}` stands for "mean prediction" and the like.
        of_several: its words for other operands; `{}` stands for them.
        of_difference: its words for one difference; `{}` stands for each side. Optional.
    """

    maxima: tuple[tuple[int, ...], ...]
    concave: bool = False
    least: int = 1
    most: int | None = None
    among_groups: str = ""
    of_several: str = ""
    of_difference: str = ""

    @property
    def collects(self) -> bool:
        """Whether a star below it makes one argument for each group, and not one relation."""
        return self.most is None

    @property
    def direction(self) -> int:
        """1 for what stands for the sum of the parts, -1 for the negative of it."""
        return -1 if self.concave else 1

    @cached_property
    def sign(self) -> int:
        """1 where it is never negative, -1 where it is never positive, 0 where it can be both.

        The sum of the parts is no less than it is for any one argument `a` alone: `a` times the sum of the
        largest signs or, where `a < 0`, of the smallest.
        """
        turns = sum(map(min, self.maxima)) <= 0 <= sum(map(max, self.maxima))
        return self.direction if turns else 0

    @property
    def monotone(self) -> bool:
        """Whether it never falls as an argument grows, so that arguments may be curved as it is itself."""
        return all(sign == self.direction for part in self.maxima for sign in part)

    def range(self, arguments: Sequence[Ends]) -> Ends:
        """Between which values it lies while its arguments lie between theirs; never too narrow."""
        low, high = 0.0, 0.0
        for part in self.maxima:
            ends = [end if sign > 0 else (-end[1], -end[0]) for end in arguments for sign in part]
            low += max(end[0] for end in ends)
            high += max(end[1] for end in ends)
        if self.sign:
            low, high = max(low, 0.0), max(high, 0.0)
        return (-high, -low) if self.concave else (low, high)


FUNCTIONS: dict[str, FunctionRule] = {
    "abs": FunctionRule(
        maxima=((1, -1),),
        most=1,
        of_several="the absolute value of {}",
        of_difference="the absolute difference between {} and {}",
    ),
    "max": FunctionRule(
        maxima=((1,),),
        among_groups="the highest {}",
        of_several="the largest of {}",
    ),
    "min": FunctionRule(
        maxima=((-1,),),
        concave=True,
        among_groups="the lowest {}",
        of_several="the smallest of {}",
    ),
    "spread": FunctionRule(
        maxima=((1,), (-1,)),
        least=2,
        among_groups="the difference between the highest and the lowest {}",
        of_several="the difference between the largest and the smallest of {}",
    ),
}


@dataclass(frozen=True, slots=True)
class StatisticRule:
    """What a statistic means, as far as its text tells; how it is computed is told by rows and audit.

    Attributes:
        name: what it is called; brackets: what stands around its parts and its condition.
        values: the fields that hold values, a number for each sample.
        events: the fields that hold conditions which are not the group.
        sign: as for a function.
        bounds: between which it lies whatever the samples are; None where it lies between the bounds of its
            value.
        words: its words for columns and events; `{}` stands for each of its parts.
        words_of_formula: its words where a value is not a plain column, where they are others.
        given_label: whether it holds the label fixed, one value at a time.
        convex: whether it is convex and not affine in the distribution of y, so that it stands on the small
            side of a relation only.
        not_affine: why no affine row can hold it, and what a row can; empty where that follows from its
            conditions and events.
    """

    name: str
    brackets: tuple[str, str] = ("[", "]")
    values: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    sign: int = 0
    bounds: Ends | None = EVERYTHING
    words: str = ""
    words_of_formula: str = ""
    given_label: bool = False
    convex: bool = False
    not_affine: tuple[str, str] = ("", "")


STATISTIC_RULES: Mapping[type[Node], StatisticRule] = {
    Mean: StatisticRule(
        name="E",
        values=("value",),
        bounds=None,
        words="mean {}",
        words_of_formula="mean of {}",
    ),
    Share: StatisticRule(
        name="P",
        events=("event",),
        sign=1,
        bounds=(0.0, 1.0),
        words="share with {}",
    ),
    Covariance: StatisticRule(
        name="cov",
        brackets=("(", ")"),
        values=("left", "right"),
        words="covariance of {} and {}",
    ),
    Correlation: StatisticRule(
        name="corr",
        brackets=("(", ")"),
        values=("left", "right"),
        bounds=(-1.0, 1.0),
        words="correlation of {} and {}",
        not_affine=("a correlation is not affine in y", "constrain the covariance, as in cov(y, age)"),
    ),
}
"""The statistics that are a kind of node each."""

_OF_DISTRIBUTION = "this is about the whole distribution of y, which is not affine in y"
_OF_MEANS = "constrain the means of the groups, as in {}(sex)"

DEPENDENCES: dict[str, StatisticRule] = {
    name: StatisticRule(
        name=name,
        brackets=("(", ")"),
        values=("value",),
        sign=1,
        bounds=bounds,
        words=words,
        given_label=given_label,
        convex=True,
        not_affine=(_OF_DISTRIBUTION, _OF_MEANS.format(of_means)),
    )
    for name, bounds, words, given_label, of_means in (
        (
            "independence",
            (0.0, 1.0),
            "largest distance between the distributions of {} across {}",
            False,
            "demographic_parity",
        ),
        (
            "separation",
            (0.0, 1.0),
            "largest distance, over the values of {2}, between the distributions of {0} across {1}",
            True,
            "equalized_odds",
        ),
        (
            "mutual_information",
            (0.0, math.inf),
            "mutual information, in nats, of {} and {}",
            False,
            "demographic_parity",
        ),
    )
}
"""The statistics of a whole distribution: those of `Dependence`, by name."""

CALLED_STATISTICS = (
    *(rule.name for rule in STATISTIC_RULES.values() if "(" in rule.brackets),
    *DEPENDENCES,
)
"""The names of statistics that are followed by parentheses."""

CALLED = (*FUNCTIONS, *CALLED_STATISTICS)
"""The names that are followed by parentheses, for messages; criteria are not among them."""


def rule_of(statistic: Statistic) -> StatisticRule:
    """The rule of a statistic."""
    if isinstance(statistic, Dependence):
        return DEPENDENCES[statistic.name]
    return STATISTIC_RULES[type(statistic)]
