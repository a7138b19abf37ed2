"""A check of a store that is spread over the masters of a cluster."""

from engine.clock import ManualClock
from engine.randomness import SeededRandomness
from engine.store import Store
from tests.engine.check.flows import checked, make_books, rules, shown
from tests.engine.test_cluster import cluster
from tests.fleet import Cluster

__all__ = ["cluster"]


async def test_every_node_is_looked_at(
    cluster: Cluster,
    clock: ManualClock,
    randomness: SeededRandomness,
) -> None:
    store = await Store.connect(cluster.url, clock=clock, randomness=randomness, partitions=4)
    try:
        books = await make_books(store, clock)
        users = range(1, 21)
        for user in users:
            await books.fund(user, 100)
            await books.queued(user, idem=str(user))
        report = await checked(cluster.url)
        assert report.clean, shown(report)
        assert (report.users, report.jobs) == (20, 20)
        for user in users:
            await store.connection.command("HINCRBY", f"{store.prefix_of_user(user)}:a:{user}", "held", 1)
        report = await checked(cluster.url)
        assert rules(report) == {"I1.sum", "I2.held", "I2.jobs"}
        assert {finding.user for finding in report.findings} == {*map(str, users), ""}
    finally:
        await store.close()
