"""Waiting for something that can only be looked at: now and then, by a clock that decides nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

LOOK_S: Final = 0.005


async def until(ready: Callable[[], bool]) -> None:
    """Look until it is so. The caller bounds the time."""

    async def look() -> bool:
        return ready()

    await until_async(look)


async def until_async(ready: Callable[[], Awaitable[bool]]) -> None:
    """The same for a look that has to be awaited."""
    while True:
        if await ready():
            return
        await asyncio.sleep(LOOK_S)
