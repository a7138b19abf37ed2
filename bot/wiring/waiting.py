"""Waiting for something that can only be looked at: a chat, a store, another process."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

LOOK_S: Final = 0.02
"""Real seconds between two looks."""


async def until(ready: Callable[[], object], limit_s: float) -> bool:
    """Look until it is so; False when it is not within `limit_s` real seconds."""

    async def look() -> object:
        return ready()

    return await until_async(look, limit_s)


async def until_async(ready: Callable[[], Awaitable[object]], limit_s: float) -> bool:
    """The same for a look that has to be awaited."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + limit_s
    while not await ready():
        if loop.time() > give_up:
            return False
        await asyncio.sleep(LOOK_S)
    return True
