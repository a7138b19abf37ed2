"""Acknowledgements of queue entries, gathered: those ready in one turn of the loop travel as one call.

Nothing is delayed for company. A repetition is harmless: what was acknowledged before answers `gone`.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

from engine.ports import Clock
from engine.queue_values import Entry, Returned
from engine.scripts import Value

_Waiting = list[tuple[Entry, "asyncio.Future[Returned]"]]
MANY: Final = 64
"""Entries in one call: bounds how long the server's one thread is taken."""


class Caller(Protocol):
    """Calls verbs by name (`engine.dispatch.Dispatcher`)."""

    async def call(self, prefix: str, verb: str, /, **given: Value) -> Any:
        """The verb's answer. Raises StoreUnavailable."""
        ...


class Acks:
    """What one reader has done with, on its way to the queue `name`."""

    def __init__(self, name: str, calls: Caller, clock: Clock, tags: Sequence[str]) -> None:
        self._name, self._calls, self._clock, self._tags = name, calls, clock, tags
        self._waiting: dict[tuple[int, int], _Waiting] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def give(self, entry: Entry, gap_ms: int) -> Returned:
        """Acknowledge one entry. Raises StoreUnavailable (for all that went with it)."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._flush)
        answer: asyncio.Future[Returned] = loop.create_future()
        self._waiting.setdefault((entry.partition, gap_ms), []).append((entry, answer))
        return await answer

    def _flush(self) -> None:
        ready, self._waiting = self._waiting, {}
        for (partition, gap_ms), waiting in ready.items():
            for at in range(0, len(waiting), MANY):
                task = asyncio.create_task(self._send(partition, gap_ms, waiting[at : at + MANY]))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def _send(self, partition: int, gap_ms: int, waiting: _Waiting) -> None:
        try:
            words = await self._calls.call(
                self._tags[partition],
                "queue_ack",
                name=self._name,
                now=self._clock.now_ms(),
                gap_ms=gap_ms,
                entries=[word for entry, _ in waiting for word in (entry.lane, entry.token)],
            )
        except asyncio.CancelledError:
            for _, answer in waiting:
                answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), word in zip(waiting, words, strict=True):
            if not answer.done():
                answer.set_result(Returned(word.decode()))
