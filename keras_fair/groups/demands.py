"""What conditions and quantifiers ask of each subject: how finely its values must be told apart."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from keras_fair.groups.coding import Entry
from keras_fair.groups.dates import Periods
from keras_fair.groups.enumeration import Domains
from keras_fair.groups.factors import meant_number
from keras_fair.groups.thresholds import CUTS, Cut
from keras_fair.groups.truth import Atom
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.language.nodes import (
    Attribute,
    Label,
    Literal,
    Span,
    Star,
    Statement,
    Subject,
    Variable,
)
from keras_fair.language.tree import comparisons

__all__ = ["Demand", "compared_by", "note_demands", "number_thresholds"]

Key = TypeVar("Key", bound=Hashable)


@dataclass
class Demand:
    """How finely the values of a subject must be told apart.

    Args:
        span: where it is first named.
        cuts: the thresholds that numbers are compared with.
        exact: whether each distinct number is a state of its own, since all of them are compared.
        listed: whether its values are enumerated, or a number must be one that occurs.
        binary: whether it is compared with 0 and 1 only, so that a label may be a probability of 1.
        periods: what its dates are compared with; None where they are not compared by order.
    """

    span: Span
    cuts: set[Cut] = field(default_factory=set)
    exact: bool = False
    listed: bool = False
    binary: bool = True
    periods: Periods | None = None

    def compare(self, sign: str, value: Entry) -> None:
        """Note a comparison with a written value."""
        if sign in ("=", "!="):
            self.listed = True
        number = meant_number(value)
        if isinstance(number, str):
            self.binary = False
            return
        self.binary = self.binary and sign in ("=", "!=") and number in (0.0, 1.0)
        self.cuts.update((float(number), above) for above in CUTS[sign])


def note_demands(
    statement: Statement, key: Callable[[Subject], Key], demands: MutableMapping[Key, Demand]
) -> dict[Key, None]:
    """Note what a statement asks of its subjects.

    Args:
        statement: a checked statement.
        key: what identifies a subject; several may have the same key, such as `y` and `y[0]`.
        demands: what was asked so far; new demands are added to it.

    Returns:
        The subjects that conditions compare, in order.
    """
    compared: dict[Key, None] = {}
    domains: dict[str, Any] = {}
    for binder in statement.binders:
        domains.update(dict.fromkeys(binder.variables, binder.domain))
        if isinstance(binder.domain, (Attribute, Label)):
            demands.setdefault(key(binder.domain), Demand(binder.domain.span)).listed = True
    for subject, sign, value in comparisons(statement):
        demand = demands.setdefault(key(subject), Demand(subject.span))
        compared[key(subject)] = None
        _add(demand, sign, value, domains)
    return compared


def compared_by(statement: Statement, domains: Domains) -> Iterator[Atom]:
    """The comparisons of a statement with values, including the values that its variables stand for.

    A variable or a star that runs over the values of the subject itself adds nothing and is skipped.

    Args:
        statement: a checked statement.
        domains: the values that variables run over.
    """
    binders = {name: binder.domain for binder in statement.binders for name in binder.variables}
    for subject, sign, value in comparisons(statement.relation):
        if isinstance(value, Literal):
            yield Atom(subject, sign, value.value, value)
        elif isinstance(value, Variable) and binders[value.name] != subject:
            for entry, place in domains.values(binders[value.name]):
                yield Atom(subject, sign, entry, Literal(value=entry, span=place or value.span))


def number_thresholds(
    statements: Iterable[Statement], vocabulary: Vocabulary | None
) -> dict[str, tuple[Cut, ...]]:
    """The thresholds that conditions compare each attribute with, sorted, including those of listed numbers.

    Args:
        statements: checked statements.
        vocabulary: the values that stars and quantifiers run over, where they are known.
    """
    demands: dict[Subject, Demand] = {}
    for statement in statements:
        note_demands(statement, lambda subject: subject, demands)
    thresholds = {}
    for subject, demand in demands.items():
        if isinstance(subject, Attribute):
            listed = vocabulary.values.get(subject.name) if vocabulary is not None and demand.exact else None
            numbers = [value for value in listed or () if not isinstance(value, str)]
            cuts = demand.cuts | {(number, above) for number in numbers for above in CUTS["="]}
            thresholds[subject.name] = tuple(sorted(cuts))
    return thresholds


def _add(demand: Demand, sign: str, value: Any, domains: dict[str, Any]) -> None:
    if isinstance(value, Star):
        demand.exact = demand.listed = True
        demand.binary = False
    elif isinstance(value, Variable):
        domain = domains.get(value.name)
        if isinstance(domain, (Attribute, Label)):
            demand.exact, demand.binary = True, False
        else:
            for literal in getattr(domain, "values", ()):
                _add(demand, sign, literal, domains)
    elif isinstance(value, Literal):
        demand.compare(sign, value.value)
