"""Seeded random lives of jobs on a virtual clock, written as logs: what the overlays are tested with."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

from states.decide import Decision, decide
from states.facts import Happening
from states.graph import GRAPH, Edge, Graph
from states.job import Job, Request, Video
from states.machine import Judge
from states.record import birth, record
from states.vocabulary import TERMINALS, ErrorClass, Hold, State, Trigger, Verdict

START_MS = 1_800_000_000_000
_VIDEO = Video(url="https://example.org/v.mp4", task_n=1)
_STAYS_S = {State.QUEUED: 4, State.GENERATING: 70, State.SENDING: 3, State.RETRY_WAIT: 30}


def new_job(number: int, cost: int, graph: Graph = GRAPH) -> Job:
    return Job(
        id=f"job-{number}",
        user_id=number,
        state=State.QUEUED,
        graph=graph.digest,
        request=Request(chat_id=7, photo="f", template="own", prompt="spin", model="m1"),
        cost=cost,
        created_ms=START_MS + number * 1000,
        deadline_ms=START_MS + number * 1000 + 3_600_000,
        hold=Hold.HELD if cost else Hold.NONE,
    )


def life(
    number: int, rnd: Random, graph: Graph = GRAPH, trouble: float = 0.25
) -> Iterator[dict[str, object]]:
    """The records of one job, from submit to its end."""
    judge = Judge(graph)
    job = new_job(number, 0 if rnd.random() < 0.1 else 12, graph)
    yield birth(job)
    now = job.created_ms
    while job.state not in TERMINALS:
        now += int(rnd.uniform(0.3, 2.5) * _STAYS_S[job.state] * 1000)
        trigger, what = _next(job, rnd, graph, trouble)
        video = _VIDEO if trigger is Trigger.RENDERED else None
        decision = decide(job, trigger, what, now_ms=now, rnd=rnd.random(), video=video, judge=judge)
        if isinstance(decision, Decision):
            yield record(decision, graph=graph.digest, actor="test")
            job = decision.after
            now = max(now, job.retry_at_ms)


def _next(job: Job, rnd: Random, graph: Graph, trouble: float) -> tuple[Trigger, Happening]:
    edges = [edge for edge in graph.edges if edge.source is job.state]
    if rnd.random() < 0.02:
        return Trigger.CANCEL if job.state is State.QUEUED else Trigger.EXPIRE, Happening()
    errors = [edge for edge in edges if edge.row is not None]
    if errors and rnd.random() < trouble:
        return Trigger.ERROR, Happening(verdict=_verdict(rnd.choice(errors)))
    if job.state is State.GENERATING:
        return (Trigger.RENDERED if rnd.random() < 0.6 else Trigger.ACCEPTED), Happening()
    usual = {State.QUEUED: Trigger.START, State.RETRY_WAIT: Trigger.RESUME, State.SENDING: Trigger.DELIVERED}
    return usual[job.state], Happening()


def _verdict(edge: Edge) -> Verdict:
    assert edge.row is not None
    return Verdict(ErrorClass(edge.row.cls), edge.row.reason, "test.rule")


def write_log(path: Path, jobs: int, seed: int = 1) -> Path:
    rnd = Random(seed)
    lines = [json.dumps(entry) for number in range(jobs) for entry in life(number, rnd)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
