"""What a decision costs in Python: classify a failure, decide what it means, without any IO."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.bench.meter import cpu_s
from engine.bench.ports import KEY, MODEL, request_of
from states.classify import classify_kie_error, classify_telegram_error
from states.decide import Decision, decide
from states.facts import Happening
from states.graph import GRAPH
from states.job import Job, ProviderTask, TaskStatus, Video
from states.vocabulary import Failure, Hold, State, Trigger

NOW_MS: Final = 1_800_000_000_000
WARM_UP: Final = 200
_TASK: Final = ProviderTask(1, MODEL, KEY, TaskStatus.OPEN, NOW_MS - 60_000, "task-1")
_VIDEO: Final = Video("https://tempfile.example.test/v.mp4", 1, "5" * 64, 2_400_000, 720, 1280, 10.0)
_QUEUED: Final = Job(
    id="0-decided",
    user_id=7,
    state=State.QUEUED,
    graph=GRAPH.digest,
    request=request_of(7),
    cost=3,
    created_ms=NOW_MS - 120_000,
    deadline_ms=NOW_MS + 3_480_000,
    hold=Hold.HELD,
    seq=3,
    epoch=2,
    stage_since_ms=NOW_MS - 60_000,
    status_message_id=5,
)
GENERATING: Final = replace(_QUEUED, state=State.GENERATING, tasks=(_TASK,))
SENDING: Final = replace(
    GENERATING, state=State.SENDING, video=_VIDEO, rendered_ms=NOW_MS - 1_000, send_attempts=1
)

FAILURES: Final = (
    Failure("kie", "create", http_status=429, message="Too many requests, try again in a moment"),
    Failure("kie", "create", http_status=402, message="Credits insufficient, please top up"),
    Failure("kie", "poll", http_status=200, fail_code="400", fail_message="The image is too dark to be used"),
    Failure(
        "kie", "poll", http_status=200, fail_code="500", fail_message="Internal error, please try again later"
    ),
    Failure(
        "kie", "poll", fail_code="422", fail_message="Your prompt was flagged as violating content policy"
    ),
    Failure("kie", "poll", fail_message="服务器繁忙，请稍后再试"),
    Failure("kie", "poll", exception="httpx.ReadTimeout: timed out", may_have_arrived=True),
    Failure("kie", "poll", fail_message="a sentence that nobody has ever seen from any provider"),
    Failure(
        "telegram",
        "send",
        method="editMessageMedia",
        http_status=429,
        message="Too Many Requests: retry after 7",
    ),
    Failure(
        "telegram",
        "send",
        method="sendVideo",
        http_status=403,
        message="Forbidden: bot was blocked by the user",
    ),
    Failure(
        "telegram", "send", method="sendVideo", http_status=400, message="Bad Request: wrong file identifier"
    ),
    Failure("telegram", "send", method="sendVideo", exception="TimeoutError: ", may_have_arrived=True),
)
"""One of each kind; recorded ones can be measured instead."""


class Undecided(RuntimeError):  # noqa: N818 - what it says
    """A case of the benchmark is no case of the graph any more: it would measure a refusal."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of CPU a call."""

    what: str
    classify_us: float
    decide_us: float

    @property
    def whole_us(self) -> float:
        """Both together."""
        return self.classify_us + self.decide_us


def failure_costs(failures: Sequence[Failure], repeats: int) -> list[Cost]:
    """Each failure classified and decided `repeats` times, its text a little different each time."""
    return [_failure_cost(failure, repeats) for failure in failures]


def _failure_cost(failure: Failure, repeats: int) -> Cost:
    classify = classify_telegram_error if failure.source == "telegram" else classify_kie_error
    job = SENDING if failure.source == "telegram" else GENERATING
    # no two providers' errors are alike to the letter: they carry times and request ids
    varied = [_varied(failure, n) for n in range(WARM_UP + repeats)]
    classify_us = _each_us([lambda one=one: classify(one) for one in varied])  # type: ignore[misc]
    verdicts = [classify(one) for one in varied]
    happenings = [Happening(verdict=verdict, task_n=1) for verdict in verdicts]

    def decided(what: Happening) -> None:
        if not isinstance(decide(job, Trigger.ERROR, what, now_ms=NOW_MS, rnd=0.5), Decision):
            raise Undecided(f"nothing was decided for {what}")

    decide_us = _each_us([lambda what=what: decided(what) for what in happenings])  # type: ignore[misc]
    words = failure.fail_message or failure.message or failure.exception
    return Cost(
        f"{failure.source} {failure.step}: {verdicts[0].reason} ({words[:40]})", classify_us, decide_us
    )


def move_costs(repeats: int) -> list[Cost]:
    """The moves of a job that nothing happens to; there is nothing to classify."""
    moves: tuple[tuple[Job, Trigger, Happening, Video | None], ...] = (
        (replace(_QUEUED, tasks=()), Trigger.START, Happening(), None),
        (
            replace(GENERATING, tasks=(replace(_TASK, status=TaskStatus.INTENT, task_id=None),)),
            Trigger.ACCEPTED,
            Happening(task_n=1, task_id="task-1"),
            None,
        ),
        (GENERATING, Trigger.RENDERED, Happening(task_n=1, cost=70.0), _VIDEO),
        (SENDING, Trigger.DELIVERED, Happening(), replace(_VIDEO, file_id="file", file_kind="video")),
    )
    costs = []
    for job, trigger, what, video in moves:

        def one(
            job: Job = job, trigger: Trigger = trigger, what: Happening = what, video: Video | None = video
        ) -> None:
            if not isinstance(decide(job, trigger, what, now_ms=NOW_MS, rnd=0.5, video=video), Decision):
                raise Undecided(f"{trigger} was denied")

        costs.append(Cost(f"move: {trigger}", 0.0, _each_us([one] * (WARM_UP + repeats))))
    return costs


def _varied(failure: Failure, n: int) -> Failure:
    mark = f" (request {n:06d})"
    if failure.fail_message:
        return replace(failure, fail_message=failure.fail_message + mark)
    if failure.message:
        return replace(failure, message=failure.message + mark)
    return replace(failure, exception=failure.exception + mark)


def _each_us(calls: Sequence[Callable[[], object]]) -> float:
    """CPU of the calls after the warm-up, microseconds each; the collector is off as in `timeit`."""
    for call in calls[:WARM_UP]:
        call()
    measured = calls[WARM_UP:]
    gc.disable()
    try:
        began_s = cpu_s()
        for call in measured:
            call()
        return (cpu_s() - began_s) * 1e6 / len(measured)
    finally:
        gc.enable()
