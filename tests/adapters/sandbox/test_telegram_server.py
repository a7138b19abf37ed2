from typing import Any

import aiohttp
import pytest
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BufferedInputFile,
    Message,
)

from adapters.sandbox.telegram_server import SandboxTelegram
from tests.adapters.sandbox.telegram_world import TOKEN, TestClock, bot_of, keys, picture, sandbox


async def test_the_token_is_checked() -> None:
    async with sandbox() as (telegram, bot):
        me = await bot.get_me()
        assert (me.id, me.is_bot, me.username) == (4242, True, "reelstate_sandbox_bot")
        stranger = bot_of(telegram, "4242:other")
        with pytest.raises(TelegramUnauthorizedError):
            await stranger.get_me()
        await stranger.session.close()
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{telegram.url}/botnonsense/getMe") as answer:
                assert answer.status == 404
            async with http.get(f"{telegram.url}/bot4242:other/getMe") as answer:
                assert (await answer.json())["description"] == "Unauthorized"


async def test_a_taken_port_is_said_at_start() -> None:
    async with sandbox() as (telegram, _):
        port = int(telegram.url.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"):
            await SandboxTelegram(TOKEN, TestClock(), port=port).start()


async def test_unknown_methods_are_not_found() -> None:
    async with sandbox() as (_, bot):
        with pytest.raises(TelegramNotFound, match="method not found"):
            await bot.log_out()


async def test_a_text_is_sent_shown_and_pushed() -> None:
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        await anna.start()
        sent = await bot.send_message(
            anna.id, "Hi, <b>Anna</b> 🎬 &lt;3", parse_mode="HTML", reply_markup=keys("go")
        )
        assert sent.text == "Hi, Anna 🎬 <3"
        assert sent.entities is not None
        assert (sent.entities[0].type, sent.entities[0].offset, sent.entities[0].length) == ("bold", 4, 4)
        assert anna.chat.by_bot()[0].buttons[0][0]["callback_data"] == "go"
        assert [push.message_id for push in anna.chat.pushes] == [sent.message_id]


async def test_strangers_and_those_who_blocked_are_refused() -> None:
    async with sandbox() as (telegram, bot):
        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await bot.send_message(77, "hi")
        anna = telegram.person()
        with pytest.raises(TelegramForbiddenError, match="can't initiate conversation"):
            await bot.send_message(anna.id, "hi")
        await anna.start()
        sent = await bot.send_message(anna.id, "hi")
        await anna.block()
        with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
            await bot.send_message(anna.id, "hi")
        with pytest.raises(TelegramForbiddenError):
            await bot.edit_message_text("ho", chat_id=anna.id, message_id=sent.message_id)
        await anna.unblock()
        await bot.send_message(anna.id, "hi again")
        updates = await bot.get_updates()
        statuses = [u.my_chat_member.new_chat_member.status for u in updates if u.my_chat_member]
        assert statuses == ["kicked", "member"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "message text is empty"),
        ("  ", "message text is empty"),
        ("я" * 4097, "message is too long"),
        ("<b>open", "can't parse entities: Can't find end tag corresponding to start tag \"b\""),
        ("a <blink>b</blink>", 'can\'t parse entities: Unsupported start tag "blink" at byte offset 2'),
    ],
)
async def test_bad_texts_are_refused_in_telegrams_words(text: str, sentence: str) -> None:
    async with sandbox() as (telegram, bot):
        await telegram.person().start()
        with pytest.raises(TelegramBadRequest) as caught:
            await bot.send_message(1001, text, parse_mode="HTML")
        assert caught.value.message == f"Bad Request: {sentence}"


async def test_callback_data_counts_bytes() -> None:
    async with sandbox() as (telegram, bot):
        await telegram.person().start()
        await bot.send_message(1001, "ok", reply_markup=keys("я" * 32))
        with pytest.raises(TelegramBadRequest, match="BUTTON_DATA_INVALID"):
            await bot.send_message(1001, "ok", reply_markup=keys("я" * 33))


async def test_an_edit_keeps_history_and_makes_no_push() -> None:
    clock = TestClock()
    async with sandbox(clock=clock) as (telegram, bot):
        anna = telegram.person()
        await anna.start()
        sent = await bot.send_message(anna.id, "one", reply_markup=keys("x"))
        clock.ahead_ms += 5000
        edited = await bot.edit_message_text("two", chat_id=anna.id, message_id=sent.message_id)
        assert isinstance(edited, Message)
        assert (edited.text, edited.reply_markup) == ("two", None)
        versions = anna.chat.messages[sent.message_id].versions
        assert [version.body["text"] for version in versions] == ["one", "two"]
        assert versions[1].at_ms - versions[0].at_ms >= 5000
        assert len(anna.chat.pushes) == 1


async def test_not_modified_looks_at_text_and_keyboard() -> None:
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        await anna.start()
        sent = await bot.send_message(anna.id, "one", reply_markup=keys("x"))
        where: dict[str, Any] = {"chat_id": anna.id, "message_id": sent.message_id}
        with pytest.raises(
            TelegramBadRequest, match="message is not modified: specified new message content"
        ):
            await bot.edit_message_text("one", **where, reply_markup=keys("x"))
        await bot.edit_message_text("one", **where, reply_markup=keys("y"))
        with pytest.raises(TelegramBadRequest, match="message is not modified"):
            await bot.edit_message_reply_markup(**where, reply_markup=keys("y"))
        await bot.edit_message_reply_markup(**where)
        assert anna.chat.messages[sent.message_id].buttons == []


async def test_edits_of_the_wrong_message() -> None:
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        said = await anna.start()
        photo = await bot.send_photo(anna.id, BufferedInputFile(picture(), "p.jpg"), caption="c")
        sent = await bot.send_message(anna.id, "one")
        await anna.delete(sent.message_id)
        for message_id, sentence in (
            (sent.message_id, "message to edit not found"),
            (999, "message to edit not found"),
            (said.message_id, "message can't be edited"),
            (photo.message_id, "there is no text in the message to edit"),
        ):
            with pytest.raises(TelegramBadRequest, match=sentence):
                await bot.edit_message_text("two", chat_id=anna.id, message_id=message_id)
        await bot.edit_message_caption(chat_id=anna.id, message_id=photo.message_id, caption="d")
        assert anna.chat.messages[photo.message_id].text == "d"
        with pytest.raises(TelegramBadRequest, match="message to delete not found"):
            await bot.delete_message(anna.id, sent.message_id)
        assert await bot.delete_message(anna.id, photo.message_id)
