"""The routes of a service. What is asked and answered is JSON; why something is refused is JSON too.

    POST /predict       one person, or an array of people
    POST /labels        labels that come later, of a stream whose constraints use the label
    GET  /schema        the JSON schema of a person; /openapi.json has all routes
    GET  /health/live   the process runs
    GET  /health/ready  it answers, and its last exchange with a store went well; else 503
    GET  /metrics       for Prometheus

Nothing of a request is logged: neither what it held, nor what came out, nor the text of an error.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import Field, StrictInt, StrictStr, TypeAdapter
from pydantic import ValidationError as PydanticFault
from typing_extensions import TypedDict

from keras_fair.serving.counts import Counts
from keras_fair.serving.exposition import CONTENT_TYPE, family, gaps_text
from keras_fair.serving.faults import BODY, Problem, Refused, problems_of
from keras_fair.serving.gathering import Gathering
from keras_fair.serving.loading import Loaded
from keras_fair.serving.settings import ServiceSettings
from keras_fair.serving.stream_correction import StreamCorrection
from keras_fair.streaming.state_document import StateError
from keras_fair.version import __version__

__all__ = ["Worker", "application"]

_logger = logging.getLogger("keras_fair.serving")

_JSON = "application/json"


class _Labels(TypedDict):
    """Labels of people who came before."""

    ids: Annotated[list[StrictStr | StrictInt], Field(min_length=1, max_length=100_000)]
    labels: Annotated[list[Annotated[float, Field(strict=True, allow_inf_nan=False)]], Field(min_length=1)]


class Worker:
    """What one process answers with, and what it counts.

    Args:
        loaded: the model and its correction.
        settings: limits and token.
        shared: the metrics of all workers, as text.

    Attributes:
        counts: of this process.
        stopping: whether no more requests are taken.
        unsaved: whether the last saving failed.
    """

    def __init__(
        self, loaded: Loaded, settings: ServiceSettings, shared: Callable[[], Awaitable[str]]
    ) -> None:
        self.loaded, self.settings, self.shared = loaded, settings, shared
        self.counts = Counts()
        self.executor = ThreadPoolExecutor(1, "keras_fair") if loaded.correction.waits else None
        self.gathering = Gathering(loaded.answering, self.executor)
        self.stopping = self.unsaved = False

    async def predict(self, body: bytes) -> tuple[bytes, int]:
        """The answer to a body, and how many people it is for.

        Raises:
            Refused: there is none.
        """
        people = self.loaded.persons.read(body)
        answer = (await self.gathering.ask(people)).people()
        return json.dumps(answer[0] if people.alone else answer).encode(), people.size

    async def labels(self, body: bytes) -> tuple[bytes, int]:
        """Labels that come later.

        Raises:
            Refused: they do not fit.
        """
        try:
            given = _LABELS.validate_json(body)
        except PydanticFault as fault:
            raise problems_of(fault.errors(include_url=False), ["ids", "labels"]) from None
        correction = self.loaded.correction
        assert isinstance(correction, StreamCorrection)
        if len(given["ids"]) != len(given["labels"]):
            counts = f"{len(given['ids'])} ids and {len(given['labels'])} labels"
            raise Refused(422, Problem("labels", "as many labels as ids", counts))
        loop = asyncio.get_running_loop()
        count = await loop.run_in_executor(self.executor, correction.observe, given["ids"], given["labels"])
        return json.dumps({"observed": count, "not_waiting": len(given["ids"]) - count}).encode(), 0

    async def metrics(self) -> str:
        """What Prometheus reads, of all workers."""
        correction = self.loaded.correction
        text = await self.shared()
        if not isinstance(correction, StreamCorrection):
            return text
        loop = asyncio.get_running_loop()
        measured = await loop.run_in_executor(self.executor, correction.measured)
        arrivals, waiting = measured["arrivals"], measured["waiting"]
        return text + gaps_text(measured["gaps"]) + "".join(
            [
                family("stream_arrivals", "gauge", "Arrivals in the stream.", [("", {}, arrivals)]),
                family("stream_waiting", "gauge", "Arrivals without a label.", [("", {}, waiting)]),
                family(
                    "stream_outside",
                    "gauge",
                    "Arrivals with an unknown or missing value: they are in no group of it.",
                    [("", {}, measured["unknown"])],
                ),
                family(
                    "stream_outcomes_total",
                    "counter",
                    "Steps of this worker by how they ended.",
                    [("", {"outcome": name}, count) for name, count in measured["outcomes"].items()],
                ),
            ]
        )

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        return not self.stopping and not getattr(self.loaded.correction, "failed", False)

    async def close(self) -> None:
        """Save what is not saved; `unsaved` says whether that failed."""
        self.stopping = True
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self.executor, self.loaded.correction.close)
        except StateError as fault:  # it names the store, and no data
            self.unsaved = True
            _logger.error("what came since the last exchange is not saved: %s", fault)
        if self.executor is not None:
            self.executor.shutdown()


_LABELS: TypeAdapter[_Labels] = TypeAdapter(_Labels)


def application(worker: Worker) -> FastAPI:
    """The application of one process."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await worker.close()

    app = FastAPI(
        title="keras_fair", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan,
        description=f"Scores of a model, corrected by: {worker.loaded.correction.name}.",
    )  # fmt: skip
    app.add_middleware(_Guarded, token=worker.settings.token)
    persons = worker.loaded.persons
    body = {"required": True, "content": {_JSON: {"schema": persons.schema(), "example": persons.example()}}}

    @app.post("/predict", openapi_extra={"requestBody": body}, summary="Scores of one person or many")
    async def predict(request: Request) -> Response:
        return await _answered(worker, request, worker.predict)

    if worker.loaded.takes_labels:
        schema = {"required": True, "content": {_JSON: {"schema": _LABELS.json_schema()}}}

        @app.post("/labels", openapi_extra={"requestBody": schema}, summary="Labels that come later")
        async def labels(request: Request) -> Response:
            return await _answered(worker, request, worker.labels)

    @app.get("/schema", summary="The JSON schema of a request")
    async def schema_of_person() -> Response:
        return Response(json.dumps(persons.schema(), ensure_ascii=False), media_type=_JSON)

    @app.get("/health/live", summary="Whether the process runs")
    async def live() -> Response:
        return Response(b'{"live": true}', media_type=_JSON)

    @app.get("/health/ready", summary="Whether it answers")
    async def ready() -> Response:
        said = {"ready": worker.ready, "correction": worker.loaded.correction.name}
        return Response(json.dumps(said), 200 if worker.ready else 503, media_type=_JSON)

    @app.get("/metrics", summary="Numbers for Prometheus")
    async def metrics() -> Response:
        try:
            return Response(await worker.metrics(), media_type=CONTENT_TYPE)
        except Exception as fault:
            return _failed(fault)

    return app


