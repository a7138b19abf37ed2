"""What finished jobs leave in the server's memory, by kind of key."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final

from engine.connection import Connection

KEYS_MAX: Final = 20_000
"""So many keys are weighed; with more of them every n-th one of a kind stands for its neighbours."""
_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes and keys per finished job, by kind: the letters after the partition's tag in a key's name."""

    bytes_per_job: dict[str, float]
    keys_per_job: dict[str, float]


def kind_of(key: bytes) -> str:
    """`{1768}:j:0-abc` is of kind `j`."""
    words = key.decode("utf-8", "replace").partition("}:")[2].split(":")
    return words[0] if len(words) == 1 or words[0] not in ("ob", "in", "late", "lim") else ":".join(words[:2])


async def footprint(connection: Connection, jobs: int) -> Footprint:
    """Weigh the keys of a server that holds nothing but `jobs` finished jobs and their users."""
    found: dict[str, list[bytes]] = {}
    cursor = b"0"
    while True:
        cursor, keys = await connection.keyless("SCAN", cursor, "COUNT", 1000)
        for key in keys:
            found.setdefault(kind_of(key), []).append(key)
        if int(cursor) == 0:
            break
    step = max(1, sum(map(len, found.values())) // KEYS_MAX)
    weights: Counter[str] = Counter()
    for kind, keys in found.items():
        weighed = keys[::step]
        total = 0
        for first in range(0, len(weighed), _AT_ONCE):
            few = weighed[first : first + _AT_ONCE]
            sizes = await asyncio.gather(
                *(connection.command("MEMORY USAGE", key, "SAMPLES", 0) for key in few)
            )
            total += sum(int(size or 0) for size in sizes)
        weights[kind] = round(total * len(keys) / len(weighed))
    return Footprint(
        {kind: weight / jobs for kind, weight in weights.most_common()},
        {kind: len(found[kind]) / jobs for kind in weights},
    )
