"""What may be painted over the graph: a job's path, traffic, times, money, errors, coverage, a diff."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from diagrams.labels import Pair
from states.vocabulary import State


class Change(StrEnum):
    """What a diff says of an edge."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job's path: its number from 1, the states it went between, the edge's id if known."""

    n: int
    source: State
    target: State
    edge: str = ""


@dataclass(frozen=True, slots=True)
class Stay:
    """How long jobs stay in a state, ms."""

    p50_ms: int
    p95_ms: int
    visits: int = 0


@dataclass(frozen=True)
class Overlay:
    """All of it is optional; an empty overlay paints the plain graph.

    `current`: where the job stands. `path`: its steps. `counts`: how often each edge id fired (None:
    not counted). `times`: stays by state. `money`: credits moved by edge id, positive when captured,
    negative when returned. `errors`: refused or unmatched attempts by state value. `fired`: the edge
    ids that tests or logs covered (None: not asked). `changes`: what a diff says of edge ids.
    """

    current: State | None = None
    path: tuple[Step, ...] = ()
    counts: Mapping[str, int] | None = None
    times: Mapping[State, Stay] = field(default_factory=lambda: MappingProxyType({}))
    money: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    fired: frozenset[str] | None = None
    changes: Mapping[str, Change] | None = None

    def count(self, pair: Pair) -> int | None:
        """How often any edge of the pair fired; None when nobody counted."""
        if self.counts is None:
            return None
        return sum(self.counts.get(edge.id, 0) for edge in pair.edges)

    def credits(self, pair: Pair) -> int:
        """Credits moved by the edges of the pair."""
        return sum(self.money.get(edge.id, 0) for edge in pair.edges)

    def visits(self, pair: Pair) -> tuple[int, ...]:
        """The numbers of the path's steps along this pair."""
        return tuple(s.n for s in self.path if s.source is pair.source and s.target is pair.target)

    def covered(self, edges: tuple[str, ...]) -> int | None:
        """How many of these edges have fired; None when nobody asked."""
        if self.fired is not None:
            return sum(1 for edge in edges if edge in self.fired)
        if self.counts is not None:
            return sum(1 for edge in edges if self.counts.get(edge, 0))
        return None

    def change(self, edges: tuple[str, ...]) -> Change | None:
        """What the diff says of these edges together: one word when they agree, else `changed`."""
        if self.changes is None:
            return None
        said = {self.changes.get(edge) for edge in edges}
        if said == {None}:
            return None
        if len(said) == 1:
            return said.pop()
        return Change.CHANGED

    @property
    def busiest(self) -> int:
        """The largest count, for scaling widths; at least 1."""
        return max((self.counts or {}).values(), default=1) or 1


PLAIN = Overlay()
"""Nothing painted over."""
