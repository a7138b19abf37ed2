"""Sends calls of verbs to the server: batched by partition, resent until answered.

Calls to the same partition travel as one script. While `ON_THE_WAY` scripts of a partition are unanswered,
what is called meanwhile waits and goes together with the next one: the busier the store, the deeper the
batches, and one flush of its append-only file serves them all. An answer that was lost leaves the outcome
unknown, so the same call goes again with the same arguments; every mutating verb carries its own operation
id and answers a repetition from its record. The caller may be cancelled at any time: the call goes on, and
may be asked again by its id.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from engine.connection import Connection, ScriptMissing
from engine.errors import ScriptFailed, StoreUnavailable
from engine.script_files import library
from engine.scripts import HOT, MAX_BATCH, Library, Value, Wire

DEADLINE_S: Final = 10.0
"""How long a call is resent before StoreUnavailable, real seconds: it bounds waiting for a network."""
FIRST_PAUSE_S: Final = 0.02
LAST_PAUSE_S: Final = 1.0
ON_THE_WAY: Final = 2
"""Scripts of a partition that may be unanswered: while the server works on one, the next one is made."""
BATCH: Final = "batch"
HOT_BATCH: Final = "hot batch"


@dataclass(slots=True)
class _Call:
    verb: str
    wire: list[Wire]
    answer: "asyncio.Future[Any]"
    until_s: float


@dataclass(slots=True)
class _Lane:
    """The calls of one partition: those that wait for their batch, and how many batches are on their way."""

    waiting: list[_Call] = field(default_factory=list)
    under_way: int = 0
    soon: bool = False
    """A flush at the end of this turn of the loop is ordered already."""


class Dispatcher:
    """Calls verbs by name: `await dispatcher.call("{1768}", "ring")`."""

    def __init__(
        self, connection: Connection, *, verbs: Library | None = None, deadline_s: float = DEADLINE_S
    ) -> None:
        self._connection = connection
        self._verbs = verbs or library()
        self._deadline_s = deadline_s
        self._shas: dict[str, str] = {}
        self._lanes: dict[str, _Lane] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """SCRIPT LOAD of every verb and of the batches. Raises StoreUnavailable."""
        for name in self._verbs.verbs:
            self._shas[name] = await self._connection.load(self._verbs.single(name))
        self._shas[BATCH] = await self._connection.load(self._verbs.batch())
        self._shas[HOT_BATCH] = await self._connection.load(self._verbs.hot_batch())

    async def call(self, prefix: str, verb: str, /, **given: Value) -> Any:
        """The verb's answer (bytes, ints, lists). Names are checked before anything is sent.

        Raises StoreUnavailable when no answer came until the deadline (outcome unknown), ScriptFailed
        when the script raised (a bug).
        """
        loop = asyncio.get_running_loop()
        wire = self._verbs.encode(verb, given)
        one = _Call(verb, wire, loop.create_future(), loop.time() + self._deadline_s)
        lane = self._lanes.get(prefix)
        if lane is None:
            lane = self._lanes[prefix] = _Lane()
        lane.waiting.append(one)
        self._flush_soon(prefix, lane)
        return await one.answer

    def _flush_soon(self, prefix: str, lane: _Lane) -> None:
        if lane.waiting and not lane.soon and lane.under_way < ON_THE_WAY:
            lane.soon = True
            asyncio.get_running_loop().call_soon(self._flush, prefix, lane)

    def _flush(self, prefix: str, lane: _Lane) -> None:
        lane.soon = False
        while lane.waiting and lane.under_way < ON_THE_WAY:
            batch, lane.waiting = lane.waiting[:MAX_BATCH], lane.waiting[MAX_BATCH:]
            lane.under_way += 1
            sending = _Batch(prefix, lane, batch)
            task = asyncio.create_task(self._deliver(sending))
            self._running.add(task)
            task.add_done_callback(partial(self._ended, sending))

    def _arrived(self, sending: "_Batch") -> None:
        """It is answered, or was lost and goes again beside the others: the next batch may go."""
        if sending.counted:
            sending.counted = False
            sending.lane.under_way -= 1
            self._flush_soon(sending.prefix, sending.lane)

    def _ended(self, sending: "_Batch", task: "asyncio.Task[None]") -> None:
        """Whoever cancels the delivery (the end of the loop) cancels those who wait for it."""
        self._running.discard(task)
        self._arrived(sending)
        for one in sending.calls:
            one.answer.cancel()

    async def _deliver(self, sending: "_Batch") -> None:
        try:
            answers = await self._insist(sending)
        except Exception as error:  # noqa: BLE001 - whatever it was, the callers must hear of it
            for one in sending.calls:
                if not one.answer.done():
                    one.answer.set_exception(error)
            return
        for one, answer in zip(sending.calls, answers, strict=True):
            _settle(one, answer)

    async def _insist(self, sending: "_Batch") -> list[Any]:
        """Send until answered. The first error is kept: it says more than the last time-out."""
        lost: StoreUnavailable | None = None
        pause_s = FIRST_PAUSE_S
        until_s, now_s = sending.calls[0].until_s, asyncio.get_running_loop().time
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                while now_s() < until_s:  # a driver that swallows the time-out's cancellation is left here
                    try:
                        return await self._send(sending.prefix, sending.calls)
                    except ScriptMissing:
                        await self._reload()
                    except StoreUnavailable as error:
                        lost = lost or error
                        self._arrived(sending)
                        await asyncio.sleep(pause_s)
                        pause_s = min(LAST_PAUSE_S, pause_s * 2)
        raise StoreUnavailable(
            f"the store did not answer within {self._deadline_s:g} s; the outcome is unknown"
            f" ({lost or 'no answer'})"
        ) from lost

    async def _reload(self) -> None:
        try:
            await self.load()
        except StoreUnavailable:
            await asyncio.sleep(FIRST_PAUSE_S)

    async def _send(self, prefix: str, calls: Sequence[_Call]) -> list[Any]:
        if len(calls) == 1:
            one = calls[0]
            return [await self._connection.run(self._sha(one.verb), prefix, one.wire)]
        wire: list[Wire] = []
        for one in calls:
            wire += [one.verb, len(one.wire), *one.wire]
        name = HOT_BATCH if all(one.verb in HOT for one in calls) else BATCH
        answer = await self._connection.run(self._sha(name), prefix, wire)
        return list(answer)

    def _sha(self, name: str) -> str:
        if name not in self._shas:
            raise ScriptMissing(name)
        return self._shas[name]

    async def close(self) -> None:
        """Wait for what is on its way (each is bounded by the deadline)."""
        while self._running:
            # not gather: on newer Pythons it does not yield for tasks that are done already
            await asyncio.wait(self._running)


@dataclass(slots=True)
class _Batch:
    """Calls that travel together."""

    prefix: str
    lane: _Lane
    calls: list[_Call]
    counted: bool = True
    """It is one of those `under_way`."""


def _settle(one: _Call, answer: Any) -> None:
    if one.answer.done():
        return
    if isinstance(answer, list) and answer and answer[0] == b"!":
        one.answer.set_exception(ScriptFailed(f"{one.verb}: {answer[1].decode()}"))
    elif isinstance(answer, Exception):
        one.answer.set_exception(ScriptFailed(f"{one.verb}: {answer}"))
    else:
        one.answer.set_result(answer)
