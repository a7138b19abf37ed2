"""What must hold in any world, read from the raw keys of a partition: books, holds, histories, places.

The questions are those of the reference's list I1-I9; each complaint names the invariant that is broken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

from engine.codec import GUARDS, Stored, decode_job
from engine.replay.graphs import Shelf
from engine.replay.replayer import Replayer
from engine.replay.values import Kind
from engine.rows import ledger_fields, lines_of, records_of
from engine.simulation.wire import Wire
from states.job import Job

_GUARDS: Final = ("st", "seq", "uid", "cost", "hold", "own", "qt")
_ENDS: Final = {"done": ("captured", "none"), "refunded": ("released",), "failed": ("none",)}
_MOVES: Final = {
    "none": [],
    "held": ["hold"],
    "captured": ["hold", "capture"],
    "released": ["hold", "release"],
}
Complain = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Inspector:
    """Looks at one partition (`prefix`, its tag) of a store at rest between two steps."""

    wire: Wire
    prefix: str
    complain: Complain
    latest_ms: Callable[[], int]
    """The latest time that any process may take for now: clocks differ."""

    def job_ids(self) -> list[str]:
        """All jobs the partition knows."""
        found = self.wire.call("KEYS", f"{self.prefix}:j:*")
        cut = len(self.prefix) + 3
        return sorted(key.decode()[cut:] for key in found)

    def look(self) -> None:
        """Everything that must hold at any moment."""
        ids, t = self.job_ids(), self.prefix
        accounts = [key.decode() for key in self.wire.call("KEYS", f"{t}:a:*")]
        asked: list[tuple[str | int, ...]] = [("ZRANGE", f"{t}:t", 0, -1, "WITHSCORES")]
        asked += [("HMGET", key, "bal", "held") for key in accounts]
        asked += [("HMGET", f"{t}:j:{job}", *_GUARDS) for job in ids]
        asked += [("LRANGE", f"{t}:h:{job}", 0, -1) for job in ids]
        asked += [("LRANGE", f"{t}:l:{key.rpartition(':')[2]}", 0, -1) for key in accounts]
        asked += [("LLEN", f"{t}:hi:{job}") for job in ids]
        answers = iter(self.wire.all(asked))
        flat = next(answers)
        timers = {name.decode(): int(float(at)) for name, at in zip(flat[::2], flat[1::2], strict=True)}
        books = {key.rpartition(":")[2]: [int(n or 0) for n in next(answers)] for key in accounts}
        jobs = {job: _Guards(*((word or b"").decode() for word in next(answers))) for job in ids}
        histories = {job: records_of(job, next(answers)) for job in ids}
        ledger = [ledger_fields(row) for _ in accounts for row in next(answers)]
        hinted = [job for job in ids if next(answers)]
        self._books(jobs, books)
        self._timers(jobs, timers)
        self._hinted({job: jobs[job] for job in hinted}, timers)
        for job, guards in jobs.items():
            self._money(job, guards, [row["kind"] for row in ledger if row["job"] == job])
            self._history(job, guards, histories[job])

    def _timers(self, jobs: dict[str, "_Guards"], timers: dict[str, int]) -> None:
        live = {job for job, g in jobs.items() if g.state not in _ENDS and not g.aside}
        if timers.keys() != live:
            extra, none = sorted(timers.keys() - live), sorted(live - timers.keys())
            self.complain("timers", f"timers of {extra}, none for {none}")

    def _hinted(self, jobs: dict[str, "_Guards"], timers: dict[str, int]) -> None:
        """News of a job that nobody holds makes it due at once."""
        latest = self.latest_ms()
        for job, guards in jobs.items():
            waits = guards.state not in _ENDS and not guards.owner and not guards.aside
            if waits and timers.get(job, 0) > latest:
                late = timers[job] - latest
                self.complain("hints", f"{job}: has news, but is not due for another {late} ms")

    def _books(self, jobs: dict[str, "_Guards"], books: dict[str, list[int]]) -> None:
        total = sum(map(sum, books.values()))
        if total != 0:
            self.complain("ledger", f"the sum over all accounts is {total}, not 0")
        for who, (balance, held) in books.items():
            wanted = sum(int(g.cost) for g in jobs.values() if g.user == who and g.hold == "held")
            if held != wanted:
                self.complain("holds", f"user {who} has {held} held, the jobs hold {wanted}")
            if balance < 0 and not who.startswith("@"):
                self.complain("balance", f"user {who} has {balance}")

    def _money(self, job: str, guards: "_Guards", moves: list[str]) -> None:
        if guards.hold not in _ENDS.get(guards.state, ("held", "none")):
            self.complain("money", f"{job}: {guards.state} with credits {guards.hold}")
        if moves != _MOVES[guards.hold]:
            self.complain("money", f"{job}: credits are {guards.hold}, the ledger says {moves}")

    def _history(self, job: str, guards: "_Guards", records: list[dict[str, Any]]) -> None:
        found = [record["seq"] for record in records]
        if found != list(range(int(guards.seq) + 1)):
            self.complain("history", f"{job}: seq {guards.seq}, records {found}")
        elif records[-1]["to"] != guards.state:
            self.complain("history", f"{job}: {guards.state}, the last record says {records[-1]['to']}")

    def lines(self, job: str) -> list[bytes]:
        """The records of a job, a line each."""
        return lines_of(job, self.wire.call("LRANGE", f"{self.prefix}:h:{job}", 0, -1))

    def job(self, job: str) -> Job:
        """A job, decoded."""
        t = self.prefix
        fields, doc, request = self.wire.all(
            [("HMGET", f"{t}:j:{job}", *GUARDS), ("GET", f"{t}:d:{job}"), ("GET", f"{t}:p:{job}")]
        )
        guards = dict(zip(GUARDS, (word.decode() for word in fields), strict=True))
        return decode_job(Stored(job, guards, doc, request))

    def recompute(self, shelf: Shelf) -> None:
        """Every recorded decision made again: it must come out the same (times apart: clocks were wrong)."""
        replayer = Replayer(shelf)
        for job in self.job_ids():
            replayer.feed(self.lines(job))
        for finding in replayer.finish().findings:
            if finding.kind is not Kind.TIME:
                self.complain("replay", finding.sentence())

    def digest(self) -> str:
        """A fingerprint of all histories and ledgers: the same seed gives the same one, to the byte."""
        found = sha256()
        for kind in ("h", "l"):
            for key in sorted(self.wire.call("KEYS", f"{self.prefix}:{kind}:*")):
                for row in self.wire.call("LRANGE", key, 0, -1):
                    found.update(row)
        return found.hexdigest()[:16]

    def waiting(self) -> dict[str, int]:
        """What has not come to rest: live jobs, outbox and inbox entries."""
        live, out, inbox = self.wire.all(
            [("ZCARD", f"{self.prefix}:t"), *(("HGET", f"{self.prefix}:{q}:q", "n") for q in ("ob", "in"))]
        )
        return {"jobs": int(live), "outbox": int(out or 0), "inbox": int(inbox or 0)}


class _Guards(NamedTuple):
    state: str
    seq: str
    user: str
    cost: str
    hold: str
    owner: str
    aside: str
