"""What an election takes back when replication was behind, with and without `strict`."""

import asyncio
from typing import Final

import pytest

from engine.durability import Durability
from engine.errors import StoreUnavailable
from engine.front import Engine
from engine.keys import partition_of_user, slot, tag
from engine.values import EntryKind
from tests.fleet import Cluster, Node, linked, running_cluster, until
from tests.scale.crowd import config
from tests.scale.test_cluster_run import SURE, homes

PAYMENTS: Final = 200


def users_of(partitions: frozenset[int]) -> list[int]:
    """Users who live on these partitions."""
    found = (user for user in range(5000, 50_000) if partition_of_user(user, 16) in partitions)
    return [user for user, _ in zip(found, range(PAYMENTS), strict=False)]


async def paid(engine: Engine, users: list[int]) -> set[int]:
    """Users who were told that their payment is booked."""

    async def pay(user: int) -> bool:
        try:
            await engine.grant(user, 10, f"pay-{user}", EntryKind.PAYMENT)
        except StoreUnavailable:
            return False
        return True

    told = await asyncio.gather(*map(pay, users))
    return {user for user, fine in zip(users, told, strict=True) if fine}


def cut_off(master: Node, replica: Node) -> None:
    """The replica falls behind: its link breaks and it cannot enter again."""
    replica.ask("CONFIG", "SET", "masteruser", "nobody")
    replica.ask("CONFIG", "SET", "masterauth", "nothing")
    master.ask("CLIENT", "KILL", "TYPE", "REPLICA")
    until(lambda: not linked(replica), "the link is down")


async def lost(cluster: Cluster, mode: Durability) -> tuple[int, int]:
    """How many payments were acknowledged while replication was behind, and how many of them are gone."""
    master, replica = cluster.nodes[0], cluster.nodes[cluster.masters]
    partitions = homes(cluster, master)
    users, number = users_of(partitions), slot(tag(min(partitions), 16))
    engine = await Engine.connect(cluster.url, config(mode))
    try:
        cut_off(master, replica)
        told = await paid(engine, users)
        master.kill()
        await asyncio.to_thread(until, lambda: cluster.master_of(number) is replica, "election")
        booked = {user for user in users if (await engine.account(user)).balance == 10}
    finally:
        await engine.close()
    return len(told), len(told - booked)


@pytest.mark.parametrize("mode", [Durability.SAFE, Durability.STRICT])
async def test_payments_that_an_election_takes_back(servers: str, mode: Durability) -> None:
    with running_cluster(*SURE) as cluster:
        acknowledged, gone = await lost(cluster, mode)
    print(  # noqa: T201 - the figures are what it is run for
        f"\n{servers}, {mode}: of {PAYMENTS} payments while the replica was behind"
        f" {acknowledged} were acknowledged, {PAYMENTS - acknowledged} called unknown; lost {gone}"
    )
    if mode is Durability.STRICT:
        assert (acknowledged, gone) == (0, 0)
    else:
        assert (acknowledged, gone) == (PAYMENTS, PAYMENTS), "this is what strict is for"
