"""`make bench`: everybody side by side, then our own figures; JSON and pictures below out/bench/."""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from bot.wiring.bench.bars import bars
from bot.wiring.bench.machine import machine
from tests.bench.compare import Comparison, compare, show
from tests.bench.contenders import FIGURES, OURS


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small round, about three minutes")
    parser.add_argument("--redis", default="", help="an empty server to measure on")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    given = parser.parse_args()
    asyncio.run(_measure(given))


async def _measure(given: Any) -> None:
    console = Console(highlight=False)
    here = await machine(given.redis)
    console.print("measured on " + ", ".join(here.values()), soft_wrap=True)
    rounds, share = (1, 0.2) if given.quick else (5, 1.0)
    found = await compare(console, rounds=given.rounds or rounds, share=share, redis_url=given.redis)
    show(console, found)
    given.out.mkdir(parents=True, exist_ok=True)
    written = {"machine": here, "aof": "everysec", **found.written()}
    (given.out / "peers.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    (given.out / "peers.svg").write_text(picture(found, here), encoding="utf-8")
    console.print(f"written to {given.out}")


def picture(found: Comparison, here: dict[str, str]) -> str:
    """Jobs a second, CPU, reads and bytes of everybody."""
    panels = {figure.replace("_", " "): found.values(figure) for figure in FIGURES}
    foot = "AOF everysec; " + ", ".join(here.values())
    return bars("One worker process: whole jobs of ours, no-op jobs of the peers", panels, list(OURS), foot)


if __name__ == "__main__":
    main()
