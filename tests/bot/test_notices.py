from typing import Any

import pytest

from bot.keyboards import Keyboards
from bot.notices import NEW_MESSAGES, USER_REASONS, Notices
from bot.taps import parse_tap
from bot.texts import CAPTION_LIMIT, LANGUAGES, TEXT_LIMIT, load_texts
from engine.ports import Notice
from states.job import Job, Request, Video
from states.strategy import STRATEGY
from states.vocabulary import ErrorClass, Hold, NoticeKind, Reason, Stage, State
from tests.bot.words import NASTY, units, visible

JOB_ID = "f-" + "x" * 22
FACTS: tuple[dict[str, Any], ...] = (
    {},
    {"returned": 3, "balance": 12, "stage": "queued", "place": 4, "cost": 2},
    {"returned": 0, "balance": 0, "stage": "sending", "video_ready": True},
)
NOTICES = Notices(load_texts(), Keyboards(load_texts()), support="@shop_help")


def _notice(kind: NoticeKind, lang: str = "ru", **data: Any) -> Notice:
    return Notice(f"{JOB_ID}:1:1", kind, JOB_ID, 7, 7, lang, 100, data)


def _said(kind: NoticeKind, **data: Any) -> str:
    return NOTICES.render(_notice(kind, **data)).text_html


def _job(**fields: Any) -> Job:
    request = Request(chat_id=7, photo="photo", template="spin", prompt=NASTY, model="m", lang="ru")
    made: dict[str, Any] = {
        "id": JOB_ID, "user_id": 7, "state": State.QUEUED, "graph": "g", "request": request, "cost": 2,
        "created_ms": 0, "deadline_ms": 0, "hold": Hold.HELD,
    }  # fmt: skip
    return Job(**{**made, **fields})


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", list(NoticeKind))
def test_every_notice_and_reason_has_words_within_limits(lang: str, kind: NoticeKind) -> None:
    for reason in (*Reason, "cancel", "expire", NASTY):
        for more in FACTS:
            rendered = NOTICES.render(_notice(kind, lang, reason=str(reason), model=NASTY, **more))
            assert 0 < units(visible(rendered.text_html)) <= TEXT_LIMIT
            assert rendered.as_edit is (kind not in NEW_MESSAGES)


def test_each_user_reason_of_the_strategy_has_words_of_its_own() -> None:
    assert {row.reason for row in STRATEGY.rows if row.cls is ErrorClass.USER} == USER_REASONS
    causes = {
        NOTICES.render(_notice(NoticeKind.USER_ERROR, reason=reason.value)).text_html
        for reason in USER_REASONS
    }
    assert len(causes) == len(USER_REASONS)


def test_the_money_line_says_what_came_back_and_the_new_balance() -> None:
    text = NOTICES.render(
        _notice(NoticeKind.USER_ERROR, reason="no_product", returned=1, balance=5)
    ).text_html
    assert "💳 Кредиты возвращены ↩️ (1 вернулся в баланс). Баланс: 5 кредитов." in text


def test_an_unknown_balance_is_left_out_rather_than_zero() -> None:
    text = _said(NoticeKind.OVERLOADED, returned=2)
    assert "2 вернулось в баланс" in text
    assert "Баланс:" not in text


