"""Bodies of requests: what is taken, what the schema says, and why something is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.serving.faults import Refused
from keras_fair.serving.people import ID, PersonField, Persons, attribute_fields, feature_fields

SPECS = {"x": ((2,), "float32"), "age": ((), "float32"), "children": ((1,), "int32")}
SEX = PersonField("sex", "text", values=("Female", "Male"))
PERSON = {"x": [0.5, 1], "age": 30, "children": 2, "sex": "Female"}


@pytest.fixture
def persons() -> Persons:
    return Persons([*feature_fields(SPECS), SEX], 3)


def refused(persons: Persons, body: object) -> Refused:
    with pytest.raises(Refused) as caught:
        persons.read(body if isinstance(body, bytes) else json.dumps(body).encode())
    return caught.value


def test_one_person_and_many(persons) -> None:
    one = persons.read(json.dumps(PERSON).encode())
    assert (one.size, one.alone, one.columns["sex"]) == (1, True, ["Female"])
    many = persons.read(b" \n" + json.dumps([PERSON, {**PERSON, "sex": "Male"}]).encode())
    assert (many.size, many.alone, many.columns["sex"]) == (2, False, ["Female", "Male"])
    features = persons.features_of([one, many])
    assert {name: column.shape for name, column in features.items()} == {
        "x": (3, 2), "age": (3,), "children": (3, 1),
    }  # fmt: skip
    assert features["x"].dtype == np.float32
    assert features["children"].dtype == np.int32


@pytest.mark.parametrize(
    ("change", "status", "field", "expected", "received"),
    [
        ({"sex": "Femal"}, 422, "sex", "'Female' or 'Male'", "'Femal'"),
        ({"sex": None}, 422, "sex", "'Female' or 'Male'", "None"),
        ({"x": [1.0]}, 422, "x", "at least 2 entries", "1"),
        ({"x": [1, 2, 3]}, 422, "x", "at most 2 entries", "3"),
        ({"x": [1, "2"]}, 422, "x[1]", "number", "'2'"),
        ({"age": True}, 422, "age", "number", "True"),
        ({"children": 1.5}, 422, "children", "integer", "1.5"),
        ({"six": 1}, 422, "six", "did you mean 'sex'?", "'six'"),
        ({"x": [1e39, 1.0]}, 422, "x[0]", "a number from -3.403e+38 to 3.403e+38", "1e+39"),
    ],
)
def test_refusals_name_field_expected_and_received(
    persons, change, status, field, expected, received
) -> None:
    found = refused(persons, {**PERSON, **change})
    (problem,) = found.problems
    assert (found.status, problem.field) == (status, field)
    assert expected in problem.expected
    assert received in problem.received
    assert refused(persons, [PERSON, {**PERSON, **change}]).problems[0].field == f"[1].{field}"


def test_other_bodies(persons) -> None:
    without = {name: value for name, value in PERSON.items() if name != "sex"}
    assert refused(persons, without).problems[0] == ("sex", "a value", "none")
    assert refused(persons, b"{").status == 400
    assert refused(persons, b'{"x": [NaN, 1], "age": 1, "children": 1, "sex": "Male"}').status in (400, 422)
    assert refused(persons, b"[]").problems[0].expected == "at least 1 entries"
    assert refused(persons, [PERSON] * 4).status == 413
    assert refused(persons, b"3").status == 422


def test_the_schema_and_its_example(persons) -> None:
    schema = persons.schema()["anyOf"]
    assert schema[0]["properties"]["sex"]["enum"] == ["Female", "Male"]
    assert schema[0]["properties"]["x"]["minItems"] == schema[0]["properties"]["x"]["maxItems"] == 2
    assert schema[0]["required"] == ["x", "age", "children", "sex"]
    assert schema[1]["maxItems"] == 3
    persons.read(json.dumps(persons.example()).encode())


def test_fields_of_constraints() -> None:
    text = "E[y | a=A, age >= 30, when >= '2024-06-01'] <= 0.5; spread(E[y | b=*]) <= 0.1"
    constraints = kf.parse(text)
    vocabulary = kf.Vocabulary({"a": ["A", "B"]}, missing="group")
    fields = {
        field.name: field
        for field in attribute_fields(constraints, vocabulary, constraints.attributes, closed=True)
    }
    assert {name: field.kind for name, field in fields.items()} == {
        "a": "text", "age": "number", "b": "any", "when": "date",
    }  # fmt: skip
    assert fields["a"].values == ("A", "B")
    persons = Persons([*fields.values(), PersonField(ID, "id", optional=True)], 10)
    person = {"a": None, "age": None, "b": "x", "when": "2024-07-01"}
    assert persons.read(json.dumps(person).encode()).ids is None
    assert persons.read(json.dumps({**person, "id": 7}).encode()).ids == [7]
    assert "a date" in refused(persons, {**person, "when": "yesterday"}).problems[0].expected
    open_ = attribute_fields(constraints, vocabulary, ["a"], closed=False)
    assert open_[0].values == ()


def test_inputs_that_no_request_could_name() -> None:
    with pytest.raises(ValueError, match="of one shape"):
        feature_fields({"x": ((None, 3), "float32")})
    with pytest.raises(ValueError, match="other names than 'id'"):
        feature_fields({"id": ((), "float32")})
