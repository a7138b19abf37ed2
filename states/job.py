"""What is known of one generation: frozen values that travel between the rooms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from states.copying import copier
from states.vocabulary import Hold, NoticeKind, Stage, State

EMPTY: Mapping[str, int] = MappingProxyType({})


class TaskStatus(StrEnum):
    """What we know of a paid task at the provider."""

    INTENT = "intent"
    """The create call was about to be made; without an answer its fate is unknown."""
    OPEN = "open"
    """Accepted: it has a task id and may be polled."""
    OVERDUE = "overdue"
    """Past the model's hard limit: still watched, but another one may be bought within the cap."""
    REFUSED = "refused"
    """The create call was surely refused: it cost nothing."""
    FAILED = "failed"
    """The provider says this task failed."""
    SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True)
class ProviderTask:
    """One create call of a job. `n` counts from 1 and is named in our callback address."""

    n: int
    model: str
    key: str
    """Name of the API key (never its value); a task is polled with the key that made it."""
    status: TaskStatus
    created_ms: int
    task_id: str | None = None
    cost: float | None = None
    """Provider credits consumed, when the provider told."""


@dataclass(frozen=True, slots=True)
class Video:
    """A rendered video: where its bytes are, and what Telegram needs to show it properly."""

    url: str
    task_n: int
    sha256: str = ""
    size: int = 0
    width: int = 0
    height: int = 0
    duration_s: float = 0.0
    file_id: str = ""
    """Telegram's id once delivered: re-delivery is instant and free."""
    file_kind: str = ""
    """`video` or `document`: an id is only good for its own kind."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; never changes."""

    chat_id: int
    photo: str
    """Telegram file_id of the photo (or image document). Bytes are fetched when needed."""
    template: str
    """Name of a product template, or `own`."""
    prompt: str
    """The user's wishes, raw. Escape before showing."""
    model: str
    """Catalogue id the price was quoted for."""
    lang: str = "ru"
    aspect: str = "9:16"
    duration_s: int = 10


@dataclass(frozen=True)
class Job:
    """A snapshot of one generation. `seq` counts its transitions, `epoch` its leases.

    All times are integer ms of the engine's clock. `counts` holds failures by strategy counter;
    `told` the notices that may be told once; `refused` model|key pairs not worth trying again.
    """

    id: str
    user_id: int
    state: State
    graph: str
    request: Request
    cost: int
    created_ms: int
    deadline_ms: int
    hold: Hold = Hold.NONE
    seq: int = 0
    epoch: int = 0
    stage: Stage | None = None
    """In retry_wait: the stage to return to."""
    retry_at_ms: int = 0
    """In retry_wait: when to resume. (`due` of the store may be earlier: a notice to tell.)"""
    stage_since_ms: int = 0
    """When the current stage (or its current watch) began."""
    rendered_ms: int = 0
    """When the video first existed; a parked delivery is kept for the video's life from here."""
    send_attempts: int = 0
    """Deliveries begun; above zero the next one verifies first."""
    counts: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    told: frozenset[NoticeKind] = frozenset()
    tasks: tuple[ProviderTask, ...] = ()
    refused: tuple[str, ...] = ()
    video: Video | None = None
    source_job: str = ""
    """Set on a re-delivery job: the job whose video it sends again."""
    status_message_id: int | None = None
    last_reason: str = ""
    hints: tuple["Hint", ...] = ()
    """Signals that arrived from outside since the last commit (callbacks, user came back)."""


copy_job = copier(Job)
"""`copy_job(job, **changes)`: the job with some fields changed."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A signal from outside: `callback` names a create call and its task id, `returned` a user who wrote."""

    kind: str
    task_n: int = 0
    task_id: str = ""
