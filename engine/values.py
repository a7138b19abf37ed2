"""Frozen values that pass through the engine's front door."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from states.job import Job, Request, Video


@dataclass(frozen=True, slots=True)
class NewJob:
    """One wish to generate (or to re-deliver, when `video` and `source_job` are set and `cost` is 0).

    `idem` is the one-use key of the launch button: however often it is tapped, one job comes of it.
    """

    idem: str
    user_id: int
    cost: int
    request: Request
    status_message_id: int | None = None
    source_job: str = ""
    video: Video | None = None


class Submission(StrEnum):
    """How a submit ended."""

    CREATED = "created"
    EXISTS = "exists"
    """The same `idem` came before: `job` is that job, nothing was charged again."""
    INSUFFICIENT = "insufficient"
    PAUSED = "paused"
    """Launches are paused by an incident or the operator; nothing was charged."""
    BUSY = "busy"
    """The user has as many live jobs as one user may have."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The answer to a submit. `balance` is the user's free balance after it."""

    result: Submission
    balance: int
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A job under lease. `lost`: its last worker's lease ran out while it was generating or sending."""

    job: Job
    lost: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a claim: jobs under lease, or none.

    `next_due_ms`: when the partition's next timer runs (None: no live job); look again then. `asked_ms`:
    the leases count from here.
    """

    taken: tuple[Taken, ...]
    next_due_ms: int | None
    asked_ms: int

    @property
    def job(self) -> Job | None:
        """The first job, None when there is none."""
        return self.taken[0].job if self.taken else None

    @property
    def lost(self) -> bool:
        """Was the lease of the first job lost?"""
        return bool(self.taken) and self.taken[0].lost


class Cancellation(StrEnum):
    """How a cancel ended."""

    CANCELLED = "cancelled"
    TOO_LATE = "too_late"
    """The provider is already being paid for it."""
    OVER = "over"
    """The job has ended before."""
    UNKNOWN_JOB = "unknown_job"
    """No such job of this user."""


@dataclass(frozen=True, slots=True)
class Account:
    """Credits of a user: free and held by live jobs."""

    balance: int
    held: int


class EntryKind(StrEnum):
    """Kinds of ledger entries. Each is a double entry between two accounts."""

    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    TRIAL = "trial"
    GRANT = "grant"
    PAYMENT = "payment"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a statement. `delta` is the change of the free balance, `balance` what it was after."""

    id: str
    """`<job>:<seq>` for job entries, the external id for the others."""
    ms: int
    kind: EntryKind
    amount: int
    delta: int
    balance: int
    job_id: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Granted:
    """The answer to a grant: `applied` is False when this external id was booked before."""

    applied: bool
    balance: int


@dataclass(frozen=True, slots=True)
class Update:
    """One stored Telegram update: raw JSON exactly as received."""

    id: str
    update_id: int
    chat_id: int
    raw: bytes
    attempts: int


Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """One transition as told on the event feed."""

    id: str
    job_id: str
    user_id: int
    ms: int
    seq: int
    trigger: str
    source: str
    target: str
    edge: str
    data: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class DueJob:
    """A line of the timers: little of a live job, so that thousands of them can be listed.

    `due_ms`: when it next needs a worker, or when the lease of `worker` ends. `aside`: why it was set
    aside, "" when it was not. `reason`: of its last failure.
    """

    id: str
    due_ms: int
    state: str
    user_id: int
    worker: str
    deadline_ms: int
    aside: str
    reason: str
