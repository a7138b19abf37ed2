"""`reelstate log`: jobs' histories exported, followed, proved, measured and made into tests."""

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Final

import click
from rich.markup import escape
from rich.table import Table

from bot.commands.log_parts import (
    GRAPHS,
    LOGS,
    OUT,
    PACE,
    all_lines,
    console,
    graph_from,
    one_sentence,
    shelf,
)
from bot.commands.replay import replayed, show_report
from bot.trouble import Trouble
from engine.replay.changes import changed, parse_changes
from engine.replay.cover import Coverage, coverage
from engine.replay.graphs import Shelf
from engine.replay.reading import line_of, read_records, writing
from engine.replay.replayer import Replayer
from engine.replay.shrink import Failing, fails_alike, finding_of, moves_alike, shrunk
from engine.replay.totest import test_module
from engine.replay.values import Record, ReplayError
from engine.replay.whatif import by_strategy
from engine.replay.xes import xes
from states.graph import GRAPH

_STORE: Final = ("export", "tail")


class _Group(click.Group):
    """Loads what opens a store when asked for: a proof of a file needs neither bot nor driver."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_STORE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _STORE:
            found: click.Command = getattr(import_module("bot.commands.log_store"), cmd_name)
            return found
        return super().get_command(ctx, cmd_name)


@click.group("log", cls=_Group)
def log() -> None:
    """Work with logs of jobs: JSON lines, plain or gzipped."""


@log.command("verify")
@LOGS
@GRAPHS
@click.option("--show", default=10, show_default=True, type=click.IntRange(0), help="Findings to print.")
@PACE
def verify(logs: tuple[str, ...], folders: tuple[str, ...], show: int, *, pace: bool) -> None:
    """Prove a log: whole, legal, in order, and every move what its graph decides from its inputs.

    Exit code 0: sound; 1: something differs; 2: something is missing or cannot be judged.
    """
    with one_sentence():
        report = replayed(shelf(folders), logs, pace=pace)
        show_report(console(), report, show)
    raise SystemExit(report.exit_code)


@log.command("cover")
@LOGS
@click.option("--graph", metavar="FILE|REV", help="Measure against this graph instead of today's.")
@click.option(
    "--gate", type=click.FloatRange(0, 100), help="Exit code 1 below so many percent of reachable edges."
)
@click.option("--json", "as_json", is_flag=True, help="The numbers as JSON.")
def cover(logs: tuple[str, ...], graph: str | None, gate: float | None, *, as_json: bool) -> None:
    """Which edges the log has taken, which it has missed, and which nothing can take (with the reason)."""
    with one_sentence():
        found = coverage(read_records(all_lines(logs)), graph_from(graph) if graph else GRAPH)
        click.echo(_as_json(found)) if as_json else _show_coverage(found)
    if gate is not None and found.percent < gate:
        raise SystemExit(1)


def _as_json(found: Coverage) -> str:
    return json.dumps(
        {
            "percent": round(found.percent, 2),
            "fired": dict(found.fired),
            "missed": list(found.missed),
            "unreachable": dict(found.unreachable),
            "foreign": dict(found.foreign),
            "pairs": [found.pairs, found.pairs_reachable],
        }
    )


def _show_coverage(found: Coverage) -> None:
    out, table = console(), Table("edge", "taken")
    for edge, count in found.fired.items():
        table.add_row(escape(edge), str(count))
    for edge in found.missed:
        table.add_row(f"[yellow]{escape(edge)}[/]", "[yellow]never[/]")
    for edge, why in found.unreachable.items():
        table.add_row(f"[dim]{escape(edge)}[/]", f"[dim]unreachable: {escape(why)}[/]")
    out.print(table)
    out.print(
        f"{len(found.fired)} of {found.reachable} reachable edges ({found.percent:.1f} %), "
        f"{found.pairs} of {found.pairs_reachable} pairs, {len(found.unreachable)} unreachable"
    )
    for edge, count in found.foreign.items():
        out.print(f"  not of this graph: {escape(edge)} ({count})")


@log.command("xes")
@LOGS
@OUT
def to_xes(logs: tuple[str, ...], out: str) -> None:
    """Write the log as XES, for process mining: a trace a job, an event a transition."""
    with one_sentence(), writing(out) as target:
        for text in xes(read_records(all_lines(logs))):
            target.write(text.encode())


@log.command("to-test")
@LOGS
@OUT
@click.option(
    "--job", "job_id", default="", metavar="ID", help="The job; may be left out when the log holds one."
)
@click.option("--name", default="", help="Name of the test; the job's id by default.")
def to_test(logs: tuple[str, ...], out: str, job_id: str, name: str) -> None:
    """Make one recorded job into a pytest module that replays it. Job ids are hidden."""
    with one_sentence(), writing(out) as target:
        rows = _of_job(logs, job_id)
        target.write(test_module(rows, name or f"job_{rows[0]['job']}").encode())


@log.command("shrink")
@LOGS
@OUT
@GRAPHS
@click.option(
    "--job", "job_id", default="", metavar="ID", help="The job; the log's first finding by default."
)
@click.option(
    "--what-if", "changes", default="", metavar="CHANGES", help="Keep what this changed policy moves."
)
def shrink(logs: tuple[str, ...], out: str, folders: tuple[str, ...], job_id: str, changes: str) -> None:
    """Make a finding small: the fewest records of one job that still show it."""
    with one_sentence():
        known = shelf(folders)
        rows = _of_job(logs, job_id or _first_finding(logs, known, changes))
        failing = _failing(rows, known, changes)
        small = shrunk(rows, failing)
        with writing(out) as target:
            for row in small:
                target.write(line_of(row))
    click.echo(f"{len(small)} of {len(rows)} records still show it", err=True)


def _first_finding(logs: Sequence[str], known: Shelf, changes: str) -> str:
    if changes:
        return ""
    replayer = Replayer(known)
    replayer.feed(all_lines(logs))
    found = next((f.job for f in replayer.finish().findings if f.job), None)
    if found is None:
        raise ReplayError("Nothing in the log differs: there is nothing to shrink.")
    return found


def _failing(rows: Sequence[Record], known: Shelf, changes: str) -> Failing:
    if changes:
        wanted = parse_changes(changes)
        failing = moves_alike(by_strategy(lambda strategy: changed(strategy, wanted)), known)
        if not failing(rows):
            raise ReplayError("The changed policy does not move this job: name another with --job.")
        return failing
    found = finding_of(rows, known)
    if found is None:
        raise ReplayError("Nothing in this job's records differs: there is nothing to shrink.")
    return fails_alike(found.kind, known)


def _of_job(logs: Sequence[str], job_id: str) -> list[Record]:
    """The records of one job. Raises Trouble when the log holds several and none was named."""
    rows: list[Record] = []
    for row in _only(read_records(all_lines(logs)), job_id):
        if rows and row["job"] != rows[0]["job"]:
            raise Trouble("The log holds several jobs: name one with --job.")
        rows.append(row)
    if not rows:
        raise Trouble(f"The log has no records of job {job_id}." if job_id else "The log has no records.")
    return rows


def _only(rows: Iterator[Record], job_id: str) -> Iterator[Record]:
    return (row for row in rows if not job_id or row.get("job") == job_id)
