"""Every field of a saved state is checked when it is read: a fault is a `StateError` that names the field."""

from __future__ import annotations

import copy
import json
import math
import random
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.errors import ConstraintError
from keras_fair.packing import SumsError, pack
from keras_fair.streaming import StateError, StreamState
from keras_fair.streaming.state_document import StateDocument, _checksum
from tests.streaming.conftest import OPPORTUNITY, people

TERM = "1 * y[0] over sex=Male, label=1"
HUGE = 10**400  # a whole number that no float holds


@pytest.fixture(scope="module")
def body(tmp_path_factory) -> dict[str, Any]:
    """All that a file holds but its checksum; some arrivals wait for their label."""
    file = tmp_path_factory.mktemp("good") / "state.json"
    stream = kf.StreamingFairness(f"{OPPORTUNITY}; spread(E[y | race=*]) <= 0.1", state=file, window=5)
    y, sex = people(9)
    for place in range(9):
        columns = {"sex": sex[place : place + 1], "race": [f"\ud800{place % 3}"]}
        stream.project(y[place : place + 1], columns, ids=[f"\udfff{place}"])
    return json.loads(file.read_text(encoding="utf-8"))["body"]


def write(file: Path, body: Any) -> Path:
    """A file with a right checksum around any body."""
    whole = {"format": "keras_fair stream", "version": 1, "checksum": _checksum(body), "body": body}
    file.write_text(json.dumps(whole), encoding="utf-8")
    return file


def put(body: Any, path: tuple, value: Any) -> Any:
    """A copy with something else in one place."""
    changed = copy.deepcopy(body)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def test_lone_surrogates_of_columns_and_ids_come_back(body, tmp_path) -> None:
    stream = kf.StreamingFairness.load(write(tmp_path / "state.json", body))
    assert stream.observe(["\udfff8"], [1]) == 1
    again = kf.StreamingFairness.load(tmp_path / "state.json")
    assert again.report().waiting == 4
    (state,) = again._keeper.kept.states().values()
    assert state.vocabulary["values"]["race"] == ["\ud8000", "\ud8001", "\ud8002"]


