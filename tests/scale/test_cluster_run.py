"""A cluster under load: a master dies and slots move, and still every job ends and the books are balanced."""

import asyncio
import os
import subprocess
import sys
from time import monotonic
from typing import Final

from engine.durability import Durability
from engine.keys import slot, tag
from tests.fleet import Cluster, Node, linked, running_cluster, until
from tests.scale.crowd import Crowd, crowd_at

JOBS: Final = int(os.environ.get("REELSTATE_SCALE_JOBS", "10000"))
SURE: Final = ("--appendonly", "yes", "--appendfsync", "always")
LIMIT_S: Final = 900


def homes(cluster: Cluster, node: Node) -> frozenset[int]:
    """The partitions that a master serves."""
    return frozenset(p for p in range(16) if cluster.master_of(slot(tag(p, 16))) is node)


def checked(url: str) -> str:
    """What `reelstate check` says of the store; it must exit with 0."""
    command = [sys.executable, "-m", "bot.cli", "check"]
    told = subprocess.run(  # noqa: S603 - our own program
        command, env=os.environ | {"REDIS_URL": url}, capture_output=True, text=True, timeout=300, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout.strip()


async def kill_a_master(crowd: Crowd, cluster: Cluster, say: list[str]) -> None:
    """SIGKILL under load; its replica is elected; a supervisor starts it again as a replica."""
    victim = cluster.nodes[0]
    partitions = await asyncio.to_thread(homes, cluster, victim)
    number = slot(tag(min(partitions), 16))
    died = monotonic()
    victim.kill()
    elected_s = await asyncio.to_thread(until, lambda: cluster.master_of(number) is not victim, "election")
    await asyncio.to_thread(victim.start)
    back_s = await asyncio.to_thread(until, lambda: linked(victim), "it follows its replica")
    await crowd.until_moved(partitions, JOBS)
    say.append(
        f"master killed with {len(partitions)} partitions: replica elected after {elected_s:.1f} s,"
        f" back as its replica {back_s:.1f} s later; longest silence of these partitions"
        f" {crowd.pause(died, partitions):.1f} s, of the whole store {crowd.pause(died):.1f} s"
    )


async def move_slots(crowd: Crowd, cluster: Cluster, say: list[str]) -> None:
    """Three partitions go to other masters, key by key, while their jobs go on."""
    for partition in (2, 9, 14):
        number = slot(tag(partition, 16))
        source = await asyncio.to_thread(cluster.master_of, number)
        target = next(node for node in cluster.nodes if node is not source and leads(node))
        begun = monotonic()
        keys = await asyncio.to_thread(cluster.move, number, target)
        took = monotonic() - begun
        await crowd.until_moved(frozenset({partition}), JOBS)
        quiet = crowd.pause(begun, frozenset({partition}))
        say.append(
            f"slot {number} moved with {keys:,} keys in {took:.2f} s; silence of its partition {quiet:.2f} s"
        )


def leads(node: Node) -> bool:
    """Whether it is a master."""
    return node.fact("replication", "role") == "master"


async def run(servers: str, mode: Durability) -> tuple[Crowd, int]:
    """The run, its figures printed; the crowd and how many acknowledged jobs are missing."""
    say: list[str] = []
    with running_cluster(*SURE) as cluster:
        begun = monotonic()
        async with asyncio.timeout(LIMIT_S), crowd_at(cluster.url, mode) as crowd:
            await crowd.pay()
            launching = asyncio.create_task(crowd.launch(JOBS))
            await crowd.until(JOBS // 5)
            await kill_a_master(crowd, cluster, say)
            await crowd.until(JOBS // 2)
            await move_slots(crowd, cluster, say)
            await launching
            missing = [job for job in crowd.jobs if await crowd.bot.job(job) is None]
            await crowd.until(JOBS - len(missing))
            took = monotonic() - begun
            counts = await crowd.bot.store.counts()
        said = checked(cluster.url)
    extra = sum(crowd.maker.created.values()) - len(crowd.maker.created)
    say.append(
        f"{mode}: {len(crowd.jobs):,} jobs acknowledged, {counts['st:done']:,} done,"
        f" {counts.get('live', 0)} live, missing {len(missing)};"
        f" {took:.0f} s, {JOBS / took:.0f} jobs a second"
    )
    say.append(
        f"calls that were unknown and asked again {crowd.unknown}; extra paid creates {extra};"
        f" failures by reason {dict(crowd.errors)}"
    )
    print(f"\n{servers}:", *say, said, sep="\n  ")  # noqa: T201 - the figures are what it is run for
    return crowd, len(missing)


async def test_jobs_end_while_a_master_dies_and_slots_move(servers: str) -> None:
    crowd, missing = await run(servers, Durability.STRICT)
    assert missing == 0
    assert len(crowd.jobs) == JOBS
    assert {where for _, where in crowd.moves} == set(range(16))
