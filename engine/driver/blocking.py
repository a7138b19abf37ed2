"""Blocking reads, each on a connection of its own.

The pipe's time limit is its watchdog, so that a half-open link cannot hang it for ever. The driver's own is
off: under it a cancellation in the middle of a handshake was swallowed, and the wait went on. A read that
broke is opened afresh where its key is by then: on the new master after a failover, on the new owner after
its slot was moved.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.cluster import ClusterNode
from redis.exceptions import TimeoutError as DriverTimeoutError

from engine.driver.clients import common, make_pool, pool_at
from engine.driver.cluster import ClusterLine
from engine.driver.errors import DRIVER, ours
from engine.driver.pipe import Pipe
from engine.endpoints import Endpoint
from engine.errors import ScriptFailed, StoreUnavailable

CONNECT_S: Final = 5.0
BLOCK_S: Final = 30.0
"""One read. So long an outbox's bell that was lost with its reader goes unheard; workers look sooner."""
WATCHDOG_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a read is outstanding: its client's number on its server."""

    client_id: int
    node: ClusterNode | None


class BlockingReads:
    """The blocking connections of one process, by their names (`slot`)."""

    def __init__(
        self, endpoint: Endpoint, cluster: ClusterLine | None, pool: BlockingConnectionPool | None
    ) -> None:
        self.places: dict[str, Place] = {}
        self._endpoint = endpoint
        self._cluster = cluster
        self._pool = pool
        self._pipes: dict[str, Pipe] = {}

    async def read(self, slot: str, key: str, block_s: float, *words: str | float) -> Any:
        """The answer to a blocking command. Raises StoreUnavailable; the connection is dropped then."""
        try:
            pipe = self._pipes.get(slot)
            if pipe is not None and not pipe.up:  # its number is no longer ours, its place perhaps another
                await self._broken(slot)
                pipe = None
            if pipe is None:
                async with asyncio.timeout(2 * CONNECT_S):
                    pipe = await self._open(slot, key)
            return await pipe.run(words, block_s + WATCHDOG_S)
        except DriverTimeoutError as error:
            await self._broken(slot)
            raise StoreUnavailable(
                "a blocking read outlived its own time limit; the link is dropped"
            ) from error
        except DRIVER as error:
            told = ours(error, "a blocking read broke")
            if not isinstance(told, ScriptFailed):
                await self._broken(slot)
            raise told from error
        except asyncio.CancelledError:
            await self._drop(slot)
            raise

    async def _open(self, slot: str, key: str) -> Pipe:
        node = None
        if self._cluster is None:
            pool = make_pool(self._endpoint, size=1, connect_s=CONNECT_S, read_s=None, beside=self._pool)
        else:
            node = await self._cluster.node_of(key)
            options = common(self._endpoint) | {"socket_timeout": None, "socket_connect_timeout": CONNECT_S}
            pool = pool_at(node.host, int(node.port), self._endpoint, max_connections=1, **options)
        pipe = self._pipes[slot] = Pipe(pool, CONNECT_S)
        self.places[slot] = Place(int(await pipe.run(("CLIENT", "ID"))), node)
        return pipe

    async def _broken(self, slot: str) -> None:
        if self._cluster is not None:
            place = self.places.get(slot)
            self._cluster.suspect(place.node if place is not None else None)
        await self._drop(slot)

    async def _drop(self, slot: str) -> None:
        self.places.pop(slot, None)
        pipe = self._pipes.pop(slot, None)
        if pipe is not None:
            await pipe.close()

    async def close(self) -> None:
        """Close all of them; outstanding reads break."""
        for slot in list(self._pipes):
            await self._drop(slot)
