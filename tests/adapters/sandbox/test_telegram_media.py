import io
from typing import Any

import pytest
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramEntityTooLarge,
)
from aiogram.types import (
    BufferedInputFile,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    Message,
    URLInputFile,
)
from aiohttp import web
from PIL import Image

from tests.adapters.sandbox.telegram_world import film, keys, picture, sandbox


async def test_a_text_message_becomes_a_video_and_repeats_by_file_id() -> None:
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        await anna.start()
        sent = await bot.send_message(anna.id, "working", reply_markup=keys("cancel"))
        where: dict[str, Any] = {"chat_id": anna.id, "message_id": sent.message_id}
        media = InputMediaVideo(
            media=BufferedInputFile(film(), "v.mp4"),
            thumbnail=BufferedInputFile(picture(90, 160), "t.jpg"),
            caption="<b>Done</b>",
            parse_mode="HTML",
            duration=1,
        )
        edited = await bot.edit_message_media(media, **where)
        assert isinstance(edited, Message)
        assert edited.video is not None
        assert edited.video.thumbnail is not None
        assert (edited.video.width, edited.video.height, edited.video.duration) == (144, 256, 1)
        again = InputMediaVideo(media=edited.video.file_id, caption="<b>Done</b>", parse_mode="HTML")
        with pytest.raises(TelegramBadRequest, match="message is not modified"):
            await bot.edit_message_media(again, **where)
        looked = await bot.edit_message_reply_markup(**where, reply_markup=keys("again"))
        assert isinstance(looked, Message)
        assert looked.video is not None
        assert looked.video.file_id == edited.video.file_id
        assert [version.kind for version in anna.chat.messages[sent.message_id].versions] == [
            "text",
            "video",
            "video",
        ]
        copy = await bot.send_video(anna.id, edited.video.file_id)
        assert copy.video is not None
        with pytest.raises(TelegramBadRequest, match="type of file mismatch"):
            await bot.send_document(anna.id, edited.video.file_id)


async def test_bytes_that_are_no_film_come_back_as_a_document() -> None:
    async with sandbox() as (telegram, bot):
        await telegram.person().start()
        sent = await bot.send_video(1001, BufferedInputFile(b"not a film", "v.mp4"))
        assert sent.video is None
        assert sent.document is not None


async def test_photos_come_in_sizes_and_can_be_fetched() -> None:
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        await anna.send_photo(picture(3000, 2000), caption="my mug")
        (update,) = await bot.get_updates()
        assert update.message is not None
        assert update.message.photo is not None
        assert [max(size.width, size.height) for size in update.message.photo] == [90, 320, 1280]
        best = update.message.photo[-1]
        file = await bot.get_file(best.file_id)
        assert file.file_path is not None
        fetched = await bot.download_file(file.file_path)
        assert fetched is not None
        data = fetched.read()
        assert Image.open(io.BytesIO(data)).size == (1280, 853)
        assert len(data) == best.file_size


async def test_documents_keep_their_bytes_and_get_file_has_a_limit() -> None:
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        small = await anna.send_document(b"%PDF-", "list.pdf", "application/pdf")
        large = await anna.send_document(bytes(20 * 1024 * 1024 + 1), "big.png", "image/png")
        fetched = await bot.download(small.body["document"]["file_id"])
        assert fetched is not None
        assert fetched.read() == b"%PDF-"
        with pytest.raises(TelegramBadRequest, match="file is too big"):
            await bot.get_file(large.body["document"]["file_id"])
        with pytest.raises(TelegramBadRequest, match="wrong file_id or the file is temporarily unavailable"):
            await bot.get_file("AgAC")


async def test_uploads_above_fifty_megabytes_are_too_large() -> None:
    async with sandbox() as (telegram, bot):
        await telegram.person().start()
        with pytest.raises(TelegramEntityTooLarge):
            await bot.send_document(1001, BufferedInputFile(bytes(50 * 1024 * 1024 + 1), "v.mp4"))
        assert telegram.person().chat.by_bot() == []


async def test_addresses_are_fetched_by_the_server() -> None:
    async def serve(request: web.Request) -> web.Response:
        if request.path == "/v.mp4":
            return web.Response(body=film(), content_type="video/mp4")
        return web.Response(
            text="<html>", content_type="text/html", status=200 if request.path == "/page" else 502
        )

    app = web.Application()
    app.router.add_get("/{any}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with sandbox() as (telegram, bot):
        await telegram.person().start()
        sent = await bot.send_video(1001, f"{base}/v.mp4")
        assert sent.video is not None
        for address, sentence in (
            (f"{base}/gone", "failed to get HTTP URL content"),
            ("http://example.org/v.mp4", "failed to get HTTP URL content"),
            (f"{base}/page", "wrong type of the web page content"),
            ("nonsense", "wrong file identifier/HTTP URL specified"),
        ):
            with pytest.raises(TelegramBadRequest, match=sentence):
                await bot.send_video(1001, address)
        streamed = await bot.send_video(1001, URLInputFile(f"{base}/v.mp4", filename="v.mp4"))
        assert streamed.video is not None
    await runner.cleanup()


async def test_an_album_is_sent_whole_or_not_at_all() -> None:
    async with sandbox() as (telegram, bot):
        anna = telegram.person()
        await anna.start()
        good = [InputMediaPhoto(media=BufferedInputFile(picture(), "a.jpg"), caption="two") for _ in range(2)]
        sent = await bot.send_media_group(anna.id, [*good])
        assert sent[0].media_group_id == sent[1].media_group_id is not None
        bad = InputMediaPhoto(media=BufferedInputFile(b"no picture", "b.jpg"))
        with pytest.raises(
            TelegramBadRequest, match='failed to send message #2 with the error message "IMAGE_PROC'
        ):
            await bot.send_media_group(anna.id, [good[0], bad])
        assert len(anna.chat.by_bot()) == 2
        documents = [InputMediaDocument(media=BufferedInputFile(b"x", "x.txt")) for _ in range(2)]
        assert len(await bot.send_media_group(anna.id, [*documents])) == 2
