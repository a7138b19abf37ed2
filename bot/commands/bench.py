"""`reelstate bench`: what the engine does in a second, what it costs, and how that compares."""

from pathlib import Path
from typing import Any, Final

import click

from bot.commands.bench_show import Report
from bot.wiring.bench.machine import machine
from bot.wiring.bench.rounds import jobs_round, raw_rounds
from bot.wiring.running import finished
from engine.bench.jobs import Plan
from engine.bench.summary import spread

_COUNT: Final = click.IntRange(1, 1_000_000)


def common(command: Any) -> Any:
    """The options every measurement has."""
    options = (
        click.option("--redis", "redis_url", default="", help="Measure on this (empty) server, not on an own one."),
        click.option(
            "--aof",
            type=click.Choice(["everysec", "always", "no"]),
            default="everysec",
            show_default=True,
            help="When the append-only file reaches the disk.",
        ),
        click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the results there."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group("bench")
def bench() -> None:
    """Measure the engine on this machine. Only ratios of one run carry over to another machine."""


@bench.command("jobs")
@common
@click.option("--jobs", type=_COUNT, default=3_000, show_default=True, help="Jobs in a round.")
@click.option("--users", type=_COUNT, default=1_000, show_default=True)
@click.option("--concurrency", type=_COUNT, default=256, show_default=True, help="Jobs in flight a process.")
@click.option("--workers", type=click.IntRange(1, 32), default=1, show_default=True, help="Worker processes.")
@click.option("--partitions", type=click.IntRange(1, 16), default=1, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 50), default=3, show_default=True)
@click.option("--drain", is_flag=True, help="Submit first, time the rest: what queues call jobs a second.")
def jobs_command(
    *,
    redis_url: str,
    aof: str,
    json_path: Path | None,
    jobs: int,
    users: int,
    concurrency: int,
    workers: int,
    partitions: int,
    rounds: int,
    drain: bool,
) -> None:
    """Whole jobs a second: submit, generate, send, capture, history, outbox; provider and chat are instant."""
    plan = Plan("", jobs, users, concurrency, workers, partitions, drain)
    report = Report("jobs", finished(machine(redis_url)), {"aof": aof, "plan": plan})
    results = []
    for _ in range(rounds):
        results.append(finished(jobs_round(plan, redis_url, aof)))
        report.line(results[-1].figures(), ("jobs_per_s", "transitions_per_s", "cpu_us_per_job", "server_busy"))
    report.figures(spread([result.figures() for result in results]))
    last = results[-1]
    report.table("what happened", {"transitions": last.edges, "notices": last.told, **last.other})
    report.table("bytes left per job, by kind of key", last.left.bytes_per_job)
    report.table("keys left per job", last.left.keys_per_job)
    report.table("commands per job", {k: n / jobs for k, n in _top(last.server.calls)})
    report.table("microseconds per job in the server", {k: n / jobs for k, n in _top(last.server.usec)})
    report.write(json_path)


@bench.command("raw")
@common
@click.option("--jobs", type=_COUNT, default=2_000, show_default=True, help="Jobs that are recorded.")
@click.option("--users", type=_COUNT, default=500, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 50), default=3, show_default=True)
def raw_command(
    *, redis_url: str, aof: str, json_path: Path | None, jobs: int, users: int, rounds: int
) -> None:
    """The ceiling of our own scripts: the calls of a real run sent again, without the engine."""
    report = Report("raw", finished(machine(redis_url)), {"aof": aof, "jobs": jobs, "users": users})
    found = finished(_raw(report, jobs, users, rounds, redis_url, aof))
    for how, measured in found.items():
        report.figures(spread(measured), f"median {how}")
    report.write(json_path)


async def _raw(
    report: Report, jobs: int, users: int, rounds: int, redis_url: str, aof: str
) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {}
    async for recording, how, replayed in raw_rounds(jobs, users, rounds, redis_url, aof):
        if not found:
            report.table("calls per job", {verb: n / jobs for verb, n in recording.verbs.most_common()})
        figures = replayed.figures()
        found.setdefault(how, []).append(figures)
        report.line(figures, ("jobs_per_s", "transitions_per_s", "script_us_per_transition", "server_busy"), how)
    return found


def _top(counts: Any, most: int = 16) -> list[tuple[str, float]]:
    return sorted(((k, n) for k, n in counts.items() if n), key=lambda each: -each[1])[:most]
