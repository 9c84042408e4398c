"""What is not saved yet is saved at the end: of a block, of an object, of an interpreter; and it is said."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import keras_fair as kf
from keras_fair.streaming import closing
from keras_fair.streaming.places import known
from tests.streaming.conftest import PARITY, SEX, people, served
from tests.streaming.stores import InMemory

SERVE = """
import os, sys
import keras_fair as kf
stream = kf.StreamingFairness("E[y | a=1] <= 0.5", state=sys.argv[1], **eval(sys.argv[2]))
for _ in range(7):
    stream.project([0.7], {"a": [1]})
"""


def run(end: str, place: Path | str, pace: str) -> subprocess.CompletedProcess:
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SERVE + end, str(place), pace],
        cwd=root,
        env={**os.environ, "KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def arrivals(place: Path | str) -> int:
    return sum(state.arrivals for state in known(place)[1].states.values())


@pytest.mark.parametrize(
    ("kind", "end", "code"),
    [
        ("file", "sys.exit(3)", 3),
        ("file", "raise RuntimeError('a fault of the program')", 1),
        ("store", "", 0),
    ],
)
def test_an_ordinary_end_saves(kind, end, code, tmp_path) -> None:
    place = tmp_path / "state.json" if kind == "file" else f"sqlite:///{tmp_path / 'state.db'}"
    pace = "{'save_every': 100}" if kind == "file" else "{'sync_every': 100}"
    done = run(end, place, pace)
    assert done.returncode == code, done.stderr
    assert "goes on from" not in done.stderr
    assert arrivals(place) == 7


def test_going_on_is_said(tmp_path) -> None:
    for before in (0, 7):
        done = run("", tmp_path / "state.json", "{'save_every': 100}")
        said = f"keras_fair: the stream goes on from {before} arrivals in {tmp_path / 'state.json'}"
        assert (said in done.stderr) == (before > 0)
        assert arrivals(tmp_path / "state.json") == before + 7


def test_an_end_that_can_not_save_says_so(tmp_path) -> None:
    end = "import shutil; shutil.rmtree(os.path.dirname(sys.argv[1]))"
    (tmp_path / "volume").mkdir()
    done = run(end, tmp_path / "volume" / "state.json", "{'save_every': 100}")
    assert "arrivals of a stream were not saved: can't write the state" in done.stderr


def test_a_fork_leaves_what_its_parent_has_not_saved(tmp_path) -> None:
    end = """
child = os.fork()
if not child:
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
print(os.path.exists(sys.argv[1]))
"""
    done = run(end, tmp_path / "state.json", "{'save_every': 100}")
    assert done.stdout.split() == ["False"], done.stderr
    assert arrivals(tmp_path / "state.json") == 7


def lazy(place: Path, **arguments) -> kf.StreamingFairness:
    return kf.StreamingFairness(PARITY, vocabulary=SEX, state=place, save_every=100, **arguments)


def test_a_block_saves_at_its_end_also_where_it_fails(tmp_path) -> None:
    y, sex = people(5)
    with lazy(tmp_path / "state.json") as stream:
        served(stream, y[:3], sex[:3])
    assert arrivals(tmp_path / "state.json") == 3

    def fails() -> None:
        with stream:
            served(stream, y[3:], sex[3:])
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fails()
    assert arrivals(tmp_path / "state.json") == 5
    with kf.StreamingFairness(PARITY) as plain:  # saves nowhere
        served(plain, y, sex)


def test_a_stream_that_is_let_go_is_saved(tmp_path) -> None:
    def serve(name: str) -> None:
        stream = lazy(tmp_path / name, on_violation=lambda *said: stream.report())  # it refers to itself
        served(stream, *people(4))

    serve("state.json")
    assert not (tmp_path / "state.json").exists()
    gc.collect()
    assert arrivals(tmp_path / "state.json") == 4


def test_who_opens_a_file_finds_what_another_stream_of_the_process_has_not_saved(tmp_path, capsys) -> None:
    y, sex = people(6)
    stream = lazy(tmp_path / "state.json")
    served(stream, y[:4], sex[:4])
    stream = lazy(tmp_path / "state.json")  # the cell of a notebook is run again
    gc.collect()
    assert stream.resumed == 4
    assert f"goes on from 4 arrivals in {tmp_path / 'state.json'}" in capsys.readouterr().err
    served(stream, y[4:], sex[4:])
    stream.save()
    assert arrivals(tmp_path / "state.json") == 6


def test_resuming_is_said_where_it_was_not_asked_for(tmp_path, capsys) -> None:
    served(lazy(tmp_path / "state.json"), *people(3))
    gc.collect()
    asked = kf.StreamingFairness.load(tmp_path / "state.json")
    assert capsys.readouterr().err == ""
    assert (
        repr(asked) == f"<StreamingFairness, 3 arrivals, in {tmp_path / 'state.json'}, 3 of them from before>"
    )
    store = InMemory()
    served(kf.StreamingFairness(PARITY, state=store), *people(2))
    assert capsys.readouterr().err == ""
    kf.StreamingFairness(PARITY, state=store)
    assert "goes on from 2 arrivals in the store of type InMemory" in capsys.readouterr().err
    assert repr(kf.StreamingFairness(PARITY)) == "<StreamingFairness, 0 arrivals>"


def test_what_can_not_be_saved_without_a_caller_is_logged(tmp_path, monkeypatch, caplog) -> None:
    stream = lazy(tmp_path / "state.json")
    served(stream, *people(2))
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with stream._keeper.lock:
            held.set()
            release.wait(30)

    monkeypatch.setattr(closing, "_SECONDS", 0.01)
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    with caplog.at_level(logging.ERROR, logger="keras_fair"):
        closing.close(stream._keeper)
    release.set()
    holder.join()
    assert "another thread is still using the stream" in caplog.text
    assert not (tmp_path / "state.json").exists()
