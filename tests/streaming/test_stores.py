"""What `state=` takes, and what each store does with a text."""

from __future__ import annotations

import os
import pickle
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import keras_fair as kf
from keras_fair.streaming import StateError
from keras_fair.streaming.places import known, saving_in
from keras_fair.streaming.stores import Store, opened_store
from tests.streaming.conftest import PARITY, SEX, people, served
from tests.streaming.stores import InMemory


@pytest.fixture(params=["object", "sqlite", "redis"])
def store(request, tmp_path) -> Store:
    """An empty store."""
    if request.param == "object":
        return InMemory()
    if request.param == "sqlite":
        made = opened_store(f"sqlite:///{tmp_path / 'state.db'}")
    else:
        made = opened_store(f"{request.getfixturevalue('redis_server')}?name={tmp_path.name}")
    assert made is not None
    return made


def test_a_text_is_swapped_if_it_is_what_is_there(store) -> None:
    assert isinstance(store, Store)
    assert store.load() is None
    assert not store.compare_and_swap("a", "b")
    assert store.load() is None
    assert store.compare_and_swap(None, "é 'a'\n\0")
    assert store.load() == "é 'a'\n\0"
    assert not store.compare_and_swap(None, "b")
    assert not store.compare_and_swap("é 'a'", "b")
    assert store.compare_and_swap("é 'a'\n\0", "b" * 200_000)
    assert store.load() == "b" * 200_000


def test_a_stream_lives_in_any_store(store) -> None:
    y, sex = people(6)
    served(kf.StreamingFairness(PARITY, vocabulary=SEX, state=store), y[:4], sex[:4])
    stream = kf.StreamingFairness.load(store)
    served(stream, y[4:], sex[4:])
    assert stream.report().arrivals == 6
    assert stream.resumed == 4
    plain = kf.StreamingFairness(PARITY, vocabulary=SEX)
    served(plain, y, sex)
    assert stream.report()[PARITY].gap == pytest.approx(plain.report()[PARITY].gap, abs=1e-12)


def test_several_states_lie_in_one_file(tmp_path) -> None:
    y, sex = people(3)
    for name, count in (("loans", 1), ("jobs", 2)):
        served(
            kf.StreamingFairness(PARITY, state=f"sqlite:///{tmp_path}/state.db?name={name}"),
            y[:count],
            sex[:count],
        )
    assert sorted(os.listdir(tmp_path)) == ["state.db", "state.db-journal"]
    assert kf.StreamingFairness.load(f"sqlite:///{tmp_path}/state.db?name=loans").report().arrivals == 1
    assert kf.StreamingFairness.load(f"sqlite:///{tmp_path}/state.db?name=jobs").report().arrivals == 2


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("postgres://host/db", "'sqlite:///...', 'redis://...'.*received state='postgres"),
        ("sqlite://state.db", "expected 'sqlite:///' and the path"),
        ("sqlite:///", "expected 'sqlite:///' and the path"),
        ("sqlite:///:memory:", "expected 'sqlite:///' and the path"),
        ("sqlite:///state.db?mode=ro", "expected 'sqlite:///' and the path"),
        ("sqlite:////nowhere/at/all/state.db", "in a folder that exists"),
        ("sqlite:////dev/null", "a pipe, a socket or a device"),
        ("sqlite:////", "folder"),
        (5, "received state of type int"),
        (b"state.json", "received state of type bytes"),
        (object(), "received state of type object"),
    ],
)
def test_what_is_no_place_for_a_state_is_refused(place, words) -> None:
    for use in (lambda: kf.StreamingFairness(PARITY, state=place), lambda: kf.StreamingFairness.load(place)):
        with pytest.raises(StateError, match=words):
            use()


def test_a_file_that_is_no_database_is_refused_and_left(tmp_path) -> None:
    (tmp_path / "state.db").write_bytes(b"something else, and long enough to be looked at" * 9)
    with pytest.raises(StateError, match="not a database"):
        kf.StreamingFairness(PARITY, state=f"sqlite:///{tmp_path}/state.db")
    assert (tmp_path / "state.db").read_bytes().startswith(b"something else")


