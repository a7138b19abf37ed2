"""Sends calls of verbs to the server: batched by partition, resent until answered.

Calls to the same partition travel as one script. While one is unanswered, what is called meanwhile waits
and goes together with the next one: the busier the store, the deeper the batches, and one flush of its
append-only file serves them all. Only when many wait already (`ANOTHER`) a second script goes beside the
first: a server far away is kept busy, too. An answer that was lost leaves the outcome unknown, so the same
call goes again with the same arguments; every mutating verb carries its own operation id and answers a
repetition from its record. The caller may be cancelled at any time: the call goes on, and may be asked
again by its id.
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
"""Scripts of a partition that may be unanswered."""
ANOTHER: Final = MAX_BATCH // 2
"""So many calls are worth a script beside one that is unanswered; fewer cost less when they wait."""
BUSY: Final = 4
"""A line whose script answered so many calls is busy: those answered are about to call again."""
TURNS: Final = 3
"""Turns of the loop that a busy line's next script waits for them: a script costs more than a turn, and half
as many are twice as deep.
"""
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

    @property
    def ready(self) -> bool:
        """May what waits go now?"""
        if self.under_way == 0:
            return bool(self.waiting)
        return self.under_way < ON_THE_WAY and len(self.waiting) >= ANOTHER


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
        self._under_way: set[_Batch] = set()
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
        if not lane.soon and lane.ready:
            lane.soon = True
            asyncio.get_running_loop().call_soon(self._flush, prefix, lane)

    def _flush(self, prefix: str, lane: _Lane) -> None:
        lane.soon = False
        while lane.ready:
            batch, lane.waiting = lane.waiting[:MAX_BATCH], lane.waiting[MAX_BATCH:]
            lane.under_way += 1
            sending = _Batch(prefix, lane, batch, asyncio.get_running_loop().create_future())
            self._under_way.add(sending)
            if not self._asked(sending):
                self._insist_on(sending)

    def _asked(self, sending: "_Batch") -> bool:
        """Sent at once, where the connection can: a task would cost more than the script does."""
        try:
            sha, wire = self._script(sending.calls)
            within_s = sending.calls[0].until_s - asyncio.get_running_loop().time()
            return self._connection.ask(sha, sending.prefix, wire, partial(self._heard, sending), within_s)
        except ScriptMissing:
            return False
        except Exception as error:  # noqa: BLE001 - whatever it was, the callers must hear of it
            self._heard(sending, error)
            return True

    def _heard(self, sending: "_Batch", answer: Any) -> None:
        if isinstance(answer, ScriptMissing | StoreUnavailable):
            self._insist_on(sending, answer)
            return
        sending.settle(answer)
        self._over_in(TURNS if len(sending.calls) >= BUSY else 1, sending)

    def _over_in(self, turns: int, sending: "_Batch") -> None:
        """Some turns later: what those who have been answered call next travels with the next batch."""
        if turns == 0:
            self._over(sending)
        else:
            asyncio.get_running_loop().call_soon(self._over_in, turns - 1, sending)

    def _insist_on(self, sending: "_Batch", why: Exception | None = None) -> None:
        task = asyncio.create_task(self._deliver(sending, why))
        self._running.add(task)
        task.add_done_callback(partial(self._ended, sending))

    def _arrived(self, sending: "_Batch") -> None:
        """It is answered, or was lost and goes again beside the others: the next batch may go."""
        if sending.counted:
            sending.counted = False
            sending.lane.under_way -= 1
            self._flush_soon(sending.prefix, sending.lane)

    def _over(self, sending: "_Batch") -> None:
        self._arrived(sending)
        self._under_way.discard(sending)
        sending.over.cancel()

    def _ended(self, sending: "_Batch", task: "asyncio.Task[None]") -> None:
        """Whoever cancels the delivery (the end of the loop) cancels those who wait for it."""
        self._running.discard(task)
        self._over(sending)
        for one in sending.calls:
            one.answer.cancel()

    async def _deliver(self, sending: "_Batch", why: Exception | None) -> None:
        try:
            answer = await self._insist(sending, why)
        except Exception as error:  # noqa: BLE001 - whatever it was, the callers must hear of it
            answer = error
        sending.settle(answer)

    async def _insist(self, sending: "_Batch", why: Exception | None) -> Any:
        """Send until answered. `why`: how it went the first time. The first loss says more than the last."""
        lost = why if isinstance(why, StoreUnavailable) else None
        pause_s = FIRST_PAUSE_S
        until_s, now_s = sending.calls[0].until_s, asyncio.get_running_loop().time
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                while now_s() < until_s:  # a driver that swallows the time-out's cancellation is left here
                    try:
                        if why is not None:
                            raise why
                        sha, wire = self._script(sending.calls)
                        return await self._connection.run(sha, sending.prefix, wire)
                    except ScriptMissing:
                        why = None
                        await self._reload()
                    except StoreUnavailable as error:
                        why, lost = None, lost or error
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

    def _script(self, calls: Sequence[_Call]) -> tuple[str, list[Wire]]:
        """Which script, and its arguments. Raises ScriptMissing."""
        if len(calls) == 1:
            return self._sha(calls[0].verb), calls[0].wire
        wire: list[Wire] = []
        for one in calls:
            wire += [one.verb, len(one.wire), *one.wire]
        return self._sha(HOT_BATCH if all(one.verb in HOT for one in calls) else BATCH), wire

    def _sha(self, name: str) -> str:
        if name not in self._shas:
            raise ScriptMissing(name)
        return self._shas[name]

    async def close(self) -> None:
        """Wait for what is on its way (each is bounded by the deadline)."""
        while self._under_way:
            await asyncio.wait({sending.over for sending in self._under_way})


@dataclass(slots=True, eq=False)
class _Batch:
    """Calls that travel together."""

    prefix: str
    lane: _Lane
    calls: list[_Call]
    over: "asyncio.Future[None]"
    """Ends when nothing of it is on its way any more."""
    counted: bool = True
    """It is one of those `under_way`."""

    def settle(self, answer: Any) -> None:
        """Answer the callers: from the script's answer, or all of them with what went wrong."""
        answers = answer if len(self.calls) > 1 else [answer]
        if not isinstance(answer, Exception) and not (
            isinstance(answers, list) and len(answers) == len(self.calls)
        ):
            answer = ScriptFailed(f"{len(self.calls)} calls were answered by {str(answer)[:80]}")
        if isinstance(answer, Exception):
            for one in self.calls:
                if not one.answer.done():
                    one.answer.set_exception(answer)
            return
        for one, each in zip(self.calls, answers, strict=True):
            _settle(one, each)


def _settle(one: _Call, answer: Any) -> None:
    if one.answer.done():
        return
    if isinstance(answer, list) and answer and answer[0] == b"!":
        one.answer.set_exception(ScriptFailed(f"{one.verb}: {answer[1].decode()}"))
    elif isinstance(answer, Exception):
        one.answer.set_exception(ScriptFailed(f"{one.verb}: {answer}"))
    else:
        one.answer.set_result(answer)
