"""Frozen values of the ordered queues, and how they are read from a script's answer."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Put(StrEnum):
    """How a put ended."""

    NEW = "new"
    REPLACED = "replaced"
    """It stands where a queued entry with the same coalesce word stood."""
    KNOWN = "known"
    """This id came before; nothing changed."""
    FULL = "full"
    """The lane is at its bound (1000 entries); nothing was put."""


class Returned(StrEnum):
    """How an ack or nack ended. Both refusals changed nothing."""

    OK = "ok"
    FENCED = "fenced"
    """The lease ran out and another reader has the entry."""
    GONE = "gone"
    """Given back or acknowledged before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry in flight. `token` proves the lease; `attempts` counts takes, this one included."""

    id: str
    partition: int
    lane: str
    token: str
    attempts: int
    body: bytes
    state: str = ""
    """State of the job that the entry's id opens with, when it was taken; "" for none."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How full a queue is, over all partitions. `refused` counts puts into full lanes."""

    entries: int
    lanes: int
    refused: int
    closed_until_ms: int
    oldest_due_ms: int | None


FIELDS: Final = 6
"""Words of an entry in a take's answer."""


def read_entry(index: int, *fields: bytes) -> Entry:
    """One entry of a take's answer."""
    entry_id, lane, token, attempts, state, body = fields
    return Entry(entry_id.decode(), index, lane.decode(), token.decode(), int(attempts), body, state.decode())


def read_depth(answers: list[list[bytes]]) -> Depth:
    """The sum over the partitions' answers."""
    dues = [int(answer[4]) for answer in answers if answer[4]]
    return Depth(
        entries=sum(int(answer[0]) for answer in answers),
        lanes=sum(int(answer[1]) for answer in answers),
        refused=sum(int(answer[2]) for answer in answers),
        closed_until_ms=max(int(answer[3]) for answer in answers),
        oldest_due_ms=min(dues, default=None),
    )
