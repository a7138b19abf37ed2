"""The soak's command line: `python -m tests.soak --minutes 30 --users 1000 --rate 0.9 --out out/soak`."""

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.wiring.leaving import leave_in_order
from engine.connection import Connection
from engine.ending import ended
from states.vocabulary import TERMINALS
from tests.leaks import leaked_keys
from tests.soak.gauges import EVERY_S, Gauges, Sample
from tests.soak.people import STORY_S, People
from tests.soak.plots import picture
from tests.soak.process import KEEP_S
from tests.soak.town import Town, town
from tests.soak.trouble import Trouble
from tests.soak.verdict import figures, grown, left_behind, sentences

FACTOR: Final = 20.0
"""How fast the installation's clock runs: a render takes seconds, a five-minute retry fifteen."""
DRAIN_S: Final = 240.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for."""

    minutes: float
    users: int
    rate: float
    seed: int
    out: Path


@dataclass(slots=True)
class Soak:
    """One soak as it goes."""

    plan: Plan
    town: Town
    people: People
    trouble: Trouble
    gauges: Gauges
    problems: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Arrivals, launches and trouble; then rest, and a look at what stayed."""
        until = time.monotonic() + self.plan.minutes * 60
        works = (self._arrive(), self._launch(), self._measure(), self.trouble.rain(), self.trouble.storm())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            while time.monotonic() < until:
                await _first(asyncio.sleep(min(5.0, max(0.1, until - time.monotonic()))), tasks)
                self._prune()
        finally:
            await ended(*tasks)
        say("no more launches, faults are lifted; waiting for every story to end")
        self.town.faults.clear()
        await self._rest()

    async def _arrive(self) -> None:
        gap = min(120.0, self.plan.minutes * 60 * 0.2) / self.plan.users
        coming: set[asyncio.Task[None]] = set()
        for number in range(self.plan.users):
            task = asyncio.create_task(self.people.arrive(number))
            coming.add(task)
            task.add_done_callback(coming.discard)
            await asyncio.sleep(gap)
        await asyncio.gather(*coming)
        await asyncio.Event().wait()

    async def _launch(self) -> None:
        while True:
            await asyncio.sleep(self.town.rng.expovariate(self.plan.rate))
            self.people.begin()

    async def _measure(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            sample = await self.gauges.look()
            if dead := self.town.dead():
                self.problems.append(f"{', '.join(dead)} ended by itself")
                raise RuntimeError(self.problems[-1])
            if sample is not None and len(self.gauges.samples) % 6 == 0:
                say(_line(sample))

    def _prune(self) -> None:
        """The sandbox must not be what grows: forget calls, tasks and uploads of the past."""
        world, kie = self.town.telegram.world, self.town.kie
        world.calls.clear()
        world.taps.clear()
        old_ms = kie.state.clock.now_ms() - 3_600_000
        for task_id in [i for i, t in kie.state.tasks.items() if t.ends_ms < old_ms]:
            del kie.state.tasks[task_id]
            kie._studio._made.pop(task_id, None)
        for path in [p for p, f in kie.state.files.items() if f.since_ms < old_ms]:
            del kie.state.files[path]

    async def _rest(self) -> None:
        """Until everybody has their end; then until the last key of a job has run out."""
        busy = set(self.people.busy)
        if busy:
            await asyncio.wait(busy, timeout=STORY_S + 30)
        until = time.monotonic() + DRAIN_S
        while time.monotonic() < until:
            sample = await self.gauges.look()
            if sample is not None and not _live(sample) and not sample.outbox:
                break
            await asyncio.sleep(2)
        else:
            self.problems.append("some job or notice did not come to an end")

    async def judged(self) -> dict[str, Any]:
        """`reelstate check`, the forgetting, the leaks, the growth."""
        checked = await asyncio.to_thread(_check, dict(self.town.environment))
        if checked["code"]:
            self.problems.append(f"check: {checked['said']}")
        say(f"reelstate check ended with {checked['code']}; waiting {KEEP_S} s for the last keys to run out")
        await asyncio.sleep(KEEP_S + 15)
        last = await self.gauges.look()
        assert last is not None, "the store is away at the very end"
        samples = self.gauges.to_json()
        steady = [s for s in samples[:-1] if _settled(s["at_s"], self.plan)]
        found = figures(steady)
        async with Connection(self.town.server.url) as link:
            leaks = await leaked_keys(link)
        self.problems += grown(found, self.plan.users) + left_behind(samples[-1])
        self.problems += [f"leaked key {key}" for key in leaks]
        if unheard := self.people.done["no answer"] + self.people.done["story without an end"]:
            self.problems.append(f"{unheard} people were left without an answer or an end")
        return {
            "plan": {"minutes": self.plan.minutes, "users": self.plan.users, "rate": self.plan.rate}
            | {"seed": self.plan.seed, "clock_factor": FACTOR},
            "people": dict(self.people.done.most_common()),
            "unended": self.people.unended,
            "trouble": dict(self.trouble.done.most_common()),
            "jobs": samples[-1]["jobs"],
            "provider": {"creates": self.town.kie.state.creates},
            "growth": found,
            "check": checked,
            "leaked": leaks,
            "problems": self.problems,
            "samples": samples,
        }


def _live(sample: Sample) -> int:
    ends = {state.value for state in TERMINALS}
    return sum(n for state, n in sample.jobs.items() if state not in ends)


def _settled(at_s: float, plan: Plan) -> bool:
    """Whether a look belongs to the steady state: everybody is there, the first keys have run out."""
    begin = min(120.0, plan.minutes * 60 * 0.2) + min(KEEP_S + 30, plan.minutes * 60 * 0.3)
    return begin <= at_s <= plan.minutes * 60


def _check(environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "bot.cli", "check", "--json"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    said = (ran.stdout or ran.stderr).strip().splitlines()
    return {
        "code": ran.returncode,
        "said": said[-1] if ran.returncode == 0 and said else "\n".join(said)[:2000],
    }


async def _first(pause: Coroutine[Any, Any, None], tasks: list[asyncio.Task[None]]) -> None:
    """The pause, unless one of the works fails first: then its error."""
    waiting = asyncio.ensure_future(pause)
    done, _ = await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done - {waiting}:
        task.result()


def say(text: str) -> None:
    """One line of progress."""
    print(time.strftime("%H:%M:%S"), text, flush=True)  # noqa: T201 - a command line


def _line(sample: Sample) -> str:
    memory = " ".join(f"{name} {mb:.0f}" for name, mb in sample.rss_mb.items())
    cores = sum(sample.cpu.values())
    return (
        f"{sample.at_s / 60:5.1f} min  jobs {sample.jobs}  keys {sum(sample.keys.values())}"
        f"  store {sample.store_mb:.1f} MB  rss {memory}  cores {cores:.2f}"
        f"  answer {sample.answer_s.get('p95', 0):.2f} s  video {sample.video_s.get('p50', 0):.1f} s"
    )


async def _soak(plan: Plan) -> int:
    async with town(plan.out / "data", seed=plan.seed, factor=FACTOR) as made:
        people = People(made, plan.users)
        people.prepare()
        soak = Soak(plan, made, people, Trouble(made), Gauges(made, people))
        try:
            await soak.run()
        except Exception:
            _write(
                plan, {"samples": soak.gauges.to_json(), "problems": ["it broke off"]}
            )  # what it saw till then
            raise
        shown = await soak.judged()
    _write(plan, shown)
    say(f"figures and plots: {plan.out}/soak.json, soak.svg\nProblems:\n{sentences(shown['problems'])}")
    return 1 if shown["problems"] else 0


def _write(plan: Plan, shown: dict[str, Any]) -> None:
    """Figures and plots."""
    figures_text = json.dumps(shown, ensure_ascii=False, indent=1) + "\n"
    (plan.out / "soak.json").write_text(figures_text, encoding="utf-8")
    title = f"{plan.users} users, {plan.minutes:g} minutes, {plan.rate:g} stories a second, seed {plan.seed}"
    (plan.out / "soak.svg").write_text(picture(title, shown["samples"]), encoding="utf-8")


def main() -> int:
    """Exit code 0: flat, clean, nobody left alone; 1: see what it prints; 2: this machine cannot do it."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="real minutes of launches and faults")
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=0.9, help="stories begun in a second")
    parser.add_argument("--seed", type=int, default=None, help="of the users and the trouble; printed")
    parser.add_argument("--out", type=Path, default=Path("out/soak"), help="where figures, plots and logs go")
    given = parser.parse_args()
    if not Path("/proc/self/statm").exists():
        say("The soak reads memory from /proc: run it on Linux.")
        return 2
    leave_in_order()
    seed = given.seed if given.seed is not None else secrets.randbelow(10**6)
    say(f"seed {seed}, {given.users} users, {given.minutes:g} minutes, niceness {os.nice(0)}")
    return asyncio.run(_soak(Plan(given.minutes, given.users, given.rate, seed, given.out)))


if __name__ == "__main__":
    sys.exit(main())
