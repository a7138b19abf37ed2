"""What the page needs of an installation, handed in by whoever opens it. All times are engine ms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class NotReadyError(Exception):
    """The installation does not answer just now; asked again, it may."""


@dataclass(frozen=True, slots=True)
class Move:
    """One transition as the feed tells it. `id` is the place in the feed to go on from."""

    id: str
    job: str
    user: int
    ms: int
    seq: int
    trigger: str
    source: str
    """"" for a submit."""
    target: str
    edge: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DueRow:
    """A live job as the list shows it: due when, in which state, whose, under whose lease, why it failed."""

    job: str
    due_ms: int
    state: str
    user: int
    worker: str = ""
    reason: str = ""
    aside: str = ""
    """Why it was set aside, "" when it was not."""


@dataclass(frozen=True)
class JobView:
    """One job. `private` holds what a person wrote or is known by; `history` the records, oldest first."""

    facts: Mapping[str, Any]
    private: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]


class LiveSource(Protocol):
    """An installation seen from outside. Every method may raise NotReadyError."""

    def now_ms(self) -> int:
        """The installation's time."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """`st:<state>` jobs in it (terminals: ever ended there), `e:<edge>` times taken, `live` jobs."""
        ...

    async def moves(self, after: str, block_s: float) -> Sequence[Move]:
        """Moves after a place in the feed, waiting up to `block_s` real seconds for the first.

        "$" is now, `<ms>-0` a moment, else the id of the last move that was read.
        """
        ...

    async def due(self, limit: int) -> Sequence[DueRow]:
        """Live jobs by due time, `limit` at most."""
        ...

    async def job(self, job_id: str) -> JobView | None:
        """One job with its history, None when there is none (any more)."""
        ...

    async def cancel(self, job_id: str) -> str:
        """Cancel for the operator: `cancelled`, `too_late`, `over` or `unknown_job`."""
        ...
