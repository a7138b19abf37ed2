"""Histories of a live store, streamed: SCAN finds the jobs, one LRANGE reads each, nothing blocks the server.

A job's records come together and in order, asides after the record they came after. What is written
while the export runs may be missing at a job's end, never in its middle.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final

from engine.check.reading import StoreReader
from engine.codec import decode
from engine.keys import WHOLE_GRAPH
from engine.rows import records_of
from engine.store_base import StoreBase

AT_ONCE: Final = 8


async def histories(
    store: StoreBase, watch: Callable[[int, int], None] | None = None
) -> AsyncIterator[list[dict[str, Any]]]:
    """The records of every job, a job at a time. Raises StoreUnavailable.

    `watch` is told how many keys were looked at, of how many (0: nobody knows).
    """
    looked, seen = 0, set[int]()  # a scan may find a key twice while the server's table grows
    reader = StoreReader(store.connection, store.partitions, clustered=store.connection.clustered)
    await reader.calls.load()
    total = await reader.size()
    async for page in reader.pages():
        looked += sum(map(len, page.values()))
        if watch is not None:
            watch(looked, total)
        keys = [f"{prefix}:{name}" for prefix, names in page.items() for name in names if name[:2] == "h:"]
        fresh = [key for key in keys if hash(key) not in seen]
        seen.update(map(hash, fresh))
        for start in range(0, len(fresh), AT_ONCE):
            rows = await asyncio.gather(*(_history(store, key) for key in fresh[start : start + AT_ONCE]))
            for found in rows:
                if found:  # empty: the job's time ran out between the two looks
                    yield found
    await reader.calls.close()


async def history_of(store: StoreBase, job_id: str) -> list[dict[str, Any]]:
    """The records and asides of one job; empty when there is none."""
    prefix = store.prefix_of_job(job_id)
    return [] if prefix is None else await _history(store, f"{prefix}:h:{job_id}")


async def _history(store: StoreBase, key: str) -> list[dict[str, Any]]:
    beside = key.replace("}:h:", "}:ha:", 1)
    run = store.connection.command
    rows, asides = await asyncio.gather(run("LRANGE", key, 0, -1), run("LRANGE", beside, 0, -1))
    return _merged(records_of(key.partition("}:h:")[2], rows), map(decode, asides))


def _merged(rows: Iterable[dict[str, Any]], asides: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    both = [(row.get("seq", 0), 0, row) for row in rows] + [(row.get("seq", 0), 1, row) for row in asides]
    return [row for _, _, row in sorted(both, key=lambda one: one[:2])]


async def canonical_graph(store: StoreBase, digest: str) -> str:
    """The JSON of a graph version this store has used, "" when it was kept before graphs were kept whole."""
    raw = await store.connection.command("HGET", f"{store.prefix(0)}:g:{digest}", WHOLE_GRAPH)
    return raw.decode() if raw else ""


async def newest_event(store: StoreBase) -> str:
    """Where the event feed stands now, for `events(after=...)`: nothing that comes later slips by."""
    feeds = [f"{store.prefix(partition)}:ev" for partition in range(store.partitions)]
    found = [await store.connection.command("XREVRANGE", feed, "+", "-", "COUNT", 1) for feed in feeds]
    return ",".join(rows[0][0].decode() if rows else "0-0" for rows in found)
