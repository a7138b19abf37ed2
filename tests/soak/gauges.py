"""What the soak measures, every few seconds: memory and CPU of each process, keys by kind, jobs by state."""

import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from redis.exceptions import RedisError

from adapters.embedded import EmbeddedError
from engine.keys import PERMANENT
from states.vocabulary import TERMINALS, State
from tests.soak.people import People
from tests.soak.town import Town

EVERY_S: Final = 10.0
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_TICK: Final = os.sysconf("SC_CLK_TCK")
_MB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Memory in MB, CPU in cores since the look before, latencies in real seconds."""

    at_s: float
    rss_mb: dict[str, float]
    cpu: dict[str, float]
    store_mb: float
    """What the store's data takes, by its own account (used_memory)."""
    ledger_mb: float
    """The ledgers' share of it: rows stay for ever, so this one grows with every job."""
    keys: dict[str, int]
    endless: dict[str, int]
    """Keys without an end, by kind; those of live jobs among them."""
    jobs: dict[str, int]
    """Live jobs by state, and how many have ended in each terminal so far."""
    outbox: int
    answer_s: dict[str, float]
    video_s: dict[str, float]


@dataclass(slots=True)
class Gauges:
    """Takes samples. One for a soak."""

    town: Town
    people: People
    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    _spent: dict[str, tuple[int, float, float]] = field(default_factory=dict)

    async def look(self) -> Sample | None:
        """Take a sample; None while the store is away."""
        try:
            pids = {"driver": os.getpid(), "store": self.town.server.pid}
            store = await self._store()
        except (RedisError, OSError, EmbeddedError):  # it is being killed and started again
            return None
        pids |= {name: helper.pid for name, helper in self.town.helpers.items()}
        since = time.monotonic() - EVERY_S
        sample = Sample(
            at_s=round(time.monotonic() - self.began, 1),
            rss_mb={name: _rss_mb(pid) for name, pid in pids.items()},
            cpu={name: self._cpu(name, pid) for name, pid in pids.items()},
            answer_s=_spread([s for at, s in self.people.answers if at > since]),
            video_s=_spread([s for at, s in self.people.videos if at > since]),
            **store,
        )
        self.samples.append(sample)
        return sample

    def to_json(self) -> list[dict[str, Any]]:
        """All samples, oldest first."""
        return [asdict(sample) for sample in self.samples]

    async def _store(self) -> dict[str, Any]:
        redis = self.town.redis
        memory = await redis.info("memory")
        names = [name async for name in redis.scan_iter(count=2000)]
        pipe = redis.pipeline(transaction=False)
        for name in names:
            pipe.pttl(name)
        ends = await pipe.execute()
        kinds, endless = Counter[str](), Counter[str]()
        for name, ttl in zip(names, ends, strict=True):
            kinds[_kind(name)] += 1
            endless[_kind(name)] += ttl == -1
        prefix = next((n.decode().partition("}:")[0] + "}:" for n in names if n.endswith(b"}:ctl")), "")
        ledgers = [name for name in names if _kind(name) == "l"]
        pipe = redis.pipeline(transaction=False)
        for name in ledgers:
            pipe.memory_usage(name)
        moves = await redis.hgetall(f"{prefix}c")
        waiting = await redis.hget(f"{prefix}ob:q", "n")
        return {
            "store_mb": round(memory["used_memory"] / _MB, 3),
            "ledger_mb": round(sum(await pipe.execute()) / _MB, 3),
            "keys": dict(sorted(kinds.items())),
            "endless": {kind: n for kind, n in sorted(endless.items()) if n},
            "jobs": _jobs(moves),
            "outbox": int(waiting or 0),
        }

    def _cpu(self, name: str, pid: int) -> float:
        now, spent = time.monotonic(), _cpu_s(pid)
        before = self._spent.get(name)
        self._spent[name] = (pid, now, spent)
        if before is None or before[0] != pid:
            return 0.0
        return round((spent - before[2]) / max(0.001, now - before[1]), 4)


def permanent(kind: str) -> bool:
    """Whether keys of this kind may stay for ever."""
    return kind in {pattern.partition(":")[0] for pattern in PERMANENT}


def _kind(name: bytes) -> str:
    return name.decode().rpartition("}:")[2].partition(":")[0]


def _jobs(moves: Mapping[bytes | str, bytes | str]) -> dict[str, int]:
    """How many jobs stand in each state, from how often each move was made."""
    standing = Counter[str]()
    for move, n in moves.items():
        source, target, _ = (move if isinstance(move, str) else move.decode()).split("|", 2)
        standing[target] += int(n)
        standing[source] -= int(n)
    return {
        state.value: standing[state.value] for state in State if standing[state.value] or state in TERMINALS
    }


def _rss_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):  # it died a moment ago
        return 0.0
    return round(pages * _PAGE / _MB, 2)


def _cpu_s(pid: int) -> float:
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / _TICK


def _spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    ranked = sorted(values)
    at = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    return {name: round(ranked[min(len(ranked) - 1, int(len(ranked) * q))], 3) for name, q in at.items()}
