"""What a service serves: read from files, put together, and tried once before anybody may ask."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_fair.callbacks.projections import projections
from keras_fair.callbacks.streaming_fairness import StreamingFairness
from keras_fair.constraints import ConstraintSet, parse
from keras_fair.errors import near_names
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import check_domain
from keras_fair.language.nodes import Attribute, Literal
from keras_fair.language.tree import comparisons
from keras_fair.models.fair_model import FairModel
from keras_fair.models.inputs import Choice, Routes, base_specs
from keras_fair.postprocessing.frozen_fairness import FrozenFairness
from keras_fair.postprocessing.rule_document import read_document
from keras_fair.postprocessing.serve import ServedModel
from keras_fair.rows.modes import stand_ins
from keras_fair.serving.answers import Answering, Correction, Uncorrected, within
from keras_fair.serving.people import ID, PersonField, Persons, attribute_fields, feature_fields
from keras_fair.serving.rule_correction import RuleCorrection
from keras_fair.serving.scorer import made_scorer
from keras_fair.serving.seen import SeenPeople
from keras_fair.serving.settings import ServiceSettings
from keras_fair.serving.stream_correction import StreamCorrection
from keras_fair.serving.turns import Turns
from keras_fair.streaming.continued import saved_arguments
from keras_fair.streaming.state_document import NoState

__all__ = ["Loaded", "loaded", "rule_of"]

_logger = logging.getLogger("keras_fair.serving")


@dataclass(frozen=True)
class Loaded:
    """What a worker answers with.

    Attributes:
        persons: reads requests.
        answering: answers them.
        seen: whom a rule was used on, for the watch over its promise; None without a rule.
        takes_labels: whether labels may come later.
    """

    persons: Persons
    answering: Answering
    seen: SeenPeople | None
    takes_labels: bool

    @property
    def correction(self) -> Correction:
        """What is done to scores."""
        return self.answering.correction


@dataclass(frozen=True)
class _Parts:
    """A base model, and how it is called."""

    base: Any
    choice: Choice
    output: str | int | None


def loaded(settings: ServiceSettings) -> Loaded:
    """Read and put together what settings name, and warm the model.

    Raises:
        ValueError, OSError: something can't be read, or does not go together.
        StateError: the state of the stream can't be used.
    """
    settings.check()
    model = keras.models.load_model(settings.model, compile=False)
    parts = _parts(model, settings)
    specs = base_specs(parts.base, parts.choice)
    if specs is None:
        raise ValueError(
            "expected a model that shows its inputs, a functional or sequential one, received "
            f"{settings.model}"
        )
    seen: SeenPeople | None = None
    correction: Correction
    if settings.uncorrected:
        rule = rule_of(settings)
        correction, fields = Uncorrected(), [] if rule is None else _fields_of_rule(rule)
    elif settings.stream is not None:
        correction, fields = _stream(model, settings)
    else:
        served = _rule(model, settings)
        seen = SeenPeople()
        correction, fields = RuleCorrection(served, seen), _fields_of_rule(served)
    persons = Persons(_joined(feature_fields(specs), fields), settings.most_people)
    routes = Routes(parts.base, tuple(field.name for field in fields), (), parts.choice)
    scorer = made_scorer(parts.base, routes, specs, parts.output)
    answering = Answering(persons.features_of, scorer, correction)
    _warm(persons, answering, settings)
    takes_labels = isinstance(correction, StreamCorrection) and any(field.name == ID for field in fields)
    return Loaded(persons, answering, seen, takes_labels)


def rule_of(settings: ServiceSettings) -> FrozenFairness | None:
    """The rule that a file holds; None where there is no such file. Needs no Keras.

    Raises:
        ValueError, OSError: it can't be read.
    """
    return None if settings.rule is None else FrozenFairness.load(settings.rule)


def _parts(model: Any, settings: ServiceSettings) -> _Parts:
    """The base model of what was loaded."""
    inside = isinstance(model, (ServedModel, FairModel))
    if inside and (settings.inputs or settings.output):
        raise ValueError(
            f"{settings.model} says itself what its inputs and its output are: leave out inputs and output"
        )
    if isinstance(model, ServedModel):
        if settings.rule or settings.stream:
            raise ValueError(f"{settings.model} holds a rule already: serve it as it is, or its base model")
        return _Parts(model.base_model, model.inputs_of_base, model.fair_output)
    if isinstance(model, FairModel):
        if not settings.stream and not settings.uncorrected:
            raise ValueError(
                f"{settings.model} is a FairModel, which holds {str(model.constraints)!r} on each batch: one "
                "person alone has no batch. Serve it with a stream, or its base_model with a rule"
            )
        return _Parts(model.base_model, model.inputs_of_base, model.fair_output)
    if projections(model):
        names = ", ".join(repr(str(layer.constraints)) for layer in projections(model))
        raise ValueError(
            f"{settings.model} has a FairProjection inside, which holds {names} on each batch: one person "
            "alone has no batch. Serve the model up to it with a stream or a rule, or a FairModel with a "
            "stream"
        )
    inputs = settings.inputs
    choice: Choice = None if not inputs else inputs[0] if len(inputs) == 1 else list(inputs)
    if not (settings.rule or settings.stream or settings.uncorrected):
        raise ValueError("expected a rule, a stream, or uncorrected scores to be asked for")
    return _Parts(model, choice, settings.output)


def _rule(model: Any, settings: ServiceSettings) -> FrozenFairness:
    if isinstance(model, ServedModel):
        return FrozenFairness.from_json(model.rule.document)
    rule = rule_of(settings)
    assert rule is not None
    return rule


def _fields_of_rule(rule: FrozenFairness) -> list[PersonField]:
    _, vocabulary, _ = read_document(rule.to_json())
    closed = rule.unknown == "error"
    fields = attribute_fields(rule.constraints, vocabulary, rule.attributes, closed=closed)
    if rule.learnt.knots.draws_lots:
        fields.append(PersonField(ID, "id"))
    return fields


def _stream(model: Any, settings: ServiceSettings) -> tuple[StreamCorrection, list[PersonField]]:
    """The stream, and the fields that its constraints need."""
    assert settings.stream is not None
    arguments: dict[str, Any] = {"constraints": settings.constraints or None}
    if isinstance(model, FairModel):
        arguments = _of_fair_model(model, settings)
    saved = _saved(settings.stream)
    if not isinstance(model, FairModel) and settings.constraints and (settings.values or saved is None):
        made = _vocabulary(settings)
        arguments |= {} if made.is_empty else {"vocabulary": made}
    elif settings.values and not isinstance(model, FairModel):
        arguments["vocabulary"] = Vocabulary({name: list(each) for name, each in settings.values.items()})
    if arguments["constraints"] is None:
        if saved is None:
            raise ValueError(
                f"expected constraints for the stream, since {settings.stream} holds none yet: -c TEXT"
            )
        arguments["constraints"] = saved["constraints"]
    for name in ("domain", "vocabulary", "divergence"):
        if saved is not None and name in saved:
            arguments.setdefault(name, saved[name])
    at_once = settings.save_every == 1
    every = 2**31 if at_once else settings.save_every  # at once: by hand, once for all requests at hand
    arguments["sync_every" if "://" in settings.stream else "save_every"] = every
    stream = StreamingFairness(state=settings.stream, **arguments)
    parsed, vocabulary = parse(arguments["constraints"]), arguments.get("vocabulary")
    fields = attribute_fields(parsed, vocabulary, parsed.attributes, closed=True)
    if parsed.uses_label:
        fields.append(PersonField(ID, "id", optional=True))
    low, high = check_domain(arguments.get("domain", (0.0, 1.0))).bounds
    bounds = (float(low), float(high))
    turns = Turns(settings.turns)
    return StreamCorrection(stream, parsed.attributes, bounds, at_once=at_once, turns=turns), fields


def _vocabulary(settings: ServiceSettings) -> Vocabulary:
    """The values of attributes: those given, else those that the text names, where it names two at least and
    no star runs over others. So a misspelt value is refused, and not served without a correction.

    Raises:
        ValueError: values are given of what is no attribute, or lack one that the text names.
    """
    parsed, given = parse(settings.constraints), settings.values
    strange = sorted(set(given) - set(parsed.attributes))
    if strange:
        near = near_names(strange[0], parsed.attributes)
        raise ValueError(f"expected values of attributes of the constraints, received {strange[0]!r}{near}")
    named, closed = _named(parsed)
    for name, values in given.items():
        lacking = [value for value in named.get(name, ()) if value not in values]
        if lacking:
            raise ValueError(
                f"expected the values of {name!r} to hold {lacking[0]!r}, which the constraints name, "
                f"received {', '.join(map(repr, values))}"
            )
    starred = stand_ins(parsed)[1]
    known = {name: named[name] for name in closed if len(named[name]) > 1 and name not in starred}
    for name in sorted({*named, *starred} - set(known) - set(given)):
        _logger.info("values of %s are learnt as they arrive; --values %s=... refuses others", name, name)
    return Vocabulary({**known, **{name: list(values) for name, values in given.items()}})


def _named(constraints: ConstraintSet) -> tuple[dict[str, list[str]], set[str]]:
    """The texts that attributes are compared with, and the attributes that are compared by `=` alone."""
    named: dict[str, list[str]] = {}
    others: set[str] = set()
    for statement in constraints:
        for subject, sign, value in comparisons(statement):
            if isinstance(subject, Attribute) and isinstance(value, Literal) and isinstance(value.value, str):
                named[subject.name] = [*dict.fromkeys([*named.get(subject.name, []), value.value])]
                others |= {subject.name} if sign != "=" else set()
    return named, set(named) - others


def _of_fair_model(model: FairModel, settings: ServiceSettings) -> dict[str, Any]:
    """What a stream takes over from the projection of a model."""
    if settings.constraints or settings.values:
        raise ValueError(
            f"{settings.model} has constraints and values of its own: leave out those of the stream"
        )
    projection, config = model.projection, model.get_config()
    if config["margin"] or config["label_source"] is not None:
        raise ValueError(
            f"{settings.model} has a margin or a label_source, which a stream without the model does not "
            "keep: serve its base_model with a stream of the same constraints"
        )
    return {
        "constraints": model.constraints,
        "domain": projection.domain,
        "divergence": projection.divergence,
        "vocabulary": projection.vocabulary,
    }


def _saved(place: str) -> dict[str, Any] | None:
    """What a state goes on with; None where there is none yet."""
    if "://" not in place and not Path(place).expanduser().exists():
        return None
    try:
        return saved_arguments(place)
    except NoState:
        return None


def _joined(features: Sequence[PersonField], fields: Sequence[PersonField]) -> list[PersonField]:
    """All fields, each once: what both need is as narrow as the constraints know, and of the model's type."""
    own = {field.name: field for field in fields}
    joined = []
    for feature in features:
        other = own.pop(feature.name, None)
        if other is None:
            joined.append(feature)
            continue
        if feature.shape not in ((), (1,)):
            raise ValueError(f"expected one value a person for attribute {feature.name!r}, received an array")
        if (other.kind == "text") is not (feature.kind == "text") and other.kind != "any":
            raise ValueError(
                f"expected attribute {feature.name!r} and the input of that name to be of one kind, received "
                f"{other.kind} and {feature.kind}: give the input another name"
            )
        joined.append(replace(feature, values=other.values))
    return [*joined, *own.values()]


def _warm(persons: Persons, answering: Answering, settings: ServiceSettings) -> None:
    """Run the model once for one person and for many, so that nobody waits for what is made at first use."""
    person = persons.example()
    for size in (1, 2, 16):
        people = persons.people_of([person] * size)
        scores = answering.scores([people])
        if scores.ndim > 2 or len(scores) != size or not np.issubdtype(scores.dtype, np.floating):
            raise ValueError(
                f"expected one score for each person, or a row of them, received an output of shape "
                f"{scores.shape} and dtype {scores.dtype} for {size} people"
            )
        if scores.ndim == 2 and isinstance(answering.correction, RuleCorrection):
            count = scores.shape[1]
            raise ValueError(
                f"expected one score for each person, received {count}: of a model of several outputs name "
                "one; of a softmax serve a model that ends in the column that is meant"
            )
    low, high = answering.correction.bounds
    if not within(scores, answering.correction.bounds).all():
        raise ValueError(
            f"expected scores from {low:g} to {high:g}, received {np.ravel(scores)[0]:g} for {person}: a "
            "model of logits needs a sigmoid at its end, and one whose weights are NaN gives no scores"
        )
