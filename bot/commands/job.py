"""`reelstate job`: what an operator asks of, and does to, the jobs of a store that others may be serving."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.commands.job_migrate import migrate_jobs
from bot.settings import load_settings
from bot.wiring.app import open_engine
from bot.wiring.running import Trouble, finished
from engine.front import Engine
from engine.ports import Alert
from engine.values import Cancellation, Entry
from states.job import Job
from states.migration import MIGRATED
from states.vocabulary import TERMINALS, State

STATEMENT_ROWS: Final = 1000
"""How far back the money of a job is looked for in its user's statement."""
_STYLES: Final[Mapping[State, str]] = {
    State.DONE: "green",
    State.REFUNDED: "yellow",
    State.FAILED: "red",
    State.RETRY_WAIT: "magenta",
}


@click.group("job")
def job() -> None:
    """Look at jobs, cancel one, release one that was set aside, or move some to another graph version."""


job.add_command(migrate_jobs)


@job.command("show")
@click.argument("job_id", metavar="ID")
@click.option("--private", is_flag=True, help="Show the user's wishes and the video's address too.")
def show(job_id: str, *, private: bool) -> None:
    """One job: where it stands, how it came there, its provider tasks, its money."""
    finished(_show(job_id, private=private))


@job.command("list")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only jobs in this state.")
@click.option("--user", type=int, help="Jobs of this user, ended ones too, newest first.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
def list_jobs(state: str | None, user: int | None, limit: int) -> None:
    """Live jobs, the one due next first; or the jobs of a user."""
    if state is not None and State(state) in TERMINALS and user is None:
        raise Trouble(f"Jobs that are {state} are listed by user only: add --user ID.")
    finished(_list(State(state) if state else None, user, limit))


@job.command("cancel")
@click.argument("job_id", metavar="ID")
@click.option("--reason", required=True, help="Why; told to the admin chat with the job's number.")
def cancel(job_id: str, reason: str) -> None:
    """Cancel a job where the graph allows it, before the provider is paid. Credits go back at once."""
    finished(_cancel(job_id, reason))


@job.command("release")
@click.argument("job_id", metavar="ID")
def release(job_id: str) -> None:
    """Let workers have a job again that was set aside because it contradicted itself."""
    finished(_release(job_id))


# --- what they do ---------------------------------------------------------------------------------


async def _show(job_id: str, *, private: bool) -> None:
    async with open_engine(load_settings()) as engine:
        found = await _found(engine, job_id)
        history = await engine.history(found.id)
        entries = [e for e in await engine.statement(found.user_id, STATEMENT_ROWS) if e.job_id == found.id]
        now = engine.store.clock.now_ms()
    console = _console()
    console.print(_snapshot(found, now, private=private))
    for title, table in (
        ("history", _timeline(history)),
        ("provider tasks", _tasks(found, private=private)),
        ("credits", _money(entries)),
    ):
        if table.row_count:
            console.rule(title, align="left")
            console.print(table)


async def _list(state: State | None, user: int | None, limit: int) -> None:
    async with open_engine(load_settings()) as engine:
        # the filter comes after the look, so a rare state is looked for among many
        look = limit if state is None else max(limit, STATEMENT_ROWS)
        jobs = await engine.live_jobs(look) if user is None else await engine.jobs_of(user, look)
        now = engine.store.clock.now_ms()
        paused = await engine.paused()
        aside = await engine.store.quarantined()
    shown = [each for each in jobs if state in (None, each.state)][:limit]
    console = _console()
    if paused:
        console.print(f"[yellow]launches are paused:[/] {escape(paused)}")
    for each in aside:
        console.print(
            f"[red]set aside[/] {escape(each.job_id)}, {_span(now - each.since_ms)} ago: {escape(each.why)};"
            f" once it is mended: reelstate job release {escape(each.job_id)}"
        )
    console.print(_rows(shown, now) if shown else "No such jobs.")


async def _cancel(job_id: str, reason: str) -> None:
    async with open_engine(load_settings()) as engine:
        found = await _found(engine, job_id)
        if found.state in TERMINALS:
            raise Trouble(f"Job {found.id} has ended already: it is {found.state}.")
        answer = await engine.cancel(found.id, found.user_id)
        if answer is not Cancellation.CANCELLED:
            raise Trouble(_refused(await _found(engine, job_id), answer))
        text = f"job {found.id} was cancelled by the operator: {reason}"
        await engine.alert(Alert(f"operator/cancel/{found.id}", "operator", text, found.id))
        ended = await _found(engine, job_id)
    back = f", {found.cost} credits went back to user {found.user_id}" if found.cost else ""
    _console().print(f"Job {ended.id} is {ended.state}{back}. The user is told.")


async def _release(job_id: str) -> None:
    async with open_engine(load_settings()) as engine:
        found = await _found(engine, job_id)
        if found.id not in {each.job_id for each in await engine.store.quarantined(STATEMENT_ROWS)}:
            raise Trouble(f"Job {found.id} is not set aside: `reelstate job list` names those that are.")
        await engine.store.unquarantine(found.id)
    _console().print(f"Job {found.id} is {found.state} and workers may have it again.")


def _refused(job: Job, answer: Cancellation) -> str:
    if answer is Cancellation.OVER:
        return f"Job {job.id} has ended meanwhile: it is {job.state}."
    return (
        f"Job {job.id} is {job.state} and its video is being paid for or delivered: it can no longer be"
        " cancelled, it ends by itself, delivered or with the credits back."
    )


async def _found(engine: Engine, job_id: str) -> Job:
    found = await engine.job(job_id)
    if found is None:
        raise Trouble(f"There is no job {job_id} (any more): `reelstate job list` names the live ones.")
    return found


# --- how they look --------------------------------------------------------------------------------


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def _snapshot(job: Job, now: int, *, private: bool) -> Table:
    table = Table.grid("", "", padding=(0, 2))
    for name, value in (*_facts(job, now), *(_private(job) if private else ())):
        table.add_row(f"[dim]{name}[/]", value)
    return table


def _facts(job: Job, now: int) -> Iterator[tuple[str, str]]:
    yield "job", f"[bold]{escape(job.id)}[/]"
    yield "state", _state(job) + (f" for {job.stage}" if job.stage else "")
    yield "user", f"{job.user_id} (chat {job.request.chat_id}, {job.request.lang})"
    yield "asked for", f"{escape(job.request.model)}, {escape(job.request.template)}, {job.request.aspect}"
    yield "credits", f"{job.cost} {job.hold}"
    yield "made", f"{_when(job.created_ms)} UTC, {_span(now - job.created_ms)} ago"
    if job.state not in TERMINALS:
        yield "deadline", f"{_when(job.deadline_ms)} UTC"
    if job.state is State.RETRY_WAIT:
        yield "next try", f"{_when(job.retry_at_ms)} UTC"
    if job.last_reason:
        yield "last trouble", job.last_reason
    if job.counts:
        yield "failures", ", ".join(f"{name} {n}" for name, n in sorted(job.counts.items()))
    if job.send_attempts:
        yield "deliveries begun", str(job.send_attempts)
    if job.video is not None:
        measures = f"{job.video.width}x{job.video.height}, {job.video.duration_s:.1f} s"
        yield "video", f"{measures}, {job.video.size / 1e6:.1f} MB, of task {job.video.task_n}"
    if job.source_job:
        yield "sends again", escape(job.source_job)
    yield "counters", f"seq {job.seq}, epoch {job.epoch}, graph {job.graph}"


def _private(job: Job) -> Iterator[tuple[str, str]]:
    yield "wishes", escape(job.request.prompt) or "–"
    yield "photo", escape(job.request.photo)
    if job.video is not None:
        yield "video at", escape(job.video.url)


def _timeline(history: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("seq", "UTC", "from", "to", "edge", "why", "by", box=None)
    for record in history:
        facts = record.get("in", {})
        why = " ".join(str(facts[name]) for name in ("reason", "rule") if facts.get(name))
        if record.get("disp") == MIGRATED:
            why = f"graph {record.get('why')} → {record.get('graph')}"
        words = [str(record.get(name) or "·") for name in ("from", "to", "edge")]
        seq, by = str(record.get("seq", "")), str(record.get("by", ""))
        table.add_row(seq, _when(int(record.get("ts", 0))), *words, escape(why), by)
    return table


def _tasks(job: Job, *, private: bool) -> Table:
    table = Table("n", "model", "key", "status", "asked for, UTC", "provider credits", "task id", box=None)
    for task in job.tasks:
        cost = "–" if task.cost is None else f"{task.cost:g}"
        task_id = escape(task.task_id or "–") if private else _short(task.task_id)
        model, key = escape(task.model), escape(task.key)
        table.add_row(str(task.n), model, key, task.status, _when(task.created_ms), cost, task_id)
    return table


def _money(entries: Sequence[Entry]) -> Table:
    table = Table("UTC", "entry", "credits", "balance after", box=None)
    for entry in reversed(entries):
        table.add_row(_when(entry.ms), entry.kind, f"{entry.delta:+d}", str(entry.balance))
    return table


def _rows(jobs: Sequence[Job], now: int) -> Table:
    table = Table("job", "user", "state", "reason", "failures", "credits", "age", "next try", box=None)
    for job in jobs:
        waits = job.state is State.RETRY_WAIT
        next_try = f"in {_span(job.retry_at_ms - now)}" if waits else ""
        failures = str(sum(job.counts.values()) or "")
        money = f"{job.cost} {job.hold}"
        age = _span(now - job.created_ms)
        table.add_row(job.id, str(job.user_id), _state(job), job.last_reason, failures, money, age, next_try)
    return table


def _state(job: Job) -> str:
    style = _STYLES.get(job.state, "bold")
    return f"[{style}]{job.state}[/]"


def _short(task_id: str | None) -> str:
    """Enough to find it at the provider, not enough to ask for it."""
    return escape(f"{task_id[:8]}…") if task_id else "–"


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%m-%d %H:%M:%S")


def _span(ms: int) -> str:
    """A time span in one unit people read."""
    seconds = max(0, ms) // 1000
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
