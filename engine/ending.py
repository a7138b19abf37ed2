"""Ending tasks for good. One cancellation is not enough: drivers have swallowed it on their way out."""

import asyncio
from typing import Any, Final

AGAIN_S: Final = 15.0
"""Real seconds after which a task that goes on is cancelled once more: longer than clearing up takes."""


async def ended(*tasks: "asyncio.Task[Any]", again_s: float = AGAIN_S) -> None:
    """Cancel these tasks until they are over. Whatever they end with is not looked at."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_s)
    await asyncio.gather(*tasks, return_exceptions=True)  # their errors count as seen
