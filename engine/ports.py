"""What the engine needs of the outside world, as small Protocols and the frozen values they answer with.

Expected trouble is a value: adapters answer `Failed`, they do not raise. An exception that escapes an
adapter is a bug; the worker turns it into a system failure.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from states.job import Job, ProviderTask, Video
from states.vocabulary import Failure, NoticeKind, Verdict


class Clock(Protocol):
    """The only source of time. Milliseconds are integers of the server's clock, UTC."""

    def now_ms(self) -> int:
        """Now, ms since the epoch. Never steps back within a process."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Sleep that long on this clock (a scaled or virtual clock may take less real time)."""
        ...


class Randomness(Protocol):
    """The only source of randomness."""

    def random(self) -> float:
        """Uniform in [0, 1)."""
        ...

    def token(self) -> str:
        """A fresh unguessable id of 22 letters from [A-Za-z0-9_-]."""
        ...


# --- outcomes of a step -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the task: it has an id and will be billed when it succeeds."""

    task_id: str


@dataclass(frozen=True, slots=True)
class Rendering:
    """Not ready: nothing happened. Ask again after `poll_after_s` (clock seconds)."""

    poll_after_s: float
    note: str = ""
    """The provider's own word for its state when it is one nobody knows yet (counted, not an error)."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A task succeeded and its video was downloaded, opened and measured."""

    video: Video
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The user has the video: which message shows it, and the file id that makes re-delivery free."""

    message_id: int
    file_id: str
    file_kind: str
    """`video`, `document` or `link`."""
    verified: bool = False
    """True when a look at the message proved it, after an answer was lost."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A step failed. `alternative`: another key or model could be tried at once.

    `refused`: `model|key` that should not be tried again for this job ("" for none).
    `task_dead`: the provider says this task will never succeed.
    `status_message_gone`: the status message can no longer be edited.
    """

    failure: Failure
    verdict: Verdict
    alternative: bool = False
    refused: str = ""
    task_dead: bool = False
    cost: float | None = None
    status_message_gone: bool = False


@dataclass(frozen=True, slots=True)
class CreatePlan:
    """Which model and which key the next create call will use."""

    model: str
    key: str


class VideoMaker(Protocol):
    """The paid provider, seen from a worker."""

    def plan_create(self, job: Job) -> CreatePlan | Failed:
        """Choose model and key for the next create call; Failed (operator class) when none is left."""
        ...

    async def create(
        self, job: Job, task: ProviderTask, intent: Callable[[], Awaitable[bool]]
    ) -> Accepted | Failed:
        """Fetch and upload the photo, then `await intent()`, then create the task.

        `intent` makes the intent durable right before money may be spent; when it answers False the
        job was taken away: do not create, answer anything. Never retries a create by itself.
        """
        ...

    async def poll(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        """Ask once; when the task succeeded download and probe the video."""
        ...

    def first_poll_s(self, model: str) -> float:
        """How long after `accepted` a first poll is worth its call, clock seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """Everything a courier needs to know of one delivery."""

    job: Job
    video: Video
    verify_first: bool
    """An earlier attempt may have arrived: look before sending."""


class Courier(Protocol):
    """Brings a video to its user, never twice."""

    async def deliver(
        self, delivery: Delivery, note: Callable[[Mapping[str, int | str]], Awaitable[None]]
    ) -> Delivered | Failed:
        """Deliver or say why not. `note` checkpoints facts (fenced) before and between calls:
        `status_message_id` when a new message was begun, `file_id`/`file_kind` once known.
        """
        ...


# --- notices ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell a user, as recorded in the outbox with its transition.

    `id` is `<job>:<seq>:<n>`; `data` holds plain facts (reason, credits back, balance, stage, place ...).
    `coalesce`: a newer notice with the same word replaces a queued older one ("" = never).
    """

    id: str
    kind: NoticeKind
    job_id: str
    user_id: int
    chat_id: int
    lang: str
    status_message_id: int | None
    data: Mapping[str, str | int | float | bool | None]
    coalesce: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """The notice was shown. `message_id` is set when a new message had to be begun."""

    message_id: int | None = None


class Notifier(Protocol):
    """Shows notices to users. Edits repeat harmlessly; a new message is short, cheap to lose or double."""

    async def tell(self, notice: Notice) -> Told | Failed:
        """Show it now, or say why not (Failed with retry_after_s waits; user_gone drops the rest)."""
        ...


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing for the operator; grouped by `fingerprint` with counts."""

    fingerprint: str
    kind: str
    text: str
    job_id: str = ""
    count: int = 1
