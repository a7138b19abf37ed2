"""Ordered queues: the outbox (notices to users) and the inbox (updates from Telegram) are one mechanism.

Within a lane (a chat) entries leave strictly in order, one at a time, under a lease; lanes do not wait for
each other. An entry stays until it is acknowledged, so it is handled at least once: a reader that dies
holds its lanes back until its leases run out, a reader that takes again renews what it still holds.
Nobody polls: a reader waits for a partition's bell, or for the local timer of the next due lane.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from engine.ending import ended
from engine.errors import StoreUnavailable
from engine.keys import partition_of_user, tag
from engine.ports import Clock, Randomness
from engine.queue_values import FIELDS, Depth, Entry, Put, Returned, read_depth, read_entry
from engine.scripts import Caller
from engine.together import Together

OUTBOX: Final = "ob"
INBOX: Final = "in"
ADMIN_LANE: Final = "@admin"
"""The operator's lane; it lives in partition 0."""
LEASE_MS: Final = 60_000


class Bells(Protocol):
    """Blocking reads (`engine.connection.Connection`)."""

    async def pop_bell(self, slot: str, keys: list[str]) -> str | None:
        """The key that rang, or None. Raises StoreUnavailable."""
        ...

    async def unblock(self, slot: str) -> None:
        """End an outstanding read."""
        ...


@dataclass(slots=True)
class _Part:
    """What a reader knows of one partition."""

    look: bool = True
    due_ms: int | None = None
    pending: str = ""
    """Take id whose answer was lost; it is asked again."""
    renew_ms: int | None = None


