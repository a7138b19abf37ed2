"""Lesson 1. Five moves lead from a photo to a video, and the credit is spent by the last of them."""

from pathlib import Path

from bot.wiring.nursery import Nursery
from tests.tour.play import lesson


async def test_a_photo_becomes_a_video(nursery: Nursery, tmp_path: Path) -> None:
    seen = await lesson("ok", nursery, tmp_path)

    assert seen.moves == [
        "· → queued  submit",  # one credit is put aside, in the same step
        "queued → generating  start",
        "generating → generating  accepted",  # the provider's task id is safe: nobody buys it twice
        "generating → sending  rendered",
        "sending → done  delivered",  # now, and only now, the credit is spent
    ]

    # The status message itself became the video, so a repeated send cannot make a second copy.
    assert [message for message in seen.chat if message.startswith("[video]")] == [
        "[video] ✅ Ваше видео готово\n\nСтиль: Вращение\n💳 Списан 1 кредит."
    ]
    assert seen.film is not None
    assert seen.film.stat().st_size > 10_000

    # An edit makes no sound: one short message rings the bell.
    assert seen.chat[-1] == "✅ Видео готово — смотрите выше."
    assert seen.pushes == 1
    assert (seen.before, seen.after) == (2, 1)
