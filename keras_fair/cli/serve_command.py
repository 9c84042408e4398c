"""`keras-fair serve`: a model behind a port, its scores corrected by a frozen rule or by a stream."""

from __future__ import annotations

import argparse
import importlib.util
import os
from pathlib import Path
from typing import Any

from keras_fair.cli.constraint_texts import read_constraints
from keras_fair.cli.input_fault import InputFault, failing, faults_of_input
from keras_fair.cli.options import add_command, add_constraints, share, whole_number
from keras_fair.cli.start import quiet_keras

__all__ = ["add_parser"]

TOKEN = "KERAS_FAIR_TOKEN"

_DESCRIPTION = """\
Serve a model over HTTP. Scores are corrected for each person by a frozen rule,
which needs no state, or by a stream, which holds one pooled gap over all that
is served. POST /predict takes one person or an array of people as JSON;
GET /schema says what a person is; /metrics is for Prometheus."""

_EPILOG = """\
exit codes:
  0  it was stopped, by SIGTERM or Ctrl-C, and everything is saved
  2  faulty input: model, rule, constraints, state, port or options
  3  keras-fair itself failed, or a worker did not end in order

  With --stream and no --save-every, nothing is answered before it is saved.
  Data of requests are never logged.

examples:
  keras-fair serve model.keras --rule rule.json --workers 4

  keras-fair serve model.keras --stream sqlite:///state.db --workers 2 \\
    -c "E[y | sex=Female] == E[y | sex=Male] +- 0.02"

  curl -d '{"x": [0.1, 0.2], "sex": "Female"}' http://127.0.0.1:8000/predict"""


def add_parser(commands: Any) -> None:
    """Add the command to `argparse`'s subparsers."""
    parser = add_command(
        commands, "serve", help="serve a model over HTTP", description=_DESCRIPTION, epilog=_EPILOG
    )
    parser.add_argument("model", metavar="MODEL", help="a saved Keras model (.keras)")
    how = parser.add_argument_group("the correction")
    how.add_argument("--rule", metavar="FILE", help="a rule that fit-rule or FrozenFairness.save wrote")
    how.add_argument(
        "--stream",
        metavar="STATE",
        help="where the state of a stream lives: a file (one worker), sqlite:///state.db, redis://host:6379/0",
    )
    how.add_argument(
        "--uncorrected", action="store_true", help="the scores as they are, to compare with; beside "
        "--rule for the same requests"
    )
    how.add_argument(
        "--values",
        action="append",
        default=[],
        metavar="NAME=A,B",
        help="of a stream: the values of an attribute, others are refused; may be repeated (learnt as they "
        "arrive)",
    )
    how.add_argument(
        "--save-every",
        type=whole_number(1),
        default=1,
        metavar="N",
        help="of a stream: save after N arrivals of a worker. 1: before each answer (1)",
    )
    how.add_argument(
        "--watch", metavar="FILE", help="of a rule: where the evidence about its promise is kept (it is not)"
    )
    how.add_argument(
        "--alpha", type=share, default=0.01, metavar="SHARE", help="of false alarms of that watch (0.01)"
    )
    add_constraints(parser)
    model = parser.add_argument_group("the model")
    model.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME",
        help="what the model's input is called in requests; repeated: the names of its columns (x)",
    )
    model.add_argument("--output", metavar="NAME", help="of several outputs, the one that is meant")
    where = parser.add_argument_group("the service")
    where.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="to listen at (127.0.0.1)")
    where.add_argument("--port", type=_port, default=8000, metavar="N", help="0: any that is free (8000)")
    where.add_argument("--workers", type=whole_number(1), default=1, metavar="N", help="processes (1)")
    where.add_argument(
        "--token-file",
        metavar="FILE",
        help=f"holds what requests must show: 'Authorization: Bearer ...'; or set {TOKEN}",
    )
    where.add_argument(
        "--no-token",
        action="store_true",
        help="listen beyond this machine without a token, where something else keeps the door",
    )
    where.add_argument(
        "--max-body", type=whole_number(1), default=1_000_000, metavar="BYTES", help="(1000000)"
    )
    where.add_argument(
        "--max-people", type=whole_number(1), default=1_000, metavar="N", help="in one request (1000)"
    )
    where.add_argument(
        "--grace",
        type=whole_number(1),
        default=20,
        metavar="SECONDS",
        help="for requests in progress when it stops (20)",
    )
    parser.set_defaults(command=_serve)


def _serve(options: argparse.Namespace) -> int:
    missing = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise InputFault(f"serving needs {' and '.join(missing)}: pip install 'keras-fair[serve]'")
    from keras_fair.serving.settings import LOOPBACK, ServiceSettings

    token = _token(options)
    if options.host not in LOOPBACK and token is None and not options.no_token:
        raise InputFault(
            f"--host {options.host} lets other machines in: give a token by --token-file or {TOKEN}, or say "
            "--no-token where something else keeps the door"
        )
    for path, option in ((options.model, "MODEL"), (options.rule, "--rule")):
        if path is not None and not Path(path).is_file():
            raise InputFault(f"{option}: there is no file {path}")
    if options.alpha is None:
        raise InputFault("--alpha: expected a number between 0 and 1, received none")
    texts = [*options.constraint, *(f"@{path}" for path in options.constraints)]
    settings = ServiceSettings(
        model=options.model,
        rule=options.rule,
        stream=options.stream,
        constraints=str(read_constraints(texts)) if texts else "",
        uncorrected=options.uncorrected,
        values=dict(map(_values, options.values)),
        inputs=tuple(options.input),
        output=options.output,
        host=options.host,
        port=options.port,
        workers=options.workers,
        token=token,
        most_bytes=options.max_body,
        most_people=options.max_people,
        save_every=options.save_every,
        watched=options.watch,
        alpha=options.alpha,
        grace=float(options.grace),
    )
    from keras_fair.serving.supervisor import ServiceFault, run

    with faults_of_input():
        try:
            return run(settings, quiet_keras)
        except ServiceFault as fault:
            raise InputFault(str(fault)) from fault


def _token(options: argparse.Namespace) -> str | None:
    if options.token_file is None:
        return os.environ.get(TOKEN) or None
    with failing(f"can't read {options.token_file}", UnicodeDecodeError):
        token = Path(options.token_file).expanduser().read_text(encoding="utf-8").strip()
    if not token or not token.isascii() or any(sign.isspace() for sign in token):
        raise InputFault(f"--token-file: expected one word of ASCII in {options.token_file}")
    return token


def _values(text: str) -> tuple[str, list[str]]:
    name, sign, listed = text.partition("=")
    values = [value.strip() for value in listed.split(",") if value.strip()]
    if not sign or not name.strip() or not values:
        raise InputFault(f"--values: expected NAME=A,B, received {text!r}")
    return name.strip(), values


def _port(text: str) -> int:
    port = whole_number(0)(text)
    if port > 65535:
        raise argparse.ArgumentTypeError(f"expected a port up to 65535, received {text!r}")
    return port
