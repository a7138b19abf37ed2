"""Updates by webhook: stored first, answered after. What cannot be stored is asked for again (503)."""

from collections.abc import Awaitable, Callable

from aiogram import Bot
from aiogram.methods import SetWebhook
from aiohttp import web

from adapters.outside import json_of, same_secret
from adapters.telegram.client import Timeouts, call
from adapters.telegram.poller import ALLOWED_UPDATES, Put, chat_of
from states.vocabulary import Failure

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  (a header's name)

Handler = Callable[[web.Request], Awaitable[web.Response]]


def webhook_handler(secret: str, put: Put) -> Handler:
    """An aiohttp handler for POST. `secret`: 1-256 of [A-Za-z0-9_-], as given to setWebhook."""
    if not secret:
        raise ValueError("a webhook needs a secret: anybody may post to its address")

    async def handle(request: web.Request) -> web.Response:
        given = request.headers.get(SECRET_HEADER, "")
        if not same_secret(given, secret):
            return web.Response(status=401)
        raw = await request.read()
        try:
            update = json_of(raw)
        except ValueError:
            return web.Response(status=400)
        update_id = update.get("update_id") if isinstance(update, dict) else None
        if not isinstance(update_id, int):
            return web.Response(status=400)
        try:
            await put(update_id, chat_of(update), raw)
        except Exception:  # noqa: BLE001  (whatever the store says: Telegram keeps the update and asks again)
            return web.Response(status=503, headers={"Retry-After": "5"})
        return web.Response(status=200)

    return handle


async def set_webhook(bot: Bot, url: str, secret: str, timeouts: Timeouts | None = None) -> bool | Failure:
    """Tell Telegram where to post. Pending updates are kept: they may be payments."""
    method = SetWebhook(
        url=url, secret_token=secret, allowed_updates=list(ALLOWED_UPDATES), drop_pending_updates=False
    )
    return await call(bot, method, timeout=(timeouts or Timeouts()).small(), step="updates")
