"""A master behind sentinels dies under load: workers go on with the next one."""

import asyncio
from time import monotonic
from typing import Final

from engine.durability import Durability
from tests.fleet import running_sentinels, until
from tests.scale.crowd import crowd_at
from tests.scale.test_cluster_run import JOBS as MOST
from tests.scale.test_cluster_run import SURE, checked

JOBS: Final = min(2000, MOST)
EVERYWHERE: Final = frozenset(range(16))


async def test_workers_go_on_with_the_next_master(servers: str) -> None:
    """With two replicas one is left that can confirm, so strict goes on writing."""
    with running_sentinels(*SURE, replicas=2) as watched:
        async with asyncio.timeout(600), crowd_at(watched.url, Durability.STRICT) as crowd:
            await crowd.pay()
            launching = asyncio.create_task(crowd.launch(JOBS))
            await crowd.until(JOBS // 4)
            victim = watched.master()
            died = monotonic()
            victim.kill()
            elected_s = await asyncio.to_thread(until, lambda: watched.master() is not victim, "a new master")
            await crowd.until_moved(EVERYWHERE, JOBS)
            await launching
            await crowd.until(JOBS)
            missing = [job for job in crowd.jobs if await crowd.bot.job(job) is None]
        said = checked(watched.url)
    extra = sum(crowd.maker.created.values()) - len(crowd.maker.created)
    print(  # noqa: T201 - the figures are what it is run for
        f"\n{servers}, three sentinels, strict: new master named after {elected_s:.1f} s, longest silence"
        f" {crowd.pause(died):.1f} s; {len(crowd.jobs):,} jobs acknowledged, missing {len(missing)};"
        f" unknown and asked again {crowd.unknown}; extra paid creates {extra};"
        f" failures {dict(crowd.errors)}\n  {said}"
    )
    assert missing == []
    assert len(crowd.jobs) == JOBS
