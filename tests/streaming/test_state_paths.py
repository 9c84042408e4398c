"""Where a state lies: pipes and devices, owners, files that are deleted, and what killed writers left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

import keras_fair as kf
from keras_fair.streaming import StateError
from keras_fair.streaming.state_file import StateFile
from keras_fair.whole_file import _like
from tests.streaming.conftest import PARITY, SEX, people, served

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, owners and processes as POSIX has them")


def parity(**arguments) -> kf.StreamingFairness:
    return kf.StreamingFairness(PARITY, vocabulary=SEX, **arguments)


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "state.json")
    return folder / "state.json"


def link_to_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    (folder / "state.json").symlink_to(folder / "pipe")
    return folder / "state.json"


def listening(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "state.json"))
    return folder / "state.json"


def sparse(folder: Path) -> Path:
    with (folder / "state.json").open("wb") as file:
        file.truncate((1 << 30) + 1)
    return folder / "state.json"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (pipe, "a pipe, a socket or a device"),
        (link_to_pipe, "a pipe, a socket or a device"),
        (listening, "a pipe, a socket or a device"),
        (lambda folder: Path("/dev/null"), "a pipe, a socket or a device"),
        (lambda folder: Path("/dev/zero"), "a pipe, a socket or a device"),
        (sparse, "at most 1073741824 bytes"),
        (lambda folder: folder, "received the folder"),
        (lambda folder: Path("state\0.json"), "can't use state="),
        (lambda folder: Path("~no such person/state.json"), "can't use state="),
        (lambda folder: folder / ("s" * 300), "can't use state="),
    ],
)
def test_what_is_no_file_is_refused_at_once(place, words, tmp_path) -> None:
    where = place(tmp_path)
    for use in (
        lambda: parity(state=where),
        lambda: kf.StreamingFairness.load(where),
        lambda: parity().save(where),
    ):
        with pytest.raises(StateError, match=words):
            use()


def test_links_in_a_circle_are_refused(tmp_path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(StateError, match="state="):
        parity(state=tmp_path / "a")


def test_a_pipe_that_comes_later_does_not_hang(tmp_path) -> None:
    file = StateFile(tmp_path / "state.json")
    os.mkfifo(file.path)
    with pytest.raises(StateError, match="a pipe, a socket or a device"):
        file.read()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(tmp_path) -> None:
    file = tmp_path / "state.json"
    served(parity(state=file), *people(1))
    os.chown(file, 12345, 23456)
    file.chmod(0o640)
    served(kf.StreamingFairness.load(file), *people(1))
    status = file.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (12345, 23456, 0o640)


def test_where_the_owner_can_not_stay_the_group_may(tmp_path, monkeypatch) -> None:
    asked = []

    def refused(name, user: int, group: int) -> None:
        asked.append((user, group))
        raise PermissionError(1, "Operation not permitted")

    file = tmp_path / "new"
    file.touch()
    monkeypatch.setattr(os, "chown", refused)
    _like(str(file), SimpleNamespace(st_uid=4242, st_gid=4243, st_mode=0o100604))
    assert asked == [(4242, 4243), (-1, 4243)]
    assert file.stat().st_mode & 0o777 == 0o604


@pytest.mark.parametrize("save_every", [1, 100])
def test_a_deleted_file_is_said_once_and_made_again(save_every, tmp_path) -> None:
    file = tmp_path / "state.json"
    stream = parity(state=file, save_every=save_every)
    served(stream, *people(2))
    stream.save()
    file.unlink()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        served(stream, *people(1))
        stream.save()
    (warning,) = said
    assert "was deleted while a stream was using it; it was written anew, with all arrivals" in str(
        warning.message
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        served(stream, *people(1))
        stream.save()
    assert kf.StreamingFairness.load(file).report().arrivals == 4
    file.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # then the state is safe all the same
        with pytest.raises(UserWarning, match="was deleted"):
            stream.save()
    assert kf.StreamingFairness.load(file).report().arrivals == 4


def test_a_file_that_was_deleted_and_made_by_another_is_left(tmp_path) -> None:
    file = tmp_path / "state.json"
    stream = parity(state=file)
    served(stream, *people(1))
    file.unlink()
    other = parity(state=file)
    served(other, *people(2))
    theirs = file.read_bytes()
    with pytest.raises(StateError, match="another process"):
        stream.save()
    assert file.read_bytes() == theirs


def test_what_killed_processes_left_is_removed(tmp_path) -> None:
    old, young, foreign = (tmp_path / name for name in (".s.json.a1.tmp", ".s.json.b2.tmp", ".t.json.a1.tmp"))
    for left in (old, young, foreign):
        left.write_text("{")
    for left in (old, foreign):
        os.utime(left, (1.0, 1.0))
    parity(state=tmp_path / "s.json")
    assert sorted(left.name for left in tmp_path.iterdir()) == [young.name, foreign.name]


KILLED = """
import os, signal, sys
import keras_fair as kf
stream = kf.StreamingFairness("E[y | a=1] <= 0.5", state=sys.argv[1])
os.replace = lambda source, target: os.kill(os.getpid(), signal.SIGKILL)
stream.project([0.7], {"a": [1]})
"""


def test_what_a_killed_writer_left_goes_when_the_next_one_starts(tmp_path) -> None:
    file = tmp_path / "state.json"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(file)],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "KERAS_BACKEND": "numpy"},
            check=False,
            timeout=120,
        )
        assert done.returncode == -9
        (left,) = tmp_path.iterdir()  # that of the first is gone by now
        assert left.name.startswith(".state.json.")
    foreign = tmp_path / ".state.json.another-machine.7.x1.tmp"
    foreign.write_text("{")
    mine = tmp_path / left.name.replace(left.name.split(".")[4], str(os.getpid()))
    mine.write_text("{")
    stream = parity(state=file)
    assert sorted(tmp_path.iterdir()) == sorted([foreign, mine])  # it may be alive; I am
    os.utime(mine, (1e9, 1e9))
    os.utime(foreign, (1e9, 1e9))
    served(stream, *people(1))
    parity(state=file)
    assert list(tmp_path.iterdir()) == [file]
