"""The named stories of the sandbox: every row of the strategy table, as something that can be watched.

Pure data: the runner puts `faults` in force, does the `acts`, and compares the end with `expected`. Each text
a server says is attested: the comment names the labelled observation it comes from.
"""

from collections.abc import Mapping
from types import MappingProxyType

from adapters.sandbox.faults import Answer, Cut, Fault, Server
from adapters.sandbox.story import (
    BELL,
    HANG_S,
    Act,
    Deed,
    Expected,
    Photo,
    Scenario,
    create,
    ends,
    envelope,
)
from adapters.sandbox.story_photo import PHOTO_STORIES
from adapters.sandbox.story_send import SEND_STORIES
from states.vocabulary import NoticeKind, Reason, State, Trigger

__all__ = ["SCENARIOS", "Act", "Deed", "Expected", "Photo", "Scenario"]

_DONE = Expected(State.DONE)
_BLIP = Expected(State.DONE, failures=1)
_AGAIN = Expected(State.DONE, creates=2, failures=1)
_AGAIN_PAID = Expected(State.DONE, creates=2, accepted=2, failures=1)
_PAUSED = Expected(State.DONE, (NoticeKind.SERVICE_PAUSED, BELL), creates=None, failures=None)

_OVERLOAD = (
    "Service is currently unavailable due to high demand. Please try again later. (E003)"  # kie-422-e003
)
_UPSTREAM = "Upstream deadline exceeded"  # p-deadline
_MAINTENANCE = "The server is currently being maintained, please try again later~"  # kie-503-maint
_FREQUENCY = "Your call frequency is too high. Please try again later."  # kie-430
_SERVER_ERROR = "Server Error - An unexpected error occurred while processing the request"  # kie-500-doc
_KEY = "Unauthorized – Authentication failed. Please check your API key."  # kie-401-key
_PAGE = "<!DOCTYPE html><html><head><title>KIE AI</title></head><body></body></html>"  # up-doctype


def _mended(title_en: str, title_ru: str, reason: Reason, fault: Fault) -> Scenario:
    """Only the operator can mend it, and does, when every other way has been tried."""
    lift = Act(Deed.LIFT_FAULTS, Trigger.ERROR, reason, after_s=180)
    return Scenario(title_en, title_ru, _PAUSED, (fault,), acts=(lift,), reason=reason)


_TRANSIENT = {
    "kie_timeout": Scenario(
        "The provider takes too long",
        "Провайдер не отвечает вовремя",
        Expected(State.DONE, failures=2),
        (Fault(Server.KIE, "recordInfo", 2, answer=envelope(408, _UPSTREAM)),),
        reason=Reason.RENDER_TIMEOUT,
    ),
    "rate_limited": Scenario(
        "Too many requests",
        "Слишком много запросов",
        Expected(State.DONE, creates=3, failures=2),
        (create(430, _FREQUENCY, 2),),
        reason=Reason.RATE_LIMITED,
    ),
    "unavailable": Scenario(
        "The service is down for a moment",
        "Сервис ненадолго недоступен",
        Expected(State.DONE, creates=3, failures=2),
        (create(503, _MAINTENANCE, 2),),
        reason=Reason.UNAVAILABLE,
    ),
    "overloaded": Scenario(
        "Overloaded, given up after five retries",
        "Перегружено: сдаёмся после пяти повторов",
        Expected(State.REFUNDED, (NoticeKind.PATIENCE, NoticeKind.OVERLOADED, BELL), None, 0, 6),
        (create(422, _OVERLOAD, None),),
        reason=Reason.OVERLOADED,
    ),
    "overloaded_recovers": Scenario(
        "Overloaded, then free again",
        "Перегружено, потом снова свободно",
        _AGAIN,
        (create(422, _OVERLOAD),),
        reason=Reason.OVERLOADED,
    ),
    "network": Scenario(
        "The network fails during the upload",
        "Обрыв сети при загрузке фото",
        _BLIP,
        (Fault(Server.KIE, "upload", close=Cut.BEFORE),),
        reason=Reason.NETWORK,
    ),
    "render_slow": Scenario(
        "The render takes twenty minutes",
        "Генерация длится двадцать минут",
        Expected(State.DONE, (NoticeKind.PATIENCE, BELL), failures=None),
        (Fault(Server.KIE, "render", answer=Answer(body={"duration_s": 1200})),),
        reason=Reason.RENDER_TIMEOUT,
    ),
}

