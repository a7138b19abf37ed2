"""Each study: what is measured together, as named tables of plain numbers. `reelstate bench` shows them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.kie.catalogue import MODELS
from adapters.kie.lateness import SPREADS, polled
from adapters.kie.schedule import Schedule
from bot.wiring.bench.sending import send_all
from bot.wiring.bench.servers import ground
from bot.wiring.bench.user import user_times
from engine.bench.crash import crash_to_resumed
from engine.bench.decisions import FAILURES, failure_costs, move_costs
from engine.bench.meter import NotFit
from engine.bench.seeds import Seed, fill, record_life
from engine.bench.size import (
    SMALL,
    Crowd,
    Step,
    bytes_per_job,
    check_speed,
    crowded,
    open_store,
    size_curve,
    small_store,
    worker_rss,
)
from engine.bench.summary import percentile
from engine.bench.waking import idle_commands, retry_lateness, start_latency
from states.observations import kie_failure, telegram_failure
from states.vocabulary import State

Table = tuple[str, Mapping[str, float]]
"""A title and its rows."""

LIVES: Final = {
    "queued": State.QUEUED,
    "rendering": State.GENERATING,
    "waiting": State.RETRY_WAIT,
    "done": State.DONE,
}


def spread_ms(values: Sequence[float], unit: str = "ms") -> dict[str, float]:
    """What is said of many times: how many, the middle, the slow end, the slowest."""
    return {
        "times": len(values),
        f"p50 {unit}": percentile(values, 50),
        f"p99 {unit}": percentile(values, 99),
        f"worst {unit}": max(values),
    }


@dataclass(frozen=True, slots=True)
class IdlePlan:
    """How much is measured of waiting and waking."""

    starts: int = 300
    retries: int = 300
    together: int = 1000
    idle_s: float = 60.0
    crashes: int = 20
    seed: int = 1


async def idle_study(plan: IdlePlan, redis_url: str, aof: str) -> AsyncIterator[Table]:
    """Submit to start, retries, silence, crash: each on an empty server."""
    if plan.starts:
        async with ground(redis_url, aof) as url:
            starts = await start_latency(url, plan.starts, plan.seed)
        for name in ("acknowledged", "claimed", "started", "create"):
            yield f"idle worker: from submit asked to {name}", spread_ms(getattr(starts, name))
    for together, jobs in ((False, plan.retries), (True, plan.together)):
        if not jobs:
            continue
        async with ground(redis_url, aof) as url:
            late = await retry_lateness(url, jobs, plan.seed, together=together)
        what = f"retries, {jobs} due at once" if together else "retries, due at random 0.3-4 s"
        yield f"{what}: late when claimed", {**spread_ms(late.claimed), "early": late.early}
        yield f"{what}: late when resumed", spread_ms(late.resumed)
    if plan.idle_s:
        async with ground(redis_url, aof) as url:
            idle = await idle_commands(url, plan.idle_s)
        yield (
            "commands a minute of an idle worker with its relay",
            {"all": idle.commands_per_minute, **idle.by_command},
        )
    if plan.crashes:
        async with ground(redis_url, aof) as url:
            seconds = await crash_to_resumed(url, plan.crashes, lease_ms=15_000)
        yield "from SIGKILL of a worker to the next transition of its jobs", spread_ms(seconds, "s")


@dataclass(frozen=True, slots=True)
class SizePlan:
    """How large the store grows."""

    levels: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    crowd: int = 100_000
    users: int = 10_000
    calls: int = 1_000
    weighed: int = 20_000
    checked: int = 20_000


async def size_study(plan: SizePlan, redis_url: str, small_url: str) -> AsyncIterator[Table]:
    """Claim and commit as the line grows, memory by kind of job, worker and check.

    Raises NotFit when one of two servers is named: a ratio of two unlike ones says nothing.
    """
    if bool(redis_url) != bool(small_url):
        raise NotFit("Two stores are measured side by side: name two empty servers, or none.")
    seeds: dict[str, Seed] = {}
    for name, state in LIVES.items():
        async with ground(redis_url, "no") as url:
            seeds[name] = await record_life(url, state)
    yield (
        "bytes per job, without accounts",
        {name: await _weighed(seed, plan, redis_url) for name, seed in seeds.items()},
    )
    small_jobs = min(SMALL, plan.levels[0])
    async with (
        ground(small_url, "no") as beside,
        small_store(beside, seeds["queued"], plan.users, small_jobs) as small,
    ):
        async with ground(redis_url, "no") as url:
            async for step in size_curve(url, small, plan.levels, plan.users, plan.calls):
                yield _shown(step, small_jobs)
        async with ground(redis_url, "no") as url:
            queued, crowd = min(plan.levels[-1], plan.crowd), Crowd(plan.crowd, plan.crowd)
            yield _shown(await crowded(url, small, seeds, crowd, queued, plan.calls), small_jobs)
    yield (
        "worker process after 200 jobs, MB, by jobs rendering in its store",
        await _memories(seeds, plan, redis_url),
    )
    for jobs in (plan.checked // 10, plan.checked):
        async with ground(redis_url, "no") as url:
            await open_store(url)
            await fill(url, seeds["queued"], range(jobs), users=plan.users, funded=False)
            proved, took_s, findings = await check_speed(url)
        yield f"check of {jobs:,} queued jobs", {"us a job": took_s * 1e6 / proved, "findings": findings}


def _shown(step: Step, small_jobs: int) -> Table:
    title = f"server CPU us a call, {step.queued:,} queued"
    if step.rendering or step.waiting:
        title += f", {step.rendering:,} rendering, {step.waiting:,} in retry_wait"
    cost, beside = step.cost, f"with {small_jobs:,} queued beside it"
    return title, {
        "claim": cost.here.claim_us,
        f"claim {beside}": cost.small.claim_us,
        "claim, ratio": cost.claim_ratio,
        "commit": cost.here.commit_us,
        f"commit {beside}": cost.small.commit_us,
        "commit, ratio": cost.commit_ratio,
        "store, MB": step.memory / 1e6,
        "seconds to fill": step.fill_s,
    }


async def _weighed(seed: Seed, plan: SizePlan, redis_url: str) -> float:
    async with ground(redis_url, "no") as url:
        return await bytes_per_job(url, seed, plan.weighed, min(plan.users, plan.weighed // 10))


async def _memories(seeds: Mapping[str, Seed], plan: SizePlan, redis_url: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for jobs in (100, plan.crowd // 10, plan.crowd):
        async with ground(redis_url, "no") as url:
            await open_store(url)
            await fill(url, seeds["rendering"], range(jobs), users=plan.users, funded=False)
            found[f"{jobs:,}"] = await worker_rss(url, 200) / 1e6
    return found


def decide_study(repeats: int, observations: Sequence[Mapping[str, object]] = ()) -> list[Table]:
    """Microseconds of a decision, with classification where there is something to classify."""
    failures = [
        (telegram_failure if row.get("source") == "telegram" else kie_failure)(row) for row in observations
    ] or list(FAILURES)
    costs = failure_costs(failures, repeats)
    moves = move_costs(repeats)
    every = [cost.whole_us for cost in costs]
    return [
        ("classify + decide, us", {cost.what: cost.whole_us for cost in costs[:40]}),
        ("decide alone, us", {cost.what: cost.decide_us for cost in moves}),
        (
            "in all, us",
            {
                "failures, mean": sum(every) / len(every),
                "failures, worst": max(every),
                "classify alone, mean": sum(cost.classify_us for cost in costs) / len(costs),
                "moves, mean": sum(cost.decide_us for cost in moves) / len(moves),
            },
        ),
    ]


async def user_study(rounds: int, renders: int, seed: int = 1) -> AsyncIterator[Table]:
    """The user's time: photo to accepted, success to chat, ways of sending, and what polling costs."""
    for name, rows in polling_tables(renders, seed):
        yield name, rows
    for sent in await send_all(rounds * 3):
        yield f"sending {sent.way}", {**spread_ms(sent.ms), "memory risen, MB": sent.memory / 1e6}
    times = await user_times(rounds)
    for title, values in (
        ("photo sent → proposal shown", times.proposal),
        ("launch tapped → a worker has the job", times.started),
        ("launch tapped → the provider has accepted", times.accepted),
        ("photo to job accepted, the person's own time left out", times.photo_to_accepted),
        ("provider's success → video in the chat, by callback", times.in_chat),
    ):
        yield title, spread_ms(values)


def polling_tables(renders: int, seed: int) -> list[Table]:
    """Lateness and calls by how durations spread, over all models; worked out, not waited for."""
    schedule = Schedule()
    tables: list[Table] = []
    for spread in SPREADS:
        found = [polled(schedule, model, spread, renders, seed) for model in MODELS]
        rows = {
            "mean lateness, % of render time": 100 * sum(one.late for one in found) / len(found),
            "worst model's mean lateness, %": 100 * max(one.late for one in found),
            "mean lateness, s": sum(one.late_s for one in found) / len(found),
            "mean calls a job": sum(one.calls for one in found) / len(found),
            "calls a job, p99": max(one.calls_worst for one in found),
        }
        tables.append(
            (f"polling, durations {spread.name} (sigma {spread.sigma:g} × {spread.stretch:g})", rows)
        )
    return tables
