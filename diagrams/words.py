"""What the words of the graph mean, in English and Russian: the glossary printed into the README."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from diagrams.words_reasons import REASONS
from states.vocabulary import AlertKind, ErrorClass, NoticeKind, State, Trigger

Language = Literal["en", "ru"]
Meaning = Mapping[Language, str]


def _both(en: str, ru: str) -> Meaning:
    return MappingProxyType({"en": en, "ru": ru})


STATES: Mapping[State, Meaning] = MappingProxyType(
    {
        State.QUEUED: _both(
            "credits are held, the job waits for a provider slot",
            "кредиты удержаны, задача ждёт места у провайдера",
        ),
        State.GENERATING: _both(
            "a task is being created or rendered at the provider",
            "задание создаётся или рендерится у провайдера",
        ),
        State.RETRY_WAIT: _both(
            "waits for its due time and remembers the stage to return to",
            "ждёт своего срока и помнит, на какой этап вернуться",
        ),
        State.SENDING: _both("the video exists and is being delivered", "видео готово и доставляется"),
        State.DONE: _both("delivered, credits spent", "доставлено, кредиты списаны"),
        State.REFUNDED: _both(
            "ended without delivery, held credits went back in the same step",
            "закончилась без доставки, удержанные кредиты вернулись тем же шагом",
        ),
        State.FAILED: _both(
            "ended without delivery and there was nothing to give back (free job)",
            "закончилась без доставки, возвращать было нечего (бесплатная задача)",
        ),
    }
)

TRIGGERS: Mapping[Trigger, Meaning] = MappingProxyType(
    {
        Trigger.START: _both("a worker took the job", "воркер взял задачу"),
        Trigger.ACCEPTED: _both(
            "the provider took the task, its id is recorded", "провайдер принял задание, его номер записан"
        ),
        Trigger.RENDERED: _both("the video was downloaded and probed", "видео скачано и проверено"),
        Trigger.DELIVERED: _both("the user has the video", "видео у пользователя"),
        Trigger.ERROR: _both(
            "a step failed; the strategy row decides", "шаг не удался; решает строка стратегии"
        ),
        Trigger.RESUME: _both("the wait is over", "ожидание закончилось"),
        Trigger.CANCEL: _both(
            "the user cancelled while it cost nothing", "пользователь отменил, пока это ничего не стоило"
        ),
        Trigger.EXPIRE: _both("the job's deadline passed", "вышел срок задачи"),
    }
)

CLASSES: Mapping[ErrorClass, Meaning] = MappingProxyType(
    {
        ErrorClass.TRANSIENT: _both(
            "passes by itself: retried in silence", "проходит само: повтор без сообщений"
        ),
        ErrorClass.USER: _both(
            "the photo or the wishes: never retried, told at once",
            "фото или пожелания: без повторов, сообщаем сразу",
        ),
        ErrorClass.SYSTEM: _both(
            "something broke: a few retries, logged for the operator",
            "что-то сломалось: несколько повторов, запись для оператора",
        ),
        ErrorClass.OPERATOR: _both(
            "only the operator can mend it: deferred, one alert, nobody blamed",
            "починит только оператор: откладываем, одна тревога, никто не виноват",
        ),
        ErrorClass.AMBIGUOUS: _both(
            "the call may have arrived: verified before it is done again",
            "запрос мог дойти: проверяем, прежде чем повторить",
        ),
        ErrorClass.PARKED: _both(
            "the user is away: the video is kept until they return",
            "пользователь недоступен: видео хранится до возвращения",
        ),
    }
)

NOTICES: Mapping[NoticeKind, Meaning] = MappingProxyType(
    {
        NoticeKind.STATUS: _both(
            "the status message shows another stage", "статусное сообщение показывает другой этап"
        ),
        NoticeKind.PATIENCE: _both(
            "it takes longer than usual; once a job", "дольше обычного; один раз на задачу"
        ),
        NoticeKind.SERVICE_PAUSED: _both(
            "our side is paused; once a job", "пауза на нашей стороне; один раз на задачу"
        ),
        NoticeKind.USER_ERROR: _both(
            "what is wrong with the photo or wishes and what to change",
            "что не так с фото или пожеланиями и что изменить",
        ),
        NoticeKind.OVERLOADED: _both("given up: the service is overloaded", "сдались: сервис перегружен"),
        NoticeKind.SYSTEM_ERROR: _both(
            "given up: something broke on our side", "сдались: сбой на нашей стороне"
        ),
        NoticeKind.SEND_FAILED: _both(
            "the video is ready but could not be sent; fetching it is free",
            "видео готово, но не отправилось; получить его можно бесплатно",
        ),
        NoticeKind.CANCELLED: _both("the job was cancelled", "задача отменена"),
        NoticeKind.EXPIRED: _both("the deadline passed", "срок вышел"),
        NoticeKind.BELL: _both(
            "a short new message, because an edit makes no sound",
            "короткое новое сообщение: правка беззвучна",
        ),
        NoticeKind.LATE_VIDEO: _both(
            "the video of a refunded job turned up after all; fetching it is free",
            "видео возвращённой задачи всё же нашлось; получить его можно бесплатно",
        ),
    }
)

ALERTS: Mapping[AlertKind, Meaning] = MappingProxyType(
    {
        AlertKind.LOG: _both("a line in the log at each failure", "строка в журнале при каждом сбое"),
        AlertKind.GAVE_UP: _both("retries are used up", "повторы исчерпаны"),
        AlertKind.INCIDENT: _both(
            "only the operator can mend it; once an incident", "починит только оператор; один раз за инцидент"
        ),
        AlertKind.UNKNOWN: _both("an error no rule knows yet", "ошибка, которой ещё нет в правилах"),
        AlertKind.LATE_COST: _both(
            "a task that was given up succeeded after all: cost without income",
            "брошенное задание всё же удалось: расход без дохода",
        ),
    }
)

__all__ = ["ALERTS", "CLASSES", "NOTICES", "REASONS", "STATES", "TRIGGERS", "Language", "Meaning"]