@pytest.mark.parametrize(
    ("kind", "data", "sentences"),
    [
        (
            NoticeKind.PATIENCE,
            {"model": "Sora 2"},
            (
                "Генерация занимает дольше обычного...",
                "Sora 2 сейчас загружена 🔥",
                "Я продолжу пытаться, не переживайте!",
            ),
        ),
        (
            NoticeKind.OVERLOADED,
            {"model": "Sora 2", "returned": 1},
            (
                "Генерация заняла очень долго",
                "Sora 2 сейчас очень загружена 🔥",
                "Кредиты возвращены",
                "Попробуйте позже",
            ),
        ),
        (
            NoticeKind.SEND_FAILED,
            {"reason": "send_timeout", "returned": 1},
            (
                "Видео готово",
                "🌐 Ошибка сети при отправке видео",
                "Telegram сейчас недоступен",
                "Кредиты возвращены ↩️",
            ),
        ),
        (
            NoticeKind.SEND_FAILED,
            {"reason": "send_unknown", "returned": 1},
            (
                "✅ <b>Видео готово!</b>",
                "🌐 Но ошибка при отправке в Telegram",
                "может, в следующий раз пройдёт",
            ),
        ),
        (
            NoticeKind.USER_ERROR,
            {"reason": "invalid_image", "returned": 1},
            (
                "❌ <b>Фото не подходит для генерации видео</b>",
                "Возможные причины:\n• Фото слишком тёмное\n• Товар не виден чётко\n• Фото очень маленькое",
                "💡 Совет: покажите товар крупнее при хорошем освещении",
                "(1 вернулся в баланс)",
            ),
        ),
        (
            NoticeKind.SYSTEM_ERROR,
            {"returned": 1},
            (
                "⚠️ <b>Системная ошибка</b>",
                "Наши серверы сейчас переживают трудные времена 😅",
                "Кредиты возвращены ↩️",
                "Попробуйте через 5 минут.",
                "Если ошибка повторится — напишите @shop_help",
            ),
        ),
    ],
)
def test_the_sources_own_sentences_are_reachable(
    kind: NoticeKind, data: dict[str, Any], sentences: tuple[str, ...]
) -> None:
    text = _said(kind, **data)
    for sentence in sentences:
        assert sentence in text


def test_a_video_that_exists_is_offered_free() -> None:
    for kind in (NoticeKind.SEND_FAILED, NoticeKind.SYSTEM_ERROR, NoticeKind.EXPIRED, NoticeKind.LATE_VIDEO):
        assert "gv" in _verbs(NOTICES.render(_notice(kind, video_ready=True)).keyboard)
    assert "gv" not in _verbs(NOTICES.render(_notice(NoticeKind.USER_ERROR, reason="no_product")).keyboard)


def test_endings_offer_a_new_photo_again_and_the_balance() -> None:
    assert _verbs(NOTICES.render(_notice(NoticeKind.USER_ERROR, reason="no_product")).keyboard) == [
        "np",
        "ag",
        "bl",
    ]


def test_a_bell_is_one_short_line_without_buttons() -> None:
    for data in (
        {"ending": "done"},
        {"ending": "user_error", "returned": 1},
        {"ending": "expired", "video_ready": True},
    ):
        bell = NOTICES.render(_notice(NoticeKind.BELL, **data))
        assert "\n" not in bell.text_html
        assert bell.keyboard is None


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_caption_fits_and_offers_again_other_style_and_the_video(lang: str) -> None:
    job = _job(request=Request(7, "photo", "own", NASTY * 200, "m", lang))
    dress = NOTICES.dress(job, Video(url="u", task_n=1))
    assert units(visible(dress.caption_html)) <= CAPTION_LIMIT
    assert _verbs(dress.keyboard) == ["ag", "as", "gv"]


def test_a_redelivered_video_keeps_the_buttons_of_its_source() -> None:
    dress = NOTICES.dress(_job(cost=0, source_job="0-source"), Video(url="u", task_n=1))
    assert all("0-source" in str(b.callback_data) for row in dress.keyboard.inline_keyboard for b in row)
    assert "ничего не списано" in dress.caption_html


@pytest.mark.parametrize(
    ("fields", "sentence", "cancel"),
    [
        ({"state": State.QUEUED}, "Место в очереди: 3.", True),
        ({"state": State.GENERATING}, "Генерирую видео…", False),
        ({"state": State.RETRY_WAIT, "stage": Stage.GENERATING}, "Всё ещё работаю", True),
        ({"state": State.RETRY_WAIT, "video": Video("u", 1)}, "Всё ещё работаю", False),
        ({"state": State.SENDING}, "Видео готово, отправляю", False),
    ],
)
def test_progress_shows_stage_place_and_an_honest_cancel(
    fields: dict[str, Any], sentence: str, *, cancel: bool
) -> None:
    rendered = NOTICES.progress(_job(**fields), place=3)
    assert sentence in rendered.text_html
    assert ("cn" in _verbs(rendered.keyboard)) is cancel
    assert "Отложено 2 кредита" in rendered.text_html


def _verbs(keyboard: Any) -> list[str]:
    taps = [parse_tap(b.callback_data) for row in keyboard.inline_keyboard for b in row]
    return [tap.verb.value for tap in taps if tap]
