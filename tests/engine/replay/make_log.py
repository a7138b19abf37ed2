"""Big realistic logs: the real `decide` and `next_step` under a seeded provider, Telegram and users.

Records come in the order of their times, many jobs interleaved, as a busy store would have written them.
"""

import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

from engine.codec import encode
from engine.replay.drive import Drive
from engine.replay.walks import edge_walks
from states.decide import Decision, decide
from states.facts import Happening
from states.job import Job, ProviderTask, Request, TaskStatus, Video
from states.machine import JUDGE, Judge
from states.plan import Create, Deliver, Fire, Poll, Tell, Wait, next_step
from states.record import birth, record, refusal
from states.vocabulary import TERMINALS, Hold, Reason, Stage, State, Trigger, Verdict

START_MS = 1_800_000_000_000
REQUEST = Request(chat_id=7, photo="photo", template="own", prompt="a secret wish", model="m")
CREATE: tuple[tuple[float, Reason], ...] = (
    (0.05, Reason.UNAVAILABLE),
    (0.04, Reason.RATE_LIMITED),
    (0.02, Reason.OVERLOADED),
    (0.02, Reason.NETWORK),
    (0.015, Reason.CREATE_UNKNOWN),
    (0.02, Reason.IMAGE_TOO_DARK),
    (0.02, Reason.NO_PRODUCT),
    (0.01, Reason.ADULT_CONTENT),
    (0.01, Reason.UNKNOWN),
    (0.005, Reason.PROVIDER_BALANCE),
)
POLL: tuple[tuple[float, Reason], ...] = (
    (0.03, Reason.PROVIDER_ERROR),
    (0.02, Reason.CORRUPTED_VIDEO),
    (0.02, Reason.RENDER_TIMEOUT),
    (0.01, Reason.CONTENT_POLICY),
    (0.01, Reason.WORKER_LOST),
    (0.01, Reason.BAD_RESPONSE),
)
SEND: tuple[tuple[float, Reason], ...] = (
    (0.05, Reason.SEND_TIMEOUT),
    (0.03, Reason.SEND_UNKNOWN),
    (0.01, Reason.USER_GONE),
    (0.005, Reason.VIDEO_REJECTED),
    (0.02, Reason.RATE_LIMITED),
)
DEAD = frozenset({Reason.PROVIDER_ERROR, Reason.CONTENT_POLICY, Reason.CORRUPTED_VIDEO})


