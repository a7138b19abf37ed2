"""What a run cost: wall time, CPU of this process, and what the server counted meanwhile.

The server's own figures (INFO) are read before and after, never during a run.
"""

import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.connection import Connection
from engine.errors import EngineError, ScriptFailed

FROM_OUTSIDE: Final = ("evalsha", "eval", "bzpopmin", "xread", "time", "script", "client")
"""Commands the engine sends itself; every other one is called inside a script."""


def wall_s() -> float:
    """Seconds of a clock all processes of this machine share; only differences mean something."""
    return time.perf_counter()


def cpu_s() -> float:
    """CPU this process has used, user and system, seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rss_bytes() -> int:
    """Memory this process has resident now."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - a kernel's page, not a file
        return int(file.read().split()[1]) * resource.getpagesize()


@dataclass(frozen=True, slots=True)
class Server:
    """What a server has counted since its start. `calls` and `usec` by command, inner ones included."""

    cpu_s: float
    memory: int
    aof: int
    reads: int
    calls: Mapping[str, int]
    usec: Mapping[str, float]

    def since(self, before: "Server") -> "Server":
        """The difference to an earlier look."""
        return Server(
            cpu_s=self.cpu_s - before.cpu_s,
            memory=self.memory - before.memory,
            aof=self.aof - before.aof,
            reads=self.reads - before.reads,
            calls={name: n - before.calls.get(name, 0) for name, n in self.calls.items()},
            usec={name: n - before.usec.get(name, 0.0) for name, n in self.usec.items()},
        )

    @property
    def commands(self) -> int:
        """Commands executed, those inside scripts included."""
        return sum(self.calls.values())

    @property
    def sent(self) -> int:
        """Commands sent by clients: at most one round trip each."""
        return sum(n for name, n in self.calls.items() if self.is_sent(name))

    @staticmethod
    def is_sent(name: str) -> bool:
        """Whether a command comes from a client, not from a script."""
        return name.partition("|")[0] in FROM_OUTSIDE

    @property
    def script_us(self) -> float:
        """Time spent in scripts, all commands inside included, microseconds."""
        return self.usec.get("evalsha", 0.0) + self.usec.get("eval", 0.0)

    @property
    def inner_us(self) -> float:
        """Time of the commands inside scripts; the rest of `script_us` is Lua's, and its calls'."""
        return sum(us for name, us in self.usec.items() if not self.is_sent(name))


async def look(connection: Connection) -> Server:
    """The server's counters now."""
    info = await connection.info("all")
    stats = {
        str(name).removeprefix("cmdstat_"): value
        for name, value in info.items()
        if str(name).startswith("cmdstat_")
    }
    return Server(
        cpu_s=float(info["used_cpu_user"]) + float(info["used_cpu_sys"]),
        memory=int(info["used_memory"]),
        aof=int(info.get("aof_current_size", 0)),
        reads=int(info.get("total_reads_processed", 0)),
        calls={name: int(value["calls"]) for name, value in stats.items()},
        usec={name: float(value["usec"]) for name, value in stats.items()},
    )


async def server_cpu_s(connection: Connection) -> float:
    """CPU the server has used, seconds. This look alone costs it next to nothing."""
    info = await connection.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


async def server_name(url: str) -> str:
    """What serves there, for the report: `valkey 9.1.2` or `redis 7.0.15`. Raises StoreUnavailable."""
    async with Connection(url) as connection:
        info = await connection.info("server")
    if info.get("server_name") == "valkey":
        return f"valkey {info.get('valkey_version')}"
    return f"redis {info.get('redis_version')}"


class NotFit(EngineError):  # noqa: N818 - reads as a sentence where it is caught
    """This server cannot be measured on; the text says the mend."""


async def prepare(url: str, aof: str) -> None:
    """Make a server that was named by hand ready for a run. Raises NotFit when it holds anything."""
    async with Connection(url) as connection:
        if await connection.keyless("DBSIZE"):
            raise NotFit(
                "The server named with --redis holds keys: a benchmark wants an empty one of its own."
            )
        for name, value in (("appendonly", "yes"), ("appendfsync", aof)):
            try:
                await connection.keyless("CONFIG SET", name, value)
            except ScriptFailed as error:
                raise NotFit(f"The server refuses CONFIG SET {name} ({error}).") from None


async def clear(url: str) -> None:
    """Forget what a run left on a server that was found empty."""
    async with Connection(url) as connection:
        await connection.keyless("FLUSHALL")
