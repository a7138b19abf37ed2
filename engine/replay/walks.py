"""Ways through a graph, made rather than recorded: edge-covering, pair-covering, random by a seed.

A way is searched among *situations* (state, stage to return to, bought yet, video yet, credits held), so
that each of its edges can really fire; what no situation allows is unreachable, with the reason.
"""

import random
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from states.facts import Guard
from states.graph import Edge, Graph
from states.vocabulary import TERMINALS, Stage, State, Trigger

Walk = tuple[Edge, ...]
RANDOM_STEPS: Final = 40
"""A random walk longer than this heads for the nearest end."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides which edges can fire."""

    state: State
    held: bool
    video: bool
    stage: str = ""
    bought: bool = False


STARTS: Final = (
    Situation(State.QUEUED, held=True, video=False),
    Situation(State.QUEUED, held=False, video=False),
    Situation(State.QUEUED, held=False, video=True),
)
"""Paid, free of charge, and a re-delivery (free, with its video)."""


def allows(now: Situation, edge: Edge) -> bool:
    """Can this edge fire here, given the right failure at the right time?"""
    if edge.source is not now.state:
        return False
    if edge.trigger is Trigger.RENDERED and not now.bought:
        return False
    match edge.guard:
        case Guard.VIDEO_EXISTS | Guard.NO_VIDEO:
            return now.video is (edge.guard is Guard.VIDEO_EXISTS)
        case Guard.HELD | Guard.GIVE_UP_HELD:
            return now.held
        case Guard.FREE | Guard.GIVE_UP_FREE:
            return not now.held
        case Guard.BACK_TO_GENERATING | Guard.BACK_TO_SENDING:
            return (now.stage == Stage.SENDING) is (edge.guard is Guard.BACK_TO_SENDING)
        case Guard.COSTLESS_HELD | Guard.COSTLESS_FREE:
            costless = not now.bought and (not now.video or now.state is State.QUEUED)
            return costless and now.held is (edge.guard is Guard.COSTLESS_HELD)
        case _:
            return True


def after(now: Situation, edge: Edge) -> Situation:
    """The situation an edge leads to."""
    stage = edge.row.stage.value if edge.row is not None and edge.target is State.RETRY_WAIT else ""
    return replace(
        now,
        state=edge.target,
        stage=stage,
        bought=now.bought or edge.trigger is Trigger.ACCEPTED,
        video=now.video or edge.trigger is Trigger.RENDERED,
    )


class Map:
    """All situations of a graph that can be reached, and the ways between them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.moves: dict[Situation, tuple[tuple[Edge, Situation], ...]] = {}
        waiting = deque(STARTS)
        while waiting:
            now = waiting.popleft()
            if now not in self.moves:
                self.moves[now] = tuple((e, after(now, e)) for e in graph.edges if allows(now, e))
                waiting.extend(there for _, there in self.moves[now])

    @property
    def reachable(self) -> frozenset[str]:
        """Ids of the edges that can fire."""
        return frozenset(edge.id for moves in self.moves.values() for edge, _ in moves)

    def unreachable(self) -> Mapping[str, str]:
        """The other edges, each with the reason."""
        return {e.id: self._why(e) for e in self.graph.edges if e.id not in self.reachable}

    def _why(self, edge: Edge) -> str:
        if not any(now.state is edge.source for now in self.moves):
            return f"no way leads to {edge.source}"
        return f"nothing that leads to {edge.source} lets [{edge.guard}] be true"

    def way(self, start: Situation, wanted: Iterable[str]) -> tuple[Walk, Situation] | None:
        """The shortest way that ends with one of the wanted edges, None when there is none."""
        ends = frozenset(wanted)
        seen = {start}
        waiting: deque[tuple[Situation, Walk]] = deque([(start, ())])
        while waiting:
            now, walk = waiting.popleft()
            for edge, there in self.moves[now]:
                if edge.id in ends:
                    return (*walk, edge), there
                if there not in seen:
                    seen.add(there)
                    waiting.append((there, (*walk, edge)))
        return None

    def home(self, now: Situation, wished: frozenset[str] = frozenset()) -> Walk:
        """The shortest way to an end, over a wished edge when one leads there directly."""
        if now.state in TERMINALS:
            return ()
        ends = {e.id for e in self.graph.edges if e.target in TERMINALS}
        direct = [e for e, there in self.moves[now] if there.state in TERMINALS and e.id in wished]
        if direct:
            return (direct[0],)
        found = self.way(now, ends)
        assert found is not None  # noqa: S101 - the validator refuses traps
        return found[0]


def edge_walks(graph: Graph) -> list[Walk]:
    """Walks from a submit to an end that together take every reachable edge."""
    known = Map(graph)
    left, walks = set(known.reachable), list[Walk]()
    while left:
        walk = min((w for s in STARTS if (w := _greedy(known, s, left))), key=lambda w: -_gain(w, left))
        walks.append(walk)
        left -= {edge.id for edge in walk}
    return walks


def _gain(walk: Walk, left: set[str]) -> float:
    return len({edge.id for edge in walk} & left) / len(walk)


def _greedy(known: Map, start: Situation, left: set[str]) -> Walk:
    """One walk that takes some edge that is left, and ends over another when it can."""
    found = known.way(start, left)
    if found is None:
        return ()
    walk, there = found
    return (*walk, *known.home(there, frozenset(left - {edge.id for edge in walk})))


def pair_walks(graph: Graph) -> list[Walk]:
    """Walks that take every reachable pair of neighbouring edges (retry then success, retry then end)."""
    known = Map(graph)
    steps = [step for moves in known.moves.values() for step in moves]
    left = {(edge.id, then.id) for edge, there in steps for then, _ in known.moves[there]}
    walks = list[Walk]()
    for start in STARTS:
        for now, way in _first_ways(known, start).items():
            for edge, there in known.moves[now]:
                for then, end in known.moves[there]:
                    if (edge.id, then.id) in left:
                        walk = (*way, edge, then, *known.home(end))
                        left -= set(_pairs(walk))
                        walks.append(walk)
    return walks


def _first_ways(known: Map, start: Situation) -> dict[Situation, Walk]:
    """The shortest way to every situation."""
    ways: dict[Situation, Walk] = {start: ()}
    waiting = deque([start])
    while waiting:
        now = waiting.popleft()
        for edge, there in known.moves[now]:
            if there not in ways:
                ways[there] = (*ways[now], edge)
                waiting.append(there)
    return ways


def _pairs(walk: Walk) -> Iterator[tuple[str, str]]:
    return ((a.id, b.id) for a, b in pairwise(walk))


def random_walks(graph: Graph, count: int, seed: int) -> list[Walk]:
    """Walks by chance, the same for the same seed."""
    known, rng = Map(graph), random.Random(seed)  # noqa: S311 - repeatable on purpose
    return [_random(known, rng) for _ in range(count)]


def _random(known: Map, rng: random.Random) -> Walk:
    now, walk = rng.choice(STARTS), list[Edge]()
    while now.state not in TERMINALS and len(walk) < RANDOM_STEPS:
        edge, now = rng.choice(known.moves[now])
        walk.append(edge)
    return (*walk, *known.home(now))


def name_of(walk: Walk) -> str:
    """A test id that `pytest -k` can match: what is special about the walk, without slashes."""
    words = [edge.id.replace("/", "-") for edge in walk if edge.row is not None or edge.target in TERMINALS]
    return "_".join(dict.fromkeys(words))[:100]
