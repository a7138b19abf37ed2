"""The strategy table as data: one row a reason and stage. The graph is built from it and from nothing else.

Change a number here and the machine, the diagrams, the README's table and the replay all change with it.
`SOURCE_ROWS` names the nine rows of the user's own strategy document; a test holds them fixed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from types import MappingProxyType

from states.vocabulary import AlertKind, ErrorClass, NoticeKind, Reason, Stage


@dataclass(frozen=True, slots=True)
class Row:
    """What to do about one reason at one stage.

    `retries`: how many times it is tried again; 0 never, None as long as the deadline allows.
    `delays_s`: wait before the 1st, 2nd ... retry, the last repeats; jittered by `jitter` (0.2 = ±20 %).
    `counter`: failures with the same counter share one budget.
    `told` is told once a job from the `told_from`-th failure on, `ends` when the row gives up.
    `alert` goes to the operator at each failure, `alert_end` when the row gives up.
    `parks`: waits for the video's life instead of the job's deadline.
    """

    reason: Reason
    stage: Stage
    cls: ErrorClass
    counter: str
    retries: int | None
    ends: NoticeKind
    delays_s: tuple[float, ...] = ()
    jitter: float = 0.2
    told: NoticeKind | None = None
    told_from: int = 1
    alert: AlertKind | None = None
    alert_end: AlertKind | None = None
    parks: bool = False

    @property
    def key(self) -> tuple[Stage, Reason]:
        """What a row is looked up by."""
        return (self.stage, self.reason)


@dataclass(frozen=True)
class Strategy:
    """The whole policy: the rows and the four numbers that bound every job.

    `paid_tasks`: provider tasks that may be paid for a job. `deadline_s`: life of a job from submit.
    `video_life_s`: how long a finished video is kept for an absent user. `patience_s`: when a user
    is told once that it takes longer.
    """

    rows: tuple[Row, ...]
    paid_tasks: int = 2
    deadline_s: int = 3600
    video_life_s: int = 86_400
    patience_s: int = 600

    @cached_property
    def by_key(self) -> Mapping[tuple[Stage, Reason], Row]:
        """Rows by (stage, reason)."""
        return MappingProxyType({row.key: row for row in self.rows})

    def row(self, stage: Stage, reason: Reason) -> Row:
        """The row for a reason at a stage; a reason nobody listed there is treated as `unknown`."""
        return self.by_key.get((stage, reason)) or self.by_key[(stage, Reason.UNKNOWN)]

    @cached_property
    def digest(self) -> str:
        """16 hex digits over every number and word of the policy."""
        text = json.dumps(self.as_data(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def as_data(self) -> dict[str, object]:
        """Plain data for canonical JSON and for what-if changes."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "paid_tasks": self.paid_tasks,
            "deadline_s": self.deadline_s,
            "video_life_s": self.video_life_s,
            "patience_s": self.patience_s,
        }

    def changed(self, stage: Stage, reason: Reason, **numbers: object) -> "Strategy":
        """A copy with one row changed: the unit of a what-if."""
        old = self.row(stage, reason)
        new = replace(old, **numbers)  # type: ignore[arg-type]  # numbers come from data, checked by Row's users
        rows = tuple(new if row.key == old.key else row for row in self.rows)
        return replace(self, rows=rows)


_GEN, _SEND = Stage.GENERATING, Stage.SENDING


def _transient() -> Iterator[Row]:
    for reason in (
        Reason.RENDER_TIMEOUT,
        Reason.RATE_LIMITED,
        Reason.UNAVAILABLE,
        Reason.OVERLOADED,
        Reason.NETWORK,
    ):
        yield Row(
            reason,
            _GEN,
            ErrorClass.TRANSIENT,
            counter="generating.transient",
            retries=5,
            delays_s=(10, 30, 60, 120, 300),
            told=NoticeKind.PATIENCE,
            told_from=5,
            ends=NoticeKind.OVERLOADED,
        )
    for reason in (Reason.SEND_TIMEOUT, Reason.RATE_LIMITED, Reason.UNAVAILABLE, Reason.NETWORK):
        yield Row(
            reason,
            _SEND,
            ErrorClass.TRANSIENT,
            counter="sending.transient",
            retries=2,
            delays_s=(5, 30),
            ends=NoticeKind.SEND_FAILED,
        )


def _user() -> Iterator[Row]:
    for reason in (
        Reason.IMAGE_TOO_DARK,
        Reason.IMAGE_TOO_SMALL,
        Reason.IMAGE_BLURRY,
        Reason.BAD_FORMAT,
        Reason.IMAGE_TOO_LARGE,
        Reason.NO_PRODUCT,
        Reason.INVALID_IMAGE,
        Reason.ADULT_CONTENT,
        Reason.CONTENT_POLICY,
        Reason.REAL_PERSON,
        Reason.PROTECTED_BRAND,
        Reason.PROMPT_REJECTED,
    ):
        yield Row(
            reason,
            _GEN,
            ErrorClass.USER,
            counter="generating.user",
            retries=0,
            ends=NoticeKind.USER_ERROR,
        )


