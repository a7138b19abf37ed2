"""`reelstate bench`: what the engine does in a second, what it costs, and how that compares."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from bot.commands.bench_show import Report
from bot.wiring.bench.machine import machine
from bot.wiring.bench.rounds import jobs_round, raw_rounds
from bot.wiring.bench.studies import (
    IdlePlan,
    SizePlan,
    Table,
    decide_study,
    idle_study,
    size_study,
    user_study,
)
from bot.wiring.running import Trouble, finished
from engine.bench.jobs import Plan
from engine.bench.summary import spread
from engine.logbook import open_logbook

_COUNT: Final = click.IntRange(1, 1_000_000)
_NONE_TOO: Final = click.IntRange(0, 1_000_000)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_LINE: Final = ("jobs_per_s", "transitions_per_s", "cpu_us_per_job", "server_busy")

Command = Callable[..., None]


def _written(command: Command) -> Command:
    """Options of every measurement: where its results go."""
    for option in (
        click.option("--plot", "plot_path", type=_FILE, help="Draw the results there (SVG)."),
        click.option("--json", "json_path", type=_FILE, help="Write the results there."),
    ):
        command = option(command)
    return command


def _on_server(command: Command) -> Command:
    """Options of measurements that need a server."""
    syncs = click.Choice(["everysec", "always", "no"])
    for option in (
        click.option(
            "--aof", type=syncs, default="everysec", show_default=True, help="When the file reaches the disk."
        ),
        click.option(
            "--redis", "redis_url", default="", help="Measure on this empty server, not on an own one."
        ),
    ):
        command = option(command)
    return _written(command)


@click.group("bench")
def bench() -> None:
    """Measure the engine on this machine. Only ratios of one run carry over to another machine."""
    open_logbook("ERROR")


@bench.command("jobs")
@_on_server
@click.option("--jobs", type=_COUNT, default=3_000, show_default=True, help="Jobs in a round.")
@click.option("--users", type=_COUNT, default=1_000, show_default=True)
@click.option("--concurrency", type=_COUNT, default=256, show_default=True, help="Jobs in flight a process.")
@click.option("--workers", type=click.IntRange(1, 32), default=1, show_default=True, help="Worker processes.")
@click.option("--partitions", type=click.IntRange(1, 16), default=1, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 50), default=3, show_default=True)
@click.option("--drain", is_flag=True, help="Submit first, time the rest: what queues call jobs a second.")
def jobs_command(  # noqa: PLR0913 - one option each
    *,
    redis_url: str,
    aof: str,
    json_path: Path | None,
    plot_path: Path | None,
    jobs: int,
    users: int,
    concurrency: int,
    workers: int,
    partitions: int,
    rounds: int,
    drain: bool,
) -> None:
    """Whole jobs a second: submit, generate, send, capture, history, outbox. The outside is instant."""
    plan = Plan("", jobs, users, concurrency, workers, partitions, drain)
    report = Report("jobs", finished(machine(redis_url)), {"aof": aof, "plan": plan})
    results = []
    for _ in range(rounds):
        results.append(finished(jobs_round(plan, redis_url, aof)))
        report.line(results[-1].figures(), _LINE)
    report.figures(spread([result.figures() for result in results]))
    last = results[-1]
    report.table("what happened", {"transitions": last.edges, "notices": last.told, **last.other})
    report.table("bytes left per job, by kind of key", last.left.bytes_per_job)
    report.table("keys left per job", last.left.keys_per_job)
    report.table("commands per job", _top(last.server.calls, jobs))
    report.table("microseconds per job in the server", _top(last.server.usec, jobs))
    report.write(json_path, plot_path)


def _top(counts: Mapping[str, float], jobs: int, most: int = 16) -> dict[str, float]:
    highest = sorted(counts.items(), key=lambda each: -each[1])[:most]
    return {name: n / jobs for name, n in highest if n}


@bench.command("raw")
@_on_server
@click.option("--jobs", type=_COUNT, default=2_000, show_default=True, help="Jobs that are recorded.")
@click.option("--users", type=_COUNT, default=500, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 50), default=3, show_default=True)
def raw_command(
    *,
    redis_url: str,
    aof: str,
    json_path: Path | None,
    plot_path: Path | None,
    jobs: int,
    users: int,
    rounds: int,
) -> None:
    """The ceiling of our own scripts: the calls of a real run sent again, without the engine."""
    report = Report("raw", finished(machine(redis_url)), {"aof": aof, "jobs": jobs, "users": users})
    found = finished(_raw(report, jobs, users, rounds, redis_url, aof))
    for how, measured in found.items():
        report.figures(spread(measured), f"median {how}")
    report.write(json_path, plot_path)


async def _raw(
    report: Report, jobs: int, users: int, rounds: int, redis_url: str, aof: str
) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {}
    async for recording, how, replayed in raw_rounds(jobs, users, rounds, redis_url, aof):
        if not found:
            report.table("calls per job", {verb: n / jobs for verb, n in recording.verbs.most_common()})
        figures = replayed.figures()
        found.setdefault(how, []).append(figures)
        report.line(
            figures, ("jobs_per_s", "transitions_per_s", "script_us_per_transition", "server_busy"), how
        )
    return found


@bench.command("idle")
@_on_server
@click.option("--starts", type=_NONE_TOO, default=300, show_default=True, help="Submits to an idle worker.")
@click.option("--retries", type=_NONE_TOO, default=300, show_default=True, help="Retries at random times.")
@click.option("--together", type=_NONE_TOO, default=1_000, show_default=True, help="Retries due at once.")
@click.option(
    "--idle-s", type=click.FloatRange(0), default=60.0, show_default=True, help="Seconds of silence."
)
@click.option("--crashes", type=_NONE_TOO, default=20, show_default=True, help="Jobs of a killed worker.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
def idle_command(  # noqa: PLR0913 - one option each
    *,
    redis_url: str,
    aof: str,
    json_path: Path | None,
    plot_path: Path | None,
    starts: int,
    retries: int,
    together: int,
    idle_s: float,
    crashes: int,
    seed: int,
) -> None:
    """How soon an idle worker starts, how late retries wake, what idling costs, crash to resumed."""
    plan = IdlePlan(starts, retries, together, idle_s, crashes, seed)
    report = Report("idle", finished(machine(redis_url)), {"aof": aof, "plan": plan})
    _study(report, idle_study(plan, redis_url, aof), json_path, plot_path)


@bench.command("size")
@_written
@click.option("--redis", "redis_url", default="", help="Measure on this empty server, not on an own one.")
@click.option("--beside", "small_url", default="", help="With --redis: another empty server, like it.")
@click.option("--most", type=_COUNT, default=1_000_000, show_default=True, help="Jobs in line at the end.")
@click.option(
    "--crowd", type=_COUNT, default=100_000, show_default=True, help="So many rendering and waiting."
)
@click.option("--users", type=_COUNT, default=10_000, show_default=True)
@click.option("--calls", type=_COUNT, default=1_000, show_default=True, help="Claims and commits a step.")
def size_command(
    *,
    redis_url: str,
    small_url: str,
    json_path: Path | None,
    plot_path: Path | None,
    most: int,
    crowd: int,
    users: int,
    calls: int,
) -> None:
    """What a claim and a commit cost as the store grows; memory by kind of job; worker and check.

    A store of a thousand jobs is measured beside the growing one, on a server of its own. The whole takes
    ten minutes or so, and 3 GB.
    """
    levels = tuple(level for level in (1_000, 10_000, 100_000, 1_000_000) if level <= most) or (most,)
    few = max(100, min(20_000, crowd))
    plan = SizePlan(levels, crowd, users, calls, few, few)
    report = Report("size", finished(machine(redis_url)), {"plan": plan})
    _study(report, size_study(plan, redis_url, small_url), json_path, plot_path)


@bench.command("decide")
@_written
@click.option("--repeats", type=_COUNT, default=2_000, show_default=True)
@click.option(
    "--observations", type=click.Path(path_type=Path, exists=True), help="Recorded errors, JSON lines."
)
def decide_command(
    *, json_path: Path | None, plot_path: Path | None, repeats: int, observations: Path | None
) -> None:
    """Microseconds of a decision, with classification."""
    report = Report("decide", finished(machine("")), {"repeats": repeats})
    for title, rows in decide_study(repeats, _rows(observations)):
        report.table(title, rows)
    report.write(json_path, plot_path)


def _rows(path: Path | None) -> list[Mapping[str, object]]:
    """Lines of the format of `reelstate classify`. Raises Trouble."""
    if path is None:
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise Trouble(f"{path} does not hold JSON lines ({error}).") from None


@bench.command("user")
@_written
@click.option(
    "--rounds", type=click.IntRange(1, 100), default=5, show_default=True, help="Videos that are bought."
)
@click.option(
    "--renders", type=_COUNT, default=4_000, show_default=True, help="Renders polled, in the mind only."
)
def user_command(*, json_path: Path | None, plot_path: Path | None, rounds: int, renders: int) -> None:
    """The user's time over HTTP on loopback: photo to accepted, success to chat, sending, polling."""
    report = Report("user", finished(machine("")), {"rounds": rounds})
    _study(report, user_study(rounds, renders), json_path, plot_path)


def _study(
    report: Report, tables: AsyncIterator[Table], json_path: Path | None, plot_path: Path | None
) -> None:
    """Show each table as soon as it is measured."""

    async def show() -> Any:
        async for title, rows in tables:
            report.table(title, rows)

    finished(show())
    report.write(json_path, plot_path)
