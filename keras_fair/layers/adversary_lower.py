"""From what adversaries see to a plan of what they guess, for the values of the attributes. Static, without
data."""

from __future__ import annotations

from collections.abc import Sequence

from keras_fair.constraints import ConstraintSet
from keras_fair.errors import ConstraintTypeError, Reason, quoted
from keras_fair.groups.conditions import make_clusters
from keras_fair.groups.dates import periods_of
from keras_fair.groups.enumeration import Domains
from keras_fair.groups.factors import attribute_of, is_binary_label
from keras_fair.groups.samples import Needs
from keras_fair.groups.truth import compared_in
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.language.nodes import And, Comparison, Condition, Label, Literal, Span
from keras_fair.language.tree import conjuncts
from keras_fair.layers.adversary_plan import AdversaryPlan, Guess
from keras_fair.layers.adversary_sight import Sight
from keras_fair.rows.lower import factors_of, first_places, refuse_text_in_arithmetic
from keras_fair.rows.values import Outputs

__all__ = ["plan_adversary"]

_MOST_LABELS = 20  # values of the label that are told apart; of more, networks see the number


def plan_adversary(
    sights: Sequence[Sight],
    constraints: ConstraintSet,
    vocabulary: Vocabulary | None,
    names: int | Sequence[str],
    count: int,
) -> AdversaryPlan:
    """Lower what adversaries see to a plan.

    Args:
        sights: by statement.
        constraints: these statements.
        vocabulary: the values of the attributes.
        names: of the outputs, where the text names them.
        count: of the outputs.

    Raises:
        ConstraintTypeError: the values of an attribute are not known, or it holds no numbers where these are
            guessed.
    """
    text = constraints.text
    outputs = Outputs.of(count if isinstance(names, int) else names)
    domains = Domains(vocabulary, text)
    guesses = tuple(
        Guess(
            sight,
            outputs.index(sight.prediction, text),
            (sight.condition,) if sight.number else _groups(sight, domains, text),
            _labels(vocabulary),
        )
        for sight in sights
    )
    conditions = [condition for guess in guesses for condition in guess.groups]
    compared = compared_in(conditions)
    completed, factors = factors_of(
        compared, vocabulary or Vocabulary(), periods_of(constraints.statements), text
    )
    numbers = [sight.attributes[0] for sight in sights if sight.number]
    refuse_text_in_arithmetic(numbers, completed, text)
    spans = first_places(statement.relation for statement in constraints.statements)
    needed = {attribute_of(subject) for subject in factors} | {number.name for number in numbers}
    sees_label = any(sight.sees_label for sight in sights) or None in needed
    return AdversaryPlan(
        text=text,
        outputs=outputs,
        vocabulary=completed,
        names=tuple(sight.name for sight in sights),
        guesses=guesses,
        binary_label=is_binary_label(compared.get(Label(span=Span(0, 0)), [])),
        needs=Needs(
            attributes={name: spans[name] for name in sorted(name for name in needed if name is not None)},
            numbers=frozenset(number.name for number in numbers),
            label=spans.get(None, Span(0, len(text))) if sees_label else None,
            accuracy=None,
            factors=factors,
            missing=completed.missing,
            text=text,
        ),
        factors=factors,
        clusters=tuple(make_clusters(conditions, factors, text)),
    )


def _groups(sight: Sight, domains: Domains, text: str) -> tuple[Condition, ...]:
    """A condition for each group, in the order of the vocabulary."""
    span = sight.attributes[0].span
    vocabulary = domains.vocabulary
    for attribute in sight.attributes:
        known = {} if vocabulary is None else vocabulary.values
        if attribute.name in known and known[attribute.name] is None:
            raise ConstraintTypeError(
                f"{quoted(attribute.name)} holds numbers whose values are not listed, so there are no groups "
                f"to guess: ask for corr(y, {attribute.name}) == 0, and the number is guessed",
                text=text,
                span=attribute.span,
                reason=Reason.VALUES_NOT_KNOWN,
            )
    made = []
    for combination in domains.combinations(sight.attributes, span):
        parts: list[Condition] = [
            Comparison(attribute, "=", Literal(value, span=attribute.span), span=attribute.span)
            for attribute, value in zip(sight.attributes, combination, strict=True)
        ]
        parts += conjuncts(sight.condition)
        made.append(parts[0] if len(parts) == 1 else And(tuple(parts), span=span))
    return tuple(made)


def _labels(vocabulary: Vocabulary | None) -> tuple[float, ...] | None:
    """The values of the label but the first, where they are few; None: it is shown as a number."""
    values = None if vocabulary is None else vocabulary.label
    if not values or len(values) > _MOST_LABELS or any(isinstance(value, str) for value in values):
        return None
    return tuple(float(value) for value in values[1:]) or None
