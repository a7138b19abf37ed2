import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageEnhance, ImageFilter

from bot.drafts import TEMPLATES
from tests.bot.hall import KLING, SEEDANCE, Hall, coffee, data_of, last, open_hall, said, verbs


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=92)
    return out.getvalue()


def _coffee() -> Image.Image:
    return Image.open(io.BytesIO(coffee()))


def _dark() -> bytes:
    return _jpeg(ImageEnhance.Brightness(_coffee()).enhance(0.08))


def _blurred() -> bytes:
    return _jpeg(_coffee().filter(ImageFilter.GaussianBlur(14)))


def _tiny() -> bytes:
    return _jpeg(_coffee().resize((150, 150)))


async def test_a_photo_becomes_a_proposal_with_everything_before_the_launch(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna, caption="на мокром асфальте")
    for part in (
        "Фото подходит",
        "Стиль: Вращение",
        "Модель: Seedance 1.5 Pro",
        "Пожелания: на мокром асфальте",
        "Цена: 1 кредит. Баланс: 2 кредита.",
        "Обычно 1–3 минуты",
    ):
        assert part in proposal.text
    assert {"go", "tp", "md", "ow", "dx"} <= verbs(proposal)
    assert len(TEMPLATES) >= 3


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_dark, ("Фото слишком тёмное.", "Яркость", "Ничего не списано")),
        (_blurred, ("Фото смазано", "Резкость", "Ничего не списано")),
        (_tiny, ("Фото очень маленькое.", "Меньшая сторона 150 пикселей", "Ничего не списано")),
    ],
)
async def test_a_bad_photo_is_refused_with_the_measured_reason(
    hall: Hall, spoil: Callable[[], bytes], words: tuple[str, ...]
) -> None:
    anna = hall.person()
    await anna.send_photo(spoil())
    await hall.settle()
    for part in words:
        assert part in last(anna).text
    assert await hall.engine.jobs_of(anna.id) == []


async def test_an_image_document_is_taken_and_other_files_are_named(hall: Hall) -> None:
    anna = hall.person()
    await anna.send_document(coffee(), "shoe.jpg", "image/jpeg", caption="в лесу")
    await hall.settle()
    assert "Пожелания: в лесу" in last(anna).text
    await anna.send_document(b"PK\3\4", "price.xlsx", "application/zip")
    await hall.settle()
    assert "Этот файл не похож на фото" in last(anna).text
    await anna.send_document(b"no picture", "shoe.png", "image/png")
    await hall.settle()
    assert "не открывается" in last(anna).text


