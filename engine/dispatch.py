"""Sends calls of verbs to the server: batched by partition and turn, resent until answered.

Calls to the same partition made in one turn of the event loop travel as one script. An answer that was
lost leaves the outcome unknown, so the same call goes again with the same arguments; every mutating verb
carries its own operation id and answers a repetition from its record. The caller may be cancelled at any
time: the call goes on, and may be asked again by its id.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from engine.connection import Connection, ScriptMissing
from engine.errors import ScriptFailed, StoreUnavailable
from engine.scripts import MAX_BATCH, Library, Value, Wire, library

DEADLINE_S: Final = 10.0
"""How long a call is resent before StoreUnavailable, real seconds: it bounds waiting for a network."""
FIRST_PAUSE_S: Final = 0.02
LAST_PAUSE_S: Final = 1.0
BATCH: Final = "batch"


@dataclass(slots=True)
class _Call:
    verb: str
    wire: list[Wire]
    answer: "asyncio.Future[Any]"


class Dispatcher:
    """Calls verbs by name: `await dispatcher.call("{1768}", "ring")`."""

    def __init__(
        self, connection: Connection, *, verbs: Library | None = None, deadline_s: float = DEADLINE_S
    ) -> None:
        self._connection = connection
        self._verbs = verbs or library()
        self._deadline_s = deadline_s
        self._shas: dict[str, str] = {}
        self._waiting: dict[str, list[_Call]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """SCRIPT LOAD of every verb and of the batch. Raises StoreUnavailable."""
        for name in self._verbs.verbs:
            self._shas[name] = await self._connection.load(self._verbs.single(name))
        self._shas[BATCH] = await self._connection.load(self._verbs.batch())

    async def call(self, prefix: str, verb: str, /, **given: Value) -> Any:
        """The verb's answer (bytes, ints, lists). Names are checked before anything is sent.

        Raises StoreUnavailable when no answer came until the deadline (outcome unknown), ScriptFailed
        when the script raised (a bug).
        """
        loop = asyncio.get_running_loop()
        one = _Call(verb, self._verbs.encode(verb, given), loop.create_future())
        waiting = self._waiting.get(prefix)
        if waiting is None:
            self._waiting[prefix] = [one]
            loop.call_soon(self._flush, prefix)
        else:
            waiting.append(one)
        return await one.answer

    def _flush(self, prefix: str) -> None:
        calls = self._waiting.pop(prefix)
        for start in range(0, len(calls), MAX_BATCH):
            batch = calls[start : start + MAX_BATCH]
            task = asyncio.create_task(self._deliver(prefix, batch))
            self._running.add(task)
            task.add_done_callback(partial(self._ended, batch))

    def _ended(self, calls: Sequence[_Call], task: "asyncio.Task[None]") -> None:
        """Whoever cancels the delivery (the end of the loop) cancels those who wait for it."""
        self._running.discard(task)
        for one in calls:
            one.answer.cancel()

    async def _deliver(self, prefix: str, calls: list[_Call]) -> None:
        try:
            answers = await self._insist(prefix, calls)
        except Exception as error:  # noqa: BLE001 - whatever it was, the callers must hear of it
            for one in calls:
                if not one.answer.done():
                    one.answer.set_exception(error)
            return
        for one, answer in zip(calls, answers, strict=True):
            _settle(one, answer)

    async def _insist(self, prefix: str, calls: Sequence[_Call]) -> list[Any]:
        """Send until answered. The first error is kept: it says more than the last time-out."""
        lost: StoreUnavailable | None = None
        pause_s = FIRST_PAUSE_S
        try:
            async with asyncio.timeout(self._deadline_s):
                while True:
                    try:
                        return await self._send(prefix, calls)
                    except ScriptMissing:
                        await self._reload()
                    except StoreUnavailable as error:
                        lost = lost or error
                        await asyncio.sleep(pause_s)
                        pause_s = min(LAST_PAUSE_S, pause_s * 2)
        except TimeoutError:
            why = lost or "no answer"
            raise StoreUnavailable(
                f"the store did not answer within {self._deadline_s:g} s; the outcome is unknown ({why})"
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
        answer = await self._connection.run(self._sha(BATCH), prefix, wire)
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


def _settle(one: _Call, answer: Any) -> None:
    if one.answer.done():
        return
    if isinstance(answer, list) and answer and answer[0] == b"!":
        one.answer.set_exception(ScriptFailed(f"{one.verb}: {answer[1].decode()}"))
    else:
        one.answer.set_result(answer)
