"""What each reason means, in English and Russian."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from states.vocabulary import Reason


def _both(en: str, ru: str) -> Mapping[Literal["en", "ru"], str]:
    return MappingProxyType({"en": en, "ru": ru})


REASONS: Mapping[Reason, Mapping[Literal["en", "ru"], str]] = MappingProxyType(
    {
        Reason.RENDER_TIMEOUT: _both("the render takes too long", "рендер идёт слишком долго"),
        Reason.RATE_LIMITED: _both("too many requests (429)", "слишком много запросов (429)"),
        Reason.UNAVAILABLE: _both("the service is down (5xx)", "сервис недоступен (5xx)"),
        Reason.OVERLOADED: _both("the service is overloaded", "сервис перегружен"),
        Reason.NETWORK: _both("no connection", "нет соединения"),
        Reason.SEND_TIMEOUT: _both("sending took too long", "отправка не уложилась во время"),
        Reason.IMAGE_TOO_DARK: _both("the photo is too dark", "фото слишком тёмное"),
        Reason.IMAGE_TOO_SMALL: _both("the photo has too few pixels", "фото слишком маленькое"),
        Reason.IMAGE_BLURRY: _both("the photo is blurred", "фото размыто"),
        Reason.BAD_FORMAT: _both("not a usable image format", "неподходящий формат изображения"),
        Reason.IMAGE_TOO_LARGE: _both("the photo is too heavy", "фото слишком тяжёлое"),
        Reason.NO_PRODUCT: _both("no product in the photo", "на фото не видно товара"),
        Reason.INVALID_IMAGE: _both("the image cannot be read", "изображение не читается"),
        Reason.ADULT_CONTENT: _both("adult content", "контент для взрослых"),
        Reason.CONTENT_POLICY: _both("refused by the content policy", "отклонено правилами контента"),
        Reason.REAL_PERSON: _both("a recognisable person", "узнаваемый человек"),
        Reason.PROTECTED_BRAND: _both("a protected brand or character", "защищённый бренд или персонаж"),
        Reason.PROMPT_REJECTED: _both("the wishes were refused", "пожелания отклонены"),
        Reason.STORAGE_LOST: _both("the database did not answer", "база данных не ответила"),
        Reason.WORKER_LOST: _both("the worker died at work", "воркер погиб за работой"),
        Reason.BAD_RESPONSE: _both("an answer that makes no sense", "бессмысленный ответ"),
        Reason.CORRUPTED_VIDEO: _both("the video does not play", "видео не воспроизводится"),
        Reason.PROVIDER_ERROR: _both("the provider broke down", "сбой у провайдера"),
        Reason.VIDEO_REJECTED: _both(
            "Telegram took the video in no form", "Telegram не принял видео ни в каком виде"
        ),
        Reason.UNKNOWN: _both("no rule knows this error", "ошибка, которой нет в правилах"),
        Reason.PROVIDER_AUTH: _both("our key or token was refused", "наш ключ или токен не принят"),
        Reason.PROVIDER_BALANCE: _both(
            "our balance at the provider is empty", "баланс у провайдера исчерпан"
        ),
        Reason.MODEL_RETIRED: _both("the model was shut down", "модель отключена"),
        Reason.PHOTO_UNREACHABLE: _both(
            "the provider could not fetch the photo", "провайдер не смог забрать фото"
        ),
        Reason.BAD_REQUEST: _both("a fault in our own request", "ошибка в нашем запросе"),
        Reason.CREATE_UNKNOWN: _both("the task may have been created", "задание могло создаться"),
        Reason.SEND_UNKNOWN: _both("the video may have been sent", "видео могло отправиться"),
        Reason.USER_GONE: _both(
            "the user blocked the bot or left", "пользователь заблокировал бота или ушёл"
        ),
    }
)
