"""What a service is told: what it serves, where it listens, and its limits. Plain values, for each worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["LOOPBACK", "ServiceSettings"]

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class ServiceSettings:
    """What `keras_fair.serving.run` serves, and how: with a rule, with a stream, uncorrected, or with the
    rule of a model that `kf.serve` made.

    Attributes:
        model: path of a saved Keras model, the one whose scores are corrected.
        rule: path of a fitted rule, as `FrozenFairness.save` writes it.
        stream: where the state of a stream lives, as `StreamingFairness(state=...)` takes it.
        constraints: the text that the stream holds; empty: that of its state, or of a `FairModel`.
        uncorrected: serve the scores as they are, such as to compare. With a rule, requests are those that
            the rule takes.
        values: of a stream, by attribute the values there are; others are refused. Without them they are
            learnt as they arrive.
        inputs: the key of the model's input, or the names of its columns; see `FairModel`.
        output: of a model with several outputs, the one that is corrected and returned.
        host, port: where it listens; port 0: any that is free.
        workers: processes.
        token: what requests must show; None: nothing.
        most_bytes: of the body of a request.
        most_people: of one request.
        save_every: of a stream: after so many arrivals of a process they are saved. 1: nothing is answered
            that is not saved.
        watched: path of what the watch over a rule's promise has seen; None: it begins anew each time.
        alpha: the probability that this watch ever raises a false alarm.
        turns: path of a file on which workers take turns; the service makes one.
        grace: seconds that requests in progress are given when the service stops.
    """

    model: str
    rule: str | None = None
    stream: str | None = None
    constraints: str = ""
    uncorrected: bool = False
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    output: str | None = None
    host: str = LOOPBACK[0]
    port: int = 8000
    workers: int = 1
    token: str | None = None
    most_bytes: int = 1_000_000
    most_people: int = 1_000
    save_every: int = 1
    watched: str | None = None
    alpha: float = 0.01
    turns: str = ""
    grace: float = 20.0

    def __repr__(self) -> str:
        """Without the token, which is no matter of logs."""
        return f"<ServiceSettings of {self.model!r} at {self.host}:{self.port}>"

    def check(self) -> None:
        """Raise ValueError where settings do not go together."""
        if self.stream is not None and (self.rule is not None or self.uncorrected):
            other = "uncorrected scores" if self.rule is None else f"the rule {self.rule!r}"
            raise ValueError(f"expected a stream alone, received {self.stream!r} and {other}")
        for name in ("workers", "most_bytes", "most_people", "save_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} >= 1, received {name}={getattr(self, name)!r}")
        rarely = self.save_every > 1
        of_stream = {"constraints": self.constraints, "values": self.values, "save_every": rarely}
        if self.stream is None:
            given = [name for name, value in of_stream.items() if value]
            if given:
                why = "" if given == ["save_every"] else ": a rule has a text and values of its own"
                raise ValueError(f"expected {', '.join(given)} with a stream only{why}")
        elif self.workers > 1 and "://" not in self.stream:
            raise ValueError(
                f"expected a store that processes share for a stream of {self.workers} workers, such as "
                f"sqlite:///state.db, received the file {self.stream!r}, which serves one process: take "
                "one worker, or a store"
            )
        if self.rule is None and self.watched is not None and (self.stream or self.uncorrected):
            raise ValueError("expected a watch with a rule, whose promise it watches, received none")
