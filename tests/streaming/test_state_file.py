"""Saved and read again: restart, replay, merging, and files that are not what they should be."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.streaming import StateError, StreamState
from keras_fair.streaming.state_file import StateFile
from tests.streaming.conftest import EXACT, PARITY, SEX, people, served, state_of

SPREAD = "spread(E[y | sex=*]) <= 0.02"


def parity(**arguments) -> kf.StreamingFairness:
    return kf.StreamingFairness(PARITY, vocabulary=SEX, **arguments)


def test_restart_and_replay_give_what_an_unbroken_run_gives(tmp_path) -> None:
    y, sex = people(60)
    whole = served(parity(), y, sex)
    # Lone people go another way from the sixteenth on that a process sees: the last digit may differ.
    np.testing.assert_allclose(served(parity(), y, sex), whole, rtol=0, atol=1e-14)
    file = tmp_path / "state.json"
    parts = []
    for cut in range(60):  # a new stream for each arrival
        stream = (
            parity(state=file) if cut % 2 else kf.StreamingFairness.load(file) if cut else parity(state=file)
        )
        parts.append(served(stream, y[cut : cut + 1], sex[cut : cut + 1]))
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-9)


def test_values_learnt_go_on_after_a_restart(tmp_path) -> None:
    y, sex = people(30)
    sex[:5] = "Male"
    whole = served(kf.StreamingFairness(SPREAD), y, sex)
    for cut in (1, 4, 6, 20):
        file = tmp_path / f"{cut}.json"
        first = served(kf.StreamingFairness(SPREAD, state=file), y[:cut], sex[:cut])
        then = served(kf.StreamingFairness.load(file), y[cut:], sex[cut:])
        np.testing.assert_allclose(np.concatenate([first, then]), whole, atol=1e-9)


def test_settings_come_back(tmp_path) -> None:
    stream = parity(step=0.3, margin=1.0, half_life=50.0, save_every=7, window=3, state=tmp_path / "s")
    stream.save()
    loaded = kf.StreamingFairness.load(tmp_path / "s")
    assert loaded._keeper.kept.settings == stream._keeper.kept.settings
    changed = kf.StreamingFairness.load(tmp_path / "s", step=0.5)
    assert changed._keeper.kept.rule.step == 0.5


def test_saved_every_so_often_and_when_asked(tmp_path) -> None:
    file, (y, sex) = tmp_path / "state.json", people(5)
    stream = parity(state=file, save_every=3)
    served(stream, y[:2], sex[:2])
    assert not file.exists()
    stream.save(tmp_path / "copy.json")  # a copy elsewhere is no saving of the state
    served(stream, y[2:3], sex[2:3])
    assert kf.StreamingFairness.load(file).report().arrivals == 3
    served(stream, y[3:], sex[3:])
    stream.save(file)
    served(stream, y[:3], sex[:3])
    assert kf.StreamingFairness.load(file).report().arrivals == 8
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_save_needs_a_path(tmp_path) -> None:
    with pytest.raises(ValueError, match="expected a path"):
        parity().save()
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StateError, match="left as it is"):
        parity().save(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> bytes:
    file = tmp_path_factory.mktemp("saved") / "state.json"
    served(parity(state=file), *people(3))
    return file.read_bytes()


def changed(saved: bytes, **entries) -> bytes:
    return json.dumps({**json.loads(saved), **entries}).encode()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda saved: saved[: len(saved) // 2], "damaged"),
        (lambda saved: saved[:-1], "damaged"),
        (lambda saved: b"", "damaged"),
        (lambda saved: b"\xff\xfe\x00", "can't read"),
        (lambda saved: b"[" * 100_000, "damaged"),
        (lambda saved: b'{"epoch": 3}', "no state of a stream"),
        (lambda saved: b"[1, 2]", "no state of a stream"),
        (lambda saved: changed(saved, version=2), "newer release"),
        (lambda saved: changed(saved, body=None), "checksum"),
        (lambda saved: saved.replace(b'"arrivals": 3', b'"arrivals": 4'), "checksum"),
    ],
)
def test_a_file_that_is_no_state_is_refused_and_left(saved, damage, words, tmp_path) -> None:
    file = tmp_path / "state.json"
    file.write_bytes(damage(saved))
    before = file.read_bytes()
    for use in (
        lambda: parity(state=file),
        lambda: kf.StreamingFairness.load(file),
        lambda: parity().save(file),
    ):
        with pytest.raises(StateError, match=words):
            use()
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["state.json"]


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (lambda file: kf.StreamingFairness(SPREAD, state=file), "other constraints"),
        (lambda file: parity(domain=(0.0, 2.0), state=file), "other domain"),
    ],
)
def test_a_state_of_something_else_is_refused_and_left(saved, stream, words, tmp_path) -> None:
    file = tmp_path / "state.json"
    file.write_bytes(saved)
    with pytest.raises(StateError, match=words):
        stream(file)
    assert file.read_bytes() == saved


def test_a_file_changed_by_another_process_is_left(saved, tmp_path) -> None:
    file, (y, sex) = tmp_path / "state.json", people(1)
    file.write_bytes(saved)
    mine, other = parity(state=file), parity(state=file)
    served(other, y, sex)
    theirs = file.read_bytes()
    with pytest.raises(StateError, match="another process"):
        served(mine, y, sex)
    assert file.read_bytes() == theirs
    assert mine.report().arrivals == 4  # counted, and not lost: it can be saved elsewhere
    mine.save(tmp_path / "mine.json")
    assert kf.StreamingFairness.load(tmp_path / "mine.json").report().arrivals == 4


def test_a_file_that_appears_later_is_left(saved, tmp_path) -> None:
    file = tmp_path / "state.json"
    stream = parity(state=file)
    file.write_bytes(saved)
    with pytest.raises(StateError, match="another process"):
        served(stream, *people(1))
    assert file.read_bytes() == saved


def test_paths_that_can_not_be(tmp_path, saved) -> None:
    with pytest.raises(StateError, match="folder that exists"):
        parity(state=tmp_path / "nowhere" / "state.json")
    with pytest.raises(StateError, match="received the folder"):
        parity(state=tmp_path)
    with pytest.raises(StateError, match="can't read"):
        kf.StreamingFairness.load(tmp_path / "none.json")


def test_a_full_disk_leaves_the_file_and_the_arrivals(saved, tmp_path, monkeypatch) -> None:
    file, (y, sex) = tmp_path / "state.json", people(2)
    file.write_bytes(saved)
    stream = parity(state=file)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StateError, match="No space left"):
            served(stream, y[:1], sex[:1])
    assert file.read_bytes() == saved
    assert os.listdir(tmp_path) == ["state.json"]
    served(stream, y[1:], sex[1:])  # once there is space, all is saved
    assert kf.StreamingFairness.load(file).report().arrivals == 5


def test_permissions_stay(saved, tmp_path) -> None:
    file = tmp_path / "state.json"
    file.write_bytes(saved)
    file.chmod(0o640)
    served(parity(state=file), *people(1))
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    link = tmp_path / "state.json"
    link.symlink_to(volume / "state.json")  # of a file that is still to come
    served(parity(state=link), *people(3))
    served(kf.StreamingFairness.load(link), *people(3))
    assert link.is_symlink()
    assert os.listdir(volume) == ["state.json"]
    assert sorted(os.listdir(tmp_path)) == ["state.json", "volume"]
    assert kf.StreamingFairness.load(volume / "state.json").report().arrivals == 6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"domain": None}, "'domain'"),
        ({"domain": [1.0, 0.0]}, "low < high"),
        ({"domain": "sphere"}, "sphere"),
        ({"vocabulary": {}}, "expected 'values' in 'vocabulary'"),
    ],
)
def test_a_state_with_parts_that_can_not_be(change: dict, words: str) -> None:
    stream = parity()
    served(stream, *people(3))
    (entries,) = map(dict, state_of(stream).values())
    if change == {"domain": None}:
        del entries["domain"]
    else:
        entries |= change
    with pytest.raises(ValueError, match=words):
        StreamState.from_dict(entries)


def test_shards_merge_to_the_sums_of_the_whole(tmp_path) -> None:
    y, sex = people(40)
    sex[:4], sex[20:24] = "Male", "Female"  # each shard learns the values in another order
    left, right = kf.StreamingFairness(SPREAD), kf.StreamingFairness(SPREAD)
    fair = np.concatenate([served(left, y[:20], sex[:20]), served(right, y[20:], sex[20:])])
    for merged in (left.merge(right), right.merge(left)):
        (relation,) = merged.report()
        audit = kf.audit(SPREAD, fair, {"sex": sex}, confidence=None)
        assert relation.gap == pytest.approx(audit.relations[0].gap, abs=EXACT)
        assert merged.report().arrivals == 40
        served(merged, y[:2], sex[:2])
        assert merged.report().arrivals == 42
    assert left.report().arrivals == right.report().arrivals == 20


def test_a_shard_without_arrivals_merges() -> None:
    full, empty = parity(), parity()
    served(full, *people(3))
    assert full.merge(empty).report().arrivals == empty.merge(full).report().arrivals == 3
    assert state_of(full.merge(empty)) == state_of(full)


def test_merging_needs_the_same_constraints() -> None:
    with pytest.raises(ValueError, match="same constraints"):
        parity().merge(kf.StreamingFairness(SPREAD))
    with pytest.raises(TypeError, match="received str"):
        parity().merge("state.json")
    one, other = parity(), parity(domain=(0.0, 2.0))
    served(one, *people(1))
    other._keeper.kept.saved = {
        "stream": one._keeper.kept.states()["stream"].__class__(
            **{**vars(one._keeper.kept.states()["stream"]), "domain": [0.0, 2.0]}
        )
    }
    with pytest.raises(ValueError, match="same domain"):
        one.merge(other)


def test_an_interrupted_saving_is_no_one_else(tmp_path, monkeypatch) -> None:
    file, (y, sex) = tmp_path / "state.json", people(3)
    stream = parity(state=file)
    served(stream, y[:1], sex[:1])
    real = os.replace

    def interrupted(source, target) -> None:
        real(source, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            served(stream, y[1:2], sex[1:2])
    served(stream, y[2:], sex[2:])
    assert kf.StreamingFairness.load(file).report().arrivals == 3


def test_reading_takes_numbers_only(saved, tmp_path) -> None:
    content = json.loads(saved)
    content["body"]["streams"]["stream"]["terms"] = {"1 * y[0]": [1.0, "a", 2.0]}
    from keras_fair.streaming.state_document import _checksum

    file = tmp_path / "state.json"
    file.write_text(json.dumps({**content, "checksum": _checksum(content["body"])}))
    with pytest.raises(StateError, match="finite numbers"):
        StateFile(file).read()
