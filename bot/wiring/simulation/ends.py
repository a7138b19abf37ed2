"""What must be true of every job once a world has come to rest: video or credits, once, and never silence."""

from typing import TYPE_CHECKING, Final

from states.facts import paid
from states.job import Job, TaskStatus
from states.plan import UNANSWERED_CREATES
from states.strategy import STRATEGY
from states.vocabulary import TERMINALS, NoticeKind, State

if TYPE_CHECKING:
    from bot.wiring.simulation.world import World

ENDINGS: Final = frozenset(
    {
        NoticeKind.USER_ERROR,
        NoticeKind.OVERLOADED,
        NoticeKind.SYSTEM_ERROR,
        NoticeKind.SEND_FAILED,
        NoticeKind.CANCELLED,
        NoticeKind.EXPIRED,
    }
)


SLACK_MS: Final = 300_000
"""How long after its deadline a job may still be on its way to its end: a send that has begun, a lease."""
SENT_MAX: Final = 8
"""New messages about one job, besides one for each call to that chat whose answer was lost: where the status
message is gone and the answer never came, the end is told again rather than never."""


def check_ends(world: "World") -> None:
    """Complain about each broken promise. To be called at rest."""
    for job_id in world.inspector.job_ids():
        job = world.inspector.job(job_id)
        if job.state not in TERMINALS:
            world.complain("rest", f"{job_id}: rests as {job.state}")
        _video(world, job)
        _tasks(world, job)
        _notices(world, job)
        _time(world, job)
        _messages(world, job)


def _time(world: "World", job: Job) -> None:
    """Its end came before its deadline, or soon after trouble had ended, and a little slack."""
    ended_ms = world.witness.jobs[job.id].ended_ms
    late_ms = ended_ms - max(job.deadline_ms, world.calm_ms + world.crew.skew_ms) - SLACK_MS
    if late_ms > 0:
        world.complain("deadline", f"{job.id}: ended {late_ms / 1000:.0f} s later than it must")


def _messages(world: "World", job: Job) -> None:
    sent = sum(
        count for text, count in world.telegram.chat(job.request.chat_id).sent.items() if job.id in text
    )
    if sent > SENT_MAX + world.doubts[job.user_id]:
        world.complain("messages", f"{job.id}: {sent} messages were sent about it")


def _video(world: "World", job: Job) -> None:
    """done: it was shown. Otherwise: not shown, unless a send of unknown fate could not be verified."""
    shown = len(world.telegram.shown.get(job.id, ()))
    if job.state is State.DONE and shown == 0:
        world.complain("delivered", f"{job.id}: done, but no message ever showed its video")
    if job.state is not State.DONE and shown and job.user_id not in world.doubts:
        world.complain("refunded and delivered", f"{job.id}: {job.state}, but its video was shown")


def _tasks(world: "World", job: Job) -> None:
    """What was bought is in the job's own books, and within its cap."""
    known = {task.n for task in job.tasks}
    forgotten = not job.request.photo  # tasks that nobody may fetch a video of went with it
    for made in world.provider.tasks.values():
        if made.job_id == job.id and made.n not in known and not forgotten:
            world.complain("orphans", f"{job.id}: task {made.id} (create {made.n}) is in nobody's books")
    if paid(job.tasks) > STRATEGY.paid_tasks:
        world.complain("paid tasks", f"{job.id}: {paid(job.tasks)} tasks were paid for")
    unanswered = sum(task.status is TaskStatus.INTENT for task in job.tasks)
    if unanswered > UNANSWERED_CREATES:
        world.complain("creates", f"{job.id}: {unanswered} creates of unknown fate")


def _notices(world: "World", job: Job) -> None:
    """What is told once is told once; the last word is there, and it is the last."""
    told = {kind: ids for (kind, of), ids in world.told.ids.items() if of == job.id}
    for kind in (NoticeKind.PATIENCE, NoticeKind.SERVICE_PAUSED, NoticeKind.BELL, *ENDINGS):
        if len(told.get(kind, ())) > 1:
            world.complain("notices", f"{job.id}: told {kind} {len(told[kind])} times")
    ends = [kind for kind in ENDINGS if kind in told]
    if job.id in world.dropped:
        return
    if len(ends) != (job.state is not State.DONE):
        world.complain("last word", f"{job.id}: {job.state}, told {ends}")
    elif ends:
        _last_word(world, job, ends[0])


def _last_word(world: "World", job: Job, ending: NoticeKind) -> None:
    """Of all words about a job the ending is the newest. (Where the user deleted it there is none.)

    Who has deleted their data is told nothing of it any more, not even what they have not heard.
    """
    chat = world.telegram.chat(job.request.chat_id)
    about = [m for m in chat.messages.values() if m.text.endswith(job.id) and not m.job]
    newest = max(about, key=lambda message: message.id, default=None)
    forgotten = not job.request.photo
    if chat.blocked or forgotten or any(m.job == job.id for m in chat.messages.values()):
        return
    if newest is not None and newest.text != f"{ending} {job.id}":
        world.complain("last word", f"{job.id}: {ending}, but the chat says {newest.text}")
