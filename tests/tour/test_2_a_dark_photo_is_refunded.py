"""Lesson 2. Nobody but the user can take another photo: no retry, plain words, the credit comes back."""

from pathlib import Path

from bot.wiring.nursery import Nursery
from tests.tour.play import lesson


async def test_a_dark_photo_is_refunded(nursery: Nursery, tmp_path: Path) -> None:
    seen = await lesson("photo_too_dark", nursery, tmp_path)

    assert seen.moves[-1] == "generating → refunded  error"
    assert seen.why == ["image_too_dark"], "it was tried once: trying again would not help"

    assert seen.saw("Фото слишком тёмное.")
    assert seen.saw("💡 Совет: покажите товар крупнее при хорошем освещении")
    assert seen.saw("💳 Кредиты возвращены ↩️ (1 вернулся в баланс). Баланс: 2 кредита.")
    assert (seen.before, seen.after, seen.film) == (2, 2, None)
