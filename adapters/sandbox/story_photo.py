"""Stories in which the photo or the wishes are at fault: told at once, never retried, credits back.

Each text is attested: the comment names the labelled observation it comes from (`seed-...` and `strategy`:
the strategy document this product was written for).
"""

from collections.abc import Mapping

from adapters.sandbox.story import BELL, Expected, Photo, Scenario, ends
from states.vocabulary import NoticeKind, Reason, State


def _refused(title_en: str, title_ru: str, reason: Reason, code: str, text: str) -> Scenario:
    expected = Expected(State.REFUNDED, (NoticeKind.USER_ERROR, BELL), failures=1)
    return Scenario(title_en, title_ru, expected, (ends(code, text, None),), reason=reason)


def _preflight(title_en: str, title_ru: str, photo: Photo, reason: Reason) -> Scenario:
    expected = Expected(None, (), creates=0, accepted=0)
    return Scenario(title_en, title_ru, expected, photo=photo, reason=reason)


PHOTO_STORIES: Mapping[str, Scenario] = {
    "photo_too_dark": _refused(  # seed-dark
        "The photo is too dark",
        "Фото слишком тёмное",
        Reason.IMAGE_TOO_DARK,
        "400",
        "Photo is too dark / blurry",
    ),
    "no_product": _refused(  # strategy
        "No product in the photo",
        "На фото нет товара",
        Reason.NO_PRODUCT,
        "400",
        "No product detected in image",
    ),
    "invalid_image": _refused(  # sd-ratio
        "The photo cannot be used",
        "Фото не подходит",
        Reason.INVALID_IMAGE,
        "422",
        "aspect ratio must be between 0.4 and 2.5",
    ),
    "adult_content": _refused(  # seed-adult
        "Adult content", "Контент 18+", Reason.ADULT_CONTENT, "500", "Adult content detected"
    ),
    "image_too_small": _refused(  # poll-res-low
        "The photo is too small",
        "Фото слишком маленькое",
        Reason.IMAGE_TOO_SMALL,
        "INVALID_INPUT",
        "Image resolution too low",
    ),
    "image_blurry": _refused(  # strategy
        "The photo is blurry", "Фото размыто", Reason.IMAGE_BLURRY, "400", "Photo is blurry"
    ),
    "bad_format": _refused(  # fl-filetype
        "The file's format is not taken",
        "Формат не поддержан",
        Reason.BAD_FORMAT,
        "400",
        "File type not supported",
    ),
    "image_too_large": _refused(  # 4o-size
        "The photo's file is too big",
        "Файл фото слишком большой",
        Reason.IMAGE_TOO_LARGE,
        "400",
        "Image size exceeds maximum of 26214400 bytes",
    ),
    "content_policy": _refused(  # cb-grok-inappropriate: 500, and still the photo
        "Against the content rules",
        "Нарушены правила контента",
        Reason.CONTENT_POLICY,
        "500",
        "Inappropriate content, please try another prompt.",
    ),
    "real_person": _refused(  # sd-privacy
        "A real person in the photo",
        "На фото реальный человек",
        Reason.REAL_PERSON,
        "400",
        "The input image may contain real person.",
    ),
    "protected_brand": _refused(  # sd-img-copy
        "Somebody's brand or work",
        "Чужой бренд или произведение",
        Reason.PROTECTED_BRAND,
        "400",
        "input image may be related to copyright restrictions",
    ),
    "prompt_rejected": _refused(  # cn-moderator, in English
        "The wishes are refused",
        "Пожелания отклонены",
        Reason.PROMPT_REJECTED,
        "422",
        "Your prompt was caught by our AI moderator. Please adjust it and try again!",
    ),
    "preflight_dark": _preflight(
        "Dark photo, seen at once", "Тёмное фото: видно сразу", Photo.DARK, Reason.IMAGE_TOO_DARK
    ),
    "preflight_blurry": _preflight(
        "Blurred photo, seen at once", "Размытое фото: видно сразу", Photo.BLURRY, Reason.IMAGE_BLURRY
    ),
    "preflight_tiny": _preflight(
        "Tiny photo, seen at once", "Мелкое фото: видно сразу", Photo.TINY, Reason.IMAGE_TOO_SMALL
    ),
    "preflight_broken": _preflight(
        "No picture at all, seen at once", "Не картинка: видно сразу", Photo.BROKEN, Reason.INVALID_IMAGE
    ),
}
