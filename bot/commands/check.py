"""`reelstate check`: proves the books, histories, lines and queues of a store. Changes nothing by itself."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.commands.counting import Show, counting
from bot.settings import load_settings
from bot.wiring.app import open_engine
from bot.wiring.proving import copied_store, dumped_store, live_store
from bot.wiring.running import Trouble, finished
from engine.check.dump import Dumped, write_dump
from engine.check.reading import StoreReader
from engine.check.rules import RULES
from engine.check.sweep import Progress as Swept
from engine.check.sweep import check_store
from engine.check.values import Finding, Report
from engine.ports import Alert
from states.vocabulary import AlertKind

ROWS_MAX: Final = 100
"""Findings shown in the table; `--json` shows all."""
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_DIR: Final = click.Path(path_type=Path, file_okay=False)


@dataclass(frozen=True, slots=True)
class _Judged:
    report: Report
    moved: bool = False
    aside: tuple[str, ...] = ()


@click.command("check")
@click.option("--users", type=click.IntRange(1), metavar="N", help="Prove only a sample of N users.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: each finding, then the summary.")
@click.option("--dump", type=_FILE, metavar="FILE", help="Check a dump that --write-dump made.")
@click.option("--data-dir", type=_DIR, metavar="DIR", help="Check a copy of a server's data directory.")
@click.option(
    "--write-dump", type=_FILE, metavar="FILE", help="Only write all keys to FILE (.gz). Holds users' data!"
)
@click.option(
    "--quarantine/--fix-nothing",
    default=False,
    help="Set damaged live jobs aside and alert the admin chat, or only tell (default).",
)
def check(
    users: int | None,
    dump: Path | None,
    data_dir: Path | None,
    write_dump: Path | None,
    *,
    as_json: bool,
    quarantine: bool,
) -> None:
    """Prove every invariant of a store; it may be in use meanwhile.

    Exit code 0: nothing broken, 1: findings, 2: could not judge.
    """
    if sum(option is not None for option in (dump, data_dir, write_dump)) > 1:
        raise Trouble("Give one of --dump, --data-dir and --write-dump.")
    if quarantine and (dump or data_dir or write_dump):
        raise Trouble("--quarantine works on the live store only.")
    with counting() as show:
        if write_dump is not None:
            dumped = finished(_write(write_dump, show))
            click.echo(_said(write_dump, dumped))
            return
        judged = finished(_judge(users, dump, data_dir, show, quarantine=quarantine))
    (_print_json if as_json else _print)(judged)
    if not judged.report.clean:
        raise SystemExit(2 if judged.moved else 1)


# --- what it does -----------------------------------------------------------------------------------


async def _judge(
    users: int | None, dump: Path | None, data_dir: Path | None, show: Show, *, quarantine: bool
) -> _Judged:
    async with _place(dump, data_dir, show) as (url, moved), await StoreReader.open(url) as reader:
        report = await check_store(reader, users=users, watch=lambda swept: _tell(show, swept))
    aside = await _set_aside(report) if quarantine else ()
    return _Judged(report, moved, aside)


@asynccontextmanager
async def _place(dump: Path | None, data_dir: Path | None, show: Show) -> AsyncIterator[tuple[str, bool]]:
    """The address of the store to prove, and whether its pieces may not fit together."""
    if dump is not None:
        async with dumped_store(dump, lambda keys: show(keys, 0, "keys loaded")) as (url, dumped):
            yield url, dumped.moved
    elif data_dir is not None:
        with copied_store(data_dir) as url:
            yield url, False
    else:
        async with live_store(load_settings()) as url:
            yield url, False


async def _write(path: Path, show: Show) -> Dumped:
    async with live_store(load_settings()) as url, await StoreReader.open(url) as reader:
        total = await reader.size()
        try:
            return await write_dump(reader, path, lambda keys: show(keys, total, "keys written"))
        except OSError as error:
            raise Trouble(f"Cannot write {path}: {error.strerror or error}.") from error


async def _set_aside(report: Report) -> tuple[str, ...]:
    """Quarantine the live jobs of findings; each is told to the operator once."""
    damaged: dict[str, Finding] = {}
    for finding in report.findings:
        if finding.job:
            damaged.setdefault(finding.job, finding)
    done = []
    if damaged:
        async with open_engine(load_settings()) as engine:
            for job, finding in damaged.items():
                if await engine.store.quarantine(job, f"{finding.rule}: {finding.what}") is None:
                    text = f"{finding.rule}: {finding.what}; the job was set aside"
                    await engine.alert(
                        Alert(f"quarantine:{finding.rule}", AlertKind.INCIDENT.value, text, job)
                    )
                    done.append(job)
    return tuple(done)


# --- what it shows ----------------------------------------------------------------------------------


def _tell(show: Show, swept: Swept) -> None:
    show(swept.keys, swept.total, f"keys, {swept.users:,} users, {swept.jobs:,} jobs")


def _said(path: Path, dumped: Dumped) -> str:
    warning = "; the store was in use, so its pieces may not fit together" if dumped.moved else ""
    return f"{path}: {dumped.keys:,} keys{warning}"


def _print_json(judged: _Judged) -> None:
    for finding in judged.report.findings:
        click.echo(json.dumps(asdict(finding) | {"rule_says": RULES[finding.rule]}, ensure_ascii=False))
    summary = judged.report.as_dict() | {"dump_moved": judged.moved, "set_aside": judged.aside}
    click.echo(json.dumps(summary, ensure_ascii=False))


def _print(judged: _Judged) -> None:
    report, console = judged.report, Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    if report.findings:
        console.print(_table(report))
    if len(report.findings) > ROWS_MAX:
        console.print(f"… and {len(report.findings) - ROWS_MAX:,} more: --json shows them")
    for note in report.notes:
        console.print(f"[dim]not proved: {escape(note)}[/]")
    if judged.moved and not report.clean:
        console.print("[yellow]The store was in use while it was dumped: these may be no damage.[/]")
    for job in judged.aside:
        console.print(f"set aside: {job}")
    rate = (report.users + report.jobs) / report.seconds if report.seconds else 0
    sample = " (a sample)" if report.partial else ""
    looked = (
        f"{report.users:,} users{sample}, {report.jobs:,} jobs, {report.entries:,} ledger rows and history "
        f"records, {report.keys:,} keys in {report.seconds:.1f} s ({rate:,.0f} users and jobs a second)"
    )
    found = f"{len(report.findings):,}{' or more' if report.cut else ''}"
    verdict = "[green]nothing broken[/]" if report.clean else f"[bold red]{found} broken[/]"
    console.print(f"{verdict}: {looked}")


def _table(report: Report) -> Table:
    table = Table("rule", "where", "what", "expected", "found", box=None, pad_edge=False)
    for finding in report.findings[:ROWS_MAX]:
        user = f"user {finding.user}" if finding.user else ""
        where = " ".join(filter(None, (finding.job or user, finding.entry)))
        cells = (finding.rule, where, finding.what, finding.expected, finding.found)
        table.add_row(*(escape(cell) for cell in cells))
    return table