class OrderedQueue:
    """One reader's (and writer's) view of a queue on all partitions. Make one for each reader."""

    def __init__(
        self,
        name: str,
        calls: Caller,
        bells: Bells,
        clock: Clock,
        randomness: Randomness,
        *,
        partitions: int,
        lease_ms: int = LEASE_MS,
        reader: str = "",
    ) -> None:
        self.name = name
        self.reader = reader or randomness.token()
        self._calls, self._bells, self._clock, self._randomness = calls, bells, clock, randomness
        self._lease_ms = lease_ms
        self._tags = [tag(index, partitions) for index in range(partitions)]
        self._parts = [_Part() for _ in range(partitions)]
        self._held: dict[tuple[int, str], Entry] = {}
        self._reads: dict[int, asyncio.Task[bool]] = {}
        self._acks = Together(self._ack)
        self._first = 0
        self._full = False
        self._waited = False
        self._freed = asyncio.Event()
        self._floods: dict[str, int] = {}

    def partition_of(self, lane: str) -> int:
        """Chats live with their user; named lanes such as the operator's in partition 0."""
        number = lane.removeprefix("-")
        return partition_of_user(int(lane), len(self._tags)) if number.isdecimal() else 0

    async def put(
        self, lane: str, entry_id: str, body: bytes, *, coalesce: str = "", keep_ms: int = 0
    ) -> Put:
        """Put at the end of a lane, once per id (known while queued, and for `keep_ms` after the put)."""
        answer = await self._calls.call(
            self._tags[self.partition_of(lane)],
            "queue_put",
            name=self.name,
            lane=lane,
            id=entry_id,
            body=body,
            now=self._clock.now_ms(),
            coalesce=coalesce,
            keep_ms=keep_ms,
        )
        return Put(answer.decode())

    async def take(self, limit: int = 10) -> list[Entry]:
        """Up to `limit` heads of due lanes, leased. `limit=0` only renews what this reader holds.

        After a `wait` only those partitions are asked that gave a sign, otherwise all of them.
        Raises StoreUnavailable; what was taken meanwhile is handed out by the next call.
        """
        taken: list[Entry] = []
        self._full = limit <= 0
        self._freed.clear()
        everywhere, self._waited = not self._waited, False
        count = len(self._parts)
        order = [(self._first + step) % count for step in range(count)]
        self._first = (self._first + 1) % count
        for index in order:
            if everywhere or self._wants_look(index):
                try:
                    taken += await self._take_from(index, limit - len(taken))
                except StoreUnavailable:
                    if not taken:
                        raise
                    break
        return taken

    async def ack(self, entry: Entry, *, gap_ms: int = 0) -> Returned:
        """Done with it; the next entry of the lane may be taken after `gap_ms`."""
        answer = await self._acks.give((entry.partition, gap_ms), entry)
        self._given_back(entry)
        return answer

    async def nack(self, entry: Entry, *, after_ms: int, flood: bool = False) -> Returned:
        """Not done: the lane waits for `after_ms`.

        `flood`: Telegram asked for this wait (429). When a second chat is told so while the first still
        waits, it is the whole bot that is meant, and every lane of the queue waits.
        """
        self._parts[entry.partition].look = True  # to learn when its lane is due
        if flood and self._floods_elsewhere(entry.lane, after_ms):
            await self.shut(after_ms)
        return await self._nack(entry, after_ms)

    def let_go(self, entry: Entry) -> None:
        """It could not be given back: it is renewed no more, so it comes again when its lease has run out."""
        if self._held.pop((entry.partition, entry.lane), None) is not None:
            self._freed.set()
            self._set_renewal(entry.partition)

    async def shut(self, for_ms: int) -> None:
        """Nothing is taken from any lane for so long; a shorter wait opens nothing."""
        till = self._clock.now_ms() + for_ms
        for prefix in self._tags:
            await self._calls.call(prefix, "queue_close", name=self.name, till=till)

    async def wait(self, timeout_s: float) -> None:
        """Return when something may be there: a bell, a due lane, a lease to renew, or the time is over.

        After a take with `limit=0` (hands full) only a given back entry, a renewal or the time counts.

        A store that cannot be reached counts as "may be there": the next take tells.
        """
        if self._full:
            await self._stop_hearing()  # the bell is for readers with free hands
        for index in range(0 if self._full else len(self._parts)):
            if index not in self._reads:
                self._reads[index] = asyncio.create_task(self._hear(index))
        others = [asyncio.ensure_future(self._clock.sleep(self._timer_s(timeout_s)))]
        if self._full:
            others.append(asyncio.ensure_future(self._freed_hand()))
        try:
            await asyncio.wait([*others, *self._reads.values()], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for other in others:
                other.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        for index, read in list(self._reads.items()):
            if read.done():
                del self._reads[index]
                self._parts[index].look = True
        self._waited = True

    async def depth(self) -> Depth:
        """How full the queue is."""
        answers = [await self._calls.call(t, "queue_stats", name=self.name) for t in self._tags]
        return read_depth(answers)

    async def close(self) -> None:
        """End the outstanding bell reads. Held entries go back when their leases run out."""
        await self._stop_hearing()
        await ended(*self._reads.values())
        self._reads.clear()

    # --- inside --------------------------------------------------------------------------------------

    async def _stop_hearing(self) -> None:
        for index in self._reads:
            with suppress(StoreUnavailable):
                await self._bells.unblock(self._slot(index))

    def _floods_elsewhere(self, lane: str, after_ms: int) -> bool:
        now = self._clock.now_ms()
        self._floods = {name: till for name, till in self._floods.items() if till > now}
        self._floods[lane] = now + after_ms
        return len(self._floods) > 1

    async def _freed_hand(self) -> None:
        await self._freed.wait()

    def _wants_look(self, index: int) -> bool:
        part, now = self._parts[index], self._clock.now_ms()
        times = (part.due_ms, part.renew_ms)
        return part.look or bool(part.pending) or any(time is not None and time <= now for time in times)

    async def _take_from(self, index: int, limit: int) -> list[Entry]:
        part = self._parts[index]
        part.pending = part.pending or self._randomness.token()
        answer = await self._calls.call(
            self._tags[index],
            "queue_take",
            name=self.name,
            reader=self.reader,
            take_id=part.pending,
            now=self._clock.now_ms(),
            lease_ms=self._lease_ms,
            limit=limit,
            held=[word for entry in self._held_in(index) for word in (entry.lane, entry.token)],
        )
        part.pending = ""
        entries = [read_entry(index, *answer[at : at + FIELDS]) for at in range(1, len(answer), FIELDS)]
        self._held |= {(index, entry.lane): entry for entry in entries}
        part.due_ms = int(answer[0]) if answer[0] else None
        # A full hand may have left more behind; an empty one waits for the bell.
        part.look = limit <= len(entries)
        self._set_renewal(index)
        return entries

    async def _ack(self, where: tuple[int, int], entries: Sequence[Entry]) -> list[Returned]:
        partition, gap_ms = where
        answers = await self._calls.call(
            self._tags[partition],
            "queue_ack",
            name=self.name,
            now=self._clock.now_ms(),
            gap_ms=gap_ms,
            entries=[word for entry in entries for word in (entry.lane, entry.token)],
        )
        return [Returned(answer.decode()) for answer in answers]

    async def _nack(self, entry: Entry, after_ms: int) -> Returned:
        answer = await self._calls.call(
            self._tags[entry.partition],
            "queue_nack",
            name=self.name,
            lane=entry.lane,
            token=entry.token,
            now=self._clock.now_ms(),
            after_ms=after_ms,
        )
        self._given_back(entry)
        return Returned(answer.decode())

    def _given_back(self, entry: Entry) -> None:
        held = self._held.get((entry.partition, entry.lane))
        if held is not None and held.token == entry.token:
            del self._held[(entry.partition, entry.lane)]
            self._freed.set()
            self._set_renewal(entry.partition)

    def _held_in(self, index: int) -> Iterable[Entry]:
        return [entry for (partition, _), entry in self._held.items() if partition == index]

    def _set_renewal(self, index: int) -> None:
        held = bool(self._held_in(index))
        self._parts[index].renew_ms = self._clock.now_ms() + self._lease_ms // 3 if held else None

    def _timer_s(self, timeout_s: float) -> float:
        now = self._clock.now_ms()
        times = [part.renew_ms for part in self._parts]
        if not self._full:
            if any(part.look or part.pending for part in self._parts):
                return 0.0
            times += [part.due_ms for part in self._parts]
        return min([timeout_s, *(max(0, time - now) / 1000 for time in times if time is not None)])

    async def _hear(self, index: int) -> bool:
        """One bell read. A broken link pauses a second, so that a dead server is not hammered."""
        key = f"{self._tags[index]}:{self.name}:bell"
        try:
            return await self._bells.pop_bell(self._slot(index), [key]) is not None
        except StoreUnavailable:
            await asyncio.sleep(1.0)
            return False

    def _slot(self, index: int) -> str:
        return f"{self.name}:{self.reader}:{index}"
