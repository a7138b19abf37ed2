"""The operators' chat: /alerts, /job, /pause, /resume, /grant, and the words of an alert.

Commands are taken from the admin chat and from the listed admins only; for everybody else they do not exist.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from bot.desk import Desk, Guest
from bot.routers.proposals import tell
from bot.texts import Html, Texts, clip
from engine.ports import Alert
from engine.values import EntryKind
from states.job import Job
from states.vocabulary import AlertKind, State

_JOBS: Final = 30
_STEPS: Final = 25
_GRANT_LIMIT: Final = 10_000
"""Credits one command may give: a slip of the finger is not a fortune."""
_TEXT: Final = 2000
_NUMBER: Final = re.compile(r"[1-9]\d{0,18}", re.ASCII)
_SYMBOLS: Final[Mapping[str, str]] = MappingProxyType(
    {AlertKind.LOG: "⏳", AlertKind.GAVE_UP: "❌", AlertKind.INCIDENT: "🚧", "support": "🆘"}
)
_DO: Final[Mapping[str, str]] = MappingProxyType(
    {AlertKind.INCIDENT: "alert-do-resume", AlertKind.UNKNOWN: "alert-do-classify"}
)


def alert_text(texts: Texts, lang: str, alert: Alert) -> Html:
    """One grouped alert: what kind, how often, the facts, and the command to act."""
    name = alert.kind.replace("_", "-")
    kind = f"alert-kind-{name}" if texts.has(f"alert-kind-{name}") else "alert-kind-other"
    job = texts.say(lang, "alert-do-job", job=alert.job_id) if alert.job_id else Html("")
    todo = texts.say(lang, _DO.get(alert.kind, "alert-do-none"))
    full = texts.say(
        lang,
        "alert",
        symbol=_SYMBOLS.get(alert.kind, "⚠️"),
        kind=texts.say(lang, kind),
        count=alert.count,
        text=clip(alert.text, _TEXT),
        job=job,
        command=Html("") if job and alert.kind not in _DO else todo,
    )
    return Html("\n".join(line for line in full.split("\n") if line.strip()))


async def alerts(_message: Message, guest: Guest) -> None:
    """Live jobs that met trouble, and whether launches are on."""
    engine = guest.desk.engine
    paused = await engine.paused()
    troubled = [
        job for job in await engine.live_jobs(_JOBS) if job.last_reason or job.state is State.RETRY_WAIT
    ]
    if not troubled and not paused:
        await tell(guest, "admin-alerts-empty")
        return
    lines = Html("\n".join(_trouble(guest, job) for job in troubled))
    await tell(
        guest, "admin-alerts", count=len(troubled), paused=paused or guest.say("admin-running"), lines=lines
    )


def _trouble(guest: Guest, job: Job) -> str:
    failures = sum(job.counts.values())
    return guest.say(
        "admin-alert-line",
        state=guest.say("state-" + job.state.value.replace("_", "-")),
        reason=job.last_reason or "–",
        failures=failures,
        job=job.id,
    )


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


def make_router(desk: Desk) -> Router:
    """The operators' commands, for one dispatcher."""

    async def from_admin(message: Message) -> bool:
        sender = message.from_user
        return sender is not None and desk.is_admin(sender.id, message.chat.id)

    router = Router(name="admin")
    router.message.filter(from_admin)
    router.message.register(alerts, Command("alerts"))
    router.message.register(job, Command("job"))
    router.message.register(pause, Command("pause"))
    router.message.register(resume, Command("resume"))
    router.message.register(grant, Command("grant"))
    return router
