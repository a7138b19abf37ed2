"""All key names, the partitions and their hash tags.

One user lives in one slot: every key below starts with the partition's tag `{tag}`, so that a script
may touch a job, its user's account, the timers and the outbox in one atomic step, on a cluster too.
A job id carries its partition (`<partition base 36>-<token>`), so an id alone finds its slot.

Lua builds the same names from the prefix it gets as KEYS[1]; a test keeps both sides equal.
"""

import re
from binascii import crc_hqx
from typing import Final

SCHEMA: Final = 2
"""Version of the layout below, recorded in the store at creation."""

# Tags whose slots are i*1024+512 (one lies a slot beside), so that 16 partitions spread evenly over any
# number of masters.
TAGS: Final = (
    "1768", "92cd", "1f0e", "9ce9", "17c2", "cde9", "29098", "acd",
    "265", "19c59", "29d8", "1d6c", "14d4", "5f", "ceb", "7c18",
)  # fmt: skip
MAX_PARTITIONS: Final = len(TAGS)

REVENUE: Final = "@revenue"
PAYMENTS: Final = "@payments"
GRANTS: Final = "@grants"
TRIALS: Final = "@trials"
CONTRA_ACCOUNTS: Final = (REVENUE, PAYMENTS, GRANTS, TRIALS)

# Keys that stay for ever (or as long as they have content); every other key must have a TTL.
# A job's own keys (j d p h hi) live without one as long as the job is in the timers (t) or set aside (qz).
PERMANENT: Final = (
    "a:*",  # accounts, contra accounts among them
    "l:*",  # ledgers
    "lx:*",  # external ids of payments and grants: unique for ever
    "g:*",  # edges of every graph version ever used
    "t",  # timers of the live jobs
    "qz",  # jobs set aside
    "rdy",  # users with ready jobs
    "q:*",  # ready jobs of a user
    "bell",  # doorbell: timers moved, a job is due
    "bellq",  # doorbell: a queued job is ready
    "ev",  # event feed, trimmed by time
    "c",  # live counters
    "ctl",  # schema, partitions, pause
    "ob:*",  # outbox
    "late:*",  # ended jobs whose bought tasks are looked after
    "in:*",  # inbox of updates
    "u:*",  # remembered facts of users without an end
    "al:*",  # alerts waiting for the operator
    "lim:*",  # shared limits
)
WHOLE_GRAPH: Final = "@"
"""Field of `g:<digest>` with the graph's canonical JSON; the other fields are edge ids."""
JOB_KEYS: Final = ("j", "d", "p", "h", "hi")
"""Prefixes of the keys of one job: guard hash, document, request (of a live one), history, hints."""

_JOB_ID = re.compile(r"^([0-9a-f])-[A-Za-z0-9_-]{1,64}\Z")


def tag(partition: int, partitions: int) -> str:
    """The hash-tag prefix of a partition, e.g. `{1768}`. Partition 0 has the same tag in every store."""
    if not 0 <= partition < partitions <= MAX_PARTITIONS:
        raise ValueError(
            f"partition {partition} of {partitions}: a store has 1 to {MAX_PARTITIONS} partitions"
        )
    return "{" + TAGS[partition * MAX_PARTITIONS // partitions] + "}"


def partition_of_user(user_id: int, partitions: int) -> int:
    """The partition that holds a user: crc16 (as in Redis Cluster) of the id, modulo P."""
    return crc_hqx(str(user_id).encode(), 0) % partitions


def partition_of_job(job_id: str) -> int | None:
    """The partition named in a job id, or None when this is not a job id (it may come from outside)."""
    found = _JOB_ID.match(job_id)
    return int(found[1], 16) if found else None


def job_id(partition: int, token: str) -> str:
    """A job id that finds its slot by itself."""
    return f"{partition:x}-{token}"


def slot(key: str) -> int:
    """The cluster slot of a key, by its hash tag when it has one."""
    start = key.find("{")
    end = key.find("}", start + 1)
    hashed = key[start + 1 : end] if start >= 0 and end > start + 1 else key
    return crc_hqx(hashed.encode(), 0) % 16384
