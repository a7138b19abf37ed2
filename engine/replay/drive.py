"""A walk made real: `decide` is driven so that each edge fires, and writes the log of it."""

import random
from collections.abc import Iterator
from dataclasses import replace

from engine.replay.values import Record
from engine.replay.walks import Walk
from states.decide import Decision, decide
from states.facts import Happening
from states.graph import Edge
from states.job import Job, ProviderTask, Request, TaskStatus, Video
from states.machine import JUDGE, Judge
from states.record import birth, record
from states.vocabulary import Hold, State, Trigger, Verdict

START_MS = 1_800_000_000_000
COST = 12
_FREE = ("free job", "given up, free job", "costs nothing yet, free job")


def expanded(walk: Walk, judge: Judge) -> Walk:
    """The walk with every retry that an ending by exhaustion presupposes."""
    found: list[Edge] = []
    for edge in walk:
        row = edge.row
        if row is not None and edge.id.split("/")[3:4] == ["exhausted"] and row.retries is not None:
            again = judge.graph.by_id[f"{edge.source}/error/{row.reason}"]
            back = judge.graph.by_id[f"retry_wait/resume/{row.stage}"]
            before = sum(1 for e in found if e.row is not None and e.row.counter == row.counter)
            found += [again, back] * max(0, row.retries - before)
        found.append(edge)
    return tuple(found)


class Drive:
    """One job led along a walk. Raises AssertionError where `decide` takes another edge.

    `by_time`: an ending by exhaustion comes from the deadline, not from all the retries before it.
    """

    def __init__(self, walk: Walk, judge: Judge = JUDGE, seed: int = 0, *, by_time: bool = False) -> None:
        self.walk, self.judge, self.by_time = walk if by_time else expanded(walk, judge), judge, by_time
        self.rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
        free = any(edge.guard.value in _FREE for edge in walk)
        video = walk[0].guard.value == "video exists"
        self.job = Job(
            id=f"0-walk{self.rng.getrandbits(80):020x}",
            user_id=7,
            state=State.QUEUED,
            graph=judge.graph.digest,
            request=Request(7, "", "own", "", "m"),
            cost=0 if free or video else COST,
            created_ms=START_MS,
            deadline_ms=START_MS + judge.graph.strategy.deadline_s * 1000,
            video=Video("", 1) if video else None,
            rendered_ms=START_MS if video else 0,
        )
        self.now = START_MS
        self.decisions: list[Decision] = []

    def records(self) -> Iterator[Record]:
        """The log of the walk, the submit first."""
        yield birth(self.job)
        self.job = replace(self.job, hold=Hold.HELD if self.job.cost else Hold.NONE)
        for edge in self.walk:
            yield self._taken(edge)

    def _taken(self, edge: Edge) -> Record:
        self.now += self.rng.randrange(1, 2000)
        what, video = self._happening(edge)
        made = decide(
            self.job,
            edge.trigger,
            what,
            now_ms=self.now,
            rnd=round(self.rng.random(), 6),
            video=video,
            judge=self.judge,
        )
        taken = made.edge.id if isinstance(made, Decision) else f"denied ({made.why})"
        assert isinstance(made, Decision), f"{edge.id}: {taken}"  # noqa: S101 - the contract of this class
        assert taken == edge.id, f"{edge.id}: {taken}"  # noqa: S101 - the contract of this class
        self.decisions.append(made)
        self.job = made.after
        return record(made, graph=self.judge.graph.digest, actor=what.actor)

    def _happening(self, edge: Edge) -> tuple[Happening, Video | None]:
        match edge.trigger:
            case Trigger.ERROR:
                return self._failure(edge), None
            case Trigger.ACCEPTED:
                n = len(self.job.tasks) + 1
                task = ProviderTask(n, "m", "main", TaskStatus.INTENT, self.now)
                self.job = replace(self.job, tasks=(*self.job.tasks, task))
                return Happening(task_n=n, task_id=f"t{n}"), None
            case Trigger.RENDERED:
                return Happening(task_n=len(self.job.tasks)), Video("", len(self.job.tasks))
            case Trigger.EXPIRE:
                self.now = max(self.now, self.job.deadline_ms)
            case Trigger.RESUME:
                self.now = max(self.now, self.job.retry_at_ms)
            case _:
                pass
        return Happening(actor="user" if edge.trigger is Trigger.CANCEL else "worker"), None

    def _failure(self, edge: Edge) -> Happening:
        row = edge.row
        assert row is not None  # noqa: S101 - every error edge is drawn by a row
        gives_up = edge.target is not State.RETRY_WAIT and row.retries != 0
        if gives_up and (row.retries is None or self.by_time):
            life_ms = self.judge.graph.strategy.video_life_s * 1000 if row.parks else 0
            self.now = max(self.now, self.job.deadline_ms, self.job.rendered_ms + life_ms)
        return Happening(verdict=Verdict(row.cls, row.reason, f"walk.{row.reason}"))
