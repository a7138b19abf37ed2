"""How the store's values look on the wire to its scripts, and back."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

from engine.codec import encode_alert, encode_notice
from engine.errors import Refusal
from engine.ports import Alert, Notice
from engine.scripts import Wire
from engine.values import Event, Scalar
from states.job import Job
from states.vocabulary import Hold, Money

ADMIN_LANE: Final = "@admin"
"""The outbox lane of the operator's alerts."""
_TOLD_FACTS: Final = ("reason", "cls", "rule", "stage", "delay_ms", "model")
"""Recorded inputs that the event feed repeats."""


def stored_or_refused(answer: bytes, job: Job) -> Job | Refusal:
    """`replayed` is no refusal to the caller: the recorded answer is the job as this operation left it."""
    if answer in (b"ok", b"replayed"):
        return job
    return Refusal(answer.decode())


def money_word(before: Hold, after: Hold) -> str:
    """The movement between two hold states, "" for none; `impossible` is refused by the script."""
    moves = {(Hold.HELD, Hold.CAPTURED): Money.CAPTURE, (Hold.HELD, Hold.RELEASED): Money.RELEASE}
    return "" if before is after else moves.get((before, after), "impossible")


def ms_or_none(word: bytes) -> int | None:
    """A time as Redis prints scores, or None."""
    return int(float(word)) if word else None


def content_op(doc: bytes, outbox: Sequence[Wire]) -> str:
    """The same checkpoint has the same operation id, whoever repeats it."""
    hashed = blake2b(doc, digest_size=12)
    for word in outbox:
        hashed.update(word if isinstance(word, bytes) else str(word).encode())
    return hashed.hexdigest()


def outbox_entries(job: Job, notices: Sequence[Notice], alerts: Sequence[Alert]) -> list[Wire]:
    """Outbox entries, flat: lane, id, coalesce word, body."""
    flat: list[Wire] = []
    for notice in notices:
        flat += [str(notice.chat_id), notice.id, notice.coalesce, encode_notice(notice)]
    for alert in alerts:
        # a checkpoint may alert at the same seq as the transition before it: the content tells them apart
        body = encode_alert(alert)
        mark = blake2b(body, digest_size=6).hexdigest()
        flat += [ADMIN_LANE, f"{job.id}:{job.seq}:a-{mark}", "", body]
    return flat


def event_of(job: Job, record: Mapping[str, Any]) -> Event:
    """A history record as the event feed tells it."""
    facts: Mapping[str, Any] = record.get("in", {})
    data: dict[str, Scalar] = {name: facts[name] for name in _TOLD_FACTS if facts.get(name) is not None}
    return Event(
        id="",
        job_id=job.id,
        user_id=job.user_id,
        ms=int(record.get("ts", 0)),
        seq=job.seq,
        trigger=str(record.get("event", "submit")),
        source=str(record.get("from", "")),
        target=str(job.state),
        edge=str(record.get("edge", "submit")),
        data=data,
    )
