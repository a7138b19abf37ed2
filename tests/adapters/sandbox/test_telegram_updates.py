import asyncio

import pytest
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
)
from aiogram.types import (
    BotCommand,
    Message,
)
from aiohttp import web

from tests.adapters.sandbox.telegram_world import TestClock, keys, picture, sandbox


async def test_the_poll_waits_acknowledges_and_ends_the_older_one() -> None:
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        waiting = asyncio.create_task(bot.get_updates(timeout=20))
        await telegram.world.updates.wait_for(lambda: telegram.world.updates.polls > 0)
        await anna.send_text("one")
        (update,) = await waiting
        assert update.message is not None
        assert update.message.text == "one"
        (same,) = await bot.get_updates()
        assert same.update_id == update.update_id
        assert await bot.get_updates(offset=update.update_id + 1) == []
        older = asyncio.create_task(bot.get_updates(offset=update.update_id + 1, timeout=20))
        await telegram.world.updates.wait_for(lambda: telegram.world.updates.polls == 4)
        assert await bot.get_updates(offset=update.update_id + 1) == []
        with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
            await older


async def test_allowed_updates_are_kept_until_changed() -> None:
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        await bot.get_updates(allowed_updates=["message"])
        await anna.start()
        await anna.block()
        assert [update.event_type for update in await bot.get_updates()] == ["message"]
        await bot.get_updates(allowed_updates=[])
        await anna.unblock()
        assert [update.event_type for update in await bot.get_updates()] == ["message", "my_chat_member"]


async def test_a_tap_reaches_the_bot_and_its_answer_the_person() -> None:
    clock = TestClock()
    async with sandbox(clock=clock) as (telegram, bot):
        anna = telegram.person()
        await anna.start()
        sent = await bot.send_message(anna.id, "one", reply_markup=keys("go"))
        tap = await anna.tap(sent.message_id, "go")
        query = (await bot.get_updates())[-1].callback_query
        assert query is not None
        assert isinstance(query.message, Message)
        assert (query.data, query.message.message_id) == ("go", sent.message_id)
        assert await bot.answer_callback_query(query.id, "yes", show_alert=True)
        assert tap.answer == {"text": "yes", "alert": True, "url": ""}
        clock.ahead_ms += 3_600_000
        assert await bot.answer_callback_query(query.id)
        tap.at_s -= 16
        with pytest.raises(TelegramBadRequest, match="query is too old and response timeout expired"):
            await bot.answer_callback_query(query.id)
        with pytest.raises(LookupError):
            await anna.tap(sent.message_id, "other")


async def test_commands_and_descriptions_are_kept_by_language() -> None:
    async with sandbox() as (_, bot):
        await bot.set_my_commands([BotCommand(command="start", description="Start")])
        await bot.set_my_commands([BotCommand(command="start", description="Начать")], language_code="ru")
        (command,) = await bot.get_my_commands(language_code="ru")
        assert command.description == "Начать"
        assert await bot.set_my_description("About")
        assert await bot.set_my_short_description("Short", language_code="ru")


async def test_chat_action_draft_chat_and_reaction() -> None:
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        said = await anna.start()
        assert await bot.send_chat_action(anna.id, "upload_video")
        assert anna.chat.actions[0][1] == "upload_video"
        assert await bot.send_message_draft(anna.id, 1, text="thinking")
        assert (await bot.get_chat(anna.id)).first_name == "Anna"
        assert await bot.set_message_reaction(anna.id, said.message_id)


async def test_other_kinds_arrive_as_telegram_sends_them() -> None:
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        kinds = ["sticker", "voice", "video", "video_note", "audio", "animation", "contact", "location"]
        for kind in kinds:
            await anna.send_kind(kind)
        album = await anna.send_album([picture(), picture(100, 100)], caption="both")
        said = await anna.send_text("helo")
        await anna.edit(said.message_id, "hello")
        updates = await bot.get_updates()
        assert [u.message.content_type for u in updates if u.message] == [*kinds, "photo", "photo", "text"]
        assert len({message.fixed["media_group_id"] for message in album}) == 1
        assert updates[-1].edited_message is not None
        assert updates[-1].edited_message.text == "hello"


async def test_webhook_updates_are_posted_until_accepted() -> None:
    got: list[tuple[int, str]] = []
    done = asyncio.Event()

    async def hook(request: web.Request) -> web.Response:
        body = await request.json()
        got.append((body["update_id"], request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")))
        if len(got) == 3:
            done.set()
        return web.Response(status=500 if len(got) == 1 else 200)

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        await bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}/hook", secret_token="s3")  # noqa: S106 - a test's word
        with pytest.raises(TelegramConflictError, match="webhook is active"):
            await bot.get_updates()
        await anna.send_text("one")
        await anna.send_text("two")
        async with asyncio.timeout(10):
            await done.wait()
        assert [update_id for update_id, _ in got] == [got[0][0], got[0][0], got[0][0] + 1]
        assert {secret for _, secret in got} == {"s3"}
        info = await bot.get_webhook_info()
        assert info.last_error_message == "Wrong response from the webhook: 500 Internal Server Error"
        await bot.delete_webhook()
        assert (await bot.get_webhook_info()).url == ""
    await runner.cleanup()
