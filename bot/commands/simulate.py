"""`reelstate simulate`: seeded worlds full of trouble, in which the promises must hold."""

import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.wiring.running import Trouble
from bot.wiring.simulation.coverage import reached
from bot.wiring.simulation.plants import NOTHING, PLANTS
from bot.wiring.simulation.play import Played, play_many, server
from bot.wiring.simulation.shrink import shrink
from bot.wiring.simulation.world import Plan

_COUNT: Final = click.IntRange(1)
SAY_S: Final = 60.0
"""How often a run without a terminal says how far it has come."""


@dataclass(slots=True)
class _Total:
    """What all worlds together came to."""

    seeds: int = 0
    steps: int = 0
    looks: int = 0
    virtual_s: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    last: Played | None = None

    def add(self, played: Played) -> None:
        self.seeds += 1
        self.last = played
        self.steps += played.steps
        self.looks += played.looks
        self.virtual_s += played.virtual_s
        self.faults.update(played.faults.values())
        self.ends.update(played.ends)
        self.seen.update(played.seen)


@click.command("simulate")
@click.option("--seed", type=click.IntRange(0), help="First seed; a fresh one when left out (it is printed).")
@click.option("--steps", type=_COUNT, default=2000, show_default=True, help="Trouble lasts so many steps.")
@click.option("--jobs", type=_COUNT, default=16, show_default=True, help="Launches in a world.")
@click.option("--seeds", type=_COUNT, default=1, show_default=True, help="So many worlds, seed by seed.")
@click.option("--total", type=_COUNT, help="Go on with more seeds until so many steps are made.")
@click.option("--workers", type=_COUNT, default=1, show_default=True, help="Play so many worlds at a time.")
@click.option("--shrink-s", type=float, default=60.0, show_default=True, help="Seconds spent on shrinking.")
@click.option("--plant", type=click.Choice(sorted(PLANTS)), help="Plant a bug, to see that it is found.")
@click.option("--coverage", is_flag=True, help="Print how often each edge, row, notice and verb was used.")
@click.option("--trace", is_flag=True, help="Print what happened to each job (of a single world).")
def simulate(  # noqa: PLR0913 - its options, each by its name
    *,
    seed: int | None,
    steps: int,
    jobs: int,
    seeds: int,
    total: int | None,
    workers: int,
    shrink_s: float,
    plant: str | None,
    coverage: bool,
    trace: bool,
) -> None:
    """Play whole worlds (engine, workers, bot, provider, Telegram) on a virtual clock, and check them.

    The same seed gives the same histories to the byte. A seed that breaks a promise is shrunk to the few
    faults that matter; exit code 1.
    """
    first = secrets.randbelow(1_000_000_000) if seed is None else seed
    console = Console(highlight=False)
    last = first + seeds - 1
    console.print(f"seeds {first}..{'' if total else last}, {jobs} launches each")
    bug, told = PLANTS.get(plant or "", NOTHING), trace and seeds == 1
    plans = (
        Plan(number, steps, jobs, plant=bug, told=told)
        for number in (count(first) if total else range(first, last + 1))
    )
    made, found = _play_all(console, plans, workers, seeds, total or 0)
    if coverage:
        console.print(_used(made.seen))
    if found is not None and found.violation is not None:
        with server() as wire:
            short = shrink(found, wire, until_s=time.monotonic() + shrink_s)
        _explain(console, found, short)
        sys.exit(1)
    if told and made.last is not None:
        console.print(escape("\n".join(made.last.story)), soft_wrap=True)


def _play_all(
    console: Console, plans: Iterable[Plan], workers: int, seeds: int, steps: int
) -> tuple[_Total, Played | None]:
    """So many worlds and so many steps at least, or those up to the first violation."""
    total, began, found = _Total(), time.monotonic(), None
    try:
        with _bar(console) as bar, closing(play_many(plans, workers)) as worlds:
            task = bar.add_task("worlds", total=None if steps else seeds)
            said = began
            for played in worlds:
                total.add(played)
                bar.advance(task)
                if not console.is_terminal and time.monotonic() - said > SAY_S:
                    said = time.monotonic()
                    console.print(f"{total.seeds} worlds, {total.steps} steps so far")
                if played.violation is not None:
                    found = played
                if found or (total.seeds >= seeds and total.steps >= steps):
                    break
    finally:  # a run that is broken off has shown something too
        _summary(console, total, time.monotonic() - began)
    if total.seeds == 1 and total.last is not None:
        console.print(f"digest {total.last.digest}")
    return total, found


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _summary(console: Console, total: _Total, took_s: float) -> None:
    rate = total.steps / max(took_s, 0.001) * 60
    console.print(
        f"{total.seeds} worlds, {total.steps} steps ({rate:,.0f} a minute), {total.looks} idle looks,"
        f" {total.virtual_s / 3600:.1f} virtual hours in {took_s:.1f} s"
    )
    console.print("ends: " + ", ".join(f"{state} {n}" for state, n in sorted(total.ends.items())))
    table = Table("fault", "times", box=None, pad_edge=False)
    for kind, n in sorted(total.faults.items()):
        table.add_row(str(kind), str(n))
    console.print(table)
    for part in reached(total.seen):
        missing = f"; never: {', '.join(part.missing)}" if part.missing else ""
        excused = f"; not asked for: {', '.join(part.excused)}" if part.excused else ""
        console.print(f"{part.kind}s {part.reached} of {part.wanted}{escape(missing + excused)}")


def _used(seen: Counter[str]) -> Table:
    table = Table("exercised", "times", box=None, pad_edge=False)
    for name, n in sorted(seen.items()):
        table.add_row(escape(name), str(n))
    return table


def _explain(console: Console, found: Played, short: Played) -> None:
    violation = short.violation or found.violation
    if violation is None:
        raise Trouble("the violation did not come again: the simulator is not deterministic, report it")
    console.print(f'\n[bold red]VIOLATION[/] of "{violation.invariant}" with seed {found.plan.seed}')
    console.print(escape(violation.text))
    console.print(
        f"step {violation.step}, {violation.at_s:.2f} virtual s; shrunk from {len(found.faults)} faults to:"
    )
    for fault in short.faults:
        console.print(f"  {escape(fault)}")
    console.print(f"and {short.plan.jobs} launches. What happened:")
    for line in short.story:
        console.print(f"  {escape(line)}")
