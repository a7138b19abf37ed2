"""The operators' chat: /alerts, /resolve, /job, /pause, /resume, /grant, /answer; the words of an incident.

Commands are taken from the admin chat and from the listed admins only; for everybody else they do not exist.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from aiogram import Router
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from bot.desk import Desk, Guest
from bot.routers.proposals import tell
from bot.talk import send
from bot.taps import short
from bot.texts import Html, Texts, clip, escaped, utc_date
from engine.alerts import Incident, Word
from engine.ports import Alert
from engine.values import EntryKind
from states.job import Job
from states.vocabulary import AlertKind, State

_JOBS: Final = 200
_SHOWN: Final = 15
_INCIDENTS: Final = 10
_LINE: Final = 80
_ANSWER: Final = 3500
_STEPS: Final = 25
_GRANT_LIMIT: Final = 10_000
"""Credits one command may give: a slip of the finger is not a fortune."""
_TEXT: Final = 500
_NUMBER: Final = re.compile(r"[1-9]\d{0,18}", re.ASCII)
_SYMBOLS: Final[Mapping[str, str]] = MappingProxyType(
    {AlertKind.LOG: "⏳", AlertKind.GAVE_UP: "❌", AlertKind.INCIDENT: "🚧", "support": "🆘"}
)
_DO: Final[Mapping[str, str]] = MappingProxyType(
    {AlertKind.INCIDENT: "alert-do-resume", AlertKind.UNKNOWN: "alert-do-classify"}
)


def incident_text(texts: Texts, lang: str, incident: Incident, word: Word) -> Html:
    """One incident for the operators' chat: what kind, how often, since when, sample jobs, what to do."""
    over = word is Word.RESOLVED
    lines = [escaped(clip(incident.text, _TEXT)), _when(incident)]
    if not over:
        lines += [f"/job {job_id}" for job_id in incident.jobs]
        lines += [
            texts.say(lang, _DO.get(incident.kind, "alert-do-resolve"), number=short(incident.fingerprint))
        ]
    return texts.say(
        lang,
        "incident-over" if over else "incident",
        **({} if over else {"symbol": _SYMBOLS.get(incident.kind, "⚠️")}),
        kind=texts.say(lang, _kind(texts, incident)),
        count=incident.count,
        facts=Html("\n".join(line for line in lines if line)),
    )


def alert_text(texts: Texts, lang: str, alert: Alert) -> Html:
    """One alert that was not grouped (yet), in the words of an incident."""
    jobs = (alert.job_id,) if alert.job_id else ()
    single = Incident(alert.fingerprint, alert.kind, alert.text, 0, 0, alert.count, 0, 0, 0, jobs)
    return incident_text(texts, lang, single, Word.NEW)


def _when(incident: Incident) -> str:
    first, last = utc_date(incident.first_ms), utc_date(incident.last_ms)
    if not incident.first_ms:
        return ""
    return f"{first} – {last} UTC" if first != last else f"{first} UTC"


def _kind(texts: Texts, incident: Incident) -> str:
    key = "alert-kind-" + incident.kind.replace("_", "-")
    return key if texts.has(key) else "alert-kind-other"


async def alerts(_message: Message, guest: Guest) -> None:
    """Open incidents with counts, live jobs that met trouble, and whether launches are on."""
    engine, incidents = guest.desk.engine, guest.desk.incidents
    paused = await engine.paused()
    opened = await incidents.open(_INCIDENTS) if incidents else []
    live = await engine.live_jobs(_JOBS)
    troubled = [job for job in live if job.last_reason or job.state is State.RETRY_WAIT][:_SHOWN]
    if not (troubled or paused or opened):
        await tell(guest, "admin-alerts-empty")
        return
    lines = [*(_incident(guest, each) for each in opened), *(_trouble(guest, each) for each in troubled)]
    await tell(
        guest,
        "admin-alerts",
        incidents=len(opened),
        jobs=len(troubled),
        paused=paused or guest.say("admin-running"),
        lines=Html("\n".join(lines)),
    )


def _incident(guest: Guest, incident: Incident) -> str:
    return guest.say(
        "admin-incident-line",
        symbol=_SYMBOLS.get(incident.kind, "⚠️"),
        kind=guest.say(_kind(guest.desk.texts, incident)),
        count=incident.count,
        last=utc_date(incident.last_ms),
        text=clip(incident.text, _LINE),
        number=short(incident.fingerprint),
    )


def _trouble(guest: Guest, job: Job) -> str:
    return guest.say(
        "admin-alert-line",
        state=guest.say("state-" + job.state.value.replace("_", "-")),
        reason=job.last_reason or "–",
        failures=sum(job.counts.values()),
        job=job.id,
    )


