"""What is fit to keep money: judgements on what servers tell of themselves. `engine.doctor` asks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from engine.durability import Durability
from engine.endpoints import Endpoint, Kind

REDIS_MIN: Final = (7, 0)
VALKEY_MIN: Final = (7, 2)
SENTINELS_MIN: Final = 3
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


def version(server: Mapping[str, Any]) -> Finding:
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
    return unfit(f"{name} {text} is too old", "use Redis 7.0 or Valkey 7.2 or newer")


def eviction(memory: Mapping[str, Any], policy: str) -> Finding:
    """A server that evicts drops jobs and credits in silence."""
    policy = policy or str(memory.get("maxmemory_policy", ""))
    if policy == "noeviction":
        return Finding(Level.OK, "nothing is evicted")
    if not policy:
        return weak("the eviction policy is hidden", "make sure that maxmemory-policy is noeviction")
    return unfit(f"the server evicts keys ({policy})", "set maxmemory-policy noeviction")


def durability(
    persistence: Mapping[str, Any],
    fsync: str,
    mode: Durability = Durability.SAFE,
    *,
    waitaof: bool = False,
) -> Finding:
    """What a crash of the machine would lose."""
    if not int(persistence.get("aof_enabled", 0)):
        return unfit(
            "there is no append-only file: a restart loses credits", "set appendonly yes, appendfsync always"
        )
    if str(persistence.get("aof_last_write_status", "ok")) != "ok":
        return unfit("the append-only file cannot be written", "look at the server's disk")
    if fsync == "always":
        return Finding(Level.OK, "every write reaches the disk before it is answered")
    if fsync == "no":
        return unfit("the system decides when payments reach the disk", "set appendfsync always")
    if mode is not Durability.FAST and waitaof:
        if not fsync:
            return Finding(Level.OK, f"each step waits until it is on the disk ({mode})")
        return weak(f"each step waits up to a second for the disk ({mode})", "set appendfsync always")
    if fsync == "everysec":
        return weak("a power cut loses up to a second of payments", "set appendfsync always")
    return weak("appendfsync is hidden", "make sure that it is always")


def room(memory: Mapping[str, Any]) -> Finding:
    """How near the server is to refusing writes."""
    limit, used = int(memory.get("maxmemory", 0)), int(memory.get("used_memory", 0))
    shown = f"{used / 1e6:.0f} MB in use"
    if not limit:
        return Finding(Level.OK, f"{shown}, no limit set")
    if used > limit * MEMORY_WARN:
        return weak(
            f"{shown} of {limit / 1e6:.0f} MB", "raise maxmemory: when it is full, writes are refused"
        )
    return Finding(Level.OK, f"{shown} of {limit / 1e6:.0f} MB")


def kind(server: Mapping[str, Any], endpoint: Endpoint) -> Finding:
    """Whether the server is what the address takes it for."""
    mode = str(server.get("redis_mode", server.get("server_mode", "standalone")))
    if mode == "sentinel":
        return unfit("this is a sentinel, not a store", "write redis+sentinel://host:26379/service/0")
    if mode == "cluster" and endpoint.kind is not Kind.CLUSTER:
        return unfit("the server is a node of a cluster", "write redis+cluster:// in REDIS_URL")
    return Finding(Level.OK, f"{mode} server")


def line(endpoint: Endpoint) -> Finding:
    """Whether others can read what travels."""
    if endpoint.tls is not None:
        return Finding(Level.OK, "the line is encrypted, its certificate verified")
    if endpoint.local:
        return Finding(Level.OK, "nothing leaves this machine")
    return weak("users' photos and prompts travel unencrypted", "use TLS (rediss://), or a private network")


def failover(where: Kind, mode: Durability, replicas: Mapping[str, int]) -> list[Finding]:
    """What happens when a master dies."""
    if where is Kind.SINGLE:
        if mode is Durability.STRICT and not all(replicas.values()):
            return [unfit("strict durability needs a replica, and none follows", "add one, or use safe")]
        return []
    level = unfit if mode is Durability.STRICT else weak
    alone = [
        level(f"{name} has no replica: when it dies, its jobs wait for it", "add a replica to each master")
        for name, count in replicas.items()
        if not count
    ]
    if mode is Durability.STRICT:
        return alone or [Finding(Level.OK, "what is acknowledged is on a replica too (strict)")]
    return [
        *alone,
        weak(
            "a failover may take back the last acknowledged steps and payments",
            "set REELSTATE_DURABILITY=strict",
        ),
    ]


def quorum(where: Kind, sentinels: int) -> list[Finding]:
    """Whether sentinels can agree on a new master."""
    if where is not Kind.SENTINEL:
        return []
    if sentinels >= SENTINELS_MIN:
        return [Finding(Level.OK, f"{sentinels} sentinels watch the master")]
    return [weak(f"only {sentinels} sentinel(s): no majority is left when one dies", "run three or more")]


def weak(what: str, mend: str) -> Finding:
    """Fit to run, but weaker than it could be."""
    return Finding(Level.WARN, what, mend)


def unfit(what: str, mend: str) -> Finding:
    """A reason not to start."""
    return Finding(Level.ERROR, what, mend)
