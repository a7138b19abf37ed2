"""`make bench`: everybody side by side, then our own figures; JSON and pictures below out/bench/."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bot.commands.bench_show import Report
from bot.wiring.bench.bars import bars
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
from bot.wiring.leaving import leave_in_order
from engine.bench.jobs import Plan
from engine.bench.summary import spread
from engine.logbook import open_logbook
from tests.bench.compare import Comparison, compare, show
from tests.bench.contenders import FIGURES, OURS
from tests.bench.starts import compare_starts, show_starts, written

WAYS: Final = {
    "one worker, everysec": (Plan(""), "everysec"),
    "one worker, always": (Plan(""), "always"),
    "two workers, everysec": (Plan("", processes=2), "everysec"),
    "two workers, two partitions": (Plan("", processes=2, partitions=2), "everysec"),
}
"""Our own runs that are compared with each other."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small counts, about three minutes")
    parser.add_argument("--redis", default="", help="an empty server to measure on")
    parser.add_argument("--beside", default="", help="with --redis: another empty server, for its size")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument(
        "--only", nargs="*", default=["peers", "starts", "ways", "idle", "size", "decide", "user"]
    )
    given = parser.parse_args()
    leave_in_order()
    open_logbook("ERROR")
    asyncio.run(_measure(given))


async def _measure(given: Any) -> None:
    here = await machine(given.redis)
    if "peers" in given.only:
        await _peers(given, here)
    if "starts" in given.only:
        await _starts(given, here)
    if "ways" in given.only:
        await _ways(given, here)
    for name, tables in _studies(given).items():
        if name in given.only:
            report = Report(name, here, {"quick": given.quick})
            async for title, rows in tables:
                report.table(title, rows)
            report.write(given.out / f"{name}.json", given.out / f"{name}.svg")


def _studies(given: Any) -> dict[str, AsyncIterator[Table]]:
    quick = given.quick
    idle = IdlePlan(60, 60, 100, 10.0, 5) if quick else IdlePlan()
    size = SizePlan((1_000, 10_000), 2_000, 500, 300, 2_000, 2_000) if quick else SizePlan()
    return {
        "idle": idle_study(idle, given.redis, "everysec"),
        "size": size_study(size, given.redis, given.beside),
        "decide": _decided(500 if quick else 3_000),
        "user": user_study(2 if quick else 10, 500 if quick else 4_000),
    }


async def _decided(repeats: int) -> AsyncIterator[Table]:
    for table in decide_study(repeats):
        yield table


# --- peers --------------------------------------------------------------------------------------


async def _peers(given: Any, here: dict[str, str]) -> None:
    console = Console(highlight=False)
    console.print("[bold]peers[/], measured on " + ", ".join(here.values()), soft_wrap=True)
    rounds, share = (1, 0.1) if given.quick else (5, 1.0)
    found = await compare(console, rounds=given.rounds or rounds, share=share, redis_url=given.redis)
    show(console, found)
    given.out.mkdir(parents=True, exist_ok=True)
    written = {"machine": here, "aof": "everysec", **found.written()}
    (given.out / "peers.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    (given.out / "peers.svg").write_text(picture(found, here), encoding="utf-8")


async def _starts(given: Any, here: dict[str, str]) -> None:
    console = Console(highlight=False)
    console.print("[bold]from submit to start[/], ours and theirs in turn")
    rounds, times = (1, 40) if given.quick else (3, 150)
    found = await compare_starts(console, rounds=given.rounds or rounds, times=times, redis_url=given.redis)
    show_starts(console, found)
    given.out.mkdir(parents=True, exist_ok=True)
    for name, text in zip(("starts.json", "starts.svg"), written(found, here), strict=True):
        (given.out / name).write_text(text, encoding="utf-8")


def picture(found: Comparison, here: dict[str, str]) -> str:
    """Jobs a second, CPU, reads and bytes of everybody."""
    panels = {figure.replace("_", " "): found.values(figure) for figure in FIGURES}
    foot = "AOF everysec; " + ", ".join(here.values())
    return bars("One worker process: whole jobs of ours, no-op jobs of the peers", panels, list(OURS), foot)


# --- our own ways -------------------------------------------------------------------------------


async def _ways(given: Any, here: dict[str, str]) -> None:
    """Durability, processes and the raw ceiling, in turn, so that all meet the same machine."""
    jobs, rounds = (500, 1) if given.quick else (4_000, 3)
    report = Report("ways", here, {"jobs": jobs})
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(given.rounds or rounds):
        for name, (plan, aof) in WAYS.items():
            result = await jobs_round(replace(plan, jobs=jobs), given.redis, aof)
            found.setdefault(name, []).append(result.figures())
            report.line(found[name][-1], ("jobs_per_s", "cpu_us_per_job", "server_busy"), name)
        async for _, how, replayed in raw_rounds(jobs // 2, jobs // 4, 1, given.redis, "everysec"):
            name = f"raw ceiling, {how}"
            found.setdefault(name, []).append(replayed.figures())
            report.line(found[name][-1], ("jobs_per_s", "server_busy"), name)
    rates = {name: spread(figures)["jobs_per_s"].median for name, figures in found.items()}
    report.table("jobs a second", rates)
    one, ceiling = (
        rates["one worker, everysec"],
        max(rates["raw ceiling, batched"], rates["raw ceiling, single"]),
    )
    two = max(rates["two workers, everysec"], rates["two workers, two partitions"])
    report.table(
        "ratios",
        {
            "always ÷ everysec": rates["one worker, always"] / one,
            "two workers ÷ one": two / one,
            "ours ÷ raw ceiling": one / ceiling,
        },
    )
    report.figures(spread(found["one worker, everysec"]), "one worker, everysec: median")
    report.write(given.out / "ways.json", given.out / "ways.svg")


if __name__ == "__main__":
    main()