async def resolve(_message: Message, command: CommandObject, guest: Guest) -> None:
    """`/resolve number`: the operator has dealt with an incident of /alerts."""
    incidents, number = guest.desk.incidents, (command.args or "").strip()
    for incident in await incidents.open() if incidents else []:
        if incidents and short(incident.fingerprint) == number:
            await incidents.resolve(incident.fingerprint)
            await tell(guest, "admin-resolved")
            return
    await tell(guest, "admin-no-incident")


async def job(_message: Message, command: CommandObject, guest: Guest) -> None:
    """One job and its transitions, newest last."""
    number = (command.args or "").strip()
    found = await guest.desk.engine.job(number) if number else None
    if found is None:
        await (tell(guest, "admin-no-job", job=clip(number, 80)) if number else tell(guest, "admin-usage"))
        return
    steps = (await guest.desk.engine.history(found.id))[-_STEPS:]
    spent = sum(task.cost or 0 for task in found.tasks)
    await tell(
        guest,
        "admin-job",
        job=found.id,
        user=str(found.user_id),
        state=found.state.value,
        cost=str(found.cost),
        hold=found.hold.value,
        model=found.request.model,
        tasks=str(len(found.tasks)),
        spent=f"{spent:g}",
        reason=found.last_reason or "–",
        lines=_steps(guest, steps),
    )


def _steps(guest: Guest, steps: Sequence[Mapping[str, Any]]) -> Html:
    lines = [
        guest.say(
            "admin-job-line",
            seq=str(step.get("seq", "")),
            time=datetime.fromtimestamp(int(step.get("ts", 0)) / 1000, UTC).strftime("%H:%M:%S"),
            source=str(step.get("from", "")),
            target=str(step.get("to", "")),
            edge=str(step.get("edge", "")),
        )
        for step in steps
    ]
    return Html("\n".join(lines))


async def pause(_message: Message, command: CommandObject, guest: Guest) -> None:
    """Stop launches. Drafts are still taken, running jobs go on."""
    why = clip((command.args or "").strip(), 200)
    if not why:
        await tell(guest, "admin-usage")
        return
    await guest.desk.engine.pause(why)
    await tell(guest, "admin-paused", why=why)


async def resume(_message: Message, guest: Guest) -> None:
    """Bring launches back."""
    await guest.desk.engine.unpause()
    await tell(guest, "admin-resumed")


async def grant(message: Message, command: CommandObject, guest: Guest) -> None:
    """`/grant user number why`: credits with a reason; the message's own id makes it happen once."""
    user, amount, why = _grant_words(command.args or "")
    if not (why and _NUMBER.fullmatch(user) and _NUMBER.fullmatch(amount) and int(amount) <= _GRANT_LIMIT):
        await tell(guest, "admin-usage")
        return
    external_id = f"admin:{message.chat.id}:{message.message_id}"
    granted = await guest.desk.engine.grant(int(user), int(amount), external_id, EntryKind.GRANT, why)
    if granted.applied:
        await tell(guest, "admin-granted", amount=amount, user=user, why=why, balance=granted.balance)
    else:
        await tell(guest, "admin-granted-before", user=user, balance=granted.balance)


def _grant_words(args: str) -> tuple[str, str, str]:
    words = args.split(maxsplit=2)
    user, amount, why = [*words, "", "", ""][:3]
    return user, amount, clip(why.strip(), 200)


async def answer(_message: Message, command: CommandObject, guest: Guest) -> None:
    """`/answer user text`: what a user asked by /support is answered in their chat."""
    user, _, text = (command.args or "").strip().partition(" ")
    if not (_NUMBER.fullmatch(user) and text.strip()):
        await tell(guest, "admin-usage")
        return
    desk = guest.desk
    lang = await desk.language(int(user), None)
    words = desk.texts.say(lang, "support-answer", text=clip(text.strip(), _ANSWER))
    try:
        await send(desk.bot, int(user), words)
    except (TelegramForbiddenError, TelegramBadRequest):  # blocked, or nobody we know
        await tell(guest, "admin-not-answered", user=user)
        return
    await tell(guest, "admin-answered")


def make_router(desk: Desk) -> Router:
    """The operators' commands, for one dispatcher."""

    async def from_admin(message: Message) -> bool:
        sender = message.from_user
        return sender is not None and desk.is_admin(sender.id, message.chat.id)

    router = Router(name="admin")
    router.message.filter(from_admin)
    router.message.register(alerts, Command("alerts"))
    router.message.register(resolve, Command("resolve"))
    router.message.register(job, Command("job"))
    router.message.register(pause, Command("pause"))
    router.message.register(resume, Command("resume"))
    router.message.register(grant, Command("grant"))
    router.message.register(answer, Command("answer"))
    return router
