"""The suite's own logs: what its tests left in their stores, gathered when REELSTATE_HARVEST names a folder.

    REELSTATE_HARVEST=harvest pytest tests ; reelstate log cover harvest/*.jsonl

Tests of the store and of its scripts write moves of a toy graph (`g-test`) and records of one field;
only what a graph of ours has decided is a log. A test that takes facts away from a running job writes
what no engine could: a replay finds it, so it is no log either (PLANTED).
"""

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from engine.connection import Connection
from engine.replay.reading import line_of
from engine.replay.redact import pseudonym
from engine.rows import records_of
from states.graph import GRAPH

FOLDER = "REELSTATE_HARVEST"
PLANTED = ("test_sending_without_a_video_is_a_system_failure",)
"""Tests that hand the executor a job with damage of their own."""


async def gather(link: Connection, test: str) -> None:
    """Append the histories of a test's store to this process's file.

    Seeded tests give the same job ids again and again: each test's jobs get names of their own.
    """
    folder = os.environ.get(FOLDER)
    if not folder or any(name in test for name in PLANTED):
        return
    salt = blake2b(test.encode()).digest()
    rows = [row for key in await _keys(link) for row in await _history(link, key)]
    lines = [line_of(pseudonym(row, salt)) for row in rows]
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    _append(Path(folder) / f"{worker}.jsonl", lines)


def _append(path: Path, lines: list[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        log.writelines(lines)


async def _keys(link: Connection) -> list[bytes]:
    cursor, found = b"0", set[bytes]()
    while True:
        cursor, keys = await link.command("SCAN", cursor, "MATCH", "{*}:h:*", "COUNT", 1000)
        found.update(keys)
        if int(cursor) == 0:
            return sorted(found)


async def _history(link: Connection, key: bytes) -> list[dict[str, Any]]:
    job = key.decode().partition("}:h:")[2]
    rows: list[dict[str, Any]] = []
    with suppress(ValueError):  # a test of a script writes what it likes
        rows = records_of(job, await link.command("LRANGE", key, 0, -1))
    return rows if all(row.get("graph") == GRAPH.digest for row in rows) else []
