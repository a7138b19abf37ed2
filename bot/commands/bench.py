"""`reelstate bench`: what the engine does in a second, what it costs, and how that compares."""

from pathlib import Path
from typing import Any, Final

import click

from bot.commands.bench_show import Report
from bot.wiring.bench.machine import machine
from bot.wiring.bench.rounds import jobs_round
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


def _top(counts: Any, most: int = 16) -> list[tuple[str, float]]:
    return sorted(((k, n) for k, n in counts.items() if n), key=lambda each: -each[1])[:most]