STREAM = ("streams", "stream")
TABLE = [
    ((), None, "body"),
    ((), [], "body"),
    (("settings",), [], "settings"),
    (("settings", "step"), "a", "step"),
    (("settings", "step"), -1, "step"),
    (("settings", "step"), math.inf, "step"),
    (("settings", "step"), HUGE, "step"),
    (("settings", "window"), True, "window"),
    (("settings", "guard"), 1, "guard"),
    (("settings", "learns"), None, "learns"),
    (("settings", "divergence"), ["euclidean"], "divergence"),
    (("settings", "\ud800"), 1, "settings"),
    (("streams",), [1], "streams"),
    (STREAM, 5, "stream"),
    (STREAM, None, "stream"),
    ((*STREAM, "constraints"), 5, "constraints"),
    ((*STREAM, "constraints"), "\ud800", "constraints"),
    ((*STREAM, "constraints"), "E[y] <= ", "constraints"),
    ((*STREAM, "constraints"), "(" * 9000, "constraints"),
    ((*STREAM, "domain"), None, "domain"),
    ((*STREAM, "domain"), "\ud800", "domain"),
    ((*STREAM, "domain"), [0.0], "domain"),
    ((*STREAM, "domain"), [0.0, "1"], "domain"),
    ((*STREAM, "domain"), [False, True], "domain"),
    ((*STREAM, "domain"), [math.nan, 1.0], "domain"),
    ((*STREAM, "domain"), [0.0, HUGE], "domain"),
    ((*STREAM, "outputs"), 0, "outputs"),
    ((*STREAM, "outputs"), True, "outputs"),
    ((*STREAM, "outputs"), 1.0, "outputs"),
    ((*STREAM, "outputs"), HUGE, "outputs"),
    ((*STREAM, "vocabulary"), {}, "vocabulary"),
    ((*STREAM, "vocabulary"), [], "vocabulary"),
    ((*STREAM, "vocabulary", "values"), None, "values"),
    ((*STREAM, "vocabulary", "values"), ["sex"], "values"),
    ((*STREAM, "vocabulary", "values", "race"), "abc", "race"),
    ((*STREAM, "vocabulary", "values", "race"), [["a"]], "race"),
    ((*STREAM, "vocabulary", "values", "race"), [True], "race"),
    ((*STREAM, "vocabulary", "values", "race"), ["a", 1.0], "race"),
    ((*STREAM, "vocabulary", "label"), 5, "label"),
    ((*STREAM, "vocabulary", "label"), [math.nan], "label"),
    ((*STREAM, "vocabulary", "missing"), [], "vocabulary"),
    ((*STREAM, "vocabulary", "missing"), "ignore", "missing"),
    ((*STREAM, "vocabulary", "more"), 1, "vocabulary"),
    ((*STREAM, "arrivals"), -1, "arrivals"),
    ((*STREAM, "arrivals"), True, "arrivals"),
    ((*STREAM, "arrivals"), 9.0, "arrivals"),
    ((*STREAM, "arrivals"), 2**53 + 1, "arrivals"),
    ((*STREAM, "moments"), [1.0, 1.0, 1.0], "moments"),
    ((*STREAM, "moments"), [-1.0, 1.0, 1.0, 1.0], "moments"),
    ((*STREAM, "moments"), [1e9, 1.0, 1.0, 1.0], "moments"),
    ((*STREAM, "moments"), [9.0, 1.0, -1.0, 1.0], "moments"),
    ((*STREAM, "moments"), [9.0, math.inf, 1.0, 1.0], "moments"),
    ((*STREAM, "terms"), [], "terms"),
    ((*STREAM, "terms", TERM), [1.0, 1.0], "terms"),
    ((*STREAM, "terms", TERM), [1.0, -1.0, 1.0], "terms"),
    ((*STREAM, "terms", TERM), [1.0, 1.0, -1.0], "terms"),
    ((*STREAM, "terms", TERM), [1.0, True, 1.0], "terms"),
    ((*STREAM, "terms", TERM), [HUGE, 1.0, 1.0], "terms"),
    ((*STREAM, "terms", "\ud800"), "\ud800", "terms"),
    ((*STREAM, "constants"), {"a": [1.0]}, "constants"),
    ((*STREAM, "rows"), {"price": 1e300}, "rows"),
    ((*STREAM, "rows"), {"parity": [1e300, 0.0]}, "rows"),
    ((*STREAM, "rows"), {"parity": [0.0, -1e300]}, "rows"),
    ((*STREAM, "rows"), {"parity": [math.nan, 0.0]}, "rows"),
    ((*STREAM, "outside"), {"sex": [-1.0, 0.0]}, "outside"),
    ((*STREAM, "outside"), {"sex": {"unknown": 0}}, "outside"),
    ((*STREAM, "waiting"), {}, "waiting"),
    ((*STREAM, "waiting"), [5], "waiting"),
    ((*STREAM, "waiting"), [{}], "waiting"),
    ((*STREAM, "waiting", 0, "id"), 7, "id"),
    ((*STREAM, "waiting", 0, "id"), "\udfff5", "id"),  # twice
    ((*STREAM, "waiting", 0, "attributes"), [], "attributes"),
    ((*STREAM, "waiting", 0, "attributes", "sex"), ["Male"], "sex"),
    ((*STREAM, "waiting", 0, "attributes", "sex"), True, "sex"),
    ((*STREAM, "waiting", 0, "label"), None, "label"),
    ((*STREAM, "waiting", 0, "weight"), -1.0, "weight"),
    ((*STREAM, "waiting", 0, "y"), [0.5], "y"),
    ((*STREAM, "waiting", 0, "y"), math.inf, "y"),
    ((*STREAM, "waiting", 0, "arrivals"), 10, "arrivals"),
    ((*STREAM, "waiting", 0, "arrivals"), -1, "arrivals"),
    ((*STREAM, "waiting", 0, "more"), 1, "waiting"),
]


@pytest.mark.parametrize(("path", "value", "word"), TABLE, ids=range(len(TABLE)))
def test_what_no_stream_writes_is_refused_by_name(body, path, value, word, tmp_path) -> None:
    file = write(tmp_path / "state.json", put(body, path, value) if path else value)
    before = file.read_bytes()
    with pytest.raises(StateError, match=word) as refused:
        kf.StreamingFairness.load(file)
    str(refused.value).encode()  # can be printed
    assert len(str(refused.value)) < 1200
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["constraints", "domain", "outputs", "vocabulary", "arrivals", "moments"])
def test_a_field_that_is_not_there_is_named(body, name, tmp_path) -> None:
    changed = copy.deepcopy(body)
    del changed["streams"]["stream"][name]
    with pytest.raises(StateError, match=f"'{name}'"):
        kf.StreamingFairness.load(write(tmp_path / "state.json", changed))


