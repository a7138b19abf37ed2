"""The words a story of the sandbox is told in: what goes wrong, what somebody does meanwhile, how it ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from adapters.sandbox.faults import Answer, Fault, Server
from states.vocabulary import NoticeKind, Reason, State, Trigger


class Photo(StrEnum):
    """What is done to the user's photo before it is sent. The preflight refuses all but `as_is`."""

    AS_IS = "as_is"
    DARK = "dark"
    BLURRY = "blurry"
    TINY = "tiny"
    BROKEN = "broken"
    """Bytes that are no picture."""


class Deed(StrEnum):
    """Something the runner does during the story."""

    KILL_WORKER = "kill_worker"
    """The worker stops dead, as by SIGKILL; another one is started."""
    BLOCK_BOT = "block_bot"
    RETURN = "return"
    """The user unblocks the bot and writes."""
    CUT_STORAGE = "cut_storage"
    MEND_STORAGE = "mend_storage"
    RETIRE_MODEL = "retire_model"
    """The provider pauses the job's model for good."""
    EMPTY_BALANCE = "empty_balance"
    """The operator's account at the provider has nothing left."""
    TOP_UP = "top_up"
    LIFT_FAULTS = "lift_faults"
    """The operator mended it: no fault is in force any more."""


@dataclass(frozen=True, slots=True)
class Act:
    """Do `deed` `after_s` clock seconds after the job's first `on` (None: before the submit) for `reason`."""

    deed: Deed
    on: Trigger | None = None
    reason: Reason | None = None
    after_s: float = 0.0
    during: str = ""
    """Wait until a call of this method has been hit by a fault that makes it hang."""


@dataclass(frozen=True, slots=True)
class Expected:
    """How a story ends. None stands for "not pinned": it depends on the catalogue's fallbacks."""

    end: State | None
    """None: refused before a job was made, nothing was charged."""
    told: tuple[NoticeKind, ...] = (NoticeKind.BELL,)
    """Notices in order, without the edits of the status message."""
    creates: int | None = 1
    """Create calls that reached the provider."""
    accepted: int | None = 1
    """Tasks the provider took."""
    failures: int | None = 0
    """`error` transitions of the job."""
    link: bool = False
    """The user gets a link instead of the file."""
    alerts: int | None = None
    """Messages to the operator."""
    maybe: frozenset[NoticeKind] = frozenset()
    """Notices that the jitter of the waits decides about; not counted."""

    def counted(self, told: Iterable[NoticeKind]) -> tuple[NoticeKind, ...]:
        """The notices that are held against `told`: not the edits of the status, not what may be."""
        return tuple(kind for kind in told if kind is not NoticeKind.STATUS and kind not in self.maybe)

    @property
    def copies(self) -> int:
        """Messages that show the video in the end: never two."""
        return 1 if self.end is State.DONE and not self.link else 0

    @property
    def balance_change(self) -> int:
        """In prices of the job: -1 paid for a video, 0 has everything back."""
        return -1 if self.end is State.DONE else 0

    @property
    def silent(self) -> bool:
        """Whether the user never heard of any trouble."""
        return self.end is not None and set(self.told) <= {NoticeKind.BELL}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story: its name for people, what goes wrong, and its ending."""

    title_en: str
    title_ru: str
    expected: Expected
    faults: tuple[Fault, ...] = ()
    photo: Photo = Photo.AS_IS
    acts: tuple[Act, ...] = ()
    reason: Reason | None = None
    """The strategy row it shows."""


BELL = NoticeKind.BELL
HANG_S = 3.0
"""How long a hanging call hangs, real seconds, before the connection is cut: both are "no answer"."""


def envelope(code: int, msg: str) -> Answer:
    """KIE's way to refuse: HTTP 200, the status in the body."""
    return Answer(200, {"code": code, "msg": msg, "data": None})


def create(code: int, msg: str, times: int | None = 1) -> Fault:
    """The create call is refused; no task is made."""
    return Fault(Server.KIE, "createTask", times, answer=envelope(code, msg))


def ends(fail_code: str, fail_msg: str, times: int | None = 1) -> Fault:
    """The task is taken, and fails with this text."""
    return Fault(
        Server.KIE, "render", times, answer=Answer(body={"failCode": fail_code, "failMsg": fail_msg})
    )


def telegram(method: str, code: int, text: str, times: int | None = 1, retry_after: int = 0) -> Fault:
    """The Bot API refuses: nothing is done."""
    body = {"ok": False, "error_code": code, "description": text}
    if retry_after:
        body["parameters"] = {"retry_after": retry_after}
    return Fault(Server.TELEGRAM, method, times, answer=Answer(code, body))
