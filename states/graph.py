"""The state graph, built from the strategy table: edges with stable ids, canonical JSON and a digest.

An edge id is `state/trigger[/reason][/variant]`, for example `generating/error/rate_limited`: a word,
never an index, so it survives new rows and names the same move in logs, pictures and tests.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from states.facts import Guard
from states.strategy import STRATEGY, Row, Strategy
from states.vocabulary import TERMINALS, Money, Stage, State, Trigger


class EdgeKind(StrEnum):
    """What an edge means; the hue of its line in the picture."""

    FLOW = "flow"
    RETRY = "retry"
    REFUND = "refund"
    FAILURE = "failure"
    DONE = "done"


_KINDS: Mapping[State, EdgeKind] = MappingProxyType(
    {
        State.RETRY_WAIT: EdgeKind.RETRY,
        State.REFUNDED: EdgeKind.REFUND,
        State.FAILED: EdgeKind.FAILURE,
        State.DONE: EdgeKind.DONE,
    }
)


@dataclass(frozen=True)
class Edge:
    """One allowed move. `row` is the strategy row it draws, None for the plain flow."""

    id: str
    source: State
    trigger: Trigger
    target: State
    guard: Guard = Guard.ALWAYS
    row: Row | None = None

    @cached_property
    def kind(self) -> EdgeKind:
        """The meaning of the move."""
        return _KINDS.get(self.target, EdgeKind.FLOW)

    @cached_property
    def money(self) -> Money | None:
        """What becomes of held credits on this edge (nothing happens to those of a free job)."""
        if self.target is State.DONE:
            return Money.CAPTURE
        return Money.RELEASE if self.target is State.REFUNDED else None

    @cached_property
    def reason(self) -> str:
        """The reason it is for, "" when it has none."""
        return self.row.reason.value if self.row else ""

    @cached_property
    def words(self) -> tuple[str, str, str]:
        """Trigger, source and target as a record has them."""
        return self.trigger.value, self.source.value, self.target.value


@dataclass(frozen=True)
class Graph:
    """All allowed moves of one strategy. Edge order is priority order within (source, trigger, reason)."""

    strategy: Strategy
    edges: tuple[Edge, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Edge]:
        """Edges by id."""
        return MappingProxyType({edge.id: edge for edge in self.edges})

    @cached_property
    def digest(self) -> str:
        """16 hex digits over the canonical JSON: two graphs with one digest behave alike."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()[:16]

    def canonical_json(self) -> str:
        """The graph as one line of JSON with sorted keys: where every projection and digest starts."""
        data = {
            "states": [state.value for state in State],
            "terminals": sorted(state.value for state in TERMINALS),
            "initial": State.QUEUED.value,
            "edges": [_edge_data(edge) for edge in self.edges],
            "strategy": self.strategy.as_data(),
        }
        return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def store_table(self) -> dict[str, str]:
        """What Redis checks a move against: edge id -> `from|to|money`."""
        return {e.id: f"{e.source}|{e.target}|{e.money or '-'}" for e in self.edges}

    def edges_from(self, state: State, trigger: Trigger) -> Iterator[Edge]:
        """The alternatives of a trigger in a state, in priority order."""
        return (e for e in self.edges if e.source is state and e.trigger is trigger)


def _edge_data(edge: Edge) -> dict[str, str]:
    return {
        "id": edge.id,
        "from": edge.source.value,
        "trigger": edge.trigger.value,
        "to": edge.target.value,
        "guard": edge.guard.value,
        "reason": edge.reason,
    }


def build_graph(strategy: Strategy = STRATEGY) -> Graph:
    """Build the graph a strategy means."""
    edges = (*_flow(), *_endings(), *(edge for row in strategy.rows for edge in _row_edges(row)))
    return Graph(strategy, edges)


def _flow() -> Iterator[Edge]:
    yield Edge("queued/start/redeliver", State.QUEUED, Trigger.START, State.SENDING, Guard.VIDEO_EXISTS)
    yield Edge("queued/start", State.QUEUED, Trigger.START, State.GENERATING, Guard.NO_VIDEO)
    yield Edge("generating/accepted", State.GENERATING, Trigger.ACCEPTED, State.GENERATING)
    yield Edge("generating/rendered", State.GENERATING, Trigger.RENDERED, State.SENDING)
    yield Edge(
        "retry_wait/resume/generating",
        State.RETRY_WAIT,
        Trigger.RESUME,
        State.GENERATING,
        Guard.BACK_TO_GENERATING,
    )
    yield Edge(
        "retry_wait/resume/sending", State.RETRY_WAIT, Trigger.RESUME, State.SENDING, Guard.BACK_TO_SENDING
    )
    yield Edge("sending/delivered", State.SENDING, Trigger.DELIVERED, State.DONE)


def _endings() -> Iterator[Edge]:
    """Cancel and expire: with held credits to refunded, of a free job to failed."""
    for state, trigger, held, free in (
        (State.QUEUED, Trigger.CANCEL, Guard.COSTLESS_HELD, Guard.COSTLESS_FREE),
        (State.QUEUED, Trigger.EXPIRE, Guard.HELD, Guard.FREE),
        (State.GENERATING, Trigger.EXPIRE, Guard.HELD, Guard.FREE),
        (State.RETRY_WAIT, Trigger.CANCEL, Guard.COSTLESS_HELD, Guard.COSTLESS_FREE),
        (State.RETRY_WAIT, Trigger.EXPIRE, Guard.HELD, Guard.FREE),
    ):
        yield Edge(f"{state}/{trigger}", state, trigger, State.REFUNDED, held)
        yield Edge(f"{state}/{trigger}/free", state, trigger, State.FAILED, free)


def _row_edges(row: Row) -> Iterator[Edge]:
    source = State.SENDING if row.stage is Stage.SENDING else State.GENERATING
    base = f"{source}/error/{row.reason}"
    if row.retries != 0:
        yield Edge(base, source, Trigger.ERROR, State.RETRY_WAIT, Guard.MAY_RETRY, row)
        base += "/exhausted"
    yield Edge(base, source, Trigger.ERROR, State.REFUNDED, Guard.GIVE_UP_HELD, row)
    yield Edge(f"{base}/free", source, Trigger.ERROR, State.FAILED, Guard.GIVE_UP_FREE, row)


GRAPH = build_graph()
"""The graph of the default strategy."""
