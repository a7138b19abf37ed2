"""What decisions want told, addressed."""

from dataclasses import replace

import pytest

from engine.outbound import LATE_WATCH, alert_of, notices_of, watch_order
from states.decide import PlannedAlert, PlannedNotice
from states.job import Job, ProviderTask, Request, TaskStatus, Video
from states.vocabulary import AlertKind, Failure, NoticeKind, State

JOB = Job(
    id="0-j",
    user_id=7,
    state=State.REFUNDED,
    graph="g",
    request=Request(chat_id=70, photo="p", template="own", prompt="", model="m1", lang="en"),
    cost=10,
    created_ms=0,
    deadline_ms=1,
    status_message_id=5,
)
OPEN = ProviderTask(1, "m1", "main", TaskStatus.OPEN, 0, "t1")
INTENT = ProviderTask(1, "m1", "main", TaskStatus.INTENT, 0)


def test_notices_go_to_the_users_chat_with_ids_that_repeat() -> None:
    planned = [PlannedNotice(NoticeKind.STATUS, {"stage": "generating"}), PlannedNotice(NoticeKind.BELL)]
    first, second = notices_of(JOB, planned, "3")
    assert (first.id, second.id) == ("0-j:3:0", "0-j:3:1")
    assert (first.chat_id, first.user_id, first.lang, first.status_message_id) == (70, 7, "en", 5)
    assert (first.coalesce, second.coalesce) == ("status:0-j", "")
    assert notices_of(JOB, planned, "3") == [first, second]


@pytest.mark.parametrize(
    ("kind", "failure", "text"),
    [
        (AlertKind.UNKNOWN, Failure("kie", "poll", message="outer", fail_message="inner"), "inner"),
        (AlertKind.UNKNOWN, Failure("kie", "poll", message="outer"), "outer"),
        (AlertKind.INCIDENT, Failure("kie", "poll", exception="mod.Error"), "mod.Error"),
        (AlertKind.INCIDENT, Failure("kie", "poll"), "unknown"),
        (AlertKind.LOG, Failure("kie", "poll", message="outer"), "unknown"),
        (AlertKind.GAVE_UP, None, "unknown"),
        (AlertKind.UNKNOWN, Failure("kie", "poll", message="x" * 400), "x" * 300),
    ],
)
def test_an_alert_quotes_only_what_the_operator_must_read(
    kind: AlertKind, failure: Failure | None, text: str
) -> None:
    alert = alert_of(JOB, PlannedAlert(kind, "unknown", "kie.rule"), failure)
    assert (alert.fingerprint, alert.kind, alert.text, alert.job_id) == (
        f"{kind}:unknown:kie.rule",
        kind.value,
        text,
        "0-j",
    )


@pytest.mark.parametrize(
    ("job", "ordered"),
    [
        (replace(JOB, tasks=(OPEN,)), True),
        (replace(JOB, tasks=(replace(OPEN, status=TaskStatus.OVERDUE),)), True),
        (replace(JOB, tasks=(INTENT,)), True),
        (replace(JOB, tasks=(OPEN,), state=State.FAILED), True),
        (replace(JOB, tasks=(replace(OPEN, status=TaskStatus.FAILED),)), False),
        (replace(JOB, tasks=()), False),
        (replace(JOB, tasks=(OPEN,), state=State.GENERATING), False),
        (replace(JOB, tasks=(OPEN,), state=State.DONE), True),
        (replace(JOB, tasks=(OPEN,), video=Video(url="u", task_n=1)), True),
    ],
)
def test_tasks_that_outlive_their_job_are_looked_after(job: Job, ordered: bool) -> None:
    orders = watch_order(job)
    assert [(order.kind, order.job_id, order.fingerprint) for order in orders] == (
        [(LATE_WATCH, "0-j", "late_watch:0-j")] if ordered else []
    )
