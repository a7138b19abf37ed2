"""From a notice (plain facts, recorded with its transition) to what the user reads, and the video's caption.

`Notices.render` and `Notices.dress` are what the Telegram adapter calls: pure, no IO, no time. Every kind
but a bell and a late video edits the job's status message; an edit makes no push, so endings are
followed by a bell.
"""

from dataclasses import dataclass
from typing import Final

from aiogram.types import InlineKeyboardMarkup

from bot.keyboards import Keyboards
from bot.texts import Html, Texts
from engine.ports import Notice
from states.facts import cancellable
from states.job import Job, Video
from states.strategy import STRATEGY
from states.vocabulary import Hold, NoticeKind, Reason, Stage, State

NEW_MESSAGES: Final = frozenset({NoticeKind.BELL, NoticeKind.LATE_VIDEO})
"""Told in a message of their own; everything else edits the status message."""
_TELEGRAM_DOWN: Final = frozenset(
    {Reason.SEND_TIMEOUT, Reason.NETWORK, Reason.UNAVAILABLE, Reason.RATE_LIMITED}
)
USER_REASONS: Final = frozenset(
    {
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
    }
)
"""Reasons with words of their own; a new one reads as `invalid_image` until it has them."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A notice in words. `as_edit`: it replaces the status message's text (else a new message)."""

    text_html: str
    keyboard: InlineKeyboardMarkup | None
    as_edit: bool


@dataclass(frozen=True, slots=True)
class Dress:
    """What goes with a delivered video."""

    caption_html: str
    keyboard: InlineKeyboardMarkup


def reason_key(reason: str) -> str:
    """The text key of a user-side reason, e.g. `reason-image-too-dark`."""
    known = reason if reason in USER_REASONS else Reason.INVALID_IMAGE.value
    return "reason-" + known.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Words:
    """What a notice's texts draw on besides its data: the language, the money line, names."""

    lang: str
    money: Html
    model: Html
    job: str


