"""From submit to start: how soon an idle worker begins, ours and the peers', in turn.

One process submits now and then, another waits. A peer's job has begun when its function runs; ours when
its worker has it under a lease, and once more when the start is stored.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console

from bot.wiring.bench.bars import bars
from bot.wiring.bench.servers import ground
from engine.bench.summary import percentile, spread
from engine.bench.waking import start_latency
from tests.bench.contenders import PATIENCE_S, PEERS, Peer, go, running, told
from tests.bench.peers.environments import CannotInstall
from tests.bench.peers.frame import SEND, WORK

IDLE_PEERS: Final = tuple(peer for peer in PEERS if peer.extra in ((), ("8",)))
"""Each peer once: nobody waits for results, and an idle worker has threads enough."""
OURS: Final = ("reelstate, claimed", "reelstate, start stored")
WARM: Final = 5
"""Jobs that are not counted: whoever starts up is no idle worker yet."""
SETTLE_S: Final = 2.0


@dataclass(slots=True)
class Starts:
    """Milliseconds by contender, a list a round. `missing`: who could not be measured, and why."""

    rounds: dict[str, list[list[float]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def figures(self) -> dict[str, dict[str, float]]:
        """p50 and p99 by contender: medians of the rounds, soonest first."""
        found = {name: spread([_percentiles(ms) for ms in rounds]) for name, rounds in self.rounds.items()}
        flat = {name: {key: one.median for key, one in each.items()} for name, each in found.items()}
        return dict(sorted(flat.items(), key=lambda each: each[1]["p50_ms"]))


def _percentiles(late_ms: list[float]) -> dict[str, float]:
    return {"p50_ms": percentile(late_ms, 50), "p99_ms": percentile(late_ms, 99)}


async def compare_starts(console: Console, *, rounds: int, times: int, redis_url: str = "") -> Starts:
    """Everybody once, then everybody again."""
    found = Starts()
    for turn in range(rounds):
        async with ground(redis_url, "everysec") as url:
            ours = await start_latency(url, times + WARM, turn + 1)
        _note(console, found, turn, OURS[0], ours.claimed)
        _note(console, found, turn, OURS[1], ours.started)
        for peer in IDLE_PEERS:
            if peer.name in found.missing:
                continue
            try:
                command = await asyncio.to_thread(peer.command)
                late_ms = await starts_of(peer, command, redis_url, times + WARM)
            except (CannotInstall, RuntimeError, TimeoutError) as error:
                found.missing[peer.name] = str(error) or "it took too long"
                console.print(f"  {peer.name}: not measured: {found.missing[peer.name]}")
                continue
            _note(console, found, turn, peer.name, late_ms)
    return found


def _note(console: Console, found: Starts, turn: int, name: str, late_ms: list[float]) -> None:
    counted = late_ms[WARM:]
    found.rounds.setdefault(name, []).append(counted)
    told_ms = _percentiles(counted)
    console.print(
        f"  round {turn + 1}: {name}: p50 {told_ms['p50_ms']:.2f} ms, p99 {told_ms['p99_ms']:.2f} ms",
        soft_wrap=True,
    )


async def starts_of(peer: Peer, command: list[str], redis_url: str, times: int) -> list[float]:
    """One round of a peer. Raises RuntimeError with its last words when it fails."""
    extra = next(iter(peer.extra), "")
    async with (
        ground(redis_url, "everysec", port=True) as url,
        running(command, url, times, extra, WORK) as worker,
    ):
        go(worker)
        await asyncio.sleep(SETTLE_S)
        async with running(command, url, times, extra, SEND) as sender, asyncio.timeout(PATIENCE_S):
            await told(sender)
            late_ms: list[float] = (await told(worker))["late_ms"]
            await worker.wait()
    return late_ms


def show_starts(console: Console, found: Starts) -> None:
    """The figures and the ratios that carry over to other machines."""
    figures = found.figures()
    ours = figures[OURS[0]]
    for name, each in figures.items():
        ratio = (
            ""
            if name in OURS
            else f"; ours ÷ theirs {ours['p50_ms'] / each['p50_ms']:.2f}, "
            f"{ours['p99_ms'] / each['p99_ms']:.2f}"
        )
        console.print(
            f"{name}: from submit to start p50 {each['p50_ms']:.2f} ms, p99 {each['p99_ms']:.2f} ms{ratio}",
            soft_wrap=True,
        )


def written(found: Starts, here: dict[str, str]) -> tuple[str, str]:
    """What came of it as JSON and as a picture."""
    figures = found.figures()
    whole: dict[str, Any] = {"machine": here, "aof": "everysec", "figures": figures, "missing": found.missing}
    panels = {
        key.replace("_", " "): {name: each[key] for name, each in figures.items()}
        for key in ("p50_ms", "p99_ms")
    }
    foot = "AOF everysec; " + ", ".join(here.values())
    return json.dumps(whole, indent=1) + "\n", bars(
        "From submit to start, an idle worker", panels, list(OURS), foot
    )
