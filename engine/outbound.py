"""What a decision wants told, addressed: notices for the user, alerts and orders for the operator's side.

Ids are made of job and seq, so that a repeated commit puts nothing twice into the outbox.
"""

from collections.abc import Sequence
from typing import Final

from engine.ports import Alert, Notice
from states.decide import PlannedAlert, PlannedNotice
from states.facts import watched
from states.job import Job, TaskStatus
from states.vocabulary import TERMINALS, AlertKind, Failure

LATE_WATCH: Final = "late_watch"
"""Kind of the outbox entry that asks to look after an ended job's bought tasks."""


def notices_of(job: Job, planned: Sequence[PlannedNotice], mark: str) -> list[Notice]:
    """Planned notices addressed to the job's user, with ids that make a repeated commit harmless."""
    return [
        Notice(
            id=f"{job.id}:{mark}:{n}",
            kind=notice.kind,
            job_id=job.id,
            user_id=job.user_id,
            chat_id=job.request.chat_id,
            lang=job.request.lang,
            status_message_id=job.status_message_id,
            data=notice.data,
            coalesce=f"{notice.coalesce}:{job.id}" if notice.coalesce else "",
        )
        for n, notice in enumerate(planned)
    ]


def alert_of(job: Job, planned: PlannedAlert, failure: Failure | None) -> Alert:
    """A planned alert as the operator will see it: grouped by kind, reason and rule."""
    words = failure.fail_message or failure.message or failure.exception if failure is not None else ""
    text = words[:300] if planned.kind in (AlertKind.UNKNOWN, AlertKind.INCIDENT) else ""
    return Alert(
        fingerprint=f"{planned.kind}:{planned.reason}:{planned.rule}",
        kind=planned.kind.value,
        text=text or planned.reason,
        job_id=job.id,
    )


def watch_order(job: Job) -> list[Alert]:
    """The order to look after tasks of an ended job that may still succeed: a video, or only a cost."""
    if job.state not in TERMINALS:
        return []
    unanswered = [t for t in job.tasks if t.status is TaskStatus.INTENT]
    if not watched(job.tasks) and not unanswered:
        return []
    return [Alert(fingerprint=f"{LATE_WATCH}:{job.id}", kind=LATE_WATCH, text="", job_id=job.id)]