def test_a_locked_database_is_an_error_after_a_while(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("keras_fair.streaming.stores.sqlite_store._SECONDS", 0.05)
    place = f"sqlite:///{tmp_path}/state.db"
    stream = kf.StreamingFairness(PARITY, vocabulary=SEX, state=place)
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StateError, match="can't use the store sqlite:///.*locked"):
            served(stream, *people(1))
    finally:
        other.execute("ROLLBACK")
        other.close()
    served(stream, *people(2))
    assert known(place)[1].states["stream"].arrivals == 2


def test_a_database_that_was_deleted_is_said_and_made_again(tmp_path) -> None:
    place = f"sqlite:///{tmp_path}/state.db"
    stream = kf.StreamingFairness(PARITY, vocabulary=SEX, state=place)
    y, sex = people(3)
    served(stream, y[:2], sex[:2])
    (tmp_path / "state.db").unlink()
    with pytest.warns(UserWarning, match="was deleted; it is written anew"):
        served(stream, y[2:], sex[2:])
    assert known(place)[1].states["stream"].arrivals == 3


def test_a_server_that_is_not_there_is_an_error_without_the_password() -> None:
    pytest.importorskip("redis", reason="the package redis is not installed")
    place = "redis://me:secret@127.0.0.1:1/0?name=loans&socket_timeout=1"
    with pytest.raises(
        StateError, match="can't use the store redis://127.0.0.1:1/0, key 'keras_fair:loans'"
    ) as error:
        kf.StreamingFairness(PARITY, state=place)
    assert "secret" not in str(error.value)
    with pytest.raises(StateError, match="can't use state="):
        kf.StreamingFairness(PARITY, state="redis://host:port")


def test_the_package_for_redis_is_named_where_it_is_lacking(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ImportError, match=r"redis://host.*pip install 'keras-fair\[redis\]'"):
        kf.StreamingFairness(PARITY, state="redis://me:secret@host")


def test_each_place_has_its_own_pace(tmp_path) -> None:
    for arguments, words in (
        ({"sync_every": 5}, "received sync_every=5 with no state"),
        (
            {"sync_every": 5, "state": tmp_path / "s.json"},
            "received sync_every=5 with a file, which takes save_every",
        ),
        ({"save_every": 5, "state": InMemory()}, "expected sync_every with a store .* received save_every=5"),
        ({"sync_every": 0, "state": InMemory()}, "sync_every"),
    ):
        with pytest.raises(ValueError, match=words):
            kf.StreamingFairness(PARITY, **arguments)
    assert saving_in(None, 1, 1, 1.0, 1) is None
    assert str(saving_in(Path(tmp_path / "s.json"), 1, 1, 1.0, 1)) == str(tmp_path / "s.json")


def test_an_open_database_is_that_which_lies_there(tmp_path) -> None:
    """The file stays open; a fork, a pickle and a file in its place meet what is there."""
    place = f"sqlite:///{tmp_path}/state.db"
    store = opened_store(place)
    assert store.compare_and_swap(None, "first")
    assert pickle.loads(pickle.dumps(store)).load() == "first"
    child = os.fork()
    if child == 0:
        os._exit(int(not (store.load() == "first" and store.compare_and_swap("first", "second"))))
    assert os.waitpid(child, 0)[1] == 0
    assert store.load() == "second"
    other = opened_store(f"sqlite:///{tmp_path}/other.db")
    assert other.compare_and_swap(None, "another")
    os.replace(tmp_path / "other.db", tmp_path / "state.db")
    assert store.load() == "another"
    os.remove(tmp_path / "state.db")
    assert store.load() is None
    with ThreadPoolExecutor(2) as pool:
        assert pool.submit(store.compare_and_swap, None, "from a thread").result()
    assert store.load() == "from a thread"
