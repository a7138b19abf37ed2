"""Every kind of input in every state of the conversation gets one useful answer (trap T25)."""

from collections.abc import Awaitable, Callable

import pytest

from adapters.sandbox.telegram_person import Person
from bot.drafts import Phase
from tests.bot.hall import Hall, coffee, last

KINDS = ("sticker", "voice", "video", "video_note", "audio", "animation", "contact", "location")


async def _idle(hall: Hall, anna: Person) -> None:
    await anna.start()
    await hall.settle()


async def _photo_awaited(hall: Hall, anna: Person) -> None:
    await anna.send_text("мягкий свет")
    await hall.settle()


async def _choosing(hall: Hall, anna: Person) -> None:
    await hall.begin(anna)


async def _describing(hall: Hall, anna: Person) -> None:
    await hall.tap(anna, await hall.begin(anna), "ow")


async def _launched(hall: Hall, anna: Person) -> None:
    await hall.tap(anna, await hall.begin(anna), "go")


Way = Callable[[Hall, Person], Awaitable[None]]
STATES: dict[str, tuple[Way, str]] = {
    Phase.IDLE: (_idle, "Пришлите фото товара"),
    Phase.PHOTO: (_photo_awaited, "Теперь пришлите фото"),
    Phase.CHOICE: (_choosing, "нажмите «Создать видео»"),
    Phase.WISHES: (_describing, "Жду описание ролика"),
    Phase.LAUNCHED: (_launched, "Пришлите фото товара"),
}


def test_every_state_is_covered() -> None:
    assert set(STATES) == set(Phase)


@pytest.mark.parametrize("phase", STATES)
async def test_every_input_in_every_state_gets_one_useful_answer(hall: Hall, phase: str) -> None:
    anna = hall.person()
    reach, next_step = STATES[phase]
    await reach(hall, anna)
    before = await hall.desk.drafts.load(anna.id)
    for kind in KINDS:
        count = len(anna.chat.by_bot())
        await anna.send_kind(kind)
        await hall.settle()
        assert len(anna.chat.by_bot()) == count + 1, kind
        assert next_step in last(anna).text, kind
    await anna.send_text("/nonsense")
    await hall.settle()
    assert "Такой команды нет" in last(anna).text
    assert next_step in last(anna).text
    assert await hall.desk.drafts.load(anna.id) == before


@pytest.mark.parametrize("phase", STATES)
async def test_text_and_photo_are_understood_in_every_state(hall: Hall, phase: str) -> None:
    anna = hall.person()
    await STATES[phase][0](hall, anna)
    count = len(anna.chat.by_bot())
    await anna.send_text("неон & <i>дождь</i>")
    await hall.settle()
    assert len(anna.chat.by_bot()) == count + 1
    assert "неон & <i>дождь</i>" in last(anna).text
    await anna.send_photo(coffee())
    await hall.settle()
    assert "Пожелания: неон & <i>дождь</i>" in last(anna).text


async def test_blocking_says_nothing_and_coming_back_wakes_what_was_parked(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = hall.person()
    await anna.start()
    await hall.settle()
    woken: list[int] = []

    async def returned(user_id: int) -> int:
        woken.append(user_id)
        return 0

    monkeypatch.setattr(hall.engine, "user_returned", returned)
    await anna.block()
    await hall.settle()
    assert woken == []
    count = len(anna.chat.by_bot())
    await anna.unblock()
    await hall.settle()
    assert woken == [anna.id]
    assert len(anna.chat.by_bot()) == count
    await anna.send_text("я тут")
    await hall.settle()
    assert woken == [anna.id, anna.id]
