# ruff: noqa: D102  (the engine's front door documents each call; here is only the list of those used)
"""What the conversation needs of the rest of the house, as small Protocols.

bot/ may import anything, but only its wiring touches adapters: what comes from them is handed in here.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.alerts import Incident
from engine.erasure import Erased
from engine.ports import Alert
from engine.values import (
    Account,
    Cancellation,
    Entry,
    EntryKind,
    Granted,
    NewJob,
    Submitted,
    Update,
)
from states.job import Job
from states.vocabulary import Failure, Reason


class Engine(Protocol):
    """The engine's front door, as far as the conversation uses it (`engine.front.Engine`)."""

    async def submit(self, new: NewJob) -> Submitted: ...
    async def cancel(self, job_id: str, user_id: int) -> Cancellation: ...
    async def job(self, job_id: str) -> Job | None: ...
    async def history(self, job_id: str) -> list[dict[str, Any]]: ...
    async def jobs_of(self, user_id: int, limit: int = 10) -> list[Job]: ...
    async def live_jobs(self, limit: int = 100) -> list[Job]: ...
    async def place_in_line(self, job_id: str) -> int: ...
    async def account(self, user_id: int) -> Account: ...
    async def statement(self, user_id: int, limit: int = 20) -> list[Entry]: ...
    async def grant(
        self, user_id: int, amount: int, external_id: str, kind: EntryKind, note: str = ""
    ) -> Granted: ...
    async def erase(self, user_id: int) -> Erased: ...
    async def user_returned(self, user_id: int) -> int: ...
    async def remember(self, user_id: int, key: str, value: bytes, ttl_s: int | None = None) -> None: ...
    async def recall(self, user_id: int, key: str) -> bytes | None: ...
    async def forget(self, user_id: int, key: str) -> None: ...
    async def paused(self) -> str: ...
    async def pause(self, why: str) -> None: ...
    async def unpause(self) -> None: ...
    async def alert(self, alert: Alert) -> None: ...


class Inbox(Protocol):
    """Stored updates, as far as dispatching uses them (the engine's front door again)."""

    async def take_updates(self, reader: str, limit: int = 10) -> list[Update]: ...
    async def ack_update(self, update: Update) -> None: ...
    async def nack_update(self, update: Update, after_s: float) -> None: ...
    async def wait_updates(self, timeout_s: float) -> None: ...
    async def alert(self, alert: Alert) -> None: ...


class Incidents(Protocol):
    """Open incidents, grouped and counted (`engine.alerts.Alerts`)."""

    async def open(self, limit: int = 100) -> list[Incident]: ...
    async def resolve(self, fingerprint: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Offer:
    """A model a user may choose: what it is called, what it costs, how long it usually takes."""

    id: str
    title: str
    price: int
    """Our credits for one clip."""
    expected_s: tuple[int, int]
    """The usual range from launch to video, seconds."""
    prompt_limit: int = 2000
    """Longest wishes it takes, characters."""
    duration_s: int = 10
    """Length of the clip, seconds."""


class Offers(Protocol):
    """The catalogue as users see it. A retired or disabled model is never offered."""

    def offers(self) -> Sequence[Offer]:
        """What may be chosen now, the default first."""
        ...

    def title(self, model: str) -> str:
        """Public name of any model that ever was, "" when unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Fitness:
    """What the preflight found. `reason` None: the photo is fine; else the measured fact behind it.

    `fact` names what was measured (`side_px`, `ratio`, `luminance`, `contrast`, `sharpness`, `bytes`,
    `pixels`, `frames`, `format`), `detail` is a word for it (the format that was found).
    """

    reason: Reason | None = None
    fact: str = ""
    measured: float = 0.0
    limit: float = 0.0
    detail: str = ""


FetchPhoto = Callable[[str], Awaitable[bytes | Failure]]
"""Bytes of a Telegram file_id, or why Telegram does not hand them over."""

InspectPhoto = Callable[[bytes], Awaitable[Fitness]]
"""The preflight. Runs off the event loop in the adapter."""

DropVideos = Callable[[Sequence[str]], Awaitable[None]]
"""Delete files of videos, by their SHA-256, as far as they lie on this machine."""

Token = Callable[[], str]
"""A fresh unguessable id of 22 letters (`engine.ports.Randomness.token`)."""
