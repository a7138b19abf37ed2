"""Records of what moved nothing: a denied trigger, a repeated commit, a second tap on the launch button.

They lie beside the history (`T:ha:<job>`), never in it: the place of a record in the history is its seq.
Whoever replays a log sees with them why nothing happened.
"""

from collections.abc import Mapping
from typing import Any, Final

from engine.codec import encode
from engine.store_base import StoreBase
from states.job import Job

KEEP: Final = 32
"""Asides kept of one job: an impatient user must not fill the store."""
_NAMED: Final = ("v", "job", "seq", "ts", "graph", "event", "from", "to", "edge", "by")


async def note_aside(store: StoreBase, job_id: str, record: Mapping[str, Any]) -> None:
    """Keep a record beside a job's history, as long as jobs are kept. Raises StoreUnavailable."""
    prefix = store.prefix_of_job(job_id)
    if prefix is not None:
        retain_ms = store.keeping.job_ms
        await store.dispatcher.call(
            prefix, "aside", job=job_id, record=encode(record), keep=KEEP, retain_ms=retain_ms
        )


def repeated(record: Mapping[str, Any]) -> dict[str, Any]:
    """The aside of a commit that had been done before: it was answered from its record."""
    return {
        **{name: record[name] for name in _NAMED if name in record},
        "disp": "duplicate",
        "why": "repeated",
    }


def tapped_again(job: Job, now_ms: int) -> dict[str, Any]:
    """The aside of a submit whose button had been used: nothing was charged again."""
    return {
        "v": 1,
        "job": job.id,
        "seq": job.seq,
        "ts": now_ms,
        "graph": job.graph,
        "event": "submit",
        "from": job.state.value,
        "by": "user",
        "disp": "duplicate",
        "why": "exists",
    }
