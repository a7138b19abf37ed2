"""`reelstate simulate`: seeded worlds full of trouble, in which the promises must hold."""

import secrets
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.wiring.running import Trouble
from bot.wiring.simulation.plants import NOTHING, PLANTS
from bot.wiring.simulation.play import Played, play, server
from bot.wiring.simulation.shrink import shrink
from bot.wiring.simulation.world import Plan


@dataclass(slots=True)
class _Total:
    """What all worlds together came to."""

    seeds: int = 0
    steps: int = 0
    looks: int = 0
    virtual_s: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    def add(self, played: Played) -> None:
        self.seeds += 1
        self.steps += played.steps
        self.looks += played.looks
        self.virtual_s += played.virtual_s
        self.faults.update(played.faults.values())
        self.ends.update(played.ends)


@click.command("simulate")
@click.option("--seed", type=int, help="First seed; a fresh one when left out (it is printed).")
@click.option(
    "--steps", type=click.IntRange(1), default=2000, show_default=True, help="Trouble lasts so many steps."
)
@click.option("--jobs", type=click.IntRange(1), default=12, show_default=True, help="Launches in a world.")
@click.option(
    "--seeds", type=click.IntRange(1), default=1, show_default=True, help="So many worlds, seed by seed."
)
@click.option("--plant", type=click.Choice(sorted(PLANTS)), help="Plant a bug, to see that it is found.")
@click.option("--trace", is_flag=True, help="Print what happened to each job.")
def simulate(seed: int | None, steps: int, jobs: int, seeds: int, plant: str | None, trace: bool) -> None:  # noqa: FBT001 - click hands options in
    """Play whole worlds (engine, workers, bot, provider, Telegram) on a virtual clock, and check them.

    The same seed gives the same histories to the byte. A seed that breaks a promise is shrunk to the few
    faults that matter; exit code 1.
    """
    first = secrets.randbelow(1_000_000_000) if seed is None else seed
    console = Console(highlight=False)
    console.print(f"seeds {first}..{first + seeds - 1}, {jobs} launches each")
    total, began = _Total(), time.monotonic()
    with server() as wire, _bar(console) as bar:
        task = bar.add_task("worlds", total=seeds)
        for number in range(first, first + seeds):
            played = play(Plan(number, steps, jobs, plant=PLANTS.get(plant or "", NOTHING)), wire)
            total.add(played)
            bar.advance(task)
            if played.violation is not None:
                bar.stop()
                _summary(console, total, time.monotonic() - began)
                _explain(console, played, shrink(played, wire))
                sys.exit(1)
        if seeds == 1:
            console.print(f"digest {played.digest}")
            if trace:
                console.print(escape("\n".join(played.story)))
    _summary(console, total, time.monotonic() - began)


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