async def _answered(
    worker: Worker, request: Request, answer: Callable[[bytes], Awaitable[tuple[bytes, int]]]
) -> Response:
    begun, people = time.perf_counter(), 0
    try:
        content, people = await answer(await _body(request, worker.settings.most_bytes))
        response = Response(content, media_type=_JSON)
    except Refused as refused:
        headers = {} if refused.retry is None else {"Retry-After": str(refused.retry)}
        response = Response(refused.body(), refused.status, headers, _JSON)
    except Exception as fault:
        response = _failed(fault)
    worker.counts.add(response.status_code, people, time.perf_counter() - begun)
    return response


async def _body(request: Request, most: int) -> bytes:
    """The body, read no further than it may be long.

    Raises:
        Refused: it is longer.
    """
    too_long = Refused(413, Problem(BODY, f"at most {most:,} bytes", "more"))
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise too_long
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise too_long
        parts.append(part)
    return b"".join(parts)


def _failed(fault: BaseException) -> Response:
    """An error of the service itself. Its text may hold data, so only its kind and its place are logged."""
    last = traceback.extract_tb(fault.__traceback__)[-1]
    _logger.error("a request failed: %s at %s:%s", type(fault).__name__, last.filename, last.lineno)
    problem = Problem("(service)", "an answer", "an error, which the service's log names")
    return Response(Refused(500, problem).body(), 500, media_type=_JSON)


class _Guarded:
    """Asks for the token, everywhere but at the health of the process.

    Args:
        app: what it guards.
        token: None: everybody may ask.
    """

    def __init__(self, app: Any, token: str | None) -> None:
        self._app, self._token = app, None if token is None else f"Bearer {token}".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._token is not None and scope["type"] == "http" and not scope["path"].startswith("/health/"):
            shown = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            if not hmac.compare_digest(shown, self._token):
                problem = Problem("Authorization", "Bearer and the token of this service", "another, or none")
                headers = {"WWW-Authenticate": "Bearer"}
                await Response(Refused(401, problem).body(), 401, headers, _JSON)(scope, receive, send)
                return
        await self._app(scope, receive, send)
