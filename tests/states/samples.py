"""Consistent values for tests: `make_job(state=...)` fills in what that state implies."""

from dataclasses import replace
from typing import Any

from states.graph import GRAPH
from states.job import Job, ProviderTask, Request, TaskStatus, Video
from states.vocabulary import ErrorClass, Hold, Reason, Stage, State, Verdict

NOW_MS = 1_800_000_000_000

REQUEST = Request(
    chat_id=7, photo="photo-1", template="studio", prompt="on marble", model="bytedance/seedance-1.5-pro"
)
OPEN_TASK = ProviderTask(1, "bytedance/seedance-1.5-pro", "main", TaskStatus.OPEN, NOW_MS, "task-1")
VIDEO = Video("https://files.example/v.mp4", 1, "ab" * 32, 1_000_000, 720, 1280, 5.0)


def make_job(state: State = State.QUEUED, **changes: Any) -> Job:
    """A paid job of user 7 as it would stand in `state`."""
    job = Job(
        id="0-testjob",
        user_id=7,
        state=state,
        graph=GRAPH.digest,
        request=REQUEST,
        cost=1,
        created_ms=NOW_MS,
        deadline_ms=NOW_MS + 3_600_000,
        hold=Hold.HELD,
        status_message_id=11,
    )
    if state is State.RETRY_WAIT:
        job = replace(job, stage=Stage.GENERATING, retry_at_ms=NOW_MS + 10_000)
    if state is State.SENDING:
        done = replace(OPEN_TASK, status=TaskStatus.SUCCEEDED)
        job = replace(job, video=VIDEO, tasks=(done,), rendered_ms=NOW_MS)
    if state is State.DONE:
        job = replace(job, hold=Hold.CAPTURED, video=VIDEO)
    if state is State.REFUNDED:
        job = replace(job, hold=Hold.RELEASED)
    if state is State.FAILED:
        job = replace(job, hold=Hold.NONE, cost=0)
    return replace(job, **changes)


def verdict(reason: Reason, cls: ErrorClass = ErrorClass.TRANSIENT, **more: Any) -> Verdict:
    """A verdict as a classifier would give it."""
    return Verdict(cls, reason, "test.rule", **more)
