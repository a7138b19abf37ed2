"""How sure an acknowledged write is, and what must be asked of the server to be that sure.

    fast     what the server promises by itself; with everysec a power cut takes up to a second
    safe     on the disk: appendfsync always, or WAITAOF after each writing script (Redis and Valkey 7.2)
    strict   safe, and on a replica: WAIT after each writing script, so that no failover takes it back

The question goes behind the script on the same connection. When it is not answered with yes the outcome is
unknown: the same operation is sent again and answered from its record. That repetition writes nothing, and
a WAIT speaks only of its own connection's writes; so in strict mode a small mark is written before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from engine.errors import StoreMismatch

WAIT_MS: Final = 1000
"""How long a confirmation is waited for, real ms; the operation is asked again after that."""
MARK_MS: Final = 60_000
WAITAOF_SINCE: Final = (7, 2)

Words = tuple[str | int, ...]


class Durability(StrEnum):
    """What an acknowledged write has survived."""

    FAST = "fast"
    SAFE = "safe"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says of its disk. `fsync` is "" where it does not tell."""

    aof: bool
    fsync: str
    waitaof: bool

    @property
    def always(self) -> bool:
        """Whether a write is on the disk before it is answered."""
        return self.aof and self.fsync == "always"


def facts_of(server: Mapping[str, Any], persistence: Mapping[str, Any], fsync: str) -> Facts:
    """From the sections of INFO and appendfsync."""
    version = str(server.get("redis_version", "0")).split(".")  # Valkey tells what it is compatible with
    numbers = tuple(int(part) for part in version[:2] if part.isdecimal())
    return Facts(bool(int(persistence.get("aof_enabled", 0))), fsync, numbers >= WAITAOF_SINCE)


@dataclass(frozen=True, slots=True)
class Promise:
    """What is asked behind a writing script."""

    replicas: int = 0
    disk: bool = False

    def asked(self, prefix: str) -> tuple[Words, ...]:
        """The commands, the first of them in the script's own slot."""
        mark: Words = ("SET", f"{prefix}:seen", 1, "PX", MARK_MS)
        found: list[Words] = [mark] if self.replicas or self.disk else []
        if self.replicas:
            found.append(("WAIT", self.replicas, WAIT_MS))
        if self.disk:
            found.append(("WAITAOF", 1, 0, WAIT_MS))
        return tuple(found)

    def missing(self, answers: Sequence[Any]) -> str:
        """What was not confirmed, "" when all was. `answers` are those of `asked`."""
        for answer in answers:
            if isinstance(answer, Exception):
                return f"the write could not be confirmed ({answer})"
        rest = list(answers[1:])
        if self.replicas and int(rest.pop(0)) < self.replicas:
            return f"no replica confirmed the write within {WAIT_MS} ms"
        if self.disk and int(rest.pop(0)[0]) < 1:
            return f"the server did not confirm within {WAIT_MS} ms that the write is on its disk"
        return ""


def promise_of(mode: Durability, servers: Sequence[Facts]) -> Promise:
    """What has to be asked of these servers. Raises StoreMismatch when strict cannot be had."""
    ask = all(facts.aof and facts.waitaof for facts in servers)
    if mode is Durability.FAST:
        return Promise()
    if mode is Durability.SAFE:
        # where neither can be had the doctor says so; the server's own promise is all there is
        return Promise(disk=ask and not all(facts.always for facts in servers))
    if not ask and not all(facts.always for facts in servers):
        if any(facts.aof and not facts.fsync for facts in servers):
            raise StoreMismatch(
                "REELSTATE_DURABILITY=strict cannot be proved, because this user of the server may not see"
                " appendfsync: allow +config|get"
            )
        raise StoreMismatch(
            "REELSTATE_DURABILITY=strict cannot be kept by this server: set appendonly yes and appendfsync"
            " always, or use safe"
        )
    return Promise(replicas=1, disk=ask)
