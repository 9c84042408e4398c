"""The service as it runs: processes, a port, kills, a stop in order. And what it refuses to begin with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.cli import main
from keras_fair.serving.faults import Refused
from keras_fair.serving.settings import ServiceSettings
from tests.serving.conftest import body
from tests.serving.killing import SLACK, killed
from tests.serving.started import PARITY, made_files, scored, served

httpx = pytest.importorskip("httpx")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and kills")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a model and a rule."""
    path = str(tmp_path_factory.mktemp("service"))
    made_files(path)
    return path


def test_a_rule_behind_a_port(folder, tmp_path) -> None:
    token, watch = tmp_path / "token", tmp_path / "watch.bin"
    token.write_text("for-tests\n", encoding="utf-8")
    requests = scored(folder, 40)
    rule = kf.FrozenFairness.load(f"{folder}/rule.json")
    options = ("--rule", f"{folder}/rule.json", "--token-file", str(token), "--watch", str(watch))
    with served(folder, *options) as service:
        headers = {"Authorization": "Bearer for-tests"}
        with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", headers=headers) as client:
            people = [json.loads(each) for each in requests]
            found = [each["y"] for each in client.post("/predict", json=people).json()]
            one = client.post("/predict", json=people[0]).json()
            refused = client.post("/predict", json={**people[0], "sex": "Unheard-of"})
            metrics = client.get("/metrics").text
        assert httpx.post(f"http://127.0.0.1:{service.port}/predict", json=people).status_code == 401
        assert service.stop() == 0
    expected = rule(list(requests.values()), {"sex": [each["sex"] for each in people]})
    assert found == pytest.approx(expected.tolist(), abs=1e-6)
    assert one["y"] == pytest.approx(expected[0], abs=1e-6)
    assert refused.status_code == 422
    assert 'keras_fair_requests_total{status="200"} 2' in metrics
    log = "".join(service.said)
    assert "Unheard-of" not in log
    assert not re.search(r"Female|0\.\d{3}", log)
    assert kf.DriftMonitor.load(watch, rule=rule).people == 41