async def test_styles_models_and_own_wishes_change_the_proposal(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    await hall.tap(anna, proposal, "tp", "macro")
    assert "Стиль: Крупный план" in proposal.text
    data = [d for row in proposal.buttons for b in row if (d := b["callback_data"]).startswith("md:")]
    await anna.tap(proposal.message_id, data[1])
    await hall.settle()
    assert "Модель: Kling 3.0" in proposal.text
    assert "Не хватает: 2 кредита" in proposal.text
    await hall.tap(anna, proposal, "ow")
    assert "Опишите ролик" in proposal.text
    await anna.send_text("дождь & <b>неон</b> 😀 مرحبا")
    await hall.settle()
    assert "Пожелания: дождь & <b>неон</b> 😀 مرحبا" in last(anna).text
    assert "Стиль: Своё описание" in last(anna).text
    assert proposal.buttons == []


async def test_the_way_back_from_the_wishes(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    await hall.tap(anna, proposal, "ow")
    await hall.tap(anna, proposal, "bk")
    assert "Запускаем?" in proposal.text


async def test_text_before_the_photo_is_kept_as_wishes(hall: Hall) -> None:
    anna = hall.person()
    await anna.send_text("у нас нет скидок")
    await hall.settle()
    assert "у нас нет скидок" in last(anna).text
    await anna.send_photo(coffee())
    await hall.settle()
    assert "Пожелания: у нас нет скидок" in last(anna).text
    await anna.send_text("Нет.")
    await hall.settle()
    assert "Пожелания: нет" in last(anna).text


async def test_long_wishes_are_kept_whole_but_too_long_ones_are_told(hall: Hall) -> None:
    anna = hall.person()
    await hall.begin(anna)
    await anna.send_text("я" * 1900)
    await hall.settle()
    assert last(anna).text.count("я") < 500
    draft = await hall.desk.drafts.load(anna.id)
    assert draft is not None
    assert draft.wishes == "я" * 1900
    await anna.send_text("<b>&" * 1000)
    await hall.settle()
    assert "Слишком длинное описание" in last(anna).text
    draft = await hall.desk.drafts.load(anna.id)
    assert draft is not None
    assert draft.wishes == "я" * 1900


async def test_an_album_gets_one_answer_and_its_photos_can_be_changed(hall: Hall) -> None:
    anna = hall.person()
    pictures = [coffee(), _jpeg(_coffee().rotate(90, expand=True)), _dark(), coffee(), coffee()]
    await anna.send_album(pictures, caption="крутится")
    await hall.settle()
    proposal, note = anna.chat.by_bot()
    assert "Пожелания: крутится" in proposal.text
    assert "Это альбом" in note.text
    first = await hall.desk.drafts.load(anna.id)
    assert first is not None
    assert len(first.album_photos) >= 3
    await hall.tap(anna, proposal, "px")
    second = await hall.desk.drafts.load(anna.id)
    assert second is not None
    assert second.photo != first.photo


async def test_an_album_that_begins_badly_still_finds_its_good_photo(hall: Hall) -> None:
    anna = hall.person()
    await anna.send_album([_dark(), _tiny(), coffee()], caption="для витрины")
    await hall.settle()
    refusal, proposal = anna.chat.by_bot()
    assert "слишком тёмное" in refusal.text
    assert "Пожелания: для витрины" in proposal.text


async def test_an_album_without_a_good_photo_is_refused_once(hall: Hall) -> None:
    anna = hall.person()
    await anna.send_album([_dark(), _tiny(), _blurred()])
    await hall.settle()
    assert len(anna.chat.by_bot()) == 1


async def test_buttons_of_a_replaced_draft_say_so_and_change_nothing(hall: Hall) -> None:
    anna = hall.person()
    old = await hall.begin(anna)
    stale = data_of(old, "go")
    await anna.send_photo(coffee())
    await hall.settle()
    assert old.buttons == []
    tap = await anna.tap_anyway(old.message_id, stale)
    await hall.settle()
    assert "устарела" in said(tap)
    assert await hall.engine.jobs_of(anna.id) == []


async def test_buttons_of_an_older_version_say_so(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    stale = data_of(proposal, "go")
    await hall.tap(anna, proposal, "tp", "macro")
    tap = await anna.tap_anyway(proposal.message_id, stale)
    await hall.settle()
    assert "устарела" in said(tap)
    assert await hall.engine.jobs_of(anna.id) == []


async def test_a_stranger_cannot_press_the_buttons_of_a_draft(hall: Hall) -> None:
    anna, boris = hall.person(), hall.person(2002)
    proposal = await hall.begin(anna)
    await boris.start()
    await hall.settle()
    tap = await boris.tap_anyway(last(boris).message_id, data_of(proposal, "go"))
    await hall.settle()
    assert "устарела" in said(tap)
    assert await hall.engine.jobs_of(boris.id) == []


async def test_a_draft_can_be_dropped(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    await hall.tap(anna, proposal, "dx")
    assert "Черновик удалён" in proposal.text
    assert await hall.desk.drafts.load(anna.id) is None


async def test_an_unread_balance_is_not_a_zero(hall: Hall) -> None:
    anna = hall.person()
    await anna.start()
    await hall.settle()
    hall.engine.account_lost = True
    await anna.send_photo(coffee())
    await hall.settle()
    assert "Баланс сейчас не удалось узнать" in last(anna).text
    assert "go" in verbs(last(anna))
    await anna.send_text("/balance")
    await hall.settle()
    assert "Попробуйте через минуту" in last(anna).text
    assert "0 кредитов" not in last(anna).text
    assert await hall.desk.drafts.load(anna.id) is not None


async def test_a_retired_model_is_not_offered_and_another_is_proposed(hall: Hall) -> None:
    anna = hall.person()
    proposal = await hall.begin(anna)
    hall.shelf.items = [KLING]
    tap = await hall.tap(anna, proposal, "go")
    assert "Условия изменились" in said(tap)
    assert "Модель: Kling 3.0" in proposal.text
    assert "md" not in verbs(proposal)
    assert await hall.engine.jobs_of(anna.id) == []


async def test_without_any_model_the_draft_is_kept(hall: Hall) -> None:
    anna = hall.person()
    hall.shelf.items = []
    message = await hall.begin(anna)
    assert "Генерация временно недоступна" in message.text
    hall.shelf.items = [SEEDANCE]
    await anna.send_text("мягкий свет")
    await hall.settle()
    assert "Пожелания: мягкий свет" in last(anna).text


async def test_a_newcomer_without_credits_learns_what_is_missing(redis_url: str) -> None:
    async with open_hall(redis_url, trial=0) as hall:
        anna = hall.person()
        proposal = await hall.begin(anna)
        assert "Не хватает: 1 кредит" in proposal.text
        assert "Черновик сохранён" in proposal.text
