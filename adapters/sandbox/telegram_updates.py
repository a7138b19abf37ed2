"""The queue of updates a bot has not acknowledged yet, and its long poll.

Outside facts (Bot API): an offset above an update's id acknowledges it; a new poller ends the older one
with 409; `allowed_updates` left out keeps the previous setting.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

Json = dict[str, Any]

FIRST_UPDATE_ID = 100_000_001
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


class Terminated(Exception):  # noqa: N818 - an ending, not an error
    """Another getUpdates took over this one."""


class UpdateQueue:
    """Updates in order, for one poller (or one webhook) at a time."""

    def __init__(self) -> None:
        self.pending: list[Json] = []
        self.allowed: list[str] = []
        self._next_id = FIRST_UPDATE_ID
        self.polls = 0
        """How many polls have begun; only the last one may go on."""
        self._changed = asyncio.Condition()
        self._closed = False

    async def put(self, kind: str, content: Json) -> int | None:
        """Queue an update (`message`, `callback_query` ...); None when the bot did not ask for this kind."""
        if kind not in self.allowed if self.allowed else kind in NOT_BY_DEFAULT:
            return None
        update_id = self._next_id
        self._next_id += 1
        await self.put_raw({"update_id": update_id, kind: content})
        return update_id

    async def put_raw(self, update: Json) -> None:
        """Queue an update as it is: the same one twice, an undecodable one."""
        async with self._changed:
            self.pending.append(update)
            self._changed.notify_all()

    def acknowledge(self, offset: int) -> None:
        """Forget updates below `offset`; a negative one keeps only the last -offset."""
        if offset < 0:
            self.pending = self.pending[offset:]
        else:
            self.pending = [update for update in self.pending if update["update_id"] >= offset]

    async def poll(
        self, offset: int, limit: int, timeout_s: float, allowed: Sequence[str] | None
    ) -> list[Json]:
        """Wait up to `timeout_s` (real seconds) for updates. Raises Terminated when another poll begins."""
        if allowed is not None:
            self.allowed = list(allowed)
        self.acknowledge(offset)
        self.polls += 1
        mine = self.polls
        async with self._changed:
            self._changed.notify_all()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._changed.wait_for(lambda: self.pending or self._closed or self.polls != mine)
            except TimeoutError:
                return []
        if self.polls != mine:
            raise Terminated
        return self.pending[: max(1, min(limit, 100))]

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition over the queue holds; `wake` has it looked at again."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def wake(self) -> None:
        """Something the waiters look at has changed."""
        async with self._changed:
            self._changed.notify_all()

    async def close(self) -> None:
        """End every wait."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()
