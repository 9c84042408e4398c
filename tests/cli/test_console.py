"""The command as a program: the console script, pipes, help."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import keras_fair
from keras_fair.cli import main

SCRIPT = Path(sys.executable).with_name("keras-fair")
COMMANDS = ("explain", "check", "audit", "drift", "run", "datasets")
TABLE = "sex,score\n" + "Female,0.2\nMale,0.7\n" * 200


def run(*arguments: str, folder: Path, **options) -> subprocess.CompletedProcess[bytes]:
    """Run the console script where it is installed, else the module."""
    command = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "keras_fair"]
    return subprocess.run(
        [*command, *arguments], cwd=folder, capture_output=True, timeout=300, check=False, **options
    )


def audit(text: str) -> list[str]:
    return ["audit", "-", "--prediction", "score", "-c", text]


@pytest.mark.parametrize(("text", "code"), [("E[y | sex=Male] <= 0.8", 0), ("E[y | sx=M] <= 1", 2)])
def test_the_script_ends_with_the_code_of_the_verdict(text, code, tmp_path) -> None:
    done = run(*audit(text), folder=tmp_path, input=TABLE.encode())
    assert done.returncode == code, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert bool(done.stderr) is (code == 2)


@pytest.mark.parametrize(
    "arguments",
    [
        [*audit("E[y | sex=Male] <= 0.3"), "--json", "-"],
        ["check", "-c", "P[y >= 0.5] <= 1", "--mode", "projection"],
    ],
)
def test_a_reader_that_goes_away_changes_no_verdict(arguments) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "keras_fair", *arguments]
    try:
        done = subprocess.run(
            command, input=TABLE.encode(), stdout=writing, stderr=subprocess.PIPE, timeout=300, check=False
        )
    finally:
        os.close(writing)
    assert done.returncode == 1, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


def test_a_reader_that_goes_away_is_no_fault(tmp_path) -> None:
    command = f"{sys.executable} -m keras_fair explain 'for g in race: E[y | race=g] <= 1' | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b"needs attributes")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_terminals_that_lack_characters(encoding, tmp_path) -> None:
    table = "race,score\n" + "日本,0.2\nFrançais,0.7\n" * 100
    whole = ["E[y | race='日本'] <= 0.9", *["--html", "-", "--json", "audit.json"]]
    outcome = {}
    for words in (whole, whole[:1]):
        environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "160"}
        done = run(*audit(words[0]), *words[1:], folder=tmp_path, input=table.encode(), env=environment)
        assert done.returncode == 0, done.stderr.decode(encoding)
        assert b"Traceback" not in done.stderr
        outcome[len(words)] = done
    page = outcome[5].stdout.decode("utf-8")
    assert "日本" in page
    assert page.rstrip().endswith("</html>")
    shown = outcome[1].stdout.decode(encoding)
    assert ("日本" if encoding == "utf-8" else "race=??") in shown
    assert "passed: 1 satisfied" in shown


@pytest.mark.parametrize("columns", ["60", "80", "100", "160"])
def test_terminals_of_any_width(columns, tmp_path) -> None:
    table = "race,score\n" + "Black,0.2\nWhite,0.7\n" * 100
    environment = {**os.environ, "COLUMNS": columns}
    constraint = "E[y | race=Black] <= 0.9"
    done = run(*audit(constraint), folder=tmp_path, input=table.encode(), env=environment)
    shown = done.stdout.decode()
    assert max(map(len, shown.splitlines())) <= int(columns)
    for told in (constraint, "0.200000", "<= 0.9", "violation", "100", "satisfied"):
        assert told in shown


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_disk_is_told(tmp_path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "keras_fair", "datasets", "--json"]
        done = subprocess.run(
            command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=300, check=False
        )
    assert done.returncode == 2
    assert done.stderr == b"keras-fair datasets: error: can't write the output: No space left on device\n"


@pytest.mark.parametrize(
    "fault", [ZeroDivisionError("so"), OSError(5, "so"), MemoryError("so"), ImportError("so")]
)
@pytest.mark.parametrize("command", ["audit", "check", "explain"])
def test_what_nobody_foresaw_is_no_verdict(fault, command, capsys, monkeypatch) -> None:
    def fails(options: object) -> None:
        raise fault

    monkeypatch.setattr(f"keras_fair.cli.{command}_command.constraint_texts", fails)
    words = ["people.csv"] if command == "audit" else []
    assert main([command, *words, "-c", "E[y] <= 1"]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" in captured.err
    assert type(fault).__name__ in captured.err
    assert f"keras-fair {command}: error: this is a bug of keras-fair" in captured.err
    assert "none was decided" in captured.err


def test_version(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"keras-fair {keras_fair.__version__}\n"


@pytest.mark.parametrize("command", [(), *((command,) for command in COMMANDS)])
@pytest.mark.parametrize("columns", [None, "200", "60"])
def test_help_has_examples_and_fits(command, columns, capsys, monkeypatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    printed = capsys.readouterr().out
    assert end.value.code == 0
    assert max(map(len, printed.splitlines())) <= 80
    _, _, examples = printed.partition("examples:\n")
    assert f"  keras-fair {' '.join(command)}".rstrip() in examples


def test_the_help_of_the_program_lists_all_commands(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command} " in printed
