from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web

from adapters.telegram.webhook import SECRET_HEADER, set_webhook, webhook_handler
from tests.adapters.telegram.test_poller import Shelf
from tests.adapters.telegram.world import BRISK, USER, Scene

SECRET = "a-webhook-secret-of-a-test"  # noqa: S105


@asynccontextmanager
async def hook(shelf: Shelf) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", webhook_handler(SECRET, shelf.put))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()


async def post(url: str, raw: bytes, secret: str | None = SECRET) -> int:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    async with ClientSession() as session, session.post(url, data=raw, headers=headers) as answer:
        return answer.status


GOOD = b'{"update_id": 7, "message" : {"chat": {"id": 1001}, "text": "\\ud83d"}}'


async def test_update_is_stored_as_it_came_before_the_answer() -> None:
    shelf = Shelf()
    async with hook(shelf) as url:
        assert await post(url, GOOD) == 200
    assert shelf.kept == {7: (USER, GOOD)}


@pytest.mark.parametrize("secret", [None, "", "wrong", "не-тот"])
async def test_forged_update_is_refused(secret: str | None) -> None:
    shelf = Shelf()
    async with hook(shelf) as url:
        assert await post(url, GOOD, secret) == 401
    assert shelf.kept == {}


@pytest.mark.parametrize("raw", [b"not json", b"[]", b'{"update_id": "x"}', b"\xff"])
async def test_nonsense_is_refused(raw: bytes) -> None:
    shelf = Shelf()
    async with hook(shelf) as url:
        assert await post(url, raw) == 400


async def test_store_that_is_down_makes_telegram_ask_again() -> None:
    shelf = Shelf()
    shelf.broken = 1
    async with hook(shelf) as url:
        assert await post(url, GOOD) == 503
        assert await post(url, GOOD) == 200
    assert list(shelf.kept) == [7]


def test_webhook_without_a_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        webhook_handler("", Shelf().put)


async def test_sandbox_delivers_to_the_webhook(stage: Scene) -> None:
    shelf = Shelf()
    async with hook(shelf) as url:
        assert await set_webhook(stage.bot, url, SECRET, BRISK) is True
        await stage.telegram.person(USER).send_text("by hook")
        await shelf.until(lambda: "by hook" in shelf.texts)
    assert shelf.texts == ["/start", "by hook"]
