"""I6 and the keys of jobs: a job is in exactly one place, whole, and lives as long as it should."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from engine.check.values import Finding, JobRead, UserRead
from engine.codec import GUARDS, Stored, decode_job
from engine.keys import JOB_KEYS
from states.vocabulary import TERMINALS, State

INDEX_MAX: Final = 200
"""A user's list of jobs is cut to so many: above it, missing jobs prove nothing."""
_GONE: Final = -2
_FOR_EVER: Final = -1
_PARTS: Final = ("j", "d", "p", "h")
"""Of JOB_KEYS, those every live job has (hints come and go)."""
_ENDED_PARTS: Final = ("j", "d", "h")


def place_findings(user: UserRead) -> Iterator[Finding]:
    """Judge where one user's jobs stand: indexes, lines, timers, lifetimes."""
    mine = [job for job in user.jobs if job.exists and job.guards.get("uid") == user.uid]
    live = [job for job in mine if job.guards.get("st") not in TERMINALS]
    yield from _account(user, mine, live)
    yield from _line(user)
    for job in user.jobs:
        if job.id in user.index and job.exists and job.guards.get("uid") != user.uid:
            yield _says(user, "I6.ghost", "the list of a user's jobs names another's", job.id, "uj")
    for job in mine:
        yield from _whole(user, job)
        if job.guards.get("st") in TERMINALS:
            yield from _ended(user, job)
        else:
            yield from _live(user, job)


def _account(user: UserRead, mine: list[JobRead], live: list[JobRead]) -> Iterator[Finding]:
    said = user.account.get("live", "0")
    cut = len(user.index) >= INDEX_MAX
    if said != str(len(live)) and not (cut and said.isdecimal() and int(said) > len(live)):
        what = "the user's count of live jobs is not how many there are"
        yield _says(user, "I9.live", what, "", "live", str(len(live)), said)
    known = set(user.index)
    for job in mine:
        if job.id not in known and not cut:
            yield _says(user, "I9.index", "a job is not in its user's list", job.id, "uj")
    if live and user.index and user.index_ttl_ms != _FOR_EVER:
        what = "the list of a user's jobs will expire though one of them lives"
        yield _says(user, "K.live", what, "", f"uj:{user.uid}", "no lifetime", f"{user.index_ttl_ms} ms")
    if not live and user.index and user.index_ttl_ms == _FOR_EVER:
        yield _says(user, "K.ended", "the list of a user's ended jobs never expires", "", f"uj:{user.uid}")


def _line(user: UserRead) -> Iterator[Finding]:
    jobs = {job.id: job for job in user.jobs}
    for job_id, times in Counter(user.line).items():
        if times > 1:
            yield _says(user, "I6.twice", "a job is in its line more than once", job_id, "q", "1", str(times))
        guards = jobs[job_id].guards
        if not guards or guards.get("uid") != user.uid:
            yield _says(user, "I6.ghost", "the line names a job that is not this user's", job_id, "q")
        elif guards.get("st") in TERMINALS:
            yield _says(user, "I6.ended", "an ended job is still in line", job_id, "q")
        elif guards.get("st") != State.QUEUED or guards.get("own") or guards.get("qt"):
            state = "under lease" if guards.get("own") else guards.get("st", "")
            yield _says(user, "I6.line", "a job in line is not free to start", job_id, "q", "queued", state)
    if user.line and not user.ready:
        yield _says(user, "I6.ready", "a user with a line does not wait for a turn", "", "rdy")


def _whole(user: UserRead, job: JobRead) -> Iterator[Finding]:
    parts = _ENDED_PARTS if job.guards.get("st") in TERMINALS else _PARTS
    ttls_ms = dict(zip(JOB_KEYS, job.ttls_ms, strict=True))
    missing = [part for part in parts if ttls_ms[part] == _GONE]
    if missing:
        what = "parts of a job are missing"
        yield _says(user, "K.parts", what, job.id, ", ".join(f"{part}:{job.id}" for part in missing))
        return
    try:
        guards = {name: job.guards[name] for name in GUARDS}
        decode_job(Stored(job.id, guards, job.doc, job.request))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"the job cannot be read ({type(error).__name__}: {str(error)[:80]})"
        yield _says(user, "K.read", what, job.id, f"d:{job.id}")


def _live(user: UserRead, job: JobRead) -> Iterator[Finding]:
    for part, ttl in zip(JOB_KEYS, job.ttls_ms, strict=True):
        if ttl >= 0:
            what = "a key of a live job will expire"
            yield _says(user, "K.live", what, job.id, f"{part}:{job.id}", "no lifetime", f"{ttl} ms")
    why = job.guards.get("qt")
    if why is not None or job.aside:
        if not why or not job.aside or job.timer or job.guards.get("own"):
            places = [name for name in ("aside", "timer") if getattr(job, name)]
            found = ", ".join([*places, *(["lease"] if job.guards.get("own") else [])]) or "nowhere"
            what = "a job set aside is not in that list alone, or has no reason"
            yield _says(user, "I6.aside", what, job.id, "qz", "aside", found)
        return
    if not job.timer:
        yield _says(user, "I6.timer", "a live job has no timer: nobody will look at it", job.id, "t")
    lost = job.guards.get("st") == State.QUEUED and job.id not in user.line
    if lost and not job.guards.get("own") and job.number("ep") == 0:
        what = "a queued job that no worker ever had is not in its line"
        yield _says(user, "I6.lost", what, job.id, "q")


def _ended(user: UserRead, job: JobRead) -> Iterator[Finding]:
    for name, there in (("t", job.timer), ("qz", job.aside), ("own", job.guards.get("own"))):
        if there:
            yield _says(
                user, "I6.ended", "an ended job still has a place or a worker", job.id, name, "", there
            )
    for part, ttl in zip(JOB_KEYS, job.ttls_ms, strict=True):
        if ttl == _FOR_EVER:
            yield _says(user, "K.ended", "a key of an ended job never expires", job.id, f"{part}:{job.id}")


def _says(
    user: UserRead, rule: str, what: str, job: str, entry: str, expected: str = "", found: str = ""
) -> Finding:
    return Finding(rule, what, user.partition, user.uid, job, entry, expected, found)