def test_a_stream_that_workers_share_survives_kills_and_stops_in_order(folder, tmp_path) -> None:
    place = f"sqlite:///{tmp_path / 'state.db'}"
    options = ("--workers", "2", "--stream", place, "-c", PARITY, "--values", "sex=Female,Male")
    with served(folder, *options, KERAS_BACKEND="numpy") as service:
        found = killed(service, place, scored(folder, 500), connections=8, kills=1, seconds=2.0)
        assert service.stop() == 0
    assert (found.lost, found.refused) == (0, 0)
    assert found.apart < SLACK
    assert found.answered > 20
    report = kf.StreamingFairness.load(place).report()
    assert report.arrivals == found.answered + found.counted
    assert abs(report["parity"].gap) < 0.1
    assert "ended by signal 9; it is started anew" in "".join(service.said)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "expected a rule, a stream"),
        (("--rule", "gone.json"), "--rule: there is no file gone.json"),
        (("--stream", "state.json", "--workers", "2"), "which serves one process"),
        (("--stream", "state.json", "--rule", "RULE"), "expected a stream alone"),
        (("--rule", "RULE", "-c", "E[y] <= 0.5"), "a rule has a text and values of its own"),
        (("--stream", "state.json", "-c", "E[y | ] <= 0.5"), "expected a condition"),
        (("--stream", "state.json", "--values", "sex"), "expected NAME=A,B"),
        (("--stream", "state.json", "-c", PARITY, "--values", "sx=Female,Male"), "did you mean 'sex'"),
        (("--stream", "state.json", "-c", PARITY, "--values", "sex=F,M"), "to hold 'Female', which"),
        (("--rule", "RULE", "--save-every", "5"), "expected save_every with a stream only\n"),
        (("--rule", "MODEL"), "expected the JSON document of a rule in"),
        (("--rule", "RULE", "--host", "0.0.0.0"), "lets other machines in"),
        (("--rule", "RULE", "--host", "203.0.113.7", "--no-token"), "can't listen at 203.0.113.7"),
    ],
)
def test_what_can_not_be_served(options, message, folder, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    if not options:
        with pytest.raises(ValueError, match=message):
            _loaded(folder)
        return
    files = {"RULE": f"{folder}/rule.json", "MODEL": f"{folder}/model.keras"}
    given = [files.get(each, each) for each in options]
    assert main(["serve", f"{folder}/model.keras", *given]) == 2
    assert message in capsys.readouterr().err


def _loaded(folder: str, **settings: object) -> object:
    from keras_fair.serving.loading import loaded

    return loaded(ServiceSettings(f"{folder}/model.keras", **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "refused", "said"),
    [
        (PARITY, True, ""),
        ("spread(E[y | sex=*]) <= 0.1", False, "are learnt as they arrive; --values sex=..."),
        ("E[y | sex=Female] == E[y] +- 0.1", False, "values of sex are learnt as they arrive"),
        ("E[y | sex=Female] == E[y | sex!=Female] +- 0.1", False, "values of sex are learnt"),
        ("E[y | sex=Female] == E[y | sex=Male] +- 0.1; spread(E[y | sex=*]) <= 0.1", False, "are learnt"),
    ],
)
def test_values_that_a_text_names_are_all_there_are(
    text: str, refused: bool, said: str, folder: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A misspelt value would be in no group, and be served without a correction."""
    caplog.set_level("INFO", "keras_fair.serving")
    ready = _loaded(folder, stream=str(tmp_path / "state.json"), constraints=text)
    person = {"x": [0.1] * 16, "sex": "female"}
    if refused:
        with pytest.raises(Refused) as fault:
            ready.persons.read(body(person))
        assert fault.value.problems[0][:2] == ("sex", "'Female' or 'Male'")
    else:
        assert ready.persons.read(body(person)).size == 1
    assert (said in caplog.text) if said else not caplog.records


@pytest.mark.parametrize("bias", [9.0, np.nan], ids=["logits", "NaN"])
def test_a_model_without_scores_is_not_served(bias: float, folder: str, tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.layers[0].bias.assign([bias])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="expected scores from 0 to 1, received .*needs a sigmoid"):
        _loaded(str(tmp_path), rule=f"{folder}/rule.json")


def test_models_that_correct_batches_are_refused_by_name(tmp_path) -> None:
    import keras

    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model = kf.FairModel(network, PARITY, vocabulary={"sex": ["Female", "Male"]})
    model.predict({"x": np.array([[0.1, 0.2]] * 2), "sex": np.array(["Female", "Male"])}, verbose=0)
    (tmp_path / "fair").mkdir()
    model.save(tmp_path / "fair" / "model.keras")
    folder = str(tmp_path / "fair")
    with pytest.raises(ValueError, match="FairModel, which holds 'parity: .*one person alone has no batch"):
        _loaded(folder)
    with pytest.raises(ValueError, match="constraints and values of its own"):
        _loaded(folder, stream=str(tmp_path / "state.json"), constraints=PARITY)
    ready = _loaded(folder, stream=str(tmp_path / "state.json"))
    people = ready.persons.read(body({"x": [0.1, 0.2], "sex": "Female"}))  # type: ignore[attr-defined]
    (answer,) = ready.answering([people])  # type: ignore[attr-defined]
    assert answer.y.shape == (1,)
    assert (tmp_path / "state.json").exists()


def test_a_model_that_holds_its_rule_is_served_as_it_is(folder, tmp_path) -> None:
    import keras

    base = keras.models.load_model(f"{folder}/model.keras")
    rule = kf.FrozenFairness.load(f"{folder}/rule.json")
    kf.serve(base, rule).save(tmp_path / "model.keras")
    ready = _loaded(str(tmp_path))
    requests = scored(folder, 5)
    for request, score in requests.items():
        people = ready.persons.read(request)  # type: ignore[attr-defined]
        (answer,) = ready.answering([people])  # type: ignore[attr-defined]
        expected = rule([score], {"sex": people.columns["sex"]})
        assert answer.y == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match="holds a rule already"):
        _loaded(str(tmp_path), rule=f"{folder}/rule.json")


def test_columns_under_their_own_names(folder) -> None:
    names = [f"c{k}" for k in range(16)]
    ready = _loaded(folder, uncorrected=True, inputs=tuple(names))
    request = next(iter(scored(folder, 1)))
    x = json.loads(request)["x"]
    people = ready.persons.read(body(dict(zip(names, x, strict=True))))  # type: ignore[attr-defined]
    (answer,) = ready.answering([people])  # type: ignore[attr-defined]
    assert answer.y[0] == pytest.approx(scored(folder, 1)[request], abs=1e-6)


def test_the_image_recipe_is_linted(repository) -> None:
    linter = shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed")
    recipe = repository / "docs" / "recipes" / "Dockerfile"
    done = subprocess.run([linter, str(recipe)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_the_image_recipe_says_what_matters(repository) -> None:
    text = (repository / "docs" / "recipes" / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    bases = [line.split()[1] for line in lines if line.startswith("FROM")]
    assert bases
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+(@sha256:\w+)?", base) for base in bases)
    users = [line.split()[1] for line in lines if line.startswith("USER")]
    assert users
    assert users[-1] not in ("root", "0")
    assert not re.search(r"(?i)(token|password|secret)\s*=\s*\S", text)
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    assert lines[-1].startswith("ENTRYPOINT") or lines[-1].startswith("CMD")
    assert '["' in lines[-1]  # without a shell, so that SIGTERM comes to the service
    assert not [line for line in lines if line.startswith("ADD")]
    assert (repository / "docs" / "recipes" / "Dockerfile.dockerignore").is_file()