# A dead worker or a store that came back needs no pause before the first retry: nothing is overloaded.
_SYSTEM_DELAYS: Mapping[Reason, tuple[float, ...]] = MappingProxyType(
    {Reason.WORKER_LOST: (0, 5, 30, 60), Reason.STORAGE_LOST: (1, 5, 30, 60)}
)


def _system() -> Iterator[Row]:
    for stage in Stage:
        for reason in (
            Reason.STORAGE_LOST,
            Reason.WORKER_LOST,
            Reason.BAD_RESPONSE,
            Reason.CORRUPTED_VIDEO,
            Reason.PROVIDER_ERROR,
            Reason.VIDEO_REJECTED,
            Reason.UNKNOWN,
        ):
            if reason is Reason.VIDEO_REJECTED and stage is _GEN:
                continue  # only Telegram rejects a video
            yield Row(
                reason,
                stage,
                ErrorClass.SYSTEM,
                counter=f"{stage}.system",
                retries=4,
                delays_s=_SYSTEM_DELAYS.get(reason, (5, 20, 60, 180)),
                ends=NoticeKind.SYSTEM_ERROR,
                alert=AlertKind.UNKNOWN if reason is Reason.UNKNOWN else AlertKind.LOG,
                alert_end=AlertKind.GAVE_UP,
            )


def _operator() -> Iterator[Row]:
    generating = (
        Reason.PROVIDER_AUTH,
        Reason.PROVIDER_BALANCE,
        Reason.MODEL_RETIRED,
        Reason.PHOTO_UNREACHABLE,
        Reason.BAD_REQUEST,
    )
    # A dead bot token or a fault of our own markup is the operator's too; the source is silent on it.
    sending = (Reason.PROVIDER_AUTH, Reason.BAD_REQUEST)
    for stage, reasons in ((_GEN, generating), (_SEND, sending)):
        for reason in reasons:
            yield Row(
                reason,
                stage,
                ErrorClass.OPERATOR,
                counter=f"{stage}.operator",
                retries=None,
                delays_s=(30, 60, 120, 300),
                told=NoticeKind.SERVICE_PAUSED if stage is _GEN else None,
                ends=NoticeKind.EXPIRED if stage is _GEN else NoticeKind.SEND_FAILED,
                alert=AlertKind.INCIDENT,
            )


def _ambiguous() -> Iterator[Row]:
    # The 1st wait lets a callback adopt the orphan, the 2nd the same for the one more create.
    yield Row(
        Reason.CREATE_UNKNOWN,
        _GEN,
        ErrorClass.AMBIGUOUS,
        counter="create_unknown",
        retries=2,
        delays_s=(240,),
        ends=NoticeKind.OVERLOADED,
        alert_end=AlertKind.GAVE_UP,
    )
    yield Row(
        Reason.SEND_UNKNOWN,
        _SEND,
        ErrorClass.AMBIGUOUS,
        counter="send_unknown",
        retries=4,
        delays_s=(2, 10, 30, 60),
        ends=NoticeKind.SEND_FAILED,
        alert_end=AlertKind.GAVE_UP,
    )
    yield Row(
        Reason.USER_GONE,
        _SEND,
        ErrorClass.PARKED,
        counter="user_gone",
        retries=None,
        delays_s=(21_600,),
        ends=NoticeKind.EXPIRED,
        parks=True,
    )


STRATEGY = Strategy(rows=(*_transient(), *_user(), *_system(), *_operator(), *_ambiguous()))
"""The default policy."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of the user's own table: what its first failure does."""

    name: str
    stage: Stage
    reason: Reason
    cls: ErrorClass
    retry: bool
    notify_at_once: bool
    refund_at_once: bool


SOURCE_ROWS: tuple[SourceRow, ...] = (
    SourceRow("KIE timeout", _GEN, Reason.RENDER_TIMEOUT, ErrorClass.TRANSIENT, True, False, False),
    SourceRow("sendVideo timeout", _SEND, Reason.SEND_TIMEOUT, ErrorClass.TRANSIENT, True, False, False),
    SourceRow("Rate limit 429", _GEN, Reason.RATE_LIMITED, ErrorClass.TRANSIENT, True, False, False),
    SourceRow("Service 503", _GEN, Reason.UNAVAILABLE, ErrorClass.TRANSIENT, True, False, False),
    SourceRow("Photo too dark", _GEN, Reason.IMAGE_TOO_DARK, ErrorClass.USER, False, True, True),
    SourceRow("No product visible", _GEN, Reason.NO_PRODUCT, ErrorClass.USER, False, True, True),
    SourceRow("Invalid image", _GEN, Reason.INVALID_IMAGE, ErrorClass.USER, False, True, True),
    SourceRow("DB connection error", _GEN, Reason.STORAGE_LOST, ErrorClass.SYSTEM, True, False, False),
    SourceRow("API crash", _GEN, Reason.PROVIDER_ERROR, ErrorClass.SYSTEM, True, False, False),
)
"""The nine rows. For the two system rows "YES after N" is the end of the retries, not the first failure."""
