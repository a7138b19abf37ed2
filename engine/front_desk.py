"""The front door's smaller counters: updates, remembered facts, pauses, alerts, the event feed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from engine.codec import decode_outbox, encode_alert, encode_notice
from engine.config import EngineConfig
from engine.errors import StoreUnavailable
from engine.ports import Alert, Notice
from engine.queue_values import Entry, Put
from engine.queues import ADMIN_LANE, INBOX, OUTBOX, OrderedQueue
from engine.rows import event_of_row
from engine.store import Store
from engine.values import Event, Update

FACT_MAX: Final = 65_536
"""Bytes of a remembered fact: it is for a draft or a conversation, never for a photo."""
UNHEARD: Final = "news"
"""Fact with the last words that a user who was gone has not heard; so many at most."""
UNHEARD_MOST: Final = 40


class FrontDesk:
    """Base of `engine.front.Engine`."""

    def __init__(self, store: Store, config: EngineConfig) -> None:
        self.store = store
        self.config = config
        self._outbox = self.outbox()
        self._inbox: OrderedQueue | None = None
        self._feeds: set[int] = set()

    # --- updates -------------------------------------------------------------------------------------

    async def put_update(self, update_id: int, chat_id: int, raw: bytes) -> bool:
        """Keep an update before it is acknowledged to Telegram. False = seen before.

        False too when the chat has a thousand updates waiting: then the operator is alerted.
        """
        keep_ms = self.config.update_memory_s * 1000
        answer = await self._mail().put(str(chat_id), str(update_id), raw, keep_ms=keep_ms)
        if answer is Put.FULL:
            await self.alert(Alert("inbox_full", "incident", "a chat has too many updates waiting"))
        return answer in (Put.NEW, Put.REPLACED)

    async def take_updates(self, reader: str, limit: int = 10) -> list[Update]:
        """Updates to handle now: in order and one at a time within a chat, leased to this process.

        Call again (`limit=0` when hands are full) before the lease ends: taking renews what is held.
        """
        return [_update(entry) for entry in await self._mail(reader).take(limit)]

    async def ack_update(self, update: Update) -> None:
        """Handled. Harmless when the lease ran out meanwhile.

        Raises StoreUnavailable: it comes again when its lease has run out.
        """
        try:
            await self._mail().ack(_entry(update))
        except StoreUnavailable:
            self._mail().let_go(_entry(update))
            raise

    async def nack_update(self, update: Update, after_s: float) -> None:
        """Not handled: its chat waits for `after_s`, then it comes again.

        Raises StoreUnavailable: it comes again all the same, when its lease has run out.
        """
        try:
            await self._mail().nack(_entry(update), after_ms=round(after_s * 1000))
        except StoreUnavailable:
            self._mail().let_go(_entry(update))
            raise

    async def wait_updates(self, timeout_s: float) -> None:
        """Return when there may be an update, or when the time is over."""
        await self._mail().wait(timeout_s)

    def _mail(self, reader: str = "bot") -> OrderedQueue:
        """One reader a process. Its name is made unique: two processes may call themselves alike."""
        if self._inbox is None:
            name = f"{reader}-{self.store.randomness.token()}"
            self._inbox = self._queue(INBOX, self.config.inbox_lease_ms, name)
        return self._inbox

    def outbox(self) -> OrderedQueue:
        """A reader of the outbox, for a relay. The caller closes it."""
        return self._queue(OUTBOX, self.config.outbox_lease_ms)

    def _queue(self, name: str, lease_ms: int, reader: str = "") -> OrderedQueue:
        store = self.store
        return OrderedQueue(
            name,
            store.dispatcher,
            store.connection,
            store.clock,
            store.randomness,
            partitions=store.partitions,
            lease_ms=lease_ms,
            reader=reader,
        )

    # --- small facts ---------------------------------------------------------------------------------

    async def remember(self, user_id: int, key: str, value: bytes, ttl_s: int | None = None) -> None:
        """Keep a small fact about a user for `ttl_s` (30 days by default). ValueError above 64 KiB."""
        if len(value) > FACT_MAX:
            raise ValueError(f"the fact {key!r} has {len(value)} bytes; {FACT_MAX} are allowed")
        ttl_ms = (self.config.facts_s if ttl_s is None else ttl_s) * 1000
        await self._of_user(user_id, "fact_set", name=key, value=value, ttl_ms=max(1, ttl_ms))

    async def recall(self, user_id: int, key: str) -> bytes | None:
        """What was remembered, None when nothing was or its time is over."""
        value: bytes | None = await self._of_user(user_id, "fact_get", name=key)
        return value

    async def forget(self, user_id: int, key: str) -> None:
        """Drop a fact."""
        await self._of_user(user_id, "fact_del", name=key)

    # --- what was said to somebody who was gone -------------------------------------------------------

    async def keep_unheard(self, notice: Notice, turn: int) -> None:
        """Keep the last words of a job for when its user comes back; as long as the job. Harmless twice.

        `turn`: of the take that brought it, so that what comes late does not undo a later keeping.
        """
        await self._of_user(
            notice.user_id,
            "news_keep",
            id=notice.id,
            turn=turn,
            body=encode_notice(notice),
            ttl_ms=self.config.retention_s * 1000,
            most=UNHEARD_MOST,
        )

    async def is_unheard(self, notice: Notice, turn: int) -> bool:
        """Whether what was kept in this turn is kept for its user still."""
        return (notice.id, turn) in [(name, kept) for name, kept, _ in await self._unheard(notice.user_id)]

    async def drop_unheard(self, notice: Notice, turn: int) -> None:
        """It has been heard after all."""
        await self._of_user(notice.user_id, "news_heard", id=notice.id, turn=turn)

    async def _tell_unheard(self, user_id: int) -> int:
        """Put what was kept into the outbox once more, unless its job is forgotten; how much was kept."""
        kept = await self._unheard(user_id)
        for name, turn, body in kept:
            notice = decode_outbox(body)
            assert isinstance(notice, Notice)  # noqa: S101 - nothing else is kept
            if await self.store.read(notice.job_id) is not None:
                await self._outbox.put(str(notice.chat_id), notice.id, body)
            await self._of_user(user_id, "news_heard", id=name, turn=turn)
        return len(kept)

    async def _unheard(self, user_id: int) -> list[tuple[str, int, bytes]]:
        """Id, turn and body of what was kept, in the order in which it was to be told."""
        flat = await self._of_user(user_id, "news_list")
        kept = [(flat[i].decode(), int(flat[i + 1]), flat[i + 2]) for i in range(0, len(flat), 3)]
        return sorted(kept, key=lambda each: each[1])

    async def _of_user(self, user_id: int, verb: str, **given: str | bytes | int) -> Any:
        prefix = self.store.prefix_of_user(user_id)
        return await self.store.dispatcher.call(prefix, verb, uid=str(user_id), **given)

    # --- operation -----------------------------------------------------------------------------------

    async def paused(self) -> str:
        """Why launches are paused, "" when they are not."""
        why = await self.store.dispatcher.call(self.store.prefix(0), "paused")
        return str(why.decode())

    async def pause(self, why: str) -> None:
        """Refuse new jobs, in every partition; what runs goes on. ValueError without a reason."""
        if not why:
            raise ValueError("a pause needs a reason")
        await self._set_pause(why)

    async def unpause(self) -> None:
        """Take new jobs again."""
        await self._set_pause("")

    async def _set_pause(self, why: str) -> None:
        for partition in range(self.store.partitions):
            await self.store.dispatcher.call(self.store.prefix(partition), "pause", why=why)

    async def alert(self, alert: Alert) -> None:
        """Tell the operator, by way of the outbox: it is counted and grouped there (`engine.alerts`)."""
        await self._outbox.put(ADMIN_LANE, self.store.randomness.token(), encode_alert(alert))

    # --- the feed ------------------------------------------------------------------------------------

    async def events(self, after: str = "$", block_s: float = 5.0) -> list[Event]:
        """Transitions after `after` (an event's id, "$" = from now, "0" = all kept), in order of time.

        Waits up to `block_s` real seconds for the first one. Pass the last event's id to go on.
        """
        places = await self._places(after)
        slot = next(n for n in range(len(self._feeds) + 1) if n not in self._feeds)
        self._feeds.add(slot)
        try:
            found = await self._read_feeds(slot, places, block_s)
        finally:
            self._feeds.discard(slot)
        return _in_order(found, places)

    async def _places(self, after: str) -> list[str]:
        """Where to read on in each partition. "$" is made exact, so nothing slips by while we connect."""
        count = self.store.partitions
        if after != "$":
            places = after.split(",")
            return places if len(places) == count else [places[0]] * count
        newest = [
            await self.store.connection.command("XREVRANGE", self._feed(p), "+", "-", "COUNT", 1)
            for p in range(count)
        ]
        return [rows[0][0].decode() if rows else "0-0" for rows in newest]

    async def _read_feeds(
        self, slot: int, places: Sequence[str], block_s: float
    ) -> list[tuple[int, str, Event]]:
        """Read all partitions; as soon as one has something, the others are asked to answer too."""
        link = self.store.connection
        names = [f"feed:{slot}:{partition}" for partition in range(len(places))]
        reads = [
            asyncio.ensure_future(link.read_stream(name, self._feed(p), places[p], block_s))
            for p, name in enumerate(names)
        ]
        try:
            await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)
            for name, read in zip(names, reads, strict=True):
                if not read.done():
                    await link.unblock(name)
            answers = await asyncio.gather(*reads)
        finally:
            for read in reads:
                read.cancel()
        return [
            (partition, entry_id.decode(), event_of_row(entry_id, dict(_pairs(fields))[b"e"]))
            for partition, rows in enumerate(answers)
            for entry_id, fields in rows
        ]

    def _feed(self, partition: int) -> str:
        return f"{self.store.prefix(partition)}:ev"

    async def close(self) -> None:
        """Close queues and connections. What is on its way is finished first."""
        await self._outbox.close()
        if self._inbox is not None:
            await self._inbox.close()
        await self.store.close()


def _update(entry: Entry) -> Update:
    """Its id carries the lease, so that any task may acknowledge it."""
    lease = f"{entry.partition}:{entry.lane}:{entry.token}"
    return Update(lease, int(entry.id), int(entry.lane), entry.body, entry.attempts)


def _entry(update: Update) -> Entry:
    partition, lane, token = update.id.split(":")
    return Entry(str(update.update_id), int(partition), lane, token, update.attempts, update.raw)


def _pairs(fields: Any) -> Any:
    return fields.items() if isinstance(fields, dict) else zip(fields[::2], fields[1::2], strict=True)


def _in_order(found: Sequence[tuple[int, str, Event]], places: Sequence[str]) -> list[Event]:
    """Events by time; each one's id is the reading place of all partitions as of this event.

    Within a partition the feed's own order stands, even where a clock stepped back.
    """
    at = list(places)
    latest = dict.fromkeys(range(len(places)), 0)
    timed = []
    for partition, entry_id, event in found:
        latest[partition] = max(latest[partition], event.ms)
        timed.append((latest[partition], partition, entry_id, event))
    events = []
    for _, partition, entry_id, event in sorted(timed, key=lambda row: row[0]):
        at[partition] = entry_id
        events.append(replace(event, id=",".join(at)))
    return events
