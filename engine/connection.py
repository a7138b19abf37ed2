"""The only module that knows the driver. Commands answer or raise one of three plain errors.

redis-py's own retries are off: it would send a command again whose answer was lost, without an operation
id. A command that was lost here has an *unknown outcome*; `engine.dispatch` asks again by its op id.
Blocking reads have a connection of their own without socket timeout (a timeout would cut them), with a
watchdog instead, so that a half-open link cannot hang them for ever.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Self, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    TryAgainError,
)
from redis.exceptions import (
    ConnectionError as DriverConnectionError,
)
from redis.exceptions import (
    TimeoutError as DriverTimeoutError,
)

from engine.errors import EngineError, ScriptFailed, StoreMismatch, StoreUnavailable

COMMAND_TIMEOUT_S: Final = 5.0
BLOCK_S: Final = 5.0
WATCHDOG_S: Final = 2.0
KEEPALIVE: Final = True

_LOST = (
    DriverConnectionError,
    DriverTimeoutError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    TryAgainError,
    OSError,
)


class ScriptMissing(EngineError):  # noqa: N818 - reads as a sentence where it is caught
    """The server lost its script cache (restart, failover, flush): load again and resend."""


class Connection:
    """A small pool for commands, plus one connection for each outstanding blocking read.

    `redis://`, `rediss://` and `unix://` name one server, `redis+cluster://` and `rediss+cluster://` any
    node of a cluster. Each script's keys lie in one slot, so a cluster needs nothing else.
    """

    def __init__(self, url: str, *, pool_size: int = 8, command_timeout_s: float = COMMAND_TIMEOUT_S) -> None:
        self._url = url.replace("+cluster", "", 1)
        timeouts = {"socket_timeout": command_timeout_s, "socket_connect_timeout": command_timeout_s}
        self._cluster: RedisCluster | None = None
        self._redis: Redis | RedisCluster
        if self._url != url:
            self._cluster = RedisCluster.from_url(
                self._url, max_connections=pool_size, **timeouts, **_common(self._url)
            )
            self._redis = self._cluster
        else:
            pool = BlockingConnectionPool.from_url(
                url, max_connections=pool_size, timeout=command_timeout_s, **timeouts, **_common(url)
            )
            self._redis = Redis.from_pool(pool)
        self._blocking: dict[str, Redis] = {}
        self._ids: dict[str, tuple[int, ClusterNode | None]] = {}

    async def run(self, sha: str, prefix: str, args: Sequence[str | bytes | int]) -> Any:
        """EVALSHA with the partition's prefix as its only key."""
        return await self.command("EVALSHA", sha, 1, prefix, *args)

    async def load(self, source: str) -> str:
        """SCRIPT LOAD, on every master of a cluster; answers the sha."""
        sha = await self._sent("SCRIPT LOAD", source, **self._to(RedisCluster.PRIMARIES))
        if isinstance(sha, dict):
            sha = next(iter(sha.values()))
        return _text(sha)

    async def command(self, *args: str | bytes | float) -> Any:
        """One command on the server, in a cluster on the one that has its key.

        Raises StoreUnavailable (outcome unknown), ScriptMissing, ScriptFailed or StoreMismatch.
        """
        return await self._sent(*args)

    async def keyless(self, *args: str | bytes | float) -> Any:
        """One command without a key, in a cluster on any node. Raises as `command`."""
        return await self._sent(*args, **self._to(RedisCluster.DEFAULT_NODE))

    def _to(self, nodes: Any) -> dict[str, Any]:
        return {} if self._cluster is None else {"target_nodes": nodes}

    async def _sent(self, *args: str | bytes | float, **where: Any) -> Any:
        try:
            return await self._redis.execute_command(*args, **where)
        except NoScriptError as error:
            raise ScriptMissing(str(error)) from error
        except _LOST as error:
            raise _lost("the server did not answer", error) from error
        except RedisError as error:
            raise ScriptFailed(f"{type(error).__name__}: {error}") from error

    async def server_ms(self) -> int:
        """The server's clock, ms since the epoch."""
        seconds, micros = await self.keyless("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def info(self, section: str) -> dict[str, Any]:
        """One section of INFO, parsed by the driver."""
        return cast("dict[str, Any]", await self.keyless("INFO", section))

    async def config(self, name: str) -> str:
        """One configuration value of the server, "" when it does not tell (managed servers hide CONFIG)."""
        try:
            answer = await self.keyless("CONFIG GET", name)
        except ScriptFailed:
            return ""
        pairs = {_text(k): _text(v) for k, v in dict(answer).items()}
        return pairs.get(name, "")

    async def pop_bell(self, slot: str, keys: Sequence[str], block_s: float = BLOCK_S) -> str | None:
        """BZPOPMIN on a connection named `slot`: the key that rang, or None after `block_s` real seconds.

        Raises StoreUnavailable when the link is gone; the connection is dropped then.
        """
        answer = await self._block(slot, keys[0], block_s, "BZPOPMIN", *keys, block_s)
        return None if not answer else _text(answer[0])

    async def read_stream(self, slot: str, key: str, after: str, block_s: float = BLOCK_S) -> list[Any]:
        """XREAD BLOCK on a connection named `slot`: raw (id, fields) pairs newer than `after`."""
        block_ms = max(1, int(block_s * 1000))
        answer = await self._block(
            slot, key, block_s, "XREAD", "COUNT", 100, "BLOCK", block_ms, "STREAMS", key, after
        )
        if not answer:
            return []
        entries = answer[key.encode()][0] if isinstance(answer, dict) else answer[0][1]
        return list(entries)

    async def interrupt(self, slot: str) -> bool:
        """Make an outstanding blocking read return at once, without losing what it may have popped.

        False when there was none at the server: not sent yet, or its answer is on its way.
        """
        if slot not in self._ids:
            return False
        client_id, node = self._ids[slot]
        return bool(await self._sent("CLIENT UNBLOCK", client_id, "TIMEOUT", **self._to(node)))

    async def unblock(self, slot: str) -> None:
        """`interrupt`, for those to whom a read that ends by itself is soon enough."""
        await self.interrupt(slot)

    async def _block(self, slot: str, key: str, block_s: float, *args: str | float) -> Any:
        client = self._blocking.get(slot)
        try:
            if client is None:
                client = await self._open_blocking(slot, key)
            async with asyncio.timeout(block_s + WATCHDOG_S):
                return await client.execute_command(*args)  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            await self._drop(slot)
            raise StoreUnavailable(
                "a blocking read outlived its own time limit; the link is dropped"
            ) from error
        except _LOST as error:
            await self._drop(slot)
            raise _lost("a blocking read broke", error) from error
        except RedisError as error:
            raise ScriptFailed(f"{type(error).__name__}: {error}") from error
        except asyncio.CancelledError:
            await self._drop(slot)
            raise

    async def _open_blocking(self, slot: str, key: str) -> Redis:
        node = None
        if self._cluster is not None:
            await self._cluster.initialize()
            node = self._cluster.get_node_from_key(key)
        client = Redis.from_url(
            self._url,
            single_connection_client=True,
            socket_timeout=None,
            socket_connect_timeout=COMMAND_TIMEOUT_S,
            **_common(self._url),
        )
        if node is not None:
            client.connection_pool.connection_kwargs |= {"host": node.host, "port": node.port}
        self._blocking[slot] = client
        self._ids[slot] = (int(await client.execute_command("CLIENT", "ID")), node)  # type: ignore[no-untyped-call]
        return client

    async def _drop(self, slot: str) -> None:
        self._ids.pop(slot, None)
        client = self._blocking.pop(slot, None)
        if client is not None:
            await client.aclose(close_connection_pool=True)

    async def close(self) -> None:
        """Close everything; outstanding blocking reads break."""
        for slot in list(self._blocking):
            await self._drop(slot)
        await self._redis.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _lost(what: str, error: Exception) -> StoreUnavailable | StoreMismatch:
    """The driver dresses a refused password as a lost connection, which no resending mends."""
    if isinstance(error, AuthenticationError) or isinstance(error.__cause__, AuthenticationError):
        return StoreMismatch(f"the server refused our credentials: {error}")
    return StoreUnavailable(f"{what}: {type(error).__name__}: {error}")


def _common(url: str) -> dict[str, Any]:
    shared: dict[str, Any] = {
        "decode_responses": False,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
    }
    if not url.startswith("unix:"):
        shared["socket_keepalive"] = KEEPALIVE
    return shared


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
