"""Which edges of a graph a log has taken, and which it cannot take at all."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.replay.track import ENDS
from engine.replay.values import Record
from engine.replay.walks import Map
from states.graph import Graph


@dataclass(frozen=True, slots=True)
class Coverage:
    """`fired`: how often each edge was taken. `unreachable`: edge, why. `foreign`: edges of other graphs."""

    fired: Mapping[str, int]
    missed: tuple[str, ...]
    unreachable: Mapping[str, str]
    foreign: Mapping[str, int]
    pairs: int
    pairs_reachable: int

    @property
    def reachable(self) -> int:
        """How many edges can fire."""
        return len(self.fired) + len(self.missed)

    @property
    def percent(self) -> float:
        """Reachable edges taken, percent."""
        return 100.0 * len(self.fired) / self.reachable if self.reachable else 100.0


def coverage(rows: Iterable[Record], graph: Graph) -> Coverage:
    """Count the edges (and pairs of neighbouring edges) of a log, jobs interleaved or not."""
    known = Map(graph)
    fired: Counter[str] = Counter()
    last: dict[str, str] = {}
    pairs: set[tuple[str, str]] = set()
    for row in rows:
        if row.get("disp") != "transition" or "edge" not in row:
            continue
        edge, job = row["edge"], row["job"]
        fired[edge] += 1
        if job in last:
            pairs.add((last[job], edge))
        last[job] = edge
        if row["to"] in ENDS:
            del last[job]
    reachable = known.reachable
    possible = {
        (edge.id, then.id)
        for moves in known.moves.values()
        for edge, there in moves
        for then, _ in known.moves[there]
    }
    return Coverage(
        fired={e.id: fired[e.id] for e in graph.edges if fired[e.id]},
        missed=tuple(e.id for e in graph.edges if e.id in reachable and not fired[e.id]),
        unreachable={e: why for e, why in known.unreachable().items() if not fired[e]},
        foreign={edge: n for edge, n in fired.items() if edge not in graph.by_id},
        pairs=len(pairs & possible),
        pairs_reachable=len(possible),
    )
