"""Who comes in a request: fields made of a model's inputs and of what the constraints compare.

    {"x": [0.1, -0.4], "sex": "Female"}          one person
    [{"x": ..., "sex": ...}, ...]                many

A field is as narrow as is known: the values of a vocabulary, numbers, dates, arrays of one shape. Pydantic
reads and checks a body by them in one go; the same fields are the JSON schema.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
)
from pydantic import ValidationError as PydanticFault
from typing_extensions import NotRequired, TypedDict

from keras_fair.constraints import ConstraintSet
from keras_fair.groups.coding import has_words
from keras_fair.groups.demands import number_thresholds
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.language.dates import dated_columns
from keras_fair.serving.faults import Problem, Refused, problems_of

__all__ = ["ID", "People", "PersonField", "Persons", "attribute_fields", "feature_fields", "unreadable"]

ID = "id"

_LARGEST = {
    "float16": float(np.finfo("float16").max),
    "float32": float(np.finfo("float32").max),
    "bfloat16": 3.3895313892515355e38,
}
_LONGEST_TEXT = 1_000  # characters of a value


@dataclass(frozen=True)
class PersonField:
    """One thing that is told of a person.

    Attributes:
        name: of the field.
        kind: `"number"`, `"whole"`, `"truth"`, `"text"`, `"date"`, `"any"`, or `"id"`.
        shape: of an array; empty for a single value.
        values: the texts that there are; empty: any.
        missing: whether null stands for no value.
        optional: whether it may be left out.
        dtype: in which a model takes it; empty where none does.
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    values: tuple[str, ...] = ()
    missing: bool = False
    optional: bool = False
    dtype: str = ""


class People(NamedTuple):
    """The people of one request.

    Attributes:
        columns: by field the value of each person.
        size: how many there are.
        alone: whether one came by itself, and is answered by itself.
    """

    columns: dict[str, list[Any]]
    size: int
    alone: bool

    @property
    def ids(self) -> list[Any] | None:
        """Who they are, where each has said so; None where nobody has."""
        ids = self.columns.get(ID)
        return None if ids is None or all(each is None for each in ids) else ids


class Persons:
    """Reads bodies.

    Args:
        fields: of a person, those of the model and of the constraints.
        most: people in one request.
    """

    def __init__(self, fields: Sequence[PersonField], most: int) -> None:
        self.fields, self.most = tuple(fields), most
        self._names = [field.name for field in fields]
        types = {field.name: _type(field) for field in fields}
        for field in fields:
            if field.optional:
                types[field.name] = NotRequired[types[field.name]]
        made: Any = TypedDict  # the fields are known only now
        person = made("Person", types)
        person.__pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)
        self._one: TypeAdapter[Any] = TypeAdapter(person)
        people = Annotated[list[person], Field(min_length=1, max_length=most)]  # type: ignore[valid-type]
        self._many: TypeAdapter[Any] = TypeAdapter(people)

    @property
    def features(self) -> tuple[PersonField, ...]:
        """The fields that the model takes."""
        return tuple(field for field in self.fields if field.dtype)

    def read(self, body: bytes) -> People:
        """The people of a body.

        Raises:
            Refused: it is no JSON, or something is missing, unknown, or not what it must be.
        """
        try:
            if body.lstrip()[:1] == b"[":
                return self.people_of(self._many.validate_json(body))
            return self.people_of([self._one.validate_json(body)], alone=True)
        except PydanticFault as fault:
            raise problems_of(fault.errors(include_url=False), self._names) from None

    def people_of(self, people: Sequence[Mapping[str, Any]], *, alone: bool = False) -> People:
        """People that were checked, by column."""
        columns = {name: [one.get(name) for one in people] for name in self._names}
        return People(columns, len(people), alone)

    def schema(self) -> dict[str, Any]:
        """The JSON schema of a body."""
        one = self._one.json_schema()
        many = {"type": "array", "minItems": 1, "maxItems": self.most, "items": one}
        return {"title": "One person, or many", "anyOf": [one, many]}

    def example(self) -> dict[str, Any]:
        """A person that fits, to try the service with."""
        return {field.name: _example(field) for field in self.fields if not field.optional}

    def features_of(self, requests: Sequence[People]) -> dict[str, np.ndarray]:
        """What the model takes, for all people of some requests, `(n, *shape)` each."""
        size = sum(people.size for people in requests)
        made = {}
        for field in self.features:
            values = [value for people in requests for value in people.columns[field.name]]
            dtype = object if field.dtype == "string" else field.dtype
            made[field.name] = np.array(values, dtype).reshape(size, *field.shape)
        return made


