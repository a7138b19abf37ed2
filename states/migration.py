"""A waiting job moved to another graph version: when that may be, and the record that says it.

All graphs have the same seven states, so the map of states is the identity. What a graph may lack is the
edge by which a job came to stand where it stands: then the other graph has no such story, and the job
finishes on its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from states.graph import Graph
from states.job import Job
from states.vocabulary import State

MIGRATE: Final = "migrate"
"""The event of such a record."""
MIGRATED: Final = "migrated"
"""Its disposition: a place in the history, but no edge of a graph."""
SUBMIT: Final = "submit"
"""Stands for the edge of a job that has not moved yet."""


def last_edge(history: Sequence[Mapping[str, Any]]) -> str:
    """By which edge a job came to stand where it stands."""
    return str(history[-1].get("edge") or SUBMIT)


def leads_here(graph: Graph, edge_id: str, state: str) -> bool:
    """Could a job of this graph have come to `state` by this edge?"""
    edge = graph.by_id.get(edge_id)
    return state == State.QUEUED if edge_id == SUBMIT else edge is not None and edge.target.value == state


def migration_record(job: Job, target: str, edge_id: str, *, now_ms: int, actor: str) -> dict[str, object]:
    """The history record of the move; `why` is the digest of the graph the job had."""
    return {
        "v": 1,
        "job": job.id,
        "seq": job.seq + 1,
        "ts": now_ms,
        "graph": target,
        "event": MIGRATE,
        "from": job.state.value,
        "to": job.state.value,
        "edge": edge_id,
        "in": {},
        "out": [],
        "by": actor,
        "disp": MIGRATED,
        "why": job.graph,
    }
