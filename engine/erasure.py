"""Forgetting a person: what they gave and what was made of it goes, the books stay under a bare number."""

from dataclasses import dataclass, replace
from typing import Final

from engine.codec import stored_doc
from engine.store import Store
from states.job import Job, TaskStatus
from states.vocabulary import TERMINALS

JOBS_MOST: Final = 1_000
"""Jobs of one user that are looked at; ended ones are kept for days only."""
FILMS_MS: Final = 30 * 24 * 3600 * 1000
"""How long a machine that was away can still learn which films to drop."""
_WATCHED: Final = frozenset({TaskStatus.INTENT, TaskStatus.OPEN, TaskStatus.OVERDUE})


@dataclass(frozen=True, slots=True)
class Erased:
    """What was forgotten: so many jobs, the videos by their SHA-256. `live` jobs have not ended yet."""

    jobs: int
    live: int
    job_ids: tuple[str, ...] = ()
    videos: tuple[str, ...] = ()


async def erase_user(store: Store, user_id: int) -> Erased:
    """Make every ended job of a user bare. Harmless twice. Raises StoreUnavailable: then ask again."""
    jobs = await store.jobs_of(user_id, JOBS_MOST)
    ended = [job for job in jobs if job.state in TERMINALS]
    for job in ended:
        bare = bared(job)
        await store.dispatcher.call(
            store.prefix_of_user(user_id),
            "erase",
            job=job.id,
            uid=str(user_id),
            seq=job.seq,
            doc=stored_doc(bare),
            film=job.video.sha256 if job.video else "",
            now=store.clock.now_ms(),
            keep_ms=FILMS_MS,
        )
    videos = tuple(dict.fromkeys(job.video.sha256 for job in ended if job.video and job.video.sha256))
    return Erased(len(ended), len(jobs) - len(ended), tuple(job.id for job in jobs), videos)


async def erased_films(store: Store, since_ms: int) -> tuple[str, ...]:
    """SHA-256 of the films that were erased since then. Raises StoreUnavailable."""
    found = [
        await store.dispatcher.call(store.prefix(partition), "erased", since=since_ms)
        for partition in range(store.partitions)
    ]
    return tuple(film.decode() for films in found for film in films)


def bared(job: Job) -> Job:
    """The job without photo, words, video and message; tasks nobody may fetch a video of any more go too."""
    return replace(
        job,
        request=replace(job.request, photo="", prompt=""),
        video=None,
        status_message_id=None,
        tasks=tuple(task for task in job.tasks if task.status not in _WATCHED),
        hints=(),
    )
