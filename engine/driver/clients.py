"""The driver's clients for an endpoint: pools for one server or a master behind sentinels, blocking links.

redis-py's own retries are off everywhere: it would send a command again whose answer was lost.
"""

import asyncio
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio import Connection as PlainConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as DriverConnectionError

from engine.endpoints import Endpoint, Kind

SENTINEL_TIMEOUT_S: Final = 2.0
"""A sentinel that does not answer is passed over; the next one is asked."""


class Sentinels(Sentinel):
    """Asked by one at a time: after a failover every connection asks at once, and one link is enough."""

    def __init__(self, places: list[tuple[str, int]], options: dict[str, Any]) -> None:
        super().__init__(places, sentinel_kwargs=options)  # type: ignore[no-untyped-call]
        self._asking = asyncio.Lock()

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Where the master is. Raises the driver's errors."""
        async with self._asking:
            host, port = await super().discover_master(service_name)
            return host, port


class MasterPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to whoever is the master now: each new one asks the sentinels first.

    A command sent to a former master is refused there (READONLY), its connection dropped.
    """


def common(endpoint: Endpoint) -> dict[str, Any]:
    """What every connection to the servers of this endpoint is made with."""
    shared: dict[str, Any] = {
        "decode_responses": False,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "username": endpoint.username,
        "password": endpoint.password,
    }
    if not endpoint.path:
        shared["socket_keepalive"] = True
    return shared


def make_pool(
    endpoint: Endpoint,
    *,
    size: int,
    connect_s: float,
    read_s: float | None,
    beside: BlockingConnectionPool | None = None,
) -> BlockingConnectionPool:
    """A pool for a server or for the master behind sentinels; `read_s` None for blocking reads.

    `beside` another pool of the same endpoint it asks the same sentinels by the same connections.
    """
    options = common(endpoint) | {
        "db": endpoint.db,
        "socket_timeout": read_s,
        "socket_connect_timeout": connect_s,
    }
    options |= {"max_connections": size, "timeout": connect_s}
    if endpoint.kind is Kind.SENTINEL:
        tls = {"ssl": True, **endpoint.tls} if endpoint.tls is not None else {}
        sentinels = beside.sentinel_manager if isinstance(beside, MasterPool) else _sentinels(endpoint)
        return MasterPool(endpoint.service, sentinels, **options, **tls)  # type: ignore[no-untyped-call]
    if endpoint.path:
        return BlockingConnectionPool(
            connection_class=UnixDomainSocketConnection, path=endpoint.path, **options
        )
    host, port = endpoint.hosts[0]
    return pool_at(host, port, endpoint, **options)


def pool_at(host: str, port: int, endpoint: Endpoint, **options: Any) -> BlockingConnectionPool:
    """A pool for one TCP server, with TLS when the endpoint says so."""
    kind = PlainConnection if endpoint.tls is None else SSLConnection
    return BlockingConnectionPool(
        connection_class=kind, host=host, port=port, **options, **(endpoint.tls or {})
    )


def _sentinels(endpoint: Endpoint) -> Sentinels:
    options: dict[str, Any] = {
        "socket_timeout": SENTINEL_TIMEOUT_S,
        "socket_connect_timeout": SENTINEL_TIMEOUT_S,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "username": endpoint.sentinel_username,
        "password": endpoint.sentinel_password,
    }
    if endpoint.tls is not None:
        options |= {"ssl": True, **endpoint.tls}
    return Sentinels(list(endpoint.hosts), options)


async def watchers(client: Redis, service: str) -> int:
    """How many sentinels watch the master, by the word of the first that answers. Driver's errors escape."""
    pool = client.connection_pool
    if not isinstance(pool, MasterPool):
        return 0
    for sentinel in pool.sentinel_manager.sentinels:
        try:
            return int((await sentinel.sentinel_master(service))["num-other-sentinels"]) + 1
        except DriverConnectionError:
            continue
    return 0


async def close_client(client: Redis) -> None:
    """Close a client, its pool and the links to the sentinels behind it."""
    pool = client.connection_pool
    await client.aclose(close_connection_pool=True)
    if isinstance(pool, MasterPool):
        await pool.sentinel_manager.aclose()