def feature_fields(specs: Mapping[str, tuple[tuple[int | None, ...], str]]) -> list[PersonField]:
    """The fields that a model takes.

    Args:
        specs: by key the shape of one sample, and the dtype; see `keras_fair.models.inputs.base_specs`.

    Raises:
        ValueError: an input has no fixed shape, or is called `id`.
    """
    fields = []
    for name, (shape, dtype) in specs.items():
        if None in shape:
            raise ValueError(f"expected inputs of one shape, received input {name!r} of shape {shape}")
        if name == ID:
            raise ValueError(f"expected inputs under other names than {ID!r}, which says who a person is")
        kind = "text" if dtype == "string" else "truth" if dtype == "bool" else "number"
        if "int" in dtype:
            kind = "whole"
        sizes = tuple(int(size) for size in shape if size is not None)
        fields.append(PersonField(name, kind, sizes, dtype=dtype))
    return fields


def attribute_fields(
    constraints: ConstraintSet, vocabulary: Vocabulary | None, names: Collection[str], *, closed: bool
) -> list[PersonField]:
    """The fields that constraints need.

    Args:
        constraints: they say what is compared with numbers and with dates.
        vocabulary: the values of the attributes, where they are known.
        names: of the attributes that are needed.
        closed: whether values outside the vocabulary are refused.
    """
    known = vocabulary or Vocabulary()
    numbers = number_thresholds(constraints.statements, vocabulary)
    dated = dated_columns(constraints)
    fields = []
    for name in names:
        listed, missing = known.values.get(name), known.missing != "error"
        if name in dated:
            fields.append(PersonField(name, "date", missing=missing))
        elif has_words(listed):
            texts = tuple(map(str, listed or ()))
            fields.append(PersonField(name, "text", values=texts if closed else (), missing=missing))
        elif numbers.get(name) or name in known.values:
            fields.append(PersonField(name, "number", missing=missing))
        else:
            fields.append(PersonField(name, "any", missing=missing))
    return fields


def _type(field: PersonField) -> Any:
    largest = _LARGEST.get(field.dtype, float(np.finfo("float64").max))  # beyond it a number becomes infinite
    kinds: dict[str, Any] = {
        "number": Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-largest, le=largest)],
        "whole": StrictInt,
        "truth": StrictBool,
        "text": Annotated[str, Field(strict=True, max_length=_LONGEST_TEXT)],
        "date": Annotated[str, Field(strict=True, max_length=40), AfterValidator(_iso)],
        "any": Annotated[str, Field(strict=True, max_length=_LONGEST_TEXT)] | StrictFloat | StrictBool,
        "id": Annotated[StrictStr, Field(min_length=1, max_length=200)] | StrictInt,
    }
    made: Any = Literal[field.values] if field.values else kinds[field.kind]
    for size in () if field.shape == (1,) else reversed(field.shape):
        made = Annotated[list[made], Field(min_length=size, max_length=size)]
    return made | None if field.missing else made


def _iso(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("expected a date, such as '2024-06-01' or '2024-06-01T12:00:00'") from None
    return text


def _example(field: PersonField) -> Any:
    examples = {"number": 0.5, "whole": 1, "truth": True, "text": "text", "date": "2024-06-01", "any": "text"}
    made: Any = field.values[0] if field.values else examples.get(field.kind, "person-1")
    for size in () if field.shape == (1,) else reversed(field.shape):
        made = [made] * size
    return made


def unreadable(field: str, fault: Exception, expected: str = "what the constraints can read") -> Refused:
    """What the library itself refuses of people: values that no schema can know of."""
    return Refused(422, Problem(field, expected, str(fault)))
