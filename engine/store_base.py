"""The ground the store stands on: connection, dispatcher, partitions, clock; opened and checked once."""

import asyncio
from dataclasses import dataclass
from typing import Final, Self

from engine.clock import SystemClock
from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.doorbell import Doorbell
from engine.durability import Durability
from engine.ending import ended
from engine.errors import StoreMismatch, StoreUnavailable
from engine.keys import MAX_PARTITIONS, SCHEMA, job_id, partition_of_job, partition_of_user, tag
from engine.ports import Clock, Randomness
from engine.randomness import SystemRandomness

DAY_MS: Final = 86_400_000
REMEASURE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long the store keeps things, ms. (Key lifetimes run on the server's clock.)"""

    job_ms: int = 14 * DAY_MS
    """A job after its end: re-delivery and history need it that long."""
    idem_ms: int = 3 * DAY_MS
    """The key of a launch button."""
    feed_ms: int = 3 * DAY_MS
    """The event feed."""
    mark_ms: int = 600_000
    """A worker's last claim: far longer than a claim is ever resent."""


class StoreBase:
    """Opened with `await Store.connect(...)`, closed with `await store.close()`."""

    def __init__(
        self, connection: Connection, clock: Clock, randomness: Randomness, partitions: int, keeping: Keeping
    ) -> None:
        self.connection = connection
        self.clock = clock
        self.randomness = randomness
        self.partitions = partitions
        self.keeping = keeping
        self.dispatcher = Dispatcher(connection)
        self._bells = {p: self._doorbell(p) for p in range(partitions)}
        self._queued_ok: dict[int, bool] = {}
        self._unheard: dict[tuple[str, int], str] = {}
        self._following: asyncio.Task[None] | None = None

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        clock: Clock | None = None,
        randomness: Randomness | None = None,
        partitions: int | None = None,
        keeping: Keeping | None = None,
        durability: Durability = Durability.FAST,
    ) -> Self:
        """Open a store, creating it when the server is empty.

        `partitions` is fixed at creation; None takes what the store was created with, or 1. Without a
        clock it follows the server's. Raises StoreUnavailable, StoreMismatch, AddressWrong.
        """
        connection = Connection(url, durability=durability)
        try:
            count = await _agree(connection, partitions)
            store = cls(
                connection,
                clock or SystemClock(),
                randomness or SystemRandomness(),
                count,
                keeping or Keeping(),
            )
            await store.dispatcher.load()
            await store._open()
        except BaseException:  # cancelled too: no connection stays open
            await connection.close()
            raise
        return store

    async def _open(self) -> None:
        for partition in range(self.partitions):
            found = await self.dispatcher.call(
                self.prefix(partition), "open", partitions=self.partitions, schema=SCHEMA
            )
            if [int(word) for word in found] != [self.partitions, SCHEMA]:
                raise StoreMismatch(
                    f"partition {partition} was created as {found}, not {self.partitions, SCHEMA}"
                )
        if isinstance(self.clock, SystemClock):
            await self.clock.measure(self.connection.server_ms)
            self._following = asyncio.create_task(self._follow(self.clock))

    async def _follow(self, clock: SystemClock) -> None:
        while True:
            await asyncio.sleep(REMEASURE_S)
            try:
                await clock.measure(self.connection.server_ms)
            except StoreUnavailable:
                continue  # the monotonic clock carries on; measured again soon

    # --- where things are -----------------------------------------------------------------------

    def prefix(self, partition: int) -> str:
        """The key prefix (hash tag) of a partition."""
        return tag(partition, self.partitions)

    def partition_of_user(self, user_id: int) -> int:
        """The partition that holds a user and everything of theirs."""
        return partition_of_user(user_id, self.partitions)

    def prefix_of_user(self, user_id: int) -> str:
        """The key prefix of a user's partition."""
        return self.prefix(self.partition_of_user(user_id))

    def prefix_of_job(self, job: str) -> str | None:
        """The key prefix of a job's partition, None when no job of this store can have that id."""
        partition = partition_of_job(job)
        return None if partition is None or partition >= self.partitions else self.prefix(partition)

    def new_job_id(self, user_id: int) -> str:
        """A fresh id for a job of this user."""
        return job_id(self.partition_of_user(user_id), self.randomness.token())

    # --- waiting --------------------------------------------------------------------------------

    def _doorbell(self, partition: int) -> Doorbell:
        async def put_back(key: str) -> None:
            await self.ring(partition, queue=key.endswith("q"))

        return Doorbell(self.connection, f"jobs:{partition}", self.clock, put_back)

    async def ring(self, partition: int, *, queue: bool = True) -> None:
        """Wake one waiting worker of a partition (a provider slot is free again, launches resume)."""
        await self.dispatcher.call(self.prefix(partition), "ring", queue=queue)

    async def wait(self, partition: int, until_ms: int, *, queued_ok: bool | None = None) -> bool:
        """Return when there may be work, or at `until_ms`. True = rung.

        One waiter a partition and process. A loop whose last claim was not `queued_ok` does not hear the
        bell of the line, so that it does not eat what others wait for.
        """
        hears_line = self._queued_ok.get(partition, True) if queued_ok is None else queued_ok
        bell = f"{self.prefix(partition)}:bell"
        keys = [bell, f"{bell}q"] if hears_line else [bell]
        return await self._bells[partition].wait(keys, until_ms)

    async def close(self) -> None:
        """Finish what is on its way, then close all connections."""
        if self._following is not None:
            await ended(self._following)
        for bell in self._bells.values():
            await bell.close()
        await self.dispatcher.close()
        await self.connection.close()


async def _agree(connection: Connection, wanted: int | None) -> int:
    """The number of partitions: as recorded in partition 0, whose tag is the same in every store."""
    if wanted is not None and not 1 <= wanted <= MAX_PARTITIONS:
        raise StoreMismatch(f"{wanted} partitions: a store has 1 to {MAX_PARTITIONS}")
    recorded = await connection.command("HMGET", f"{tag(0, 1)}:ctl", "partitions", "schema")
    if recorded[0] is None:
        return wanted or 1
    if int(recorded[1]) != SCHEMA:
        raise StoreMismatch(f"the store has schema {int(recorded[1])}, this program writes {SCHEMA}")
    if wanted not in (None, int(recorded[0])):
        raise StoreMismatch(
            f"the store was created with {int(recorded[0])} partitions, not {wanted}: use that number"
        )
    return int(recorded[0])
