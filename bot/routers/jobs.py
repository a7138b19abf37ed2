"""The buttons of a job (cancel, refresh, again, another style, get my video) and /cancel, /history."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from bot.desk import Guest
from bot.drafts import OWN, TEMPLATES, Draft, Phase
from bot.routers.proposals import propose, tell
from bot.routers.status import show_status
from bot.talk import Toast, send, show, undress
from bot.taps import Tap, Verb
from bot.texts import Html, utc_date
from engine.values import Cancellation, NewJob, Submission
from states.job import Job, Video
from states.vocabulary import TERMINALS, Hold

_LISTED: Final = 10
_BUTTONS: Final = 5
_LOOK_BACK: Final = 50
_CANCEL_TOASTS: Final = MappingProxyType(
    {
        Cancellation.CANCELLED: "toast-cancelled",
        Cancellation.TOO_LATE: "toast-too-late",
        Cancellation.OVER: "toast-over",
        Cancellation.UNKNOWN_JOB: "toast-unknown-job",
    }
)


async def job_tap(tap: Tap, guest: Guest, toast: Toast, message_id: int | None) -> None:
    """Serve a button of a job, for its owner only."""
    job = await guest.desk.engine.job(tap.ref)
    if job is None or job.user_id != guest.user_id:
        await toast.show(guest.say("toast-unknown-job"), alert=True)
        return
    await _ACTS[tap.verb](job, guest, toast, message_id)


async def _cancel(job: Job, guest: Guest, toast: Toast, message_id: int | None) -> None:
    """The notice of the transition rewrites the status message; the toast tells the truth at once."""
    answer = await guest.desk.engine.cancel(job.id, guest.user_id)
    await toast.show(guest.say(_CANCEL_TOASTS[answer]), alert=answer is not Cancellation.CANCELLED)
    if answer is Cancellation.CANCELLED and message_id != job.status_message_id:
        await undress(guest.desk.bot, guest.chat_id, message_id)


async def _refresh(job: Job, guest: Guest, toast: Toast, message_id: int | None) -> None:
    shown = await show_status(guest, job, message_id)
    await toast.show(guest.say("toast-updated" if shown else "toast-over"))


async def _again(job: Job, guest: Guest, toast: Toast, _message_id: int | None) -> None:
    await toast.show()
    await _reopen(guest, job, job.request.template)


async def _style(job: Job, guest: Guest, toast: Toast, _message_id: int | None) -> None:
    """The same photo with the next style chosen; the others are one tap away."""
    await toast.show()
    at = TEMPLATES.index(job.request.template) + 1 if job.request.template in TEMPLATES else 0
    await _reopen(guest, job, TEMPLATES[at % len(TEMPLATES)])


async def _reopen(guest: Guest, job: Job, template: str) -> None:
    """A new order with the old inputs: a new draft, a new token, a new price to agree to."""
    if not job.request.photo:  # its owner had it deleted
        await tell(guest, "redeliver-gone")
        return
    old = await guest.desk.drafts.load(guest.user_id)
    if old is not None and old.open:
        await undress(guest.desk.bot, guest.chat_id, old.message_id)
    known = template if template in (*TEMPLATES, OWN) else TEMPLATES[0]
    draft: Draft = guest.desk.drafts.begin(
        Phase.CHOICE,
        photo=job.request.photo,
        template=known,
        wishes=job.request.prompt,
        model=job.request.model,
    )
    await propose(guest, draft)


async def _get(job: Job, guest: Guest, toast: Toast, _message_id: int | None) -> None:
    """The video once more: a free job that only sends. While one is under way, no second one begins."""
    if job.video is None:
        await toast.show()
        await tell(guest, "redeliver-gone")
        return
    source = job.source_job or job.id
    recent = await guest.desk.engine.jobs_of(guest.user_id, _LOOK_BACK)
    if any(j.state not in TERMINALS and source in (j.source_job, j.id) for j in recent):
        await toast.show(guest.say("toast-sending"))
        return
    await toast.show()
    await _redeliver(guest, job, source, job.video, ended=sum(j.source_job == source for j in recent))


async def _redeliver(guest: Guest, job: Job, source: str, video: Video, *, ended: int) -> None:
    desk = guest.desk
    message_id = await send(desk.bot, guest.chat_id, guest.say("redeliver-started"))
    submitted = await desk.engine.submit(
        NewJob(
            # the n-th copy of this video: an update that is handled twice asks for the same n
            idem=f"get:{source}:{ended + 1}",
            user_id=guest.user_id,
            cost=0,
            request=job.request,
            status_message_id=message_id,
            source_job=source,
            video=video,
        )
    )
    if submitted.result not in (Submission.CREATED, Submission.EXISTS):
        await show(desk.bot, guest.chat_id, message_id, guest.say("try-later"))


Act = Callable[[Job, Guest, Toast, int | None], Awaitable[None]]
_ACTS: Final[Mapping[Verb, Act]] = MappingProxyType(
    {
        Verb.CANCEL: _cancel,
        Verb.REFRESH: _refresh,
        Verb.AGAIN: _again,
        Verb.STYLE: _style,
        Verb.GET: _get,
    }
)


async def cancel(_message: Message, guest: Guest) -> None:
    """Drop the open draft; cancel the one live job, or ask which of several."""
    desk = guest.desk
    draft = await desk.drafts.load(guest.user_id)
    dropped = draft is not None and draft.open
    if draft is not None and dropped:
        await desk.drafts.drop(guest.user_id)
        await undress(desk.bot, guest.chat_id, draft.message_id)
        await tell(guest, "draft-dropped")
    live = [job for job in await desk.engine.jobs_of(guest.user_id, _LOOK_BACK) if job.state not in TERMINALS]
    if len(live) == 1 and not dropped:
        await _cancel_only(guest, live[0])
    elif live:
        labels = [(job.id, _label(guest, job)) for job in live[:_LISTED]]
        keyboard = desk.keyboards.pick_cancel(guest.lang, labels)
        await send(desk.bot, guest.chat_id, guest.say("cancel-ask"), keyboard)
    elif not dropped:
        await tell(guest, "cancel-nothing")


async def _cancel_only(guest: Guest, job: Job) -> None:
    answer = await guest.desk.engine.cancel(job.id, guest.user_id)
    match answer:
        case Cancellation.CANCELLED:
            returned = job.cost if job.hold is Hold.HELD else 0
            balance = await guest.desk.balance(guest.user_id)
            money = guest.desk.notices.money_back(guest.lang, returned, balance)
            await tell(guest, "cancel-done", money=money)
        case Cancellation.TOO_LATE:
            await tell(guest, "cancel-too-late")
        case Cancellation.OVER:
            await tell(guest, "cancel-over")
        case Cancellation.UNKNOWN_JOB:
            await tell(guest, "cancel-nothing")


def _label(guest: Guest, job: Job) -> str:
    return f"{utc_date(job.created_ms)} · {guest.desk.texts.template(guest.lang, job.request.template)}"


async def history(_message: Message, guest: Guest) -> None:
    """The last jobs with what became of their credits, and the finished videos to get again."""
    jobs = await guest.desk.engine.jobs_of(guest.user_id, _LISTED)
    if not jobs:
        await tell(guest, "history-empty")
        return
    lines = "\n".join(_line(guest, job) for job in jobs)
    videos = [(job.id, _label(guest, job)) for job in jobs if job.video and not job.source_job][:_BUTTONS]
    keyboard = guest.desk.keyboards.history(guest.lang, videos)
    await send(guest.desk.bot, guest.chat_id, guest.say("history", lines=Html(lines)), keyboard)


def _line(guest: Guest, job: Job) -> str:
    return guest.say(
        "history-line",
        date=utc_date(job.created_ms),
        template=guest.desk.texts.template(guest.lang, job.request.template),
        state=guest.say("state-" + job.state.value.replace("_", "-")),
        money=guest.desk.texts.credits(guest.lang, job.cost),
        job=Html(f"<code>{job.id}</code>"),
    )


def make_router() -> Router:
    """The handlers of this concern, for one dispatcher."""
    router = Router(name="jobs")
    router.message.register(cancel, Command("cancel"))
    router.message.register(history, Command("history"))
    return router