class World:
    """One job's life: answers are drawn from `rng`, storms make failures of a kind come in series."""

    def __init__(self, judge: Judge, rng: random.Random, name: str, start_ms: int, trouble: float) -> None:
        self.judge, self.rng, self.trouble = judge, rng, trouble
        self.now = start_ms
        free = rng.random() < 0.03
        cost = 0 if free else rng.choice((10, 12, 20))
        self.job = Job(
            id=name,
            user_id=rng.randrange(1000, 9000),
            state=State.QUEUED,
            graph=judge.graph.digest,
            request=REQUEST,
            cost=cost,
            created_ms=start_ms,
            deadline_ms=start_ms + judge.graph.strategy.deadline_s * 1000,
        )
        if free and rng.random() < 0.7:
            video = Video("https://files.example/secret.mp4", 1)
            self.job = replace(self.job, video=video, rendered_ms=start_ms)
        self.storm: Reason | None = None

    def records(self) -> Iterator[dict[str, Any]]:
        """The job's whole history."""
        yield birth(self.job)
        self.job = replace(self.job, hold=Hold.HELD if self.job.cost else Hold.NONE)
        while self.job.state not in TERMINALS:
            yield from self._turn()

    def _turn(self) -> Iterator[dict[str, Any]]:
        job = self.job
        match next_step(job, self.now, self.judge.graph.strategy):
            case Fire(trigger, what):
                if job.state is State.QUEUED and trigger is Trigger.START:
                    self.now += self.rng.randrange(5, 4000)
                    if self.rng.random() < 0.02:
                        trigger = Trigger.CANCEL
                yield from self._fire(trigger, what)
            case Create(n):
                yield from self._create(n)
            case Poll(tasks):
                yield from self._poll(tasks[0])
            case Deliver():
                yield from self._deliver()
            case Tell(notice):
                self.job = replace(job, told=job.told | {notice})
            case Wait(until_ms):
                if self.rng.random() < 0.03:
                    yield from self._fire(Trigger.CANCEL, Happening(actor="user"))
                self.now = max(self.now, until_ms) + self.rng.randrange(0, 6)

    def _fire(
        self, trigger: Trigger, what: Happening, video: Video | None = None
    ) -> Iterator[dict[str, Any]]:
        made = decide(
            self.job,
            trigger,
            what,
            now_ms=self.now,
            rnd=round(self.rng.random(), 6),
            video=video,
            judge=self.judge,
        )
        digest = self.judge.graph.digest
        if isinstance(made, Decision):
            self.job = made.after
            row = record(made, graph=digest, actor=what.actor)
            yield {**row, "op": f"{made.before.epoch}:{made.after.seq}:{trigger}"}
        else:
            yield refusal(made, graph=digest, actor=what.actor)

    def _draw(self, chances: tuple[tuple[float, Reason], ...]) -> Reason | None:
        if self.storm is not None:
            if self.rng.random() < 0.7 and any(reason is self.storm for _, reason in chances):
                return self.storm
            self.storm = None
        at = self.rng.random() / self.trouble
        for chance, reason in chances:
            at -= chance
            if at < 0:
                self.storm = reason
                return reason
        return None

    def _error(self, reason: Reason, stage: Stage, **more: Any) -> Iterator[dict[str, Any]]:
        row = self.judge.graph.strategy.row(stage, reason)
        wait_s = self.rng.choice((None, None, 7.0, 45.0)) if reason is Reason.RATE_LIMITED else None
        verdict = Verdict(row.cls, reason, f"kie.text.{reason}", wait_s)
        return self._fire(Trigger.ERROR, Happening(verdict=verdict, **more))

    def _create(self, n: int) -> Iterator[dict[str, Any]]:
        self.now += self.rng.randrange(300, 3000)
        reason = self._draw(CREATE)
        if reason is Reason.PROVIDER_BALANCE:
            yield from self._error(reason, Stage.GENERATING, alternative=self.rng.random() < 0.3)
            return
        task = ProviderTask(n, "m", "main", TaskStatus.INTENT, self.now)
        self.job = replace(self.job, tasks=(*self.job.tasks, task))
        if reason is None:
            yield from self._fire(Trigger.ACCEPTED, Happening(task_n=n, task_id=f"task-{n}"))
            self.now += self.rng.randrange(30_000, 240_000)
        else:
            yield from self._error(reason, Stage.GENERATING, task_n=n)

    def _poll(self, task: ProviderTask) -> Iterator[dict[str, Any]]:
        self.now += self.rng.randrange(200, 20_000)
        reason = self._draw(POLL)
        if reason is not None:
            dead = reason in DEAD or (reason is Reason.RENDER_TIMEOUT and self.rng.random() < 0.3)
            yield from self._error(reason, Stage.GENERATING, task_n=task.n, task_dead=dead)
            return
        video = Video("https://files.example/secret.mp4", task.n)
        yield from self._fire(Trigger.RENDERED, Happening(task_n=task.n, cost=35.0), video)

    def _deliver(self) -> Iterator[dict[str, Any]]:
        self.now += self.rng.randrange(300, 9000)
        self.job = replace(self.job, send_attempts=self.job.send_attempts + 1)
        reason = self._draw(SEND)
        if reason is None:
            yield from self._fire(Trigger.DELIVERED, Happening())
        else:
            yield from self._error(reason, Stage.SENDING)


def make_log(
    jobs: int, seed: int = 1, *, judge: Judge = JUDGE, trouble: float = 1.0
) -> Iterator[dict[str, Any]]:
    """The records of that many jobs by time. `trouble` scales all failure rates."""
    rng = random.Random(seed)
    waiting: list[tuple[int, int, dict[str, Any], Iterator[dict[str, Any]]]] = []
    start_ms = START_MS
    for number in range(jobs):
        start_ms += rng.randrange(0, 3000)
        while waiting and waiting[0][0] <= start_ms:
            yield _next(waiting)
        name = f"{rng.randrange(16):x}-{rng.getrandbits(128):032x}"[:24]
        life = World(judge, random.Random(rng.getrandbits(64)), name, start_ms, trouble).records()
        first = next(life)
        heappush(waiting, (int(first["ts"]), number, first, life))
    while waiting:
        yield _next(waiting)


def _next(waiting: list[tuple[int, int, dict[str, Any], Iterator[dict[str, Any]]]]) -> dict[str, Any]:
    _, number, row, life = heappop(waiting)
    follow = next(life, None)
    if follow is not None:
        heappush(waiting, (int(follow["ts"]), number, follow, life))
    return row


def write_log(path: Path, jobs: int, seed: int = 1, **more: Any) -> int:
    """A JSON-lines file of such a log; how many records."""
    count = 0
    with path.open("wb") as out:
        for row in make_log(jobs, seed, **more):
            out.write(encode(row) + b"\n")
            count += 1
    return count


def walk_log() -> Iterator[dict[str, Any]]:
    """The logs of the walks that the tests take through every edge."""
    for seed, walk in enumerate(edge_walks(JUDGE.graph)):
        yield from Drive(walk, seed=seed).records()


def main() -> None:
    """`python -m tests.engine.replay.make_log OUT JOBS [SEED]`: a sample log, the tests' own walks first."""
    out, jobs, *seed = sys.argv[1:]
    with Path(out).open("wb") as log:
        log.writelines(
            encode(row) + b"\n" for row in (*walk_log(), *make_log(int(jobs), int(seed[0]) if seed else 1))
        )


if __name__ == "__main__":
    main()
