"""Updates by webhook: posted until accepted, in order within a chat, other chats not held up.

Outside facts (`WebhookActor` of tdlib/telegram-bot-api): non-2xx is tried again with a growing delay, a
Retry-After is obeyed, a failing update blocks its own chat only. Delays are shortened here: a demo must not
wait a minute.
"""

import asyncio
import time
from typing import Any

import aiohttp

from adapters.sandbox.telegram_state import World

FIRST_DELAY_S = 0.1
LAST_DELAY_S = 5.0
POST_TIMEOUT_S = 60.0
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name

Json = dict[str, Any]


def _chat_of(update: Json) -> int:
    """The chat (or person) whose line an update stands in."""
    for content in update.values():
        if isinstance(content, dict):
            place = content.get("chat") or content.get("from") or {}
            return int(place.get("id", 0))
    return 0


class _Pump:
    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self._world = world
        self._session = session
        self._closed_until: dict[int, float] = {}
        self._delay: dict[int, float] = {}

    def due(self) -> tuple[Json | None, float | None]:
        """The next update that may be posted, or how long (s) until one may be."""
        now, wait, seen = time.monotonic(), None, set()
        for update in self._world.updates.pending:
            chat = _chat_of(update)
            if chat in seen:
                continue
            seen.add(chat)
            left = self._closed_until.get(chat, 0.0) - now
            if left <= 0:
                return update, None
            wait = left if wait is None else min(wait, left)
        return None, wait

    async def post(self, update: Json) -> None:
        chat = _chat_of(update)
        hook = self._world.webhook
        secret = {SECRET_HEADER: hook["secret_token"]} if hook.get("secret_token") else {}
        retry_after = 0.0
        try:
            async with self._session.post(hook["url"], json=update, headers=secret) as answer:
                if answer.status < 300:
                    self._world.updates.pending.remove(update)
                    self._delay.pop(chat, None)
                    return
                trouble = f"Wrong response from the webhook: {answer.status} {answer.reason}"
                retry_after = float(answer.headers.get("Retry-After", "0"))
        except (aiohttp.ClientError, TimeoutError) as error:
            trouble = f"Connection failed: {type(error).__name__}"
        hook |= {"last_error_date": self._world.clock.now_ms() // 1000, "last_error_message": trouble}
        delay = self._delay.get(chat, FIRST_DELAY_S)
        self._delay[chat] = min(delay * 2, LAST_DELAY_S)
        self._closed_until[chat] = time.monotonic() + max(delay, retry_after)


async def deliver_webhooks(world: World) -> None:
    """Post updates while a webhook is set. Runs until cancelled."""
    timeout = aiohttp.ClientTimeout(total=POST_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        pump = _Pump(world, session)
        while True:
            await world.updates.wait_for(lambda: bool(world.updates.pending and world.webhook["url"]))
            update, wait = pump.due()
            if update is not None:
                await pump.post(update)
            else:
                await asyncio.sleep(wait or FIRST_DELAY_S)
