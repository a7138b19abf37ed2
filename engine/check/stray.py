"""Keys on their own: lifetimes, orphans, marks of workers, launch keys, entries of indexes."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from engine.check.values import Finding, KeyRead
from engine.keys import JOB_KEYS, PERMANENT

_FOR_EVER: Final = -1
_GONE: Final = -2
JOB_PARTS: Final = (*JOB_KEYS[1:], "ha")
USER_PARTS: Final = ("l", "lx", "uj", "q")
_JUDGED_ELSEWHERE: Final = (*JOB_KEYS, "uj")
"""Their lifetimes are judged with the job or user they belong to, when there is one."""


def key_findings(key: KeyRead) -> Iterator[Finding]:
    """Judge one key by itself."""
    if key.ttl_ms == _GONE:
        return
    kind, _, rest = key.name.partition(":")
    orphan = key.owner == "0"
    if kind in JOB_PARTS and orphan:
        yield _says(key, "K.orphan", "a part of a job that is gone", job=rest)
    if kind in USER_PARTS and orphan:
        yield _says(key, "K.orphan", "a user's key without the user's account", user=rest)
    if kind == "i" and orphan:
        yield _says(key, "K.idem", "a launch button's key leads to no job", job=key.word)
    if kind == "w":
        yield from _mark(key)
    judged = kind == "j" or (kind in _JUDGED_ELSEWHERE and not orphan)
    if key.ttl_ms == _FOR_EVER and not judged and not _permanent(key.name):
        yield _says(key, "K.ttl", "a key has no lifetime and is not on the permanent list")


def _permanent(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in PERMANENT)


def _mark(key: KeyRead) -> Iterator[Finding]:
    """`claim`, then `job epoch lost` for each and the job's own epoch when there is such a job."""
    words = key.word.split(" ")[1:]
    jobs = list(zip(words[::4], words[1::4], words[3::4], strict=False))
    if not jobs or len(words) != 4 * len(jobs) or not all(epoch.isdecimal() for _, epoch, _ in jobs):
        yield _says(key, "I7.mark", "a worker's last claim cannot be read", found=key.word)
        return
    for job, epoch, now in jobs:
        if now.isdecimal() and int(epoch) > int(now):
            what = "a worker's last claim is ahead of its job"
            yield _says(key, "I7.mark", what, job=job, expected=f"at most {now}", found=epoch)


def index_findings(partition: int, name: str, member: str, first: str, second: str) -> Iterator[Finding]:
    """Judge one entry of `t`, `qz` (state and quarantine of the job) or `rdy` (length of the line)."""
    if name == "rdy":
        if first == "0":
            what = "a user waits for a turn without a line"
            yield Finding("I6.ready", what, partition, member, entry=name)
    elif not first:
        yield Finding("I6.ghost", "an index names a job that is gone", partition, job=member, entry=name)
    elif name == "qz" and not second:
        what = "a job stands in the list of those set aside without a reason"
        yield Finding("I6.aside", what, partition, job=member, entry=name)


def _says(
    key: KeyRead,
    rule: str,
    what: str,
    *,
    user: str = "",
    job: str = "",
    expected: str = "",
    found: str = "",
) -> Finding:
    return Finding(rule, what, key.partition, user, job, key.name, expected, found)
