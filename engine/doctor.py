"""Checks of a live store, all its masters: is it fit to keep money, and what would mend it.

Reads only, so it may be pointed at a production server at any time. What a managed service hides (CONFIG)
is told as unknown, not guessed.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.clock import SystemClock
from engine.connection import Connection
from engine.durability import Durability, facts_of
from engine.endpoints import AddressWrong
from engine.errors import LOGIN, EngineError, StoreMismatch, StoreUnavailable
from engine.fitness import (
    Finding,
    Level,
    durability,
    eviction,
    failover,
    kind,
    line,
    quorum,
    room,
    unfit,
    version,
    weak,
)
from engine.keys import SCHEMA, tag

SKEW_WARN_MS: Final = 2_000
LATENCY_WARN_MS: Final = 5.0
"""A round trip: beyond this every step of a job is felt, and beats get tight."""
SAMPLES: Final = 9


async def examine(
    url: str, partitions: int | None = None, mode: Durability = Durability.SAFE
) -> list[Finding]:
    """All findings about the store at `url`, reachability first. Never raises for what is found.

    `partitions` is what this process would use; None does not compare. The URL's password is not told.
    """
    try:
        connection = Connection(url)
    except AddressWrong as error:
        return [unfit(*_halves(error))]
    try:
        return await _examine(connection, partitions, mode)
    except StoreUnavailable as error:
        tls = ""
        if connection.endpoint.tls is not None:
            tls = " (that port may speak no TLS, or want a certificate of ours: ssl_certfile, ssl_keyfile)"
        return [unfit(f"the store does not answer ({error})", f"start it, or check REDIS_URL{tls}")]
    except StoreMismatch as error:
        return [unfit(*_halves(error))]
    except EngineError as error:
        return [unfit(str(error), LOGIN)]
    finally:
        await connection.close()


def _halves(error: EngineError) -> tuple[str, str]:
    """What was found, and after the last colon the mend."""
    what, colon, mend = str(error).removesuffix(".").rpartition(": ")
    return (what, mend) if colon else (mend, LOGIN)


async def _examine(connection: Connection, partitions: int | None, mode: Durability) -> list[Finding]:
    server = await connection.info("server")
    shape = kind(server, connection.endpoint)
    if shape.level is Level.ERROR:
        return [shape]
    latency = await _latency(connection)
    masters = await _masters(connection)
    return [
        Finding(Level.OK, f"the store answers: {connection.endpoint.shown}"),
        line(connection.endpoint),
        *_each(masters, lambda m: version(m.server)),
        *_each(masters, lambda m: eviction(m.memory, m.policy)),
        *_each(masters, lambda m: durability(m.persistence, m.fsync, mode, waitaof=m.waitaof)),
        *_each(masters, lambda m: room(m.memory)),
        shape,
        *failover(connection.endpoint.kind, mode, {name: m.replicas for name, m in masters.items()}),
        *quorum(connection.endpoint.kind, await connection.sentinels()),
        await _skew(connection),
        latency,
        await _shape(connection, partitions),
    ]


@dataclass(frozen=True, slots=True)
class _Master:
    """What one master tells of itself."""

    server: Mapping[str, Any]
    memory: Mapping[str, Any]
    persistence: Mapping[str, Any]
    replicas: int
    policy: str
    fsync: str

    @property
    def waitaof(self) -> bool:
        return facts_of(self.server, self.persistence, self.fsync).waitaof


async def _masters(connection: Connection) -> dict[str, _Master]:
    told = {
        part: await connection.masters("INFO", part)
        for part in ("server", "memory", "persistence", "replication")
    }
    policy, fsync = await connection.settings("maxmemory-policy"), await connection.settings("appendfsync")
    return {
        name: _Master(
            told["server"][name],
            told["memory"][name],
            told["persistence"][name],
            int(told["replication"][name].get("connected_slaves", 0)),
            policy.get(name, ""),
            fsync.get(name, ""),
        )
        for name in told["server"]
        if all(name in answers for answers in told.values())
    }


def _each(masters: Mapping[str, _Master], look: Callable[[_Master], Finding]) -> list[Finding]:
    """One finding where all are well, else those of the masters that are not, by their address."""
    found = {name: look(master) for name, master in masters.items()}
    wrong = [
        Finding(finding.level, f"{finding.what} ({name})" if len(found) > 1 else finding.what, finding.mend)
        for name, finding in found.items()
        if finding.level is not Level.OK
    ]
    return wrong or list(found.values())[:1]


async def _skew(connection: Connection) -> Finding:
    """Only a hint: the engine lives by the server's clock, so a worker's own clock does no harm."""
    apart_ms = abs(await connection.server_ms() - SystemClock().now_ms())
    if apart_ms <= SKEW_WARN_MS:
        return Finding(Level.OK, "the clocks agree")
    return weak(f"the server's clock is {apart_ms / 1000:.0f} s off ours", "synchronise both (NTP)")


async def _latency(connection: Connection) -> Finding:
    await connection.keyless("PING")  # opens the connection
    loop, trips = asyncio.get_running_loop(), []
    for _ in range(SAMPLES):
        start = loop.time()
        await connection.keyless("PING")
        trips.append((loop.time() - start) * 1000)
    middle = sorted(trips)[SAMPLES // 2]
    if middle <= LATENCY_WARN_MS:
        return Finding(Level.OK, f"a round trip takes {middle:.1f} ms")
    return weak(f"a round trip takes {middle:.1f} ms", "bring the server nearer")


async def _shape(connection: Connection, partitions: int | None) -> Finding:
    recorded = await connection.command("HMGET", f"{tag(0, 1)}:ctl", "partitions", "schema")
    if recorded[0] is None:
        return Finding(Level.OK, "no store yet: the first start creates it")
    count, schema = int(recorded[0]), int(recorded[1])
    if schema != SCHEMA:
        return unfit(f"the store has schema {schema}, not {SCHEMA}", "use the program version it was made by")
    if partitions not in (None, count):
        return unfit(f"the store has {count} partitions, not {partitions}", f"set partitions to {count}")
    return Finding(Level.OK, f"a store of {count} partition{'s' if count > 1 else ''}")
