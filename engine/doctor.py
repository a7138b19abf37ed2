"""Checks of a live server: is it fit to keep money, and what would mend it.

Reads only, so it may be pointed at a production server at any time. What a managed service hides (CONFIG)
is told as unknown, not guessed.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from engine.clock import SystemClock
from engine.connection import Connection
from engine.errors import EngineError, ScriptFailed, StoreUnavailable
from engine.keys import SCHEMA, tag

REDIS_MIN: Final = (7, 0)
VALKEY_MIN: Final = (7, 2)
SKEW_WARN_MS: Final = 2_000
LATENCY_WARN_MS: Final = 5.0
"""A round trip: beyond this every step of a job is felt, and beats get tight."""
SAMPLES: Final = 9
LOGIN: Final = "check the user and password in REDIS_URL, and what that user may do"
MEMORY_WARN: Final = 0.8
"""Part of maxmemory in use; full means that writes are refused."""


class Level(StrEnum):
    """How bad a finding is. An `error` is a reason not to start."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, and the mend ("" when nothing is to be done)."""

    level: Level
    what: str
    mend: str = ""


async def examine(url: str, partitions: int | None = None) -> list[Finding]:
    """All findings about the server at `url`, reachability first. Never raises for what is found.

    `partitions` is what this process would use; None does not compare. The URL's password is not told.
    """
    connection = Connection(url)
    try:
        return await _examine(connection, partitions)
    except StoreUnavailable as error:
        if "authentication" in str(error).lower():  # the driver calls this a broken connection
            return [_error("the server wants a password", LOGIN)]
        return [_error(f"the server does not answer ({error})", "start it, or check REDIS_URL")]
    except EngineError as error:
        return [_error(str(error), LOGIN)]
    finally:
        await connection.close()


async def _examine(connection: Connection, partitions: int | None) -> list[Finding]:
    latency = await _latency(connection)
    server = await connection.info("server")
    memory = await connection.info("memory")
    persistence = await connection.info("persistence")
    return [
        Finding(Level.OK, "the server answers"),
        version(server),
        eviction(memory, await _setting(connection, "maxmemory-policy")),
        durability(persistence, await _setting(connection, "appendfsync")),
        room(memory),
        cluster(server),
        await _skew(connection),
        latency,
        await _shape(connection, partitions),
    ]


def version(server: dict[str, Any]) -> Finding:
    """Redis 7.0 or Valkey 7.2: older ones lack flags of scripts that keep them whole."""
    valkey = server.get("valkey_version")
    name, text, least = (
        ("Valkey", str(valkey), VALKEY_MIN)
        if valkey
        else ("Redis", str(server.get("redis_version", "0")), REDIS_MIN)
    )
    numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
    if numbers >= least:
        return Finding(Level.OK, f"{name} {text}")
    return _error(f"{name} {text} is too old", "use Redis 7.0 or Valkey 7.2 or newer")


def eviction(memory: dict[str, Any], policy: str) -> Finding:
    """A server that evicts drops jobs and credits in silence."""
    policy = policy or str(memory.get("maxmemory_policy", ""))
    if policy == "noeviction":
        return Finding(Level.OK, "nothing is evicted")
    if not policy:
        return _warn("the eviction policy is hidden", "make sure that maxmemory-policy is noeviction")
    return _error(f"the server evicts keys ({policy})", "set maxmemory-policy noeviction")


def durability(persistence: dict[str, Any], fsync: str) -> Finding:
    """What a crash would lose."""
    if not int(persistence.get("aof_enabled", 0)):
        return _error(
            "there is no append-only file: a restart loses credits", "set appendonly yes, appendfsync always"
        )
    if str(persistence.get("aof_last_write_status", "ok")) != "ok":
        return _error("the append-only file cannot be written", "look at the server's disk")
    if fsync == "always":
        return Finding(Level.OK, "every write reaches the disk before it is answered")
    if fsync == "everysec":
        return _warn("a power cut loses up to a second of payments", "set appendfsync always")
    if fsync == "no":
        return _error("the system decides when payments reach the disk", "set appendfsync always")
    return _warn("appendfsync is hidden", "make sure that it is always")


def room(memory: dict[str, Any]) -> Finding:
    """How near the server is to refusing writes."""
    limit, used = int(memory.get("maxmemory", 0)), int(memory.get("used_memory", 0))
    shown = f"{used / 1e6:.0f} MB in use"
    if not limit:
        return Finding(Level.OK, f"{shown}, no limit set")
    if used > limit * MEMORY_WARN:
        return _warn(
            f"{shown} of {limit / 1e6:.0f} MB", "raise maxmemory: when it is full, writes are refused"
        )
    return Finding(Level.OK, f"{shown} of {limit / 1e6:.0f} MB")


def cluster(server: dict[str, Any]) -> Finding:
    """This program speaks to one address; in a cluster that must be one that serves every slot."""
    mode = str(server.get("redis_mode", server.get("server_mode", "standalone")))
    if mode == "cluster":
        return _warn("the server is a node of a cluster", "use an address that routes to all nodes")
    return Finding(Level.OK, f"{mode} server")


async def _setting(connection: Connection, name: str) -> str:
    """One value of CONFIG, "" where a managed service hides it."""
    try:
        answer = await connection.command("CONFIG", "GET", name)
    except ScriptFailed:
        return ""
    words = list(answer.values()) if isinstance(answer, dict) else list(answer)
    return words[-1].decode() if words else ""


async def _skew(connection: Connection) -> Finding:
    """Only a hint: the engine lives by the server's clock, so a worker's own clock does no harm."""
    apart_ms = abs(await connection.server_ms() - SystemClock().now_ms())
    if apart_ms <= SKEW_WARN_MS:
        return Finding(Level.OK, "the clocks agree")
    return _warn(f"the server's clock is {apart_ms / 1000:.0f} s off ours", "synchronise both (NTP)")


async def _latency(connection: Connection) -> Finding:
    await connection.command("PING")  # opens the connection
    loop, trips = asyncio.get_running_loop(), []
    for _ in range(SAMPLES):
        start = loop.time()
        await connection.command("PING")
        trips.append((loop.time() - start) * 1000)
    middle = sorted(trips)[SAMPLES // 2]
    if middle <= LATENCY_WARN_MS:
        return Finding(Level.OK, f"a round trip takes {middle:.1f} ms")
    return _warn(f"a round trip takes {middle:.1f} ms", "bring the server nearer")


async def _shape(connection: Connection, partitions: int | None) -> Finding:
    recorded = await connection.command("HMGET", f"{tag(0, 1)}:ctl", "partitions", "schema")
    if recorded[0] is None:
        return Finding(Level.OK, "no store yet: the first start creates it")
    count, schema = int(recorded[0]), int(recorded[1])
    if schema != SCHEMA:
        return _error(
            f"the store has schema {schema}, not {SCHEMA}", "use the program version it was made by"
        )
    if partitions not in (None, count):
        return _error(f"the store has {count} partitions, not {partitions}", f"set partitions to {count}")
    return Finding(Level.OK, f"a store of {count} partition{'s' if count > 1 else ''}")


def _warn(what: str, mend: str) -> Finding:
    return Finding(Level.WARN, what, mend)


def _error(what: str, mend: str) -> Finding:
    return Finding(Level.ERROR, what, mend)
