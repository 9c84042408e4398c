"""Finding a public file, checking that it is the published one, and saying what to do where it is nowhere."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from keras_fair.datasets import adult, german, source
from keras_fair.datasets.source import PublicFile, read_text

CONTENT = b"\xef\xbb\xbfname\r\nvalue\r\n"
TEXT = "name\r\nvalue\r\n"


def published(*urls: str) -> PublicFile:
    return PublicFile("people.csv", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), urls)


@pytest.fixture(autouse=True)
def no_folder_and_an_empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KERAS_FAIR_DATA", raising=False)
    monkeypatch.setattr(source, "CACHE_SUBFOLDER", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def plain(folder: Path) -> Path:
    place = folder / "people.csv"
    place.write_bytes(CONTENT)
    return place


def gzipped(folder: Path) -> Path:
    place = folder / "people.csv.gz"
    place.write_bytes(gzip.compress(CONTENT))
    return place


def zipped(folder: Path) -> Path:
    place = folder / "people.csv.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("__MACOSX/inside/people.csv", b"resource fork")
        archive.writestr("inside/people.csv", CONTENT)
    return place


@pytest.mark.parametrize("write", [plain, gzipped, zipped])
def test_path_is_a_file_or_its_folder(folder: Path, write) -> None:
    place = write(folder)
    assert read_text(published(), place) == TEXT
    assert read_text(published(), folder) == TEXT
    assert read_text(published(), str(folder)) == TEXT


def test_folder_in_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain(folder)
    monkeypatch.setenv("KERAS_FAIR_DATA", str(folder))
    assert read_text(published()) == TEXT


def test_path_wins_over_the_environment(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain(folder)
    monkeypatch.setenv("KERAS_FAIR_DATA", str(tmp_path / "elsewhere"))
    assert read_text(published(), folder) == TEXT


def test_environment_names_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_FAIR_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(FileNotFoundError, match="expected a folder, received KERAS_FAIR_DATA="):
        read_text(published())


def test_path_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="received path=.*nowhere.* does not exist"):
        read_text(published(), tmp_path / "nowhere")


def test_folder_without_the_file(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"people.csv.gz or people.csv.zip in the folder, received"):
        read_text(published(), folder)


def test_another_file(folder: Path) -> None:
    plain(folder).write_bytes(b"something else")
    with pytest.raises(ValueError, match="the published people.csv with sha256 .*14 bytes.*replace it"):
        read_text(published(), folder)


def test_damaged_archive(folder: Path) -> None:
    place = gzipped(folder)
    place.write_bytes(place.read_bytes()[:-9])
    with pytest.raises(ValueError, match="damaged archive"):
        read_text(published(), place)


def says_little(packed: bytes) -> bytes:
    """A `.gz` whose last bytes say that it is small."""
    return packed[:-4] + (5).to_bytes(4, "little")


def a_bomb_that_says_little(packed: bytes) -> bytes:
    """A `.zip` whose directory says that its member is small."""
    size = (50_000_000).to_bytes(4, "little")
    assert packed.count(size) == 2
    return packed.replace(size, (5).to_bytes(4, "little"))


def large_zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("people.csv", b"\0" * 50_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (lambda: gzip.compress(b"\0" * 50_000_000), "says that it holds 50,000,000 bytes"),
        (lambda: says_little(gzip.compress(b"\0" * 50_000_000)), "unpacks to more than the 16 published"),
        (lambda: gzip.compress(CONTENT) + gzip.compress(CONTENT[:9]), "unpacks to more than the 16"),
        (large_zip, "says that it holds 50,000,000 bytes"),
        (lambda: a_bomb_that_says_little(large_zip()), "damaged archive"),
    ],
)
def test_no_more_than_the_published_size_is_unpacked(packed, words, folder: Path) -> None:
    place = folder / "people.csv.packed"
    place.write_bytes(packed())
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=words):
            read_text(published(), place)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_two_packed_parts_that_make_the_file(folder: Path) -> None:
    place = folder / "people.csv.gz"
    place.write_bytes(gzip.compress(CONTENT[:7]) + gzip.compress(CONTENT[7:]))
    assert read_text(published(), place) == TEXT


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
def test_a_pipe_or_a_huge_file_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with (folder / "huge").open("wb") as huge:
        huge.truncate((1 << 28) + 1)
    for name in ("pipe", "huge"):
        with pytest.raises(ValueError, match="found a pipe, a device or a file of more"):
            read_text(published(), folder / name)


@pytest.mark.parametrize("write", [plain, zipped])
def test_download_is_cached(folder: Path, write) -> None:
    place = write(folder)
    file = published(place.as_uri())
    assert read_text(file) == TEXT
    place.unlink()
    assert read_text(file) == TEXT


def test_download_from_the_second_source(folder: Path) -> None:
    missing = (folder / "missing.csv").as_uri()
    assert read_text(published(missing, plain(folder).as_uri())) == TEXT


@pytest.mark.parametrize("write", [plain, zipped])
def test_download_of_another_file_is_not_kept(folder: Path, tmp_path: Path, write) -> None:
    place = write(folder)
    wrong = PublicFile("people.csv", "0" * 64, 99, (place.as_uri(),))
    with pytest.raises(FileNotFoundError, match="could not be downloaded"):
        read_text(wrong)
    assert read_text(published(place.as_uri())) == TEXT


def test_offline_with_nothing_cached(folder: Path) -> None:
    url = (folder / "missing.csv").as_uri()
    with pytest.raises(FileNotFoundError) as caught:
        read_text(published(url))
    message = str(caught.value)
    for part in ("people.csv is not at hand", "path=", "KERAS_FAIR_DATA", "people.csv.gz", url):
        assert part in message


def test_adult_reads_its_quirks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = "39, State-gov, 77516, Bachelors, 13, Never-married, "
    end = "Not-in-family, White, Male, 2174, 0, 40, United-States, "
    train = f"{start}Adm-clerical, {end}<=50K\n{start}?, {end}>50K\n\n"
    test = f"|1x3 Cross validator\n{start}Adm-clerical, {end}>50K.\n\n"
    for name, constant, text in (("adult.data", "_TRAIN", train), ("adult.test", "_TEST", test)):
        (folder / name).write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        monkeypatch.setattr(adult, constant, PublicFile(name, digest, 99_999, ()))
    for path in (folder, folder / "adult.data"):
        train_people, test_people = adult.load_data(path)
        assert train_people.label.tolist() == [0.0, 1.0]
        assert test_people.label.tolist() == [1.0]
        assert train_people.features["occupation"].tolist() == ["Adm-clerical", ""]
        assert train_people.attributes["sex"].tolist() == ["Male", "Male"]
        assert train_people.attributes["fnlwgt"].tolist() == [77516.0, 77516.0]


def test_a_loader_names_its_argument(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="german.data.*received path="):
        german.load_data(tmp_path / "nowhere")
