"""Stories in which the video exists and its delivery goes wrong. The texts are Telegram's own wording."""

from collections.abc import Mapping

from adapters.sandbox.faults import Cut, Fault, Server
from adapters.sandbox.story import BELL, HANG_S, Act, Deed, Expected, Scenario, telegram
from states.vocabulary import NoticeKind, Reason, State, Trigger

_BLIP = Expected(State.DONE, failures=1)


def _media(code: int, text: str, times: int | None) -> tuple[Fault, ...]:
    methods = ("editMessageMedia", "sendVideo", "sendDocument")
    return tuple(telegram(method, code, text, times) for method in methods)


def _media_cut(*, act: bool, cut: Cut, delay_s: float = 0.0) -> tuple[Fault, ...]:
    """The first call that would show the video loses its answer."""
    return (Fault(Server.TELEGRAM, "editMessageMedia", act=act, close=cut, delay_s=delay_s),)


SEND_STORIES: Mapping[str, Scenario] = {
    "send_timeout_delivered": Scenario(
        "The send timed out, yet the video arrived",
        "Таймаут отправки, но видео дошло",
        Expected(State.DONE),  # the courier looks within the same attempt
        _media_cut(act=True, cut=Cut.AFTER, delay_s=HANG_S),
        reason=Reason.SEND_UNKNOWN,
    ),
    "send_timeout_lost": Scenario(
        "The send timed out and the video did not arrive",
        "Таймаут отправки, видео не дошло",
        _BLIP,
        _media_cut(act=False, cut=Cut.AFTER, delay_s=HANG_S),
        reason=Reason.SEND_UNKNOWN,
    ),
    "send_timeout": Scenario(
        "Sending times out three times",
        "Три таймаута отправки подряд",
        Expected(State.REFUNDED, (NoticeKind.SEND_FAILED, BELL), failures=None),
        tuple(
            Fault(Server.TELEGRAM, method, None, close=Cut.AFTER, delay_s=HANG_S)
            for method in ("editMessageMedia", "sendVideo", "sendDocument")
        ),
        reason=Reason.SEND_TIMEOUT,
    ),
    "send_unknown": Scenario(
        "Nobody can tell whether the video arrived",
        "Не узнать, дошло ли видео",
        Expected(State.REFUNDED, (NoticeKind.SEND_FAILED, BELL), failures=5),
        tuple(
            Fault(Server.TELEGRAM, method, None, close=Cut.AFTER)
            for method in ("editMessageMedia", "editMessageReplyMarkup")
        ),
        reason=Reason.SEND_UNKNOWN,
    ),
    "send_failed": Scenario(
        "Telegram refuses three times",
        "Telegram не принял три раза",
        Expected(State.REFUNDED, (NoticeKind.SEND_FAILED, BELL), failures=3),
        _media(500, "Internal Server Error", None),
        reason=Reason.UNAVAILABLE,
    ),
    "send_rate_limited": Scenario(
        "Telegram asks to wait",
        "Telegram просит подождать",
        _BLIP,
        (telegram("editMessageMedia", 429, "Too Many Requests: retry after 34", retry_after=34),),
        reason=Reason.RATE_LIMITED,
    ),
    "send_unavailable": Scenario(
        "Telegram is down for a moment",
        "Telegram ненадолго недоступен",
        _BLIP,
        _media(500, "Internal Server Error: request aborted", 1)[:1],
        reason=Reason.UNAVAILABLE,
    ),
    "send_network": Scenario(
        "The line to Telegram breaks",
        "Обрыв связи с Telegram",
        _BLIP,
        _media_cut(act=False, cut=Cut.BEFORE),
        reason=Reason.NETWORK,
    ),
    "video_rejected": Scenario(
        "Telegram takes no file: a link is sent",
        "Telegram не берёт файл: отправлена ссылка",
        Expected(State.DONE, link=True),
        _media(413, "Request Entity Too Large", None),
        reason=Reason.VIDEO_REJECTED,
    ),
    "user_blocked": Scenario(
        "The user blocks the bot and comes back",
        "Пользователь заблокировал бота и вернулся",
        _BLIP,
        acts=(
            Act(Deed.BLOCK_BOT, Trigger.ACCEPTED),
            Act(Deed.RETURN, Trigger.ERROR, Reason.USER_GONE, after_s=30),
        ),
        reason=Reason.USER_GONE,
    ),
}
