"""Waiting for work without polling: one outstanding bell read a partition, plus a local timer.

Redis' own blocking time-outs come up to 100 ms late, so the timer decides when a known time has come, and
the bell tells what nobody knew. The bell says only "look again": the job itself is taken by an idempotent
claim, so a bell lost with its reader costs the read's few seconds at most. A bell that rings while nobody
here waits (the worker is full) is put back for others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from engine.errors import StoreUnavailable
from engine.ports import Clock

PAUSE_S: Final = 0.5
"""After a broken read, real seconds: the server is probably away."""


class Bells(Protocol):
    """Blocking reads (`engine.connection.Connection`)."""

    async def pop_bell(self, slot: str, keys: Sequence[str]) -> str | None:
        """The key that rang, or None after some seconds. Raises StoreUnavailable."""
        ...

    async def interrupt(self, slot: str) -> bool:
        """End an outstanding read without losing what it popped; False when the server knows of none."""
        ...


class Doorbell:
    """The bells of one partition, for one waiting loop. `put_back` rings a key again."""

    def __init__(
        self, bells: Bells, slot: str, clock: Clock, put_back: Callable[[str], Awaitable[None]]
    ) -> None:
        self._bells = bells
        self._slot = slot
        self._clock = clock
        self._put_back = put_back
        self._read: asyncio.Task[str | None] | None = None
        self._keys: tuple[str, ...] = ()
        self._waiting = False
        self._ending = False

    async def wait(self, keys: Sequence[str], until_ms: int) -> bool:
        """True when a bell rang, False when `until_ms` has come. Either way it is time to look again."""
        self._waiting = True
        try:
            read = await self._listen(tuple(keys))
            timer = asyncio.ensure_future(self._clock.sleep((until_ms - self._clock.now_ms()) / 1000))
            try:
                await asyncio.wait({read, timer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                timer.cancel()
            if not read.done():
                return False
            self._read = None
            return read.result() is not None
        finally:
            self._waiting = False

    async def _listen(self, keys: tuple[str, ...]) -> "asyncio.Task[str | None]":
        if self._read is not None and self._keys != keys and not self._read.done():
            await self._end(self._read)
        if self._read is not None and self._read.done() and self._read.result() is None:
            self._read = None
        if self._read is None:
            self._keys = keys
            self._read = asyncio.create_task(self._until_rung(keys))
        return self._read

    async def _end(self, read: "asyncio.Task[str | None]") -> None:
        """It listens for something else. If it has just popped a bell, that is the answer to this wait."""
        self._ending = True
        with suppress(StoreUnavailable):
            if not await self._bells.interrupt(self._slot):
                # between sending and answering: break it off, and look again for what it may have popped
                read.cancel()
        await asyncio.wait({read})
        self._ending = False
        if read.cancelled():
            self._read = asyncio.create_task(_rung_already())

    async def _until_rung(self, keys: tuple[str, ...]) -> str | None:
        """Read as long as somebody waits; None when nobody does, or the link broke."""
        try:
            while True:
                rung = await self._bells.pop_bell(self._slot, keys)
                if self._ending or (rung is not None and self._waiting):
                    return rung
                if rung is not None:
                    await self._put_back(rung)
                if not self._waiting:
                    return None
        except StoreUnavailable:
            await asyncio.sleep(PAUSE_S)
            return None

    async def close(self) -> None:
        """End the outstanding read; its connection is dropped. A bell nobody answered is put back."""
        read, self._read = self._read, None
        if read is None:
            return
        read.cancel()
        (rung,) = await asyncio.gather(read, return_exceptions=True)
        if isinstance(rung, str):
            with suppress(StoreUnavailable):
                await self._put_back(rung)


async def _rung_already() -> str:
    return ""