_SYSTEM = {
    "provider_error": Scenario(
        "The provider breaks, again and again",
        "Сбой провайдера, снова и снова",
        Expected(State.REFUNDED, (NoticeKind.SYSTEM_ERROR, BELL), None, 0, None),
        (create(500, _SERVER_ERROR, None),),
        reason=Reason.PROVIDER_ERROR,
    ),
    "provider_error_recovers": Scenario(
        "A task fails, the next one succeeds",
        "Задача упала, следующая удалась",
        _AGAIN_PAID,
        (ends("501", "Generation Failed"),),
        reason=Reason.PROVIDER_ERROR,  # poll-501
    ),
    "corrupted_video": Scenario(
        "The downloaded file is broken",
        "Скачанный файл повреждён",
        _BLIP,
        (
            Fault(
                Server.KIE,
                "download",
                corrupt=b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(4096),
            ),
        ),
        reason=Reason.CORRUPTED_VIDEO,
    ),
    "corrupted_video_exhausted": Scenario(
        "Every file is broken",
        "Все файлы повреждены",
        Expected(State.REFUNDED, (NoticeKind.SYSTEM_ERROR, BELL), None, None, None),
        (Fault(Server.KIE, "render", None, answer=Answer(body={"video": "corrupted"})),),
        reason=Reason.CORRUPTED_VIDEO,
    ),
    "bad_response": Scenario(
        "A web page instead of an answer",
        "Вместо ответа веб-страница",
        _BLIP,
        (Fault(Server.KIE, "recordInfo", answer=Answer(200, _PAGE)),),
        reason=Reason.BAD_RESPONSE,
    ),
    "unknown": Scenario(
        "A text nobody knows",
        "Незнакомая ошибка",
        _AGAIN_PAID,
        (ends("", "Temporarily supports records within 14 days."),),
        reason=Reason.UNKNOWN,  # veo-14d
    ),
    "storage_lost": Scenario(
        "The storage is cut off for a while",
        "Хранилище ненадолго пропало",
        Expected(State.DONE, failures=None),
        acts=(Act(Deed.CUT_STORAGE, Trigger.ACCEPTED), Act(Deed.MEND_STORAGE, Trigger.ACCEPTED, after_s=20)),
        reason=Reason.STORAGE_LOST,
    ),
    "worker_killed": Scenario(
        "The worker dies while sending",
        "Воркер убит во время отправки",
        _BLIP,
        (Fault(Server.TELEGRAM, "editMessageMedia", delay_s=HANG_S),),  # it arrives; nobody hears of it
        acts=(Act(Deed.KILL_WORKER, Trigger.RENDERED, during="editMessageMedia"),),
        reason=Reason.WORKER_LOST,
    ),
    "worker_killed_rendering": Scenario(
        "The worker dies while the video renders",
        "Воркер убит во время генерации",
        _DONE,  # it held no lease: between two looks nobody works on the job
        acts=(Act(Deed.KILL_WORKER, Trigger.ACCEPTED),),
        reason=Reason.WORKER_LOST,
    ),
}

_OPERATOR = {
    "provider_balance": Scenario(
        "The account at the provider is empty, then topped up",
        "Баланс у провайдера кончился, потом пополнен",
        _PAUSED,
        acts=(Act(Deed.EMPTY_BALANCE), Act(Deed.TOP_UP, Trigger.ERROR, Reason.PROVIDER_BALANCE, 60)),
        reason=Reason.PROVIDER_BALANCE,
    ),
    "model_retired": Scenario(
        "The model was retired: another one takes over",
        "Модель отключена: работает другая",
        Expected(State.DONE, creates=2, failures=1),
        acts=(Act(Deed.RETIRE_MODEL),),
        reason=Reason.MODEL_RETIRED,
    ),
    "provider_auth": _mended(
        "The key is refused, then mended",
        "Ключ отвергнут, потом исправлен",
        Reason.PROVIDER_AUTH,
        create(401, _KEY, None),
    ),
    "photo_unreachable": Scenario(
        "The provider cannot fetch the photo",
        "Провайдер не может скачать фото",
        _AGAIN,
        (
            create(451, "Image fetch failed. Check access settings or use our File Upload API instead."),
        ),  # poll-fetch
        reason=Reason.NETWORK,
    ),
    "bad_request": _mended(
        "Our request is wrong, then mended",
        "Наш запрос неверен, потом исправлен",
        Reason.BAD_REQUEST,
        create(500, "This field is required", None),  # kie-500-field
    ),
}

_AMBIGUOUS = {
    "create_unknown": Scenario(
        "The answer to create is lost: a callback adopts the task",
        "Ответ потерян: задачу находит callback",
        _BLIP,
        (Fault(Server.KIE, "createTask", act=True, close=Cut.AFTER),),
        reason=Reason.CREATE_UNKNOWN,
    ),
    "create_unknown_lost": Scenario(
        "The create call is lost: one more after the grace time",
        "Запрос потерян: ещё один после паузы",
        _AGAIN,
        (Fault(Server.KIE, "createTask", close=Cut.AFTER),),
        reason=Reason.CREATE_UNKNOWN,
    ),
    "late_success": Scenario(
        "Two tasks report themselves after the refund",
        "Видео готово уже после возврата",
        Expected(
            State.REFUNDED,
            (NoticeKind.OVERLOADED, BELL, NoticeKind.LATE_VIDEO),
            creates=2,
            accepted=2,
            failures=3,
            maybe=frozenset({NoticeKind.PATIENCE}),
        ),
        (
            Fault(Server.KIE, "createTask", None, act=True, close=Cut.AFTER),
            Fault(Server.KIE, "render", None, answer=Answer(body={"duration_s": 1500})),
        ),
        reason=Reason.CREATE_UNKNOWN,
    ),
}

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        "ok": Scenario("All goes well", "Всё хорошо", _DONE),
        **PHOTO_STORIES,
        **_TRANSIENT,
        **_SYSTEM,
        **_OPERATOR,
        **_AMBIGUOUS,
        **SEND_STORIES,
    }
)
"""Every story by its name, in the order a panel shows them."""
