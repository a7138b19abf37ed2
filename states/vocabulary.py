"""The words of the house. The same thing has the same name in code, log, graph, picture and README."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a job stands. Each member says who moves a job out of it."""

    QUEUED = "queued"
    """Credits are held; a worker starts it when the provider has a slot, the user may cancel it."""
    GENERATING = "generating"
    """A task is being created or rendered; the worker that polls it moves it on."""
    RETRY_WAIT = "retry_wait"
    """Waits for its due time and remembers the stage to return to; the timer moves it on."""
    SENDING = "sending"
    """The video exists and is being delivered by a worker."""
    DONE = "done"
    """Delivered, credits captured. Nobody moves it."""
    REFUNDED = "refunded"
    """Ended without delivery, held credits released in the same step. Nobody moves it."""
    FAILED = "failed"
    """Ended without delivery and there was nothing to release. Nobody moves it."""


TERMINALS = frozenset({State.DONE, State.REFUNDED, State.FAILED})


class Trigger(StrEnum):
    """What happened to a job."""

    START = "start"
    ACCEPTED = "accepted"
    RENDERED = "rendered"
    DELIVERED = "delivered"
    ERROR = "error"
    RESUME = "resume"
    CANCEL = "cancel"
    EXPIRE = "expire"


class Stage(StrEnum):
    """The two places where work is done and to which a retry returns."""

    GENERATING = "generating"
    SENDING = "sending"


class ErrorClass(StrEnum):
    """What kind of trouble a failure is; the strategy table says what follows from it."""

    TRANSIENT = "transient"
    """Passes by itself: retry in silence."""
    USER = "user"
    """The photo or the wishes: never retry, tell, release."""
    SYSTEM = "system"
    """Something broke: retry a few times, log for the admin, then tell and release."""
    OPERATOR = "operator"
    """Only the operator can mend it (key, balance, retired model): defer, alert, blame nobody."""
    AMBIGUOUS = "ambiguous"
    """The call may have arrived: verify before doing it again."""
    PARKED = "parked"
    """The user is away: keep the video until they come back."""


class Reason(StrEnum):
    """Why a step failed. One strategy row for each reason and stage."""

    RENDER_TIMEOUT = "render_timeout"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"
    NETWORK = "network"
    SEND_TIMEOUT = "send_timeout"
    IMAGE_TOO_DARK = "image_too_dark"
    IMAGE_TOO_SMALL = "image_too_small"
    IMAGE_BLURRY = "image_blurry"
    BAD_FORMAT = "bad_format"
    IMAGE_TOO_LARGE = "image_too_large"
    NO_PRODUCT = "no_product"
    INVALID_IMAGE = "invalid_image"
    ADULT_CONTENT = "adult_content"
    CONTENT_POLICY = "content_policy"
    REAL_PERSON = "real_person"
    PROTECTED_BRAND = "protected_brand"
    PROMPT_REJECTED = "prompt_rejected"
    STORAGE_LOST = "storage_lost"
    WORKER_LOST = "worker_lost"
    BAD_RESPONSE = "bad_response"
    CORRUPTED_VIDEO = "corrupted_video"
    PROVIDER_ERROR = "provider_error"
    VIDEO_REJECTED = "video_rejected"
    """Telegram refused every rung of the delivery ladder."""
    UNKNOWN = "unknown"
    PROVIDER_AUTH = "provider_auth"
    PROVIDER_BALANCE = "provider_balance"
    MODEL_RETIRED = "model_retired"
    PHOTO_UNREACHABLE = "photo_unreachable"
    BAD_REQUEST = "bad_request"
    CREATE_UNKNOWN = "create_unknown"
    SEND_UNKNOWN = "send_unknown"
    USER_GONE = "user_gone"


class Label(StrEnum):
    """The words of `shared` observation files: how a classifier's verdict is measured and triaged.

    KIE uses user_error, transient and system; Telegram uses them all. The last five are not failures
    of the job: the Telegram adapter acts on them at once (next rung, treat as done, new chat id ...).
    """

    TRANSIENT = "transient"
    AMBIGUOUS = "ambiguous"
    SYSTEM = "system"
    USER_ERROR = "user_error"
    USER_GONE = "user_gone"
    VIDEO_REJECTED = "video_rejected"
    OK_NOOP = "ok_noop"
    STALE = "stale"
    CHAT_MOVED = "chat_moved"


class Hold(StrEnum):
    """What happened to the credits of a job. A free job stays at `none` for ever."""

    NONE = "none"
    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"


class Money(StrEnum):
    """A movement of credits that belongs to a transition."""

    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"


class NoticeKind(StrEnum):
    """Something a user is told. Facts only; the texts live in bot/."""

    STATUS = "status"
    """The status message shows another stage (an edit; a newer one replaces a queued older one)."""
    PATIENCE = "patience"
    """It takes longer than usual; told once a job."""
    SERVICE_PAUSED = "service_paused"
    """Our side is paused, nobody is to blame; told once a job."""
    USER_ERROR = "user_error"
    """The photo or wishes were refused: the reason, what to change; credits are back."""
    OVERLOADED = "overloaded"
    """Given up after the last retry of a transient failure; credits are back."""
    SYSTEM_ERROR = "system_error"
    """Given up after the last retry of a system failure; credits are back."""
    SEND_FAILED = "send_failed"
    """The video is ready but could not be sent; credits are back, "get my video" is free."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """The job's deadline passed; credits are back."""
    BELL = "bell"
    """A short new message after an edit, because an edit makes no push notification."""
    LATE_VIDEO = "late_video"
    """A refunded job's video turned up after all; "get my video" is free."""


class AlertKind(StrEnum):
    """Something the operator is told; grouped by (kind, reason) with counts."""

    LOG = "log"
    """One line in the admin log for each retry of a system failure."""
    GAVE_UP = "gave_up"
    """A system failure used up its retries."""
    INCIDENT = "incident"
    """Only the operator can mend this; told once per incident, launches pause."""
    UNKNOWN = "unknown"
    """A text no rule takes: collect, count, classify."""
    LATE_COST = "late_cost"
    """A task that was given up succeeded after all: its cost is booked without income."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A refused, broken or unanswered call, as plain facts. Adapters fill it, classifiers read it.

    `message` is the envelope's text, `fail_message` the inner one (KIE `data.failMsg`): the inner is
    the better evidence. `exception` is `module.Type: text`, causes appended with ` <- `.
    `may_have_arrived`: True when the request may have been acted on, False when surely not, None
    when the adapter cannot tell. Texts are raw and may hold the provider's words: never show them.
    """

    source: str
    """`kie`, `telegram` or `engine`."""
    step: str
    """KIE: upload, create, poll, download. Telegram: send. Engine: claim, store, photo."""
    method: str = ""
    http_status: int | None = None
    code: str | None = None
    fail_code: str | None = None
    message: str = ""
    fail_message: str = ""
    exception: str = ""
    retry_after_s: float | None = None
    may_have_arrived: bool | None = None
    migrate_to_chat_id: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a classifier says of a failure. `rule` is the stable id of the rule that took it."""

    cls: ErrorClass
    reason: Reason
    rule: str
    retry_after_s: float | None = None
    label: Label | None = None
