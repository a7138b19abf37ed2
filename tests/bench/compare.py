"""Interleaved rounds of everybody, medians, ratios."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.commands.bench_show import number
from engine.bench.summary import Spread, spread
from tests.bench.contenders import FIGURES, OURS, PEERS, Peer, run_ours, run_peer
from tests.bench.peers.environments import CannotInstall, versions

Rounds = dict[str, list[dict[str, float]]]


@dataclass(slots=True)
class Comparison:
    """What came of it. `missing`: peers that could not be measured, and why."""

    rounds: Rounds = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def medians(self) -> dict[str, dict[str, Spread]]:
        """By contender and figure."""
        return {name: spread(rounds) for name, rounds in self.rounds.items()}

    def values(self, figure: str) -> dict[str, float]:
        """One figure of all, best first (most jobs, or least of what is paid)."""
        found = {name: spreads[figure].median for name, spreads in self.medians.items()}
        up = figure.endswith("per_s")
        return dict(sorted(found.items(), key=lambda each: -each[1] if up else each[1]))

    def best_python_peer(self) -> str:
        """The Python peer with the most jobs a second."""
        peers = {
            name: n
            for name, n in self.values("jobs_per_s").items()
            if name not in OURS and "Node" not in name
        }
        return next(iter(peers))

    def ratios(self, name: str) -> dict[str, float]:
        """How often the contender's jobs/s the whole job of ours is, and how much of its CPU it takes."""
        ours, theirs = self.medians["reelstate, whole job"], self.medians[name]
        return {f: ours[f].median / max(theirs[f].median, 1e-9) for f in ("jobs_per_s", "cpu_us_per_job")}

    def written(self) -> dict[str, Any]:
        """For the JSON file."""
        return {"rounds": self.rounds, "versions": self.versions, "missing": self.missing}


async def compare(
    console: Console, *, rounds: int, share: float, redis_url: str = "", aof: str = "everysec"
) -> Comparison:
    """Everybody once, then everybody again, so that what the machine does meanwhile meets all alike."""
    found = Comparison()
    commands = {peer.name: command for peer in PEERS if (command := await _installed(console, peer, found))}
    for turn in range(rounds):
        for name, plan in OURS.items():
            smaller = replace(
                plan, jobs=max(100, round(plan.jobs * share)), users=max(50, round(plan.users * share))
            )
            _note(console, found, turn, name, await run_ours(smaller, redis_url, aof))
        for peer in PEERS:
            if peer.name not in commands or peer.name in found.missing:
                continue
            try:
                figures = await run_peer(peer, commands[peer.name], redis_url, aof, share)
            except (RuntimeError, TimeoutError) as error:
                found.missing[peer.name] = f"it could not be measured: {error}"
                console.print(f"  {peer.name}: {found.missing[peer.name]}")
                continue
            _note(console, found, turn, peer.name, figures)
    return found


async def _installed(console: Console, peer: Peer, found: Comparison) -> list[str] | None:
    try:
        command = await asyncio.to_thread(peer.command)
        found.versions[peer.name] = await asyncio.to_thread(versions, command)
    except CannotInstall as error:
        found.missing[peer.name] = f"it cannot be installed: {error}"
        console.print(f"  {peer.name}: {found.missing[peer.name]}")
        return None
    return command


def _note(console: Console, found: Comparison, turn: int, name: str, figures: Mapping[str, float]) -> None:
    found.rounds.setdefault(name, []).append(dict(figures))
    console.print(f"  round {turn + 1}: {name}: {number(figures['jobs_per_s'])} jobs/s", soft_wrap=True)


def show(console: Console, found: Comparison) -> None:
    """The table, and the ratios that carry over to other machines."""
    table = Table("one worker process", *FIGURES, "enqueue_per_s", "server_busy", box=None, pad_edge=False)
    medians = found.medians
    for name in found.values("jobs_per_s"):
        cells = [medians[name].get(figure) for figure in (*FIGURES, "enqueue_per_s", "server_busy")]
        table.add_row(name, *(number(cell.median) if cell else "–" for cell in cells))
    console.print(table)
    for name in found.rounds:
        if name not in OURS:
            ratio = found.ratios(name)
            console.print(
                f"whole jobs of ours ÷ no-op jobs of {name}: {ratio['jobs_per_s']:.2f} × the jobs/s, "
                f"{ratio['cpu_us_per_job']:.2f} × the CPU a job",
                soft_wrap=True,
            )
    for name, why in found.missing.items():
        console.print(f"not measured: {name}: {why}", soft_wrap=True)
