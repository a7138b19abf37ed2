"""Jobs in flight moved to another graph version, one by one, each as a logged step of its own.

Nobody has to: a job finishes on its own graph. It is for a policy that must reach jobs which wait already,
and for retiring workers of an old version before its last job has ended.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine.front import Engine
from engine.store_export import canonical_graph
from states.graph import Graph
from states.graph_json import GraphFileError, graph_from_json
from states.job import Job
from states.migration import last_edge, leads_here, migration_record
from states.vocabulary import TERMINALS

ACTOR: Final = "operator"
TRIES: Final = 3
"""A job may move while its migration is on the way; each move is looked at afresh."""


class Migration(StrEnum):
    """How it went with one job."""

    MOVED = "moved"
    """It has (or, in a dry run, would have) the other graph."""
    ALREADY = "already"
    """It has that graph."""
    BUSY = "busy"
    """A worker holds it: ask again."""
    NO_EDGE = "no edge"
    """The other graph lacks the edge by which it came where it stands."""
    OVER = "over"
    """It has ended."""
    GONE = "gone"
    """No such job."""
    ASIDE = "aside"
    """It was set aside, and waits for a person first."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """The answer for one job, with the edge it stands on."""

    job_id: str
    outcome: Migration
    state: str = ""
    graph: str = ""
    edge: str = ""


async def known_graph(engine: Engine, digest: str) -> Graph | None:
    """The graph version with this digest, None when the store or this program cannot tell it."""
    if digest == engine.judge.graph.digest:
        return engine.judge.graph
    try:
        graph = graph_from_json(await canonical_graph(engine.store, digest))
    except GraphFileError:
        return None
    return graph if graph.digest == digest else None


async def migrate(engine: Engine, job_id: str, graph: Graph, *, dry: bool = False) -> Migrated:
    """Move a job to this graph. `dry`: only say what would become of it. Raises StoreUnavailable."""
    job = await engine.job(job_id)
    for _ in range(TRIES):
        if job is None:
            return Migrated(job_id, Migration.GONE)
        if job.state in TERMINALS:
            return _said(job, Migration.OVER)
        if job.graph == graph.digest:
            return _said(job, Migration.ALREADY)
        edge = last_edge(await engine.history(job_id))
        if not leads_here(graph, edge, job.state):
            return _said(job, Migration.NO_EDGE, edge)
        if dry:
            return _said(job, Migration.MOVED, edge)
        now_ms = engine.store.clock.now_ms()
        record = migration_record(job, graph.digest, edge, now_ms=now_ms, actor=ACTOR)
        answer = await engine.store.migrate(job, graph.digest, record)
        if answer in ("ok", "replayed"):
            return _said(job, Migration.MOVED, edge)
        if answer == "illegal":
            return _said(job, Migration.ASIDE, edge)
        if answer == "busy":
            break
        job = await engine.job(job_id)
    return _said(job, Migration.BUSY) if job is not None else Migrated(job_id, Migration.GONE)


def _said(job: Job, outcome: Migration, edge: str = "") -> Migrated:
    return Migrated(job.id, outcome, job.state.value, job.graph, edge)
