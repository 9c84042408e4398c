"""A client that asks for little: connections that stay open, one request at a time on each, nothing parsed
but the length of an answer. So what is measured is the service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["Outcome", "asked", "post"]


class Outcome(NamedTuple):
    """One request.

    Attributes:
        body: what was sent.
        status: of the answer; 0 where the connection broke before there was one.
        answer: its body.
        seconds: from sending to the last byte.
    """

    body: bytes
    status: int
    answer: bytes
    seconds: float


def post(body: bytes, path: str = "/predict") -> bytes:
    """A request as it goes over the wire."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


async def asked(
    port: int,
    connections: int,
    bodies: Iterator[bytes],
    go_on: Callable[[], bool],
    told: Callable[[Outcome], None],
) -> None:
    """Ask on some connections at once, each time that an answer is there, until it is enough.

    Args:
        port: of the service on this machine.
        connections: how many.
        bodies: of the requests.
        go_on: whether to send another one.
        told: is told of each request.
    """
    await asyncio.gather(*(_one(port, bodies, go_on, told) for _ in range(connections)))
    await asyncio.sleep(0.05)  # for connections that are being closed


async def _one(
    port: int, bodies: Iterator[bytes], go_on: Callable[[], bool], told: Callable[[Outcome], None]
) -> None:
    loop = asyncio.get_running_loop()
    transport = protocol = None
    while go_on():
        if transport is None or protocol is None or transport.is_closing():
            try:
                transport, protocol = await loop.create_connection(_Connection, "127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
        body = next(bodies)
        begun = time.perf_counter()
        try:
            status, answer = await protocol.ask(transport, post(body))
        except ConnectionError:
            status, answer = 0, b""
        told(Outcome(body, status, answer, time.perf_counter() - begun))
    if transport is not None:
        transport.close()


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def ask(self, transport: asyncio.Transport, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """The status and the body of the answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._received = b""
        transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and self._answer is not None and not self._answer.done():
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(body) >= length:
                self._answer.set_result((int(head[9:12]), body[:length]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the connection broke"))
