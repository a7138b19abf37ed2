"""What was read of a store, and what was found: frozen values between reading and judging."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EdgeTable = Mapping[str, str]
"""Edge id → `source|target`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: which (a key of `engine.check.rules.RULES`), where, and what would be right."""

    rule: str
    what: str
    partition: int = 0
    user: str = ""
    job: str = ""
    entry: str = ""
    """A ledger row, history record, queue entry or key."""
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class JobRead:
    """A job with all its keys as of one moment. `ttls_ms`: of j d p h hi; -1 = for ever, -2 = no such key."""

    id: str
    guards: Mapping[str, str]
    doc: bytes
    request: bytes
    history: tuple[bytes, ...]
    ttls_ms: tuple[int, int, int, int, int]
    timer: str
    aside: str

    @property
    def exists(self) -> bool:
        """False: only something of the user still names it."""
        return bool(self.guards)

    def number(self, name: str) -> int | None:
        """A guard field as a number, None when it is not one."""
        word = self.guards.get(name, "")
        return int(word) if word.removeprefix("-").isdecimal() else None


@dataclass(frozen=True, slots=True)
class UserRead:
    """A user with their jobs, as of one moment."""

    partition: int
    uid: str
    account: Mapping[str, str]
    rows: tuple[bytes, ...]
    externals: frozenset[str]
    index: tuple[str, ...]
    index_ttl_ms: int
    line: tuple[str, ...]
    ready: str
    jobs: tuple[JobRead, ...]


@dataclass(frozen=True, slots=True)
class LaneRead:
    """A lane of an ordered queue, as of one moment. `jobs`: seq of the jobs its ids name, "" = none."""

    partition: int
    queue: str
    lane: str
    due: str
    order: tuple[str, ...]
    entries: Mapping[str, bytes]
    jobs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeyRead:
    """Small facts of a key; see `lua/check/keys.lua`."""

    partition: int
    name: str
    ttl_ms: int
    word: str
    owner: str


@dataclass(frozen=True, slots=True)
class PartRead:
    """A partition's sums. `total` and `states` are None where counting them would hold the server up."""

    partition: int
    ctl: Mapping[str, str]
    contras: Mapping[str, int]
    counters: Mapping[str, int]
    total: int | None
    states: Mapping[str, int] | None


@dataclass(slots=True)
class Tally:
    """What a sweep over one partition's users and jobs added up."""

    contras: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    edges: Counter[str] = field(default_factory=Counter)
    """`source|target|edge` of the histories that are there."""
    jobs: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check. `notes`: what could not be proved, and why; `partial`: only a sample."""

    findings: tuple[Finding, ...]
    users: int
    jobs: int
    keys: int
    entries: int
    seconds: float
    notes: tuple[str, ...] = ()
    partial: bool = False
    cut: bool = False
    """More was broken than is kept."""

    @property
    def clean(self) -> bool:
        """Nothing broken was found."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """For `--json`; findings are written apart, one a line."""
        names = ("users", "jobs", "keys", "entries", "seconds", "notes", "partial", "cut")
        return {"clean": self.clean, "findings": len(self.findings)} | {n: getattr(self, n) for n in names}