def test_bytes_of_such_a_state_are_no_sums(body) -> None:
    entries = put(body["streams"]["stream"], ("waiting",), [5])
    with pytest.raises(SumsError, match="waiting"):
        StreamState.from_bytes(pack("StreamState", entries))
    with pytest.raises(ValueError, match="object"):
        StreamState.from_dict([entries])


def test_numbers_that_json_alone_would_take(tmp_path) -> None:
    text = StateDocument({}).text()
    for fault in (text.replace('"version": 1', '"version": true'), text.replace("{}", "9" * 5000)):
        (tmp_path / "state.json").write_text(fault)
        with pytest.raises(StateError, match="version|damaged|checksum"):
            kf.StreamingFairness.load(tmp_path / "state.json")


STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, -0.0, 1e99, 1e300, -1e300, math.nan, math.inf, -math.inf, HUGE, -HUGE,
    2**63, "", "a", "\ud800", "\x00", "simplex", "E[y] <= 1", [], [[]], [5], ["a"], [None, None], [0.0, 1.0],
    [1.0] * 4, {}, {"": None}, {"a": [1.0]}, {"values": {}}, [{}], [[[[]]]],
)  # fmt: skip


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Every place of a document."""
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


def drop(changed: Any, path: tuple, chance: random.Random) -> None:
    del changed[path[-1]]


def double(changed: Any, path: tuple, chance: random.Random) -> None:
    value = changed[path[-1]]
    changed[path[-1]] = [value, copy.deepcopy(value)]


def strange(changed: Any, path: tuple, chance: random.Random) -> None:
    changed[path[-1]] = copy.deepcopy(chance.choice(STRANGE))


def another(changed: Any, path: tuple, chance: random.Random) -> None:
    if isinstance(changed, dict):
        changed[chance.choice(["", "\ud800", "more", "price"])] = changed.pop(path[-1])


def test_whatever_a_file_holds_it_is_refused_or_goes_on(body, tmp_path) -> None:
    chance = random.Random(14)
    everywhere = list(places(body))
    changes: list[Callable] = [drop, double, another, *[strange] * 5]
    outcomes = {"refused": 0, "goes on": 0}
    refusals: list[str] = []
    others: list[str] = []
    for turn in range(1500):
        changed = copy.deepcopy(body)
        path = everywhere[turn % len(everywhere)]
        inside = changed
        for key in path[:-1]:
            inside = inside[key]
        chance.choice(changes)(inside, path, chance)
        file = write(tmp_path / "state.json", changed)
        try:
            stream = kf.StreamingFairness.load(file)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is strange may be hard to meet
                stream.report()
                y = stream.project([0.5], {"sex": ["Male"], "race": ["a"], "": [1]})
        except StateError as fault:
            refusals.append(str(fault))
            outcomes["refused"] += 1
        except ConstraintError as fault:
            refusals.append(f"state.json: {fault}")  # another text may ask for other columns
        except ValueError as fault:
            others.append(f"{path}: {fault}")
        else:
            assert np.isfinite(y).all()
            outcomes["goes on"] += 1
    for refusal in refusals:
        assert "state.json" in refusal
        refusal.encode()
    # Another domain takes other predictions, values that are numbers take no text, no stream no constraints.
    fine = ("expected predictions in", "to hold either text or numbers", "expected constraints, a state")
    assert not [said for said in others if not any(words in said for words in fine)]
    assert min(outcomes.values()) > 50, outcomes


def test_good_states_are_read(body, tmp_path) -> None:
    file = write(tmp_path / "state.json", body)
    stream = kf.StreamingFairness.load(file)
    assert stream.report().arrivals == 9
    y, sex = people(3)
    columns = {"sex": sex, "race": ["a", "b", "c"]}
    assert np.isfinite(stream.project(y, columns)).all()
    simple = kf.StreamingFairness("E[y | a=1] <= 0.4", domain=None, state=tmp_path / "reals.json")
    simple.project([1e30, -5.0], {"a": [1, 0]})
    assert kf.StreamingFairness.load(tmp_path / "reals.json").report().arrivals == 2
