"""A log's sums for an overlay: traffic, time in state, credits, refusals. Memory does not grow with the log.

Of a job no more is kept than its last step, and that until its end; records that come before their turn
wait for it. A job that has ended is remembered for a while, so that logs which overlap count it once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil
from types import MappingProxyType
from typing import Final, NamedTuple

from diagrams.logs import Record
from diagrams.overlay import Overlay, Stay
from states.graph import Graph
from states.vocabulary import TERMINALS, Money, State

ENDED_MAX: Final = 200_000
EXACT_BITS: Final = 10
"""Times are kept to so many binary digits: a percentile is off by a thousandth at most."""
_ENDS: Final = frozenset(state.value for state in TERMINALS)
_SIGNS: Final = MappingProxyType({Money.CAPTURE.value: 1, Money.RELEASE.value: -1})


class _Move(NamedTuple):
    """What a record says to an overlay."""

    ts: int
    edge: str
    source: str
    target: str
    credits: int


@dataclass(slots=True)
class _Life:
    """A job under way: the next number, when it came into its state, what came before its turn."""

    seq: int = 1
    since: int | None = None
    early: dict[int, _Move] = field(default_factory=dict)


class _Times:
    """How long stays were: counts by length, each length with the longest that really happened."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.longest: dict[int, int] = {}

    def add(self, ms: int) -> None:
        """One stay."""
        rough = max(ms.bit_length() - EXACT_BITS, 0)
        key = ms >> rough << rough
        self.counts[key] += 1
        self.longest[key] = max(ms, self.longest.get(key, ms))

    def stay(self) -> Stay:
        """Median and 95th percentile by nearest rank."""
        visits = self.counts.total()
        return Stay(self._rank(ceil(0.5 * visits)), self._rank(ceil(0.95 * visits)), visits)

    def _rank(self, rank: int) -> int:
        for key in sorted(self.counts):
            rank -= self.counts[key]
            if rank <= 0:
                return self.longest[key]
        return 0


class Journal:
    """The sums of a log. `foreign` names the edges this graph does not have."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.counts: Counter[str] = Counter()
        self.money: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._times: dict[str, _Times] = {}
        self._lives: dict[str, _Life] = {}
        self._ended: dict[int, None] = {}

    def add(self, record: Record) -> None:
        """One more record, in whatever order."""
        disp, job = record.get("disp", "transition"), str(record["job"])
        if disp != "transition":
            if disp in ("denied", "unmatched"):
                self.refused[str(record.get("from", ""))] += 1
            return
        if hash(job) in self._ended:
            return
        life = self._lives.get(job)
        if life is None:
            life = self._lives[job] = _Life()
        if "edge" not in record:
            life.since = record["ts"]
            return
        seq = record["seq"]
        if seq >= life.seq:
            life.early.setdefault(seq, _move(record))
        while life.since is not None and life.seq in life.early:
            self._take(job, life, life.early.pop(life.seq))

    def _take(self, job: str, life: _Life, move: _Move) -> None:
        life.seq += 1
        self._count(life, move)
        if move.target in _ENDS:
            self._lives.pop(job, None)
            self._ended[hash(job)] = None
            if len(self._ended) > ENDED_MAX:
                del self._ended[next(iter(self._ended))]

    def _count(self, life: _Life, move: _Move) -> None:
        self.counts[move.edge] += 1
        if move.credits:
            self.money[move.edge] += move.credits
        if move.source != move.target:  # a move back into the same state does not leave it
            if life.since is not None:
                self._times.setdefault(move.source, _Times()).add(max(move.ts - life.since, 0))
            life.since = move.ts

    def close(self) -> "Journal":
        """No more comes: what waited for its turn is counted as it stands."""
        for life in self._lives.values():
            for seq in sorted(life.early):
                self._count(life, life.early[seq])
        self._lives.clear()
        return self

    @property
    def foreign(self) -> tuple[str, ...]:
        """Edges of the log that the graph does not have."""
        return tuple(sorted(self.counts.keys() - self.graph.by_id.keys()))

    @property
    def times(self) -> Mapping[State, Stay]:
        """Time from entering a state to leaving it."""
        left = {state: self._times.get(state.value) for state in State if state not in TERMINALS}
        return MappingProxyType({state: times.stay() for state, times in left.items() if times is not None})


def journal(records: Iterable[Record], graph: Graph) -> Journal:
    """The sums of these records."""
    found = Journal(graph)
    for record in records:
        found.add(record)
    return found.close()


def _move(record: Record) -> _Move:
    """Credits are read from the planned effects: captures positive, releases negative."""
    moved = 0
    for effect in record.get("out", ()):
        name, amount, *_ = (*str(effect).split(":"), "")
        if name in _SIGNS and amount.isdecimal():
            moved += _SIGNS[name] * int(amount)
    source, target = str(record.get("from")), str(record.get("to"))
    return _Move(record["ts"], str(record["edge"]), source, target, moved)


def traffic(log: Journal) -> Mapping[str, int]:
    """How often each edge fired, by id."""
    return MappingProxyType(dict(sorted(log.counts.items())))


def counts_overlay(log: Journal) -> Overlay:
    """Traffic, time in state, credits and refused attempts of a whole log."""
    money, refused = dict(sorted(log.money.items())), dict(sorted(log.refused.items()))
    return Overlay(
        counts=traffic(log),
        times=log.times,
        money=MappingProxyType(money),
        errors=MappingProxyType(refused),
    )


def coverage_overlay(log: Journal) -> Overlay:
    """Which edges a log (of production or of tests) covered."""
    return Overlay(fired=frozenset(log.counts))