class Notices:
    """The words of every notice. `support`: a handle like `@shop_help`, or the /support command."""

    def __init__(self, texts: Texts, keyboards: Keyboards, support: str) -> None:
        self._texts = texts
        self._keys = keyboards
        self.support = support

    # --- the adapter's two calls ------------------------------------------------------------------

    def render(self, notice: Notice) -> Rendered:
        """What to show for a notice. Every kind and reason has words; unknown facts are left out."""
        words = Words(
            notice.lang,
            self._money(notice),
            self.model_name(notice.lang, str(notice.data.get("model") or "")),
            notice.job_id,
        )
        as_edit = notice.kind not in NEW_MESSAGES
        return Rendered(self._text(notice, words), self._keyboard(notice), as_edit)

    def dress(self, job: Job, video: Video) -> Dress:  # noqa: ARG002  (the port hands both; the job says it all)
        """Caption and buttons of the delivered video."""
        lang = job.request.lang
        caption = self._texts.say(
            lang,
            "caption" if job.cost else "caption-free",
            template=self._texts.template(lang, job.request.template),
            money=self._texts.say(lang, "money-spent", credits=job.cost),
        )
        return Dress(caption, self._keys.delivered(lang, job.source_job or job.id))

    # --- a snapshot in words ----------------------------------------------------------------------

    def progress(self, job: Job, place: int) -> Rendered:
        """The status message of a live job as it is now. `place`: in line, 1 = next, 0 = not queued."""
        lang = job.request.lang
        money = self._texts.say(lang, "money-held", credits=job.cost)
        key, cancel = _progress_of(job)
        if key == "status-queued":
            text = self._texts.say(lang, key, place=place, money=money)
        else:
            text = self._texts.say(lang, key, money=money)
        return Rendered(text, self._keys.waiting(lang, job.id, cancel=cancel), as_edit=True)

    def ending(self, job: Job, balance: int | None) -> Rendered:
        """The last words of an ended job again, from its snapshot."""
        lang = job.request.lang
        data: dict[str, str | int | float | bool | None] = {
            "reason": job.last_reason,
            "returned": job.cost if job.hold is Hold.RELEASED else 0,
            "balance": balance,
            "video_ready": job.video is not None,
        }
        return self.render(
            Notice(
                f"{job.id}:end", ending_of(job), job.id, job.user_id, job.request.chat_id, lang, None, data
            )
        )

    def model_name(self, lang: str, title: str) -> Html:
        """`Model X`, or just `The model` when its name is not known."""
        if title:
            return self._texts.say(lang, "model-named", title=title)
        return self._texts.say(lang, "model-any")

    def money_back(self, lang: str, returned: int, balance: int | None) -> Html:
        """What came back, and the new balance when it is known (an unread balance is not zero)."""
        if balance is None:
            return self._texts.say(lang, "money-back-only", credits=returned)
        return self._texts.say(lang, "money-back", credits=returned, balance=balance)

    # --- parts ------------------------------------------------------------------------------------

    def _money(self, notice: Notice) -> Html:
        if notice.kind in (NoticeKind.STATUS, NoticeKind.PATIENCE, NoticeKind.SERVICE_PAUSED):
            cost = _number(notice, "cost")
            key = "money-held-plain" if cost is None else "money-held"
            return self._texts.say(notice.lang, key, **({} if cost is None else {"credits": cost}))
        return self.money_back(notice.lang, _number(notice, "returned") or 0, _number(notice, "balance"))

    def _text(self, notice: Notice, words: Words) -> Html:  # noqa: PLR0911  (one line a kind)
        say, lang, money = self._texts.say, words.lang, words.money
        match notice.kind:
            case NoticeKind.STATUS:
                return self._status(notice, money)
            case NoticeKind.PATIENCE:
                return say(lang, "patience", model=words.model, money=money)
            case NoticeKind.SERVICE_PAUSED | NoticeKind.CANCELLED:
                return say(lang, notice.kind.value.replace("_", "-"), money=money)
            case NoticeKind.USER_ERROR:
                return self._user_error(notice, money)
            case NoticeKind.OVERLOADED:
                return say(lang, "overloaded", model=words.model, money=money)
            case NoticeKind.SYSTEM_ERROR | NoticeKind.EXPIRED:
                return self._ours(notice, words)
            case NoticeKind.SEND_FAILED:
                down = notice.data.get("reason") in _TELEGRAM_DOWN
                return say(lang, "send-failed-network" if down else "send-failed", money=money)
            case NoticeKind.BELL:
                return self._bell(notice)
            case NoticeKind.LATE_VIDEO:
                return say(lang, "late-video")

    def _status(self, notice: Notice, money: Html) -> Html:
        stage = notice.data.get("stage")
        if stage == State.QUEUED:
            return self._texts.say(
                notice.lang, "status-queued", place=_number(notice, "place") or 0, money=money
            )
        known = stage in (Stage.GENERATING, Stage.SENDING)
        return self._texts.say(notice.lang, f"status-{stage}" if known else "status-retrying", money=money)

    def _user_error(self, notice: Notice, money: Html) -> Html:
        say, lang = self._texts.say, notice.lang
        key = reason_key(str(notice.data.get("reason") or ""))
        return say(
            lang,
            "user-error",
            title=say(lang, f"{key}.title"),
            cause=say(lang, key),
            advice=say(lang, f"{key}.advice"),
            money=money,
        )

    def _ours(self, notice: Notice, words: Words) -> Html:
        key = "system-error" if notice.kind is NoticeKind.SYSTEM_ERROR else "expired"
        if notice.data.get("video_ready"):
            return self._texts.say(words.lang, f"{key}-ready", money=words.money)
        return self._texts.say(words.lang, key, money=words.money, support=self.support, job=words.job)

    def _bell(self, notice: Notice) -> Html:
        if notice.data.get("ending") == State.DONE:
            key = "bell-done"
        elif notice.data.get("video_ready"):
            key = "bell-ready"
        else:
            key = "bell-refunded" if _number(notice, "returned") else "bell-failed"
        return self._texts.say(notice.lang, key)

    def _keyboard(self, notice: Notice) -> InlineKeyboardMarkup | None:
        lang, job_id = notice.lang, notice.job_id
        match notice.kind:
            case NoticeKind.BELL:
                return None
            case NoticeKind.STATUS | NoticeKind.PATIENCE | NoticeKind.SERVICE_PAUSED:
                # offered only where it is known to be free: a button that answers "too late" is a lie
                return self._keys.waiting(lang, job_id, cancel=notice.data.get("cancel") is True)
            case NoticeKind.LATE_VIDEO:
                return self._keys.get_video(lang, job_id)
            case _:
                return self._keys.ended(lang, job_id, video=bool(notice.data.get("video_ready")))


_PLAIN_ENDINGS: Final = {"cancel": NoticeKind.CANCELLED, "expire": NoticeKind.EXPIRED}


def ending_of(job: Job) -> NoticeKind:
    """Which last words fit an ended job: the strategy row of its last reason says."""
    if job.last_reason in _PLAIN_ENDINGS:
        return _PLAIN_ENDINGS[job.last_reason]
    stages = (Stage.SENDING, Stage.GENERATING) if job.video else (Stage.GENERATING, Stage.SENDING)
    for stage in stages:
        for row in STRATEGY.rows:
            if (row.stage, row.reason.value) == (stage, job.last_reason):
                return row.ends
    return NoticeKind.SYSTEM_ERROR


def _number(notice: Notice, key: str) -> int | None:
    value = notice.data.get(key)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _progress_of(job: Job) -> tuple[str, bool]:
    """Which status text fits a live job, and whether Cancel is free now (the engine decides)."""
    match job.state:
        case State.QUEUED:
            return "status-queued", True
        case State.RETRY_WAIT:
            return "status-retrying", cancellable(job)
        case State.SENDING:
            return "status-sending", False
        case _:
            return "status-generating", False
